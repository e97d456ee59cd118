/**
 * Bodies that a person corrects: how one event is laid out for an editor, how a corrected one is read, and which event it
 * is where the body as received could not be read. A body stays in the form in which it came; of a batch one item is
 * corrected, as JSON.
 */
import { decodeUtf8 } from "../core/json.ts";
import type { Json, JsonObject } from "../core/types.ts";
import { isJsonObject } from "../core/values.ts";
import type { EventsModel } from "./compile-events.ts";
import { identify } from "./identify.ts";
import type { IdentifiedEvent } from "./model.ts";
import { bodyFormat, type ParsedPayload, parseBody, parsePayload, parseWhole } from "./parse.ts";
import type { Recipe } from "./recipe.ts";

interface Stored {
  readonly contentType: string;
  readonly body: Uint8Array;
  readonly itemIndex: number;
}

/** Text for an editor, and the ending that tells the editor what it is. */
export interface Editable {
  readonly text: string;
  readonly ending: "json" | "xml" | "txt";
}

/** True where a request may hold several events. */
export const holdsBatch = (events: EventsModel, contentType: string): boolean =>
  events.items !== undefined || bodyFormat(events, contentType) === "json_lines";

/** Reads a corrected body. */
export function parseEdited(recipe: Recipe, edited: Pick<Stored, "contentType" | "body">): ParsedPayload {
  const { events } = recipe;
  const format = bodyFormat(events, edited.contentType);
  const isJson = format === "json_lines" || holdsBatch(events, edited.contentType);
  return parseWhole(events, edited.body, isJson ? "json" : format);
}

/**
 * What there is to correct: JSON over several lines, other forms and what can not be read as it came. Undefined: it is no
 * text, or a whole batch that can not be read, of which nobody knows how many events it holds.
 */
export function editableOf(recipe: Recipe, stored: Stored & { readonly edited?: Uint8Array }): Editable | undefined {
  const { events } = recipe;
  const { contentType, edited } = stored;
  const format = bodyFormat(events, contentType);
  const batch = holdsBatch(events, contentType);
  if (!batch && format !== "json") return textOf(edited ?? stored.body, format === "xml" ? "xml" : "txt");
  const parsed =
    edited === undefined ? parsePayload(recipe, stored) : parseEdited(recipe, { contentType, body: edited });
  if (parsed.ok) return { text: `${JSON.stringify(parsed.value, undefined, 2)}\n`, ending: "json" };
  if (!batch) return textOf(edited ?? stored.body, "json");
  const line = format === "json_lines" ? linesOf(stored.body)?.[stored.itemIndex] : undefined;
  return line === undefined ? undefined : { text: `${line.trim()}\n`, ending: "json" };
}

function textOf(bytes: Uint8Array, ending: Editable["ending"]): Editable | undefined {
  const text = decodeUtf8(bytes);
  return text === undefined ? undefined : { text, ending };
}

function linesOf(bytes: Uint8Array): readonly string[] | undefined {
  return decodeUtf8(bytes)
    ?.split("\n")
    .filter((line) => line.trim() !== "");
}

/** Whether the body as received can be taken apart into its events. */
export const isSplittable = (recipe: Recipe, stored: Pick<Stored, "contentType" | "body">): boolean =>
  parseBody(recipe.events, stored).ok;

/** The event that a corrected body is; a text says why it is none. */
export function identifyEdited(
  recipe: Recipe,
  {
    value,
    ...edited
  }: Pick<Stored, "contentType" | "body"> & {
    readonly value: Json;
    readonly headers: Readonly<Record<string, string>>;
    readonly path: string;
  },
): IdentifiedEvent | string {
  const { events } = recipe;
  const { contentType, path } = edited;
  const body = holdsBatch(events, contentType)
    ? Buffer.from(JSON.stringify(inBatch(value, events.items)))
    : edited.body;
  const headers = { "content-type": contentType, ...edited.headers };
  const found = identify(recipe, { method: "POST", target: path, path, query: "", headers, body }, { maxItems: 1 });
  if (found.kind === "unreadable") return found.message;
  const [event] = found.events;
  if (event === undefined) return "it holds no event";
  return event.unreadable === undefined ? event : event.unreadable.message;
}

/** The item as a batch of one. */
function inBatch(value: Json, items: string | undefined): Json {
  if (items === undefined) return value;
  if (items === "") return [value];
  return items.split(".").reduceRight<Json>((inner, name): JsonObject => ({ [name]: inner }), [value]);
}

/** Places where two bodies differ, in order; a name that is no plain word may be personal, and is `*`. */
export function changedPlaces(before: Json | undefined, after: Json, limit = 50): readonly string[] {
  if (before === undefined) return ["the whole body"];
  const places = new Set<string>();
  const differ = (a: Json | undefined, b: Json | undefined, at: string): void => {
    if (places.size >= limit || JSON.stringify(a) === JSON.stringify(b)) return;
    const names = namesOf(a, b);
    if (names === undefined) {
      places.add(at === "" ? "the whole body" : at);
      return;
    }
    for (const name of names) differ(memberOf(a, name), memberOf(b, name), placeBelow(at, name, Array.isArray(a)));
  };
  differ(before, after, "");
  return [...places];
}

/** Names below both; undefined where they are of different kinds, or plain values. */
function namesOf(a: Json | undefined, b: Json | undefined): ReadonlySet<string> | undefined {
  if (isJsonObject(a) && isJsonObject(b)) return new Set([...Object.keys(a), ...Object.keys(b)]);
  if (!Array.isArray(a) || !Array.isArray(b)) return undefined;
  return new Set(Array.from({ length: Math.max(a.length, b.length) }, (_none, index) => String(index)));
}

function memberOf(value: Json | undefined, name: string): Json | undefined {
  if (Array.isArray(value)) return (value as readonly Json[])[Number(name)];
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function placeBelow(at: string, name: string, isList: boolean): string {
  if (isList) return `${at}[${name}]`;
  const shown = /^[A-Za-z_$][\w$-]{0,60}$/.test(name) ? name : "*";
  return at === "" ? shown : `${at}.${shown}`;
}
