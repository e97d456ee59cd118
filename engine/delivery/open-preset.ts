/**
 * The interpreter of presets, first half: opens a connection and prepares a delivery's request (encode, template,
 * guard). Sending is in send-preset.ts.
 */
import { createHash } from "node:crypto";
import { fail } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/types.ts";
import type { FrozenRequest, OpenSink, Settings, SinkContext, SinkDelivery } from "../plugin/index.ts";
import type { Preset, PresetAction } from "../plugin/preset.schema.ts";
import { createAuthenticator } from "./auth.ts";
import { checkItem } from "./batch.ts";
import { type BodyGuard, checkBody, type Encoded, type EncodedAttributes, encodeAttributes } from "./encode.ts";
import { fillSettings } from "./exchange.ts";
import { getObject } from "./get-preset.ts";
import { type CompiledParts, compileParts, type FrozenHttp, freezeParts, frozenData } from "./http-request.ts";
import { type CompiledAction, joiningOf, mapOf, type Opened } from "./opened.ts";
import { valuesAt } from "./positions.ts";
import { withDefaults } from "./preset.ts";
import { buildScope, defaultText, hideSensitive } from "./scope.ts";
import { batchesOf } from "./send-batch.ts";
import { FOUND, probePreset, sendFrozen } from "./send-preset.ts";
import type { Expressions } from "./template.ts";

/** Opens a connection of a preset. All its expressions are compiled here, once. */
export async function openPreset(preset: Preset, raw: Settings, context: SinkContext): Promise<OpenSink> {
  const settings = withDefaults(preset, raw);
  const expressions: Expressions = {
    compile: context.compile,
    evaluate: (expression, input) => context.evaluate(expression, input),
  };
  const fill = (template: string) => fillSettings(template, { settings, expressions, connection: context.connection });
  const actions = new Map(
    Object.entries(preset.actions).map(([name, spec]) => [name, compileAction(spec, preset, expressions)]),
  );
  const messages = new Map(
    Object.entries(mapOf(settings["templates"])).map(([name, source]) => [name, context.compile(source)]),
  );
  const auth = createAuthenticator(preset.auth, {
    connection: context.connection,
    settings,
    http: context.http,
    clock: context.clock,
    fill,
  });
  const opened: Opened = { preset, settings, context, expressions, actions, messages, auth };
  const batches = batchesOf(opened);
  return {
    prepare: (delivery) => prepare(delivery, opened),
    send: (request, send) => sendFrozen(request, send, opened),
    ...(batches === undefined ? {} : { batches }),
    get: (request, signal) => getObject(request, signal, opened),
    probe: (signal) => probePreset(signal, opened),
    close: async () => context.http.close?.(),
  };
}

function compileAction(spec: PresetAction, preset: Preset, expressions: Expressions): CompiledAction {
  const shared = {
    ...preset.headers,
    ...(preset.content_type === undefined ? {} : { "content-type": preset.content_type }),
  };
  const parts = (request: Parameters<typeof compileParts>[0]) => compileParts(request, shared, expressions);
  const { steps } = spec;
  return {
    spec,
    identity: (spec.identity ?? []).map((source) => ({ source, expression: expressions.compile(source) })),
    ...(steps === undefined
      ? { single: parts(spec) }
      : {
          steps: {
            lookup: parts(steps.lookup),
            create: parts(steps.create),
            update: parts(steps.update),
            found: steps.lookup.found,
          },
        }),
  };
}

async function prepare(delivery: SinkDelivery, opened: Opened): Promise<FrozenRequest> {
  const { preset, context, expressions } = opened;
  const where = { connection: context.connection, action: delivery.action };
  const action = opened.actions.get(delivery.action) ?? opened.actions.get("*");
  if (action === undefined) return fail("HK5004", { sink: preset.sink, action: delivery.action });
  const encoded = encode(delivery, opened);
  if (!encoded.ok) return fail("HK5001", { ...where, ...encoded.violation });
  const base = buildScope(delivery, encoded.encoded, opened.settings);
  const scope: JsonObject = { ...base, text: await messageText(delivery, base, opened) };
  for (const { source, expression } of action.identity) {
    const value = await expressions.evaluate(expression, scope);
    const empty = value === undefined || value === null || String(value).trim() === "";
    if (empty) fail("HK5002", { ...where, part: source });
  }
  const body = bodyGuard(delivery, encoded.encoded, { action, opened });
  const guard = (finished: Json | undefined) => {
    const violation = checkBody(finished, body);
    if (violation !== undefined) fail("HK5001", { ...where, ...violation });
    const { batch } = action.spec;
    if (batch !== undefined) checkItem(finished, joiningOf(action.spec, batch, opened));
  };
  const frozen = await freezeAction(action, { scope, expressions, where, guard });
  return { ...frozen, summary: hideSensitive(frozen.summary, delivery, context.entities) };
}

function encode(delivery: SinkDelivery, { preset, settings, context }: Opened): Encoded {
  const declared = context.entities.get(delivery.entity.type)?.attributes;
  return encodeAttributes(delivery.attributes, {
    clear: preset.clear ?? "null",
    types: preset.types ?? {},
    ...(preset.max_value_bytes === undefined ? {} : { maxValueBytes: preset.max_value_bytes }),
    names: mapOf(settings["attribute_names"]),
    typeOf: (name) => declared?.get(name)?.type,
  });
}

function bodyGuard(
  delivery: SinkDelivery,
  encoded: EncodedAttributes,
  of: { readonly action: CompiledAction; readonly opened: Opened },
): BodyGuard {
  const names = mapOf(of.opened.settings["attribute_names"]);
  const declared = of.opened.context.entities.get(delivery.entity.type)?.attributes;
  const known = new Set([...(declared?.keys() ?? [])].map((name) => names[name] ?? name));
  const { attributes_at: at } = of.action.spec;
  const also = (of.action.spec.also ?? []).map((name) => settingNamed(name, of.opened.settings));
  return { encoded, also, known, ...(at === undefined ? {} : { attributesAt: at }) };
}

/** A key that the connection names: `{settings.external_id}`. */
function settingNamed(name: string, settings: Opened["settings"]): string {
  const setting = /^\{settings\.(\w+)\}$/.exec(name)?.[1];
  const value = setting === undefined ? undefined : settings[setting];
  return typeof value === "string" ? value : name;
}

async function freezeAction(
  action: CompiledAction,
  options: Parameters<typeof freezeParts>[1],
): Promise<FrozenRequest> {
  const idempotency = idempotencyHeader(action.spec, options.scope);
  const freeze = async (parts: CompiledParts, scope: JsonObject) => {
    const frozen = await freezeParts(parts, { ...options, scope });
    return { ...frozen, headers: { ...frozen.headers, ...idempotency } };
  };
  if (action.single !== undefined) {
    const request = await freeze(action.single, options.scope);
    return { summary: summaryOf(request), data: { action: options.where.action, ...frozenData(request) } };
  }
  if (action.steps === undefined)
    return fail("HK9001", { what: "action without a request", value: options.where.action });
  const lookup = await freeze(action.steps.lookup, options.scope);
  const create = await freeze(action.steps.create, options.scope);
  const update = await freeze(action.steps.update, { ...options.scope, found: FOUND });
  const data = {
    action: options.where.action,
    lookup: frozenData(lookup),
    create: frozenData(create),
    update: frozenData(update),
    found: action.steps.found,
  };
  return { summary: `${summaryOf(lookup)}, then create or update`, data };
}

const summaryOf = ({ method, path }: FrozenHttp) => `${method} ${path === "" ? "/" : path.replace(/\?.*/, "?…")}`;

function idempotencyHeader(spec: PresetAction, scope: JsonObject): Record<string, string> {
  const header = spec.idempotency?.header;
  const key = valuesAt(scope, "delivery.idempotency_key")[0];
  if (header === undefined || typeof key !== "string") return {};
  const most = spec.idempotency?.max_length ?? 255;
  return {
    [header.toLowerCase()]: key.length <= most ? key : createHash("sha256").update(key).digest("hex").slice(0, most),
  };
}

async function messageText(delivery: SinkDelivery, scope: JsonObject, opened: Opened): Promise<string> {
  const name = delivery.params["template"];
  const message = typeof name === "string" ? opened.messages.get(name) : undefined;
  const text = message === undefined ? undefined : await opened.expressions.evaluate(message, scope);
  if (typeof text === "string" && text.trim() !== "") return text;
  return defaultText(delivery, opened.context.entities);
}
