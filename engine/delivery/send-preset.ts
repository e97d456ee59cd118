/**
 * The interpreter of presets, second half: sends a frozen request with the host and credentials of the moment,
 * renews a refused token once, and classifies the answer.
 */
import { errorMessage, fail, HookrailError } from "../core/errors.ts";
import { Secret } from "../core/secret.ts";
import type { Json, JsonObject } from "../core/types.ts";
import type { FrozenRequest, HttpAnswer, Outcome, SendContext, Settings, SinkContext } from "../plugin/index.ts";
import type { Preset, PresetAction } from "../plugin/preset.schema.ts";
import type { AuthContext, Authenticated, Authenticator } from "./auth.ts";
import { type Classified, classifyAnswer, classifyFailure } from "./classify.ts";
import {
  type CompiledParts,
  checkHeader,
  compileParts,
  type FrozenHttp,
  freezeParts,
  readFrozen,
} from "./http-request.ts";
import { isThere, valuesAt } from "./positions.ts";
import { plainSettings } from "./scope.ts";
import { compileTemplate, type Expressions, fillRequired, percentEncode } from "./template.ts";

/** Stands for the id that a lookup is going to find; survives percent-encoding. */
export const FOUND = "hookrail-found-id";

/** One action, its expressions compiled. */
export interface CompiledAction {
  readonly spec: PresetAction;
  readonly identity: readonly { readonly source: string; readonly expression: ReturnType<Expressions["compile"]> }[];
  readonly single?: CompiledParts;
  readonly steps?: {
    readonly lookup: CompiledParts;
    readonly create: CompiledParts;
    readonly update: CompiledParts;
    readonly found: string;
  };
}

/** An opened connection of a preset. */
export interface Opened {
  readonly preset: Preset;
  readonly settings: Settings;
  readonly context: SinkContext;
  readonly expressions: Expressions;
  readonly actions: ReadonlyMap<string, CompiledAction>;
  readonly messages: ReadonlyMap<string, ReturnType<Expressions["compile"]>>;
  readonly auth: Authenticator;
}

/** One attempt. Whatever stops it before anything was sent is an outcome, not an exception. */
export async function sendFrozen(frozen: FrozenRequest, send: SendContext, opened: Opened): Promise<Outcome> {
  const { data } = frozen;
  const action =
    typeof data["action"] === "string" ? (opened.actions.get(data["action"]) ?? opened.actions.get("*")) : undefined;
  if (action === undefined) return { kind: "rejected", detail: "the action is no longer there" };
  const single = readFrozen(data);
  if (single !== undefined) return sendOne(single, action.spec, send, opened);
  return sendSteps(data, action.spec, send, opened);
}

/** Looks the record up, then creates or updates it. An answer that can not be read is not "nobody": that would make a twin. */
async function sendSteps(data: JsonObject, spec: PresetAction, send: SendContext, opened: Opened): Promise<Outcome> {
  const [lookup, create, update] = [data["lookup"], data["create"], data["update"]].map(readFrozen);
  if (lookup === undefined || create === undefined || update === undefined) {
    const { connection } = opened.context;
    return { kind: "rejected", detail: errorMessage("HK5009", { connection, sink: opened.preset.sink }) };
  }
  const looked = await exchange(lookup, spec, send, opened);
  if (!looked.ok) {
    const { outcome } = looked;
    // Many sinks say 404 for "nobody of that name".
    if (outcome.kind === "rejected" && outcome.status === 404) return sendOne(create, spec, send, opened);
    return outcome.kind === "unknown" ? { kind: "retry", detail: `lookup: ${outcome.detail}` } : outcome;
  }
  const body = looked.answer.truncated ? undefined : jsonOf(looked.answer.body);
  if (body === undefined) return { kind: "retry", detail: "lookup: the answer can not be read" };
  const found = new Set(valuesAt(body, String(data["found"])).filter(isThere));
  if (found.size > 1) return { kind: "rejected", detail: `lookup: ${found.size} records match` };
  const [id] = found;
  if (id === undefined) return sendOne(create, spec, send, opened);
  if (typeof id === "object") return { kind: "rejected", detail: "lookup: the id is no text or number" };
  return sendOne(withFound(update, id), spec, send, opened);
}

/** Puts the id that was found where its stand-in is. A path that would climb is none. */
function withFound(request: FrozenHttp, id: string | number | boolean): FrozenHttp {
  const text = String(id);
  const step = /^\.{1,2}$/.test(text) ? "" : percentEncode(text);
  const whole = new RegExp(`"${FOUND}"`, "g");
  const inner = JSON.stringify(text).slice(1, -1);
  return {
    ...request,
    path: request.path.replaceAll(FOUND, step),
    body: request.body?.replace(whole, () => JSON.stringify(id)).replaceAll(FOUND, () => inner) ?? null,
  };
}

async function sendOne(request: FrozenHttp, spec: PresetAction, send: SendContext, opened: Opened): Promise<Outcome> {
  const result = await exchange(request, spec, send, opened);
  return result.outcome;
}

type Exchange =
  | { readonly ok: true; readonly outcome: Outcome; readonly answer: Extract<HttpAnswer, { ok: true }> }
  | { readonly ok: false; readonly outcome: Outcome };

/** One request and its answer. A refused token is renewed once, in the same attempt: nothing was applied. */
async function exchange(request: FrozenHttp, spec: PresetAction, send: SendContext, opened: Opened): Promise<Exchange> {
  for (let round = 1; ; round++) {
    const answer = await roundTrip(request, send, opened);
    if ("outcome" in answer) return { ok: false, outcome: answer.outcome };
    if (!answer.ok) return { ok: false, outcome: classifyFailure(answer) };
    const classified = classify(answer, spec, opened);
    if (classified.kind !== "refresh_auth")
      return classified.kind === "delivered"
        ? { ok: true, outcome: classified, answer }
        : { ok: false, outcome: classified };
    if (round > 1 || !opened.auth.refresh())
      return { ok: false, outcome: { kind: "pause", status: classified.status, detail: classified.detail } };
  }
}

function classify(
  answer: Extract<HttpAnswer, { ok: true }>,
  spec: PresetAction,
  { preset, context }: Opened,
): Classified {
  const rules = [...(spec.responses ?? []), ...(preset.responses ?? [])];
  return classifyAnswer(answer, {
    rules,
    ...(spec.items === undefined ? {} : { items: spec.items }),
    retryAfter: preset.retry_after ?? [],
    now: context.clock.now(),
  });
}

async function roundTrip(
  request: FrozenHttp,
  auth: AuthContext,
  opened: Opened,
): Promise<HttpAnswer | { readonly outcome: Outcome }> {
  const ready = await withHostAndCredentials(request, auth, opened).catch((error: unknown): Authenticated => {
    if (error instanceof HookrailError) return { ok: false, outcome: { kind: "pause", detail: error.message } };
    // Nothing was sent, so this is no unknown outcome, whatever went wrong.
    return { ok: false, outcome: { kind: "rejected", detail: "the request can not be put together" } };
  });
  return ready.ok ? opened.context.http.request({ ...ready.request, signal: auth.signal }) : { outcome: ready.outcome };
}

/** Nothing is sent here but, perhaps, the request for a token. */
async function withHostAndCredentials(request: FrozenHttp, auth: AuthContext, opened: Opened): Promise<Authenticated> {
  const host = await opened.auth.host(auth);
  if (!host.ok) return host;
  const base = host.url ?? (await baseUrl(opened));
  const extra: Record<string, string> = {};
  for (const [name, value] of Object.entries(secretsOf(opened.settings["extra_headers"]))) {
    extra[name.toLowerCase()] = checkHeader(name, value, opened.context.connection);
  }
  const outgoing = {
    method: request.method,
    url: `${base.replace(/\/+$/, "")}${request.path}`,
    headers: { accept: "application/json", "user-agent": "hookrail", ...request.headers, ...extra },
    ...(request.body === null ? {} : { body: request.body }),
  };
  return opened.auth.authenticate(outgoing, auth);
}

async function baseUrl({ preset, settings, expressions, context }: Opened): Promise<string> {
  const own = settings["base_url"];
  if (typeof own === "string") return own;
  const { connection } = context;
  if (preset.hosts !== undefined) {
    const url = preset.hosts.urls[String(settings[preset.hosts.by])];
    return url ?? fail("HK5008", { connection, setting: preset.hosts.by });
  }
  return preset.host === undefined
    ? fail("HK5008", { connection, setting: "base_url" })
    : fillSettings(preset.host, { settings, expressions, connection });
}

interface FillSettings {
  readonly settings: Settings;
  readonly expressions: Expressions;
  readonly connection: string;
}

/** Fills a host or endpoint from settings. */
export async function fillSettings(
  template: string,
  { settings, expressions, connection }: FillSettings,
): Promise<string> {
  const scope = { settings: plainSettings(settings) };
  return fillRequired(compileTemplate(template, expressions), {
    scope,
    expressions,
    where: { connection, action: "host" },
    encode: false,
  });
}

/** Asks the sink something harmless. */
export async function probePreset(signal: AbortSignal, opened: Opened): Promise<{ ok: boolean; detail: string }> {
  const { probe: spec } = opened.preset;
  if (spec === undefined) return { ok: true, detail: "no probe is known for this sink" };
  const where = { connection: opened.context.connection, action: "probe" };
  const parts = compileParts(spec, opened.preset.headers ?? {}, opened.expressions);
  const request = await freezeParts(parts, {
    scope: { settings: plainSettings(opened.settings) },
    expressions: opened.expressions,
    where,
    guard: () => {},
  });
  const result = await exchange(request, {}, { attempt: 1, idempotencyKey: "probe", signal, entityVersion: 0 }, opened);
  return { ok: result.ok, detail: result.outcome.detail ?? "answers" };
}

function jsonOf(text: string): Json | undefined {
  try {
    const parsed: Json = JSON.parse(text);
    return parsed;
  } catch {
    return undefined;
  }
}

/** The text members of a setting that is a mapping. */
export function mapOf(value: Settings[string] | undefined): Record<string, string> {
  const out: Record<string, string> = {};
  if (typeof value === "object" && value !== null)
    for (const [name, text] of Object.entries(value)) if (typeof text === "string") out[name] = text;
  return out;
}

function secretsOf(value: Settings[string] | undefined): Record<string, string> {
  const out = mapOf(value);
  if (typeof value === "object" && value !== null)
    for (const [name, secret] of Object.entries(value)) if (secret instanceof Secret) out[name] = secret.reveal();
  return out;
}
