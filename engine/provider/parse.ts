/** Parses the payload of one stored event: JSON, a form, or one line or item of a batch. Nothing is rounded, nothing poses. */
import { type ErrorCode, errorMessage } from "../core/errors.ts";
import { decodeUtf8, parseJson } from "../core/json.ts";
import type { JsonPaths } from "../core/json-paths.ts";
import type { Json } from "../core/types.ts";
import { decodeBase64Text } from "./bytes.ts";
import type { EventsModel } from "./compile-events.ts";
import { parseForm } from "./form.ts";
import { elementsAt, listAt } from "./items.ts";
import { Reading } from "./reading.ts";
import type { Recipe } from "./recipe.ts";
import { parseXml } from "./xml.ts";

export type ParsedPayload =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };

/** A whole body as its events: one, or the items of a batch, each parsed or not on its own. */
export type ParsedBody =
  | { readonly ok: true; readonly items: readonly ParsedPayload[] }
  | Extract<ParsedPayload, { readonly ok: false }>;

export type BodyFormat = "json" | "form" | "json_lines" | "xml";

/** The payload of one event of a request: the whole body, or the item with that index. */
export function parsePayload(
  recipe: Recipe,
  stored: { readonly contentType: string; readonly body: Uint8Array; readonly itemIndex: number },
): ParsedPayload {
  const parsed = parseBody(recipe.events, stored);
  if (!parsed.ok) return parsed;
  return parsed.items[stored.itemIndex] ?? unreadable("HK3015", { problem: `it has no item ${stored.itemIndex}` });
}

/** All events of a request. */
export function parseBody(
  events: EventsModel,
  stored: { readonly contentType: string; readonly body: Uint8Array },
): ParsedBody {
  const format = bodyFormat(events, stored.contentType);
  if (format === "json_lines") return parseLines(stored.body, events.maxDepth);
  const whole = parseWhole(events, stored.body, format);
  if (!whole.ok || events.items === undefined) return whole.ok ? { ok: true, items: [whole] } : whole;
  // XML does not tell a list of one from an element that stands alone.
  const list = format === "xml" ? elementsAt(whole.value, events.items) : listAt(whole.value, events.items);
  // A body that should be a list and is a single object is a batch of one: some senders do that.
  if (list === undefined && events.items === "" && !Array.isArray(whole.value)) return { ok: true, items: [whole] };
  if (list === undefined) return unreadable("HK3015", { problem: `there is no list at ${events.items || "the top"}` });
  return { ok: true, items: list.map((value) => ({ ok: true, value })) };
}

/** A body before it is split into events; of JSON lines there is none. */
export function parseWhole(
  events: EventsModel,
  body: Uint8Array,
  format: Exclude<BodyFormat, "json_lines">,
): ParsedPayload {
  if (format === "form") return parseFormBody(events, body);
  return format === "xml" ? parseXmlBody(body, events.maxDepth) : parseJsonBody(body, events.maxDepth);
}

/** A request as references read it: JSON by a scan of its bytes, other bodies parsed once and only if asked for. */
export function readingOf(recipe: Recipe, request: Reading["request"], paths: JsonPaths): Reading {
  const { events } = recipe;
  const format = bodyFormat(events, request.headers["content-type"] ?? "");
  if (format === "json" || format === "json_lines") return new Reading(request, paths, { maxDepth: events.maxDepth });
  return new Reading(request, paths, {
    parse: () => {
      const parsed = parseWhole(events, request.body, format);
      return parsed.ok ? parsed.value : undefined;
    },
  });
}

/** How a body is written, by the recipe or else by its content type. */
export function bodyFormat(events: EventsModel, contentType: string): BodyFormat {
  if (events.body !== "auto") return events.body;
  const type = (contentType.split(";")[0] ?? "").trim().toLowerCase();
  if (type === "application/x-www-form-urlencoded") return "form";
  if (type === "text/xml" || type === "application/xml" || type.endsWith("+xml")) return "xml";
  return type === "application/x-ndjson" || type === "application/jsonl" ? "json_lines" : "json";
}

/** A fault as the catalogue words it. */
export function unreadable(
  code: ErrorCode,
  data: Readonly<Record<string, string | number>>,
): Extract<ParsedPayload, { readonly ok: false }> {
  return { ok: false, code, message: errorMessage(code, data) };
}

function parseJsonBody(body: Uint8Array, maxDepth: number): ParsedPayload {
  const parsed = parseJson(body, { maxDepth });
  if (parsed.ok) return parsed;
  if (parsed.reason === "encoding") return unreadable("HK3010", {});
  if (parsed.reason === "depth") return unreadable("HK3011", { max: maxDepth });
  return unreadable("HK3012", { format: "JSON", problem: parsed.message });
}

function parseFormBody(events: EventsModel, body: Uint8Array): ParsedPayload {
  const text = decodeUtf8(body);
  if (text === undefined) return unreadable("HK3010", {});
  const form = new URLSearchParams(text);
  const holder = events.formPayload;
  const held = holder === undefined ? null : form.get(holder.field);
  if (holder !== undefined && held !== null) {
    const bytes = holder.base64 ? decodeBase64Text(held) : Buffer.from(held);
    if (bytes === undefined) return unreadable("HK3012", { format: "base64", problem: `field ${holder.field}` });
    return holder.format === "xml" ? parseXmlBody(bytes, events.maxDepth) : parseJsonBody(bytes, events.maxDepth);
  }
  const parsed = parseForm(form, events.maxDepth);
  return parsed.ok ? parsed : unreadable("HK3012", { format: "a form", problem: parsed.problem });
}

function parseXmlBody(body: Uint8Array, maxDepth: number): ParsedPayload {
  const text = decodeUtf8(body);
  if (text === undefined) return unreadable("HK3010", {});
  const parsed = parseXml(text, maxDepth);
  if (parsed.ok) return parsed;
  return parsed.reason === "depth"
    ? unreadable("HK3011", { max: maxDepth })
    : unreadable("HK3012", { format: "XML", problem: parsed.problem });
}

/** One event a line; empty lines are none. A line that is not JSON is that event's fault alone. */
function parseLines(body: Uint8Array, maxDepth: number): ParsedBody {
  const text = decodeUtf8(body);
  if (text === undefined) return unreadable("HK3010", {});
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return { ok: true, items: lines.map((line) => parseJsonBody(Buffer.from(line), maxDepth)) };
}
