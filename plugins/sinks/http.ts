/**
 * `http`: any HTTP endpoint, written in the connection. It is a preset whose parts stand in config.yaml: one `url`
 * for all deliveries, or several named `actions`.
 */
import {
  type ActionDescriptor,
  actionSchema,
  badPatterns,
  batchFaults,
  closed,
  defineSink,
  durationText,
  httpSettings,
  type Json,
  named,
  oneOf,
  type Preset,
  type PresetAction,
  parseDuration,
  partsExpressions,
  responseSchema,
  retryAfterSchema,
  Secret,
  type Setting,
  type SettingExpression,
  type SettingFault,
  type Settings,
  secretText,
  text,
} from "hookrail/plugin";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { auth, authFaults, authOf } from "./http/auth.ts";

const maybe = Type.Optional;

const { identity: _identity, summary: _summary, kind: _kind, ...presetParts } = actionSchema.properties;
const actionParts = {
  ...presetParts,
  kind: maybe(
    oneOf(["upsert", "effect"], "upsert writes attributes and may be merged; effect never is. upsert by default."),
  ),
};
const { path: _path, steps: _steps, ...urlParts } = actionParts;

/** Settings that are a preset's own keys. */
const shared = closed({
  clear: maybe(oneOf(["null", "empty", "list", "none"], "How an attribute is blanked; null by default.")),
  responses: maybe(Type.Array(responseSchema, { description: "Rules over answers, before the common ones." })),
  retry_after: maybe(Type.Array(retryAfterSchema, { description: "Where answers say how long to wait." })),
});

const config = closed({
  url: maybe(
    text("Where to send; {parts} are percent-encoded, e.g. https://api.example.com/customers/{entity.key}.", {
      "x-template": true,
    }),
  ),
  secret_url: maybe(secretText("Where to send, when the URL itself is the credential.")),
  auth: maybe(auth),
  ...urlParts,
  actions: maybe(
    named(closed(actionParts), "Several things to do there, by name; `path` goes behind the path of `url`."),
  ),
  default_action: maybe(text("The action when a deliver entry names none; `send`, or the only one.")),
  ...shared.properties,
  idempotency_window: maybe(
    durationText(
      "How long the other side remembers an idempotency key, so that a repeat within it is applied once; automatic retries then end before.",
    ),
  ),
  idempotency_header: maybe(text("Header that carries the idempotency key; idempotency-key by default.")),
  ...httpSettings,
});

/** What is sent when the connection has no `body`. */
const DEFAULT_BODY: Json = {
  id: "delivery.idempotency_key",
  event: "event.name",
  action: "delivery.action",
  entity: "entity",
  attributes: "fields",
  clear: "clear",
  params: "params",
  source: "event.source",
  occurred_at: "event.occurred_at",
};

interface Parts {
  readonly base: string;
  readonly path: string;
}

/** Splits a URL template behind its origin. */
function splitUrl(url: string): Parts | undefined {
  const match = /^(https?:\/\/[^/?#{}]+)([^#]*)$/.exec(url);
  return match === null ? undefined : { base: match[1] ?? "", path: match[2] ?? "" };
}

function actionsIn(settings: Settings): Record<string, PresetAction> {
  const url = typeof settings["url"] === "string" ? splitUrl(settings["url"]) : undefined;
  const prefix = url?.path ?? "";
  const declared = settings["actions"];
  const header =
    typeof settings["idempotency_header"] === "string" ? settings["idempotency_header"] : "idempotency-key";
  const complete = (raw: Setting, path: string): PresetAction => {
    const own: unknown = raw;
    const action: PresetAction = Value.Check(actionSchema, own) ? own : {};
    const sendsBody = action.method !== "GET" && action.method !== "DELETE";
    const fallback = action.body === undefined && sendsBody ? { body: DEFAULT_BODY, attributes_at: "attributes" } : {};
    // A request of several deliveries has none of their keys.
    const idempotency = action.batch === undefined ? { idempotency: { header } } : {};
    return { kind: "upsert", ...idempotency, ...action, ...fallback, path };
  };
  if (typeof declared === "object" && declared !== null && !Array.isArray(declared) && !(declared instanceof Secret)) {
    const entries = Object.entries(declared).map(([name, raw]) => {
      const path =
        typeof raw === "object" && raw !== null && "path" in raw && typeof raw.path === "string" ? raw.path : "";
      return [name, complete(raw, `${path === "" ? prefix : prefix.replace(/\/$/, "")}${path}`)] as const;
    });
    return Object.fromEntries(entries);
  }
  const single = Object.fromEntries(Object.entries(settings).filter(([name]) => name in urlParts));
  return { send: complete(single, prefix) };
}

function presetOf(settings: Settings): { readonly preset: Preset; readonly settings: Settings } {
  const url = typeof settings["url"] === "string" ? splitUrl(settings["url"]) : undefined;
  const actions = actionsIn(settings);
  const { spec, credentials } = authOf(settings["auth"]);
  const given: unknown = Object.fromEntries(Object.entries(settings).filter(([name]) => name in shared.properties));
  const preset: Preset = {
    sink: "http",
    summary: "An HTTP endpoint.",
    ...(url === undefined ? {} : { host: url.base }),
    auth: settings["secret_url"] === undefined ? spec : { kind: "url", url: "secret_url" },
    default_action: defaultAction(settings, actions),
    actions,
    ...(Value.Check(shared, given) ? given : {}),
  };
  return { preset, settings: { ...settings, ...credentials } };
}

function defaultAction(settings: Settings, actions: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(actions);
  return typeof settings["default_action"] === "string" ? settings["default_action"] : (names[0] ?? "send");
}

function descriptorsOf(settings: Settings): Record<string, ActionDescriptor> {
  return Object.fromEntries(
    Object.entries(actionsIn(settings)).map(([name, action]) => [
      name,
      {
        kind: action.kind ?? "upsert",
        summary: `${action.method ?? "POST"} ${action.path ?? ""}`,
        openParams: true,
        ...(action.replay === undefined ? {} : { repeat: action.replay }),
        carries: { clear: settings["clear"] !== "none", structured: true },
      },
    ]),
  );
}

function check(settings: Settings): SettingFault[] {
  const { url, secret_url: secretUrl } = settings;
  const fault = (path: string, message: string): SettingFault => ({ severity: "error", path: [path], message });
  if (url === undefined && secretUrl === undefined)
    return [{ severity: "error", path: [], message: "`url` is missing" }];
  if (url !== undefined && secretUrl !== undefined)
    return [fault("secret_url", "`url` and `secret_url` exclude each other")];
  if (secretUrl !== undefined && settings["auth"] !== undefined)
    return [fault("auth", "a `secret_url` is the credential already")];
  for (const message of authFaults(settings["auth"])) return [fault("auth", message)];
  if (typeof url === "string" && splitUrl(url) === undefined)
    return [fault("url", "not an http or https URL; only its path and query may hold {parts}")];
  const actions = actionsIn(settings);
  const name = defaultAction(settings, actions);
  if (actions[name] === undefined) return [fault("default_action", `no action \`${name}\``)];
  return Object.entries(actions).flatMap(([action, spec]) => {
    const at = settings["actions"] === undefined ? [] : ["actions", action];
    const patterns = badPatterns(spec.responses ?? []).map(({ path, pattern }) => ({
      severity: "error" as const,
      path: [...at, "responses", ...path],
      message: `\`${pattern}\` is no regular expression`,
    }));
    const batch = batchFaults(spec).map((message) => ({ severity: "error" as const, path: [...at, "batch"], message }));
    return [...patterns, ...batch];
  });
}

function expressions(settings: Settings): SettingExpression[] {
  const inActions = Object.entries(actionsIn(settings)).flatMap(([name, action]) => {
    const at = settings["actions"] === undefined ? [] : ["actions", name];
    return partsExpressions(action, at).map((found) =>
      found.path.at(-1) === "path" && at.length === 0 ? { ...found, path: ["url"] } : found,
    );
  });
  return inActions.filter(({ path }) => isThere(settings, path));
}

/** The default body is not the author's: a place that is not in the settings is not checked in the author's name. */
function isThere(settings: Settings, path: readonly (string | number)[]): boolean {
  let place: unknown = settings;
  for (const key of path) {
    if (typeof place !== "object" || place === null) return false;
    place = Object.entries(place).find(([name]) => name === String(key))?.[1];
  }
  return place !== undefined;
}

export default defineSink({
  name: "http",
  summary: "Any HTTP endpoint: url, auth and body are written in the connection.",
  config,
  guarantee: "at_least_once",
  actions: { send: { kind: "upsert", summary: "Sends the delivery." } },
  defaultAction: "send",
  marksAttempts: true,
  actionsOf: descriptorsOf,
  idempotencyWindowOf(settings) {
    const window = parseDuration(settings["idempotency_window"]);
    return window.ok ? window.value : undefined;
  },
  reads(settings) {
    if (settings["secret_url"] !== undefined)
      return "its `secret_url` is the credential, so that nothing can be put behind it";
    const { auth: given } = settings;
    const inBody = typeof given === "object" && given !== null && "kind" in given && given.kind === "body_field";
    return inBody ? "its credential stands in the body, and a GET has none" : true;
  },
  check,
  expressions,
  async open(settings, context) {
    const made = presetOf(settings);
    return context.openPreset(made.preset, made.settings);
  },
});
