/** Reads a sink preset (plugins/sinks/NAME.yaml) and makes a sink of it. */
import { type TProperties, type TSchema, Type } from "typebox";
import { Value } from "typebox/value";
import { parseDuration, parseRate } from "../core/duration.ts";
import { errorMessage } from "../core/errors.ts";
import { closed } from "../core/schema.ts";
import type { Json } from "../core/types.ts";
import { batchFaults } from "../plugin/batch-faults.ts";
import { httpSettings, type PresetField } from "../plugin/http.schema.ts";
import {
  type ActionDescriptor,
  type Carries,
  defineSink,
  type Setting,
  type SettingExpression,
  type SettingFault,
  type Settings,
  type SinkDescriptor,
} from "../plugin/index.ts";
import { badPatterns, compiles } from "../plugin/patterns.ts";
import { type Preset, type PresetAction, presetSchema } from "../plugin/preset.schema.ts";
import { partsExpressions, templateSources } from "../plugin/sources.ts";
import { canGet } from "./get-preset.ts";
import { mapOf } from "./opened.ts";

/** A preset that can be used, or what is wrong with the file. */
export type ParsedPreset =
  | { readonly ok: true; readonly preset: Preset; readonly sink: SinkDescriptor }
  | {
      readonly ok: false;
      readonly faults: readonly { readonly path: readonly (string | number)[]; readonly message: string }[];
    };

/** Reads parsed YAML. */
export function parsePreset(data: unknown): ParsedPreset {
  if (!Value.Check(presetSchema, data)) {
    const faults = Value.Errors(presetSchema, data).map(({ instancePath, message }) => ({
      path: instancePath.split("/").slice(1),
      message,
    }));
    return { ok: false, faults };
  }
  const faults = presetFaults(data).map(({ path, reason }) => ({
    path,
    message: errorMessage("HK5106", { name: data.sink, reason }),
  }));
  return faults.length > 0 ? { ok: false, faults } : { ok: true, preset: data, sink: presetSink(data) };
}

interface PresetFault {
  readonly path: readonly string[];
  readonly reason: string;
}

/** What the schema has no word for: names that must exist, kinds that are not built. */
function presetFaults(preset: Preset): PresetFault[] {
  const faults: PresetFault[] = [];
  const add = (reason: string, ...path: string[]) => faults.push({ path, reason });
  if (preset.actions[preset.default_action] === undefined)
    add(`no action \`${preset.default_action}\``, "default_action");
  const auth = preset.auth;
  if (preset.host === undefined && preset.hosts === undefined && auth?.kind !== "url")
    add("needs `host`, `hosts` or `auth: { kind: url }`");
  if (auth?.kind === "oauth2") oauthFaults(auth, add);
  for (const name of settingsUsed(preset))
    if (preset.settings?.[name] === undefined) add(`uses setting \`${name}\`, which is not declared`, "settings");
  const patterns = (rules: Preset["responses"], ...path: string[]) => {
    for (const bad of badPatterns(rules ?? []))
      add(`\`${bad.pattern}\` is no regular expression`, ...path, ...bad.path.map(String));
  };
  for (const { pattern, path } of namePatterns(preset))
    if (!compiles(pattern)) add(`\`${pattern}\` is no regular expression`, "names", ...path);
  patterns(preset.responses, "responses");
  for (const [name, action] of Object.entries(preset.actions)) {
    patterns(action.responses, "actions", name, "responses");
    if (action.steps === undefined && action.path === undefined && auth?.kind !== "url")
      add("needs `path` or `steps`", "actions", name);
    for (const reason of batchFaults(action)) add(reason, "actions", name, "batch");
  }
  return faults;
}

/** The regular expressions of `names`, and where they stand. */
function namePatterns({ names }: Preset): { readonly pattern: string; readonly path: readonly string[] }[] {
  if (names === undefined) return [];
  if (typeof names === "string") return [{ pattern: names, path: [] }];
  return Object.entries(names.patterns).map(([kind, pattern]) => ({ pattern, path: ["patterns", kind] }));
}

/** What a grant can not do without. */
function oauthFaults(
  auth: Extract<Preset["auth"], { kind: "oauth2" }>,
  add: (reason: string, ...path: string[]) => void,
) {
  if (auth.grant === "jwt_bearer" && auth.jwt === undefined) add("grant jwt_bearer needs `jwt`", "auth", "grant");
  if (auth.grant === "refresh_token" && auth.refresh_token === undefined)
    add("grant refresh_token needs `refresh_token`", "auth", "grant");
  if (auth.grant !== "jwt_bearer" && auth.client_id === undefined)
    add(`grant ${auth.grant} needs \`client_id\``, "auth", "grant");
}

/** The settings that auth, hosts and names name. */
function settingsUsed({ auth, hosts, names }: Preset): string[] {
  const by = typeof names === "object" ? names.by : undefined;
  return [hosts?.by, by, ...credentialsOf(auth)].filter((name) => name !== undefined);
}

function credentialsOf(auth: Preset["auth"]): readonly (string | undefined)[] {
  switch (auth?.kind) {
    case "basic":
      return [auth.user, auth.password];
    case "bearer":
      return [auth.token];
    case "header":
    case "body_field":
    case "query":
      return [auth.value];
    case "url":
      return [auth.url];
    case "hmac":
      return [auth.secret, auth.previous_secret];
    case "oauth2": {
      const { jwt } = auth;
      const keys = [jwt?.private_key, jwt?.issuer, jwt?.subject, jwt?.key_id];
      return [auth.client_id, auth.client_secret, auth.refresh_token, ...keys];
    }
    case "sigv4":
      return [auth.region, auth.access_key, auth.secret_key, auth.session_token];
    default:
      return [];
  }
}

function presetSink(preset: Preset): SinkDescriptor {
  const window = preset.idempotency_window === undefined ? undefined : parseDuration(preset.idempotency_window);
  return defineSink({
    name: preset.sink,
    summary: preset.summary,
    config: closed({ ...fieldsSchema(preset.settings ?? {}), ...httpSettings }),
    guarantee: preset.guarantee ?? "at_least_once",
    ...(window?.ok ? { idempotencyWindowMs: window.value } : {}),
    actions: Object.fromEntries(
      Object.entries(preset.actions).map(([name, action]) => [name, actionDescriptor(action, preset)]),
    ),
    defaultAction: preset.default_action,
    marksAttempts: true,
    defaults: limitsOf(preset),
    reads: () => canGet(preset.auth),
    check: (settings) => missingForHost(preset, settings),
    expressions: settingExpressions,
    open: (settings, context) => context.openPreset(preset, settings),
  });
}

/**
 * All of the sink's own limits hold, whatever they count: Hookrail sends with one key from one account, so that each
 * bounds the connection. An attempt that looks a record up first is two requests.
 */
function limitsOf(preset: Preset): NonNullable<SinkDescriptor["defaults"]> {
  const requests = Object.values(preset.actions).some((action) => action.steps !== undefined) ? 2 : 1;
  const read = (preset.limits ?? []).flatMap(({ rate, scope, cost = 1 }) => {
    const parsed = parseRate(rate);
    return parsed.ok ? [{ ...parsed.value, scope, cost: cost * requests }] : [];
  });
  const slots = read.filter(({ scope }) => scope === "concurrency").map(({ count, cost }) => Math.floor(count / cost));
  const concurrency = Math.max(1, Math.min(...slots, preset.concurrency ?? Number.POSITIVE_INFINITY));
  const rates = read
    .filter(({ scope }) => scope !== "concurrency")
    .map(({ count, perMs, cost }) =>
      count >= cost
        ? { count: Math.floor(count / cost), perMs }
        : { count: 1, perMs: Math.ceil((perMs * cost) / count) },
    );
  return {
    ...(rates.length === 0 ? {} : { rates }),
    ...(Number.isFinite(concurrency) ? { concurrency } : {}),
  };
}

/** The descriptor of one action. */
function actionDescriptor(action: PresetAction, preset: Preset): ActionDescriptor {
  return {
    kind: action.kind ?? "effect",
    summary: action.summary ?? "",
    ...(action.params === undefined ? {} : { params: closed(fieldsSchema(action.params)) }),
    ...(action.replay === undefined ? {} : { repeat: action.replay }),
    carries: {
      clear: preset.clear !== "none",
      structured: preset.types?.structured !== "none",
      ...(preset.names === undefined ? {} : { names: namesOf(preset.names, preset) }),
    },
  };
}

function namesOf(names: NonNullable<Preset["names"]>, { settings }: Preset): NonNullable<Carries["names"]> {
  if (typeof names === "string") return names;
  return { setting: names.by, defaults: mapOf(settings?.[names.by]?.default), patterns: names.patterns };
}

/** A preset's settings with the defaults filled in. */
export function withDefaults(preset: Preset, settings: Settings): Settings {
  const defaults: Record<string, Setting> = {};
  for (const [name, field] of Object.entries(preset.settings ?? {}))
    if (field.default !== undefined) defaults[name] = field.default;
  return { ...defaults, ...settings };
}

/** A host that is built from a setting can not be named without it: a warning, since the config may be shared. */
function missingForHost(preset: Preset, settings: Settings): SettingFault[] {
  if (settings["base_url"] !== undefined || preset.host === undefined) return [];
  const given = withDefaults(preset, settings);
  return templateSources(preset.host).flatMap((source) => {
    const name = /^settings\.(\w+)$/.exec(source)?.[1];
    if (name === undefined || given[name] !== undefined) return [];
    const message = errorMessage("HK5008", { connection: preset.sink, setting: name });
    return [{ severity: "warning" as const, path: [], message }];
  });
}

function fieldsSchema(fields: Readonly<Record<string, PresetField>>): TProperties {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      field.required === true ? fieldType(field) : Type.Optional(fieldType(field)),
    ]),
  );
}

function fieldType(field: PresetField): TSchema {
  const options = {
    description: field.description,
    ...(field.secret === true ? { "x-secret": true } : {}),
    ...(field.default === undefined ? {} : { default: field.default }),
    ...(field.example === undefined ? {} : { examples: [field.example] }),
  };
  switch (field.type ?? "string") {
    case "integer":
      return Type.Integer(options);
    case "number":
      return Type.Number(options);
    case "boolean":
      return Type.Boolean(options);
    case "map":
      return Type.Record(Type.String(), Type.Unsafe<Json>({}), options);
    case "list":
      return Type.Array(Type.Unsafe<Json>({}), options);
    case "expression":
      return Type.String({ ...options, "x-expression": true });
    case "expressions":
      return Type.Record(Type.String(), Type.String({ "x-expression": true }), options);
    case "duration":
    case "string":
      if (field.enum !== undefined) return Type.Unsafe<string>({ enum: field.enum, ...options });
      return Type.String({
        minLength: 1,
        ...options,
        ...(field.pattern === undefined ? {} : { pattern: field.pattern }),
      });
  }
}

/** The expressions a connection's settings hold: message templates. */
export function settingExpressions(settings: Settings): SettingExpression[] {
  const templates = settings["templates"];
  if (typeof templates !== "object" || templates === null) return [];
  return Object.entries(templates).flatMap(([name, source]) =>
    typeof source === "string" ? [{ path: ["templates", name], source }] : [],
  );
}

/** All expressions of a preset, with their places: for `check` and for the test of the shipped ones. */
export function presetExpressions(preset: Preset): SettingExpression[] {
  return Object.entries(preset.actions).flatMap(([name, action]) => {
    const at = ["actions", name];
    const identity = (action.identity ?? []).map((source, index) => ({ path: [...at, "identity", index], source }));
    const { steps } = action;
    const inSteps =
      steps === undefined
        ? []
        : (["lookup", "create", "update"] as const).flatMap((step) =>
            partsExpressions(steps[step], [...at, "steps", step]),
          );
    return [...identity, ...partsExpressions(action, at), ...inSteps];
  });
}
