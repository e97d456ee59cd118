/** Turns a recipe's sample into the request a provider would send: fresh id and time in the provider's own places. */
import type { Json } from "../core/types.ts";
import { removeAt, setAt } from "./edit.ts";
import type { Sample } from "./model.ts";
import { bodyFormat } from "./parse.ts";
import { valueAt } from "./reading.ts";
import type { Recipe } from "./recipe.ts";
import type { Ref, Template } from "./template.ts";
import { writeTime } from "./time.ts";
import { writeXml } from "./xml.ts";

export interface SampleChanges {
  /** The provider's event id. */
  readonly id?: string;
  /** When it happened, ms since the epoch. */
  readonly time?: number;
  /** Where `set` and `remove` start: the source's `root:`; a path that begins with `$event.` starts at the whole body. */
  readonly root?: string;
  readonly set?: Readonly<Record<string, Json>>;
  readonly remove?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RenderedSample {
  /** Lower-case names; not signed yet. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Applies the changes, id and time first, so that `set` has the last word. */
export function renderSample(recipe: Recipe, sample: Sample, changes: SampleChanges = {}): RenderedSample {
  const { events } = recipe;
  const headers: Record<string, string> = { "content-type": "application/json", ...sample.headers };
  let body = sample.body;
  // In a batch the first item is the one that is changed.
  const item = events.items === undefined ? "" : joinPath(events.items, "0");
  const put = (ref: Ref | undefined, value: Json) => {
    if (ref?.kind === "header") headers[ref.name] = String(value);
    if (ref?.kind === "body") body = setAt(body, joinPath(item, ref.path), value);
  };
  const idRef = events.ids
    .map((id) => (id.kind === "hash" ? undefined : onlyRef(id.template)))
    .find((ref) => ref !== undefined);
  if (changes.id !== undefined) put(idRef, changes.id);
  const timeRef = events.times.map(onlyRef).find((ref) => ref !== undefined);
  if (changes.time !== undefined) put(timeRef, timeValue(recipe, changes.time));
  // Expressions read an item of a batch: a path that leads nowhere in the whole body is looked for in the first item.
  const place = (path: string) => {
    const full = fullPath(path, changes.root);
    if (item === "" || valueAt(body, full) !== undefined) return full;
    const inItem = joinPath(item, full);
    const outside = Array.isArray(body) && !/^\[?\d/.test(full);
    return outside || valueAt(body, inItem) !== undefined ? inItem : full;
  };
  for (const [path, value] of Object.entries(changes.set ?? {})) body = setAt(body, place(path), value);
  for (const path of changes.remove ?? []) body = removeAt(body, place(path));
  for (const [name, value] of Object.entries(changes.headers ?? {})) headers[name.toLowerCase()] = value;
  return { headers, body: encodeBody(recipe, body, headers["content-type"] ?? "") };
}

/** The value a sample has at a path below the root: for messages of `send --set`. */
export function sampleValue(sample: Sample, path: string, root?: string): Json | undefined {
  return valueAt(sample.body, fullPath(path, root));
}

function onlyRef(template: Template): Ref | undefined {
  const [part] = template;
  return template.length === 1 && typeof part === "object" && part.fn === undefined ? part.ref : undefined;
}

function timeValue(recipe: Recipe, ms: number): Json {
  const text = writeTime(ms, recipe.events.timeUnit);
  return recipe.events.timeUnit === "s" || recipe.events.timeUnit === "ms" ? Number(text) : text;
}

const joinPath = (before: string, after: string) => (before === "" ? after : `${before}.${after}`);

function fullPath(path: string, root: string | undefined): string {
  if (path.startsWith("$event.")) return path.slice("$event.".length);
  return joinPath(root ?? "", path);
}

function encodeBody(recipe: Recipe, body: Json, contentType: string): Uint8Array {
  if (recipe.events.body === "json_lines" && Array.isArray(body)) {
    return Buffer.from((body as readonly Json[]).map((line) => `${JSON.stringify(line)}\n`).join(""));
  }
  if (bodyFormat(recipe.events, contentType) === "xml") return Buffer.from(writeXml(body));
  if (!contentType.startsWith("application/x-www-form-urlencoded")) return Buffer.from(JSON.stringify(body));
  const holder = recipe.events.formPayload;
  if (holder !== undefined) {
    const text = holder.format === "xml" ? writeXml(body) : JSON.stringify(body);
    const value = holder.base64 ? Buffer.from(text).toString("base64") : text;
    return Buffer.from(new URLSearchParams([[holder.field, value]]).toString());
  }
  return Buffer.from(new URLSearchParams(formFields("", body)).toString());
}

function formFields(name: string, value: Json): [string, string][] {
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap((item) => formFields(name, item));
  if (typeof value !== "object" || value === null) return [[name, String(value ?? "")]];
  return Object.entries(value).flatMap(([key, item]) => formFields(name === "" ? key : `${name}[${key}]`, item));
}
