/**
 * The interpreter of presets, second half: sends a frozen request, in one or two steps. Several deliveries in one
 * request are in send-batch.ts, the way out and back in exchange.ts.
 */
import { errorMessage } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/types.ts";
import type { FrozenRequest, Outcome, SendContext } from "../plugin/index.ts";
import type { PresetAction } from "../plugin/preset.schema.ts";
import { itemOf } from "./batch.ts";
import { type Answered, classifyAnswer } from "./classify.ts";
import { converse, rulesOf } from "./exchange.ts";
import { compileParts, type FrozenHttp, freezeParts, readFrozen } from "./http-request.ts";
import { actionOf, joiningOf, type Opened } from "./opened.ts";
import { isThere, valuesAt } from "./positions.ts";
import { plainSettings } from "./scope.ts";
import { percentEncode } from "./template.ts";

/** Stands for the id that a lookup is going to find; survives percent-encoding. */
export const FOUND = "hookrail-found-id";

/** One attempt. Whatever stops it before anything was sent is an outcome, not an exception. */
export async function sendFrozen(frozen: FrozenRequest, send: SendContext, opened: Opened): Promise<Outcome> {
  const { data } = frozen;
  const action = actionOf(data, opened);
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
  // A whole segment of dots would climb (WHATWG URL), and an empty one would name all records.
  if (update.path.includes(FOUND) && /^\.{0,2}$/.test(String(id)))
    return { kind: "rejected", detail: "lookup: the id can not stand in a path" };
  return sendOne(withFound(update, id), spec, send, opened);
}

/** Puts the id that was found where its stand-in is. */
function withFound(request: FrozenHttp, id: string | number | boolean): FrozenHttp {
  const text = String(id);
  const whole = new RegExp(`"${FOUND}"`, "g");
  const inner = JSON.stringify(text).slice(1, -1);
  return {
    ...request,
    path: request.path.replaceAll(FOUND, () => percentEncode(text)),
    body: request.body?.replace(whole, () => JSON.stringify(id)).replaceAll(FOUND, () => inner) ?? null,
  };
}

async function sendOne(request: FrozenHttp, spec: PresetAction, send: SendContext, opened: Opened): Promise<Outcome> {
  const result = await exchange(request, spec, send, opened);
  return result.outcome;
}

/** Not reached: `classifyAnswer` takes one item's outcome out. */
const nothing: Outcome = { kind: "unknown", detail: "no result" };

type Exchange =
  | { readonly ok: true; readonly outcome: Outcome; readonly answer: Answered }
  | { readonly ok: false; readonly outcome: Outcome };

async function exchange(request: FrozenHttp, spec: PresetAction, send: SendContext, opened: Opened): Promise<Exchange> {
  const item = spec.batch === undefined ? undefined : itemOf(request, joiningOf(spec, spec.batch, opened));
  const options = { ...rulesOf(spec, opened), ...(item === undefined ? {} : { item }) };
  const { judged, answer } = await converse(request, send, opened, (told) => classifyAnswer(told, options));
  if (judged.kind === "items") return { ok: false, outcome: judged.outcomes[0] ?? nothing };
  return judged.kind === "delivered" && answer !== undefined
    ? { ok: true, outcome: judged, answer }
    : { ok: false, outcome: judged };
}

function jsonOf(text: string): Json | undefined {
  try {
    const parsed: Json = JSON.parse(text);
    return parsed;
  } catch {
    return undefined;
  }
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
