/**
 * Which event a verified request is: id, type, time, rank, for the body or each item of a batch. On the way to
 * the acknowledgement, so for single JSON events it is one byte scan without a parse. Never throws: what can't be
 * read is `unreadable`, to be kept and looked at, since a refusal would make the provider drop it.
 */
import { createHash } from "node:crypto";
import { compileJsonPaths } from "../core/json-paths.ts";
import { scanJson } from "../core/json-scan.ts";
import type { Json, RawRequest } from "../core/types.ts";
import { type EventsModel, type IdCandidate, rankOf } from "./compile-events.ts";
import type { Identified, IdentifiedEvent } from "./model.ts";
import { bodyFormat, type ParsedPayload, parseBody, unreadable } from "./parse.ts";
import { Reading } from "./reading.ts";
import type { Recipe } from "./recipe.ts";
import { type Env, renderTemplate } from "./render.ts";
import { describeTemplate } from "./template.ts";
import { readTime } from "./time.ts";

/** Longer ids and ids that a database could not keep unchanged are replaced by their hash: still one id, still unique. */
const MAX_ID = 200;
const MAX_TYPE = 200;
const NO_PATHS = compileJsonPaths([]);

type Unreadable = Extract<ParsedPayload, { readonly ok: false }>;
type IdentifyRequest = Pick<RawRequest, "method" | "target" | "path" | "query" | "headers" | "body">;

/** Identifies all events of a request. */
export function identify(recipe: Recipe, request: IdentifyRequest, options: { readonly maxItems: number }): Identified {
  const { events } = recipe;
  const contentType = request.headers["content-type"] ?? "";
  if (events.items === undefined && bodyFormat(events, contentType) === "json") return identifyScanned(events, request);
  const parsed = parseBody(events, { contentType, body: request.body });
  if (!parsed.ok) return refused(parsed, request.body);
  if (parsed.items.length > options.maxItems) {
    return refused(
      unreadable("HK3015", { problem: `${parsed.items.length} events in one request, ${options.maxItems} allowed` }),
      request.body,
    );
  }
  const single = parsed.items.length === 1 && events.items === undefined ? parsed.items[0] : undefined;
  if (single !== undefined && !single.ok) return refused(single, request.body);
  const found = parsed.items.map((item, index) => identifyItem(events, request, { item, index }));
  const first = found[0];
  if (single !== undefined && first?.unreadable !== undefined)
    return refused({ ok: false, ...first.unreadable } as Unreadable, request.body);
  return { kind: "events", events: found };
}

/** The usual case: one JSON event, read by the scan. */
function identifyScanned(events: EventsModel, request: IdentifyRequest): Identified {
  const scan = scanJson(request.body, { maxDepth: events.maxDepth, paths: events.paths });
  if (scan.tooDeep) return refused(unreadable("HK3011", { max: events.maxDepth }), request.body);
  if (scan.malformed) return refused(unreadable("HK3012", { format: "JSON", problem: "not valid JSON" }), request.body);
  const doubled = scan.duplicates[0];
  if (doubled !== undefined) return refused(unreadable("HK3013", { path: doubled }), request.body);
  const reading = new Reading(request, events.paths, { scanned: scan.values });
  const found = identifyReading(events, { reading, params: {} }, { index: 0, hash: () => hashBytes(request.body) });
  return "ok" in found ? refused(found, request.body) : { kind: "events", events: [found] };
}

function identifyItem(
  events: EventsModel,
  request: IdentifyRequest,
  at: { readonly item: ParsedPayload; readonly index: number },
): IdentifiedEvent {
  const { item, index } = at;
  const hash = () =>
    hashBytes(item.ok ? JSON.stringify(item.value) : Buffer.concat([request.body, Buffer.from(`#${index}`)]));
  const found = item.ok
    ? identifyReading(
        events,
        { reading: new Reading(request, NO_PATHS, { item: boxed(item.value) }), params: {} },
        { index, hash },
      )
    : item;
  if (!("ok" in found)) return found;
  const unreadableItem = { code: found.code, message: found.message };
  return {
    id: hash(),
    idKind: "hash",
    type: "unreadable",
    clockResolutionMs: 1,
    rank: 0,
    itemIndex: index,
    unreadable: unreadableItem,
  };
}

/** An item that is a bare text or number has no paths; an empty object says so. */
const boxed = (value: Json): Json => (typeof value === "object" && value !== null ? value : {});

function identifyReading(
  events: EventsModel,
  env: Env,
  at: { readonly index: number; readonly hash: () => string },
): IdentifiedEvent | Unreadable {
  const type = findType(events, env);
  if (type === undefined) return unreadable("HK3014", { places: events.types.map(describeTemplate).join(", ") });
  const id = findId(events.ids, env) ?? { id: at.hash(), idKind: "hash" as const };
  const time = findTime(events, env);
  return {
    ...id,
    type,
    ...(time === undefined ? {} : { occurredAt: time.ms }),
    clockResolutionMs: time?.resolutionMs ?? 1,
    rank: rankOf(events, type),
    itemIndex: at.index,
  };
}

function findType(events: EventsModel, env: Env): string | undefined {
  for (const template of events.types) {
    const type = renderTemplate(template, env)?.trim();
    if (type !== undefined && type !== "" && type.length <= MAX_TYPE && isStorable(type)) return type;
  }
  return undefined;
}

function findId(candidates: readonly IdCandidate[], env: Env): Pick<IdentifiedEvent, "id" | "idKind"> | undefined {
  for (const candidate of candidates) {
    if (candidate.kind === "hash") return undefined;
    const id = renderTemplate(candidate.template, env);
    if (id === undefined || id.trim() === "") continue;
    const kept = id.length <= MAX_ID && isStorable(id) ? id : hashBytes(id);
    return { id: kept, idKind: candidate.composite ? "composite" : "provider" };
  }
  return undefined;
}

function findTime(events: EventsModel, env: Env) {
  for (const template of events.times) {
    const text = renderTemplate(template, env);
    const time = text === undefined ? undefined : readTime(text, events.timeUnit);
    if (time !== undefined) return time;
  }
  return undefined;
}

/** No control characters (SQLite's text stops at NUL) and no half surrogates (they come back as U+FFFD). */
function isStorable(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what is meant
  return text.isWellFormed() && !/[\x00-\x1f\x7f]/.test(text);
}

function hashBytes(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function refused(fault: Unreadable, body: Uint8Array): Identified {
  return { kind: "unreadable", code: fault.code, message: fault.message, id: hashBytes(body) };
}
