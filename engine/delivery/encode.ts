/**
 * How attribute values are written for a sink, and the last look before anything is sent: nothing blank where
 * nothing is to be blanked, no attribute that is not part of the delivery.
 */
import type { AttributeWrite, Json } from "../core/types.ts";
import type { Preset } from "../plugin/index.ts";

/** How a sink wants its values. */
export interface EncodeOptions {
  readonly clear: NonNullable<Preset["clear"]>;
  readonly types: NonNullable<Preset["types"]>;
  readonly maxValueBytes?: number;
  /** Ours -> theirs. */
  readonly names: Readonly<Record<string, string>>;
  /** Declared type of an attribute. */
  typeOf(name: string): string | undefined;
}

/** Attributes as the sink sees them, under its own names. */
export interface EncodedAttributes {
  /** Set values, and cleared ones in the sink's spelling (unless it takes a list of names). */
  readonly fields: Readonly<Record<string, Json>>;
  /** Their names of the attributes to blank. */
  readonly clear: readonly string[];
}

/** Why a request must not be sent. */
export interface Violation {
  readonly path: string;
  readonly what: string;
}

export type Encoded =
  | { readonly ok: true; readonly encoded: EncodedAttributes }
  | { readonly ok: false; readonly violation: Violation };

/** Encodes what a delivery sets and clears. */
export function encodeAttributes(writes: Readonly<Record<string, AttributeWrite>>, options: EncodeOptions): Encoded {
  const fields: Record<string, Json> = {};
  const clear: string[] = [];
  for (const [name, write] of Object.entries(writes)) {
    const theirs = options.names[name] ?? name;
    if (theirs in fields || clear.includes(theirs)) return violation(theirs, "two attributes under one name");
    if ("clear" in write) {
      if (options.clear === "none") return violation(theirs, "a cleared attribute, which this sink can not blank");
      clear.push(theirs);
      if (options.clear !== "list") fields[theirs] = options.clear === "null" ? null : "";
      continue;
    }
    if (isBlank(write.set)) return violation(theirs, "an empty value");
    if (typeof write.set === "string" && ACCIDENTS.has(write.set)) return violation(theirs, `the text "${write.set}"`);
    const value = encodeValue(write.set, options, options.typeOf(name));
    if (
      options.maxValueBytes !== undefined &&
      typeof value === "string" &&
      Buffer.byteLength(value) > options.maxValueBytes
    ) {
      return violation(theirs, `a text longer than the ${options.maxValueBytes} bytes the sink stores`);
    }
    fields[theirs] = value;
  }
  return { ok: true, encoded: { fields, clear } };
}

const violation = (path: string, what: string): Encoded => ({ ok: false, violation: { path, what } });

function encodeValue(value: Json, { types }: EncodeOptions, type: string | undefined): Json {
  if (type === "time" && typeof value === "string") return encodeTime(value, types.time ?? "iso");
  if (typeof value === "boolean") return types.boolean === "text" ? String(value) : value;
  if (typeof value === "number") return types.number === "text" ? String(value) : value;
  if (typeof value === "object" && value !== null) return types.structured === "text" ? JSON.stringify(value) : value;
  return value;
}

/** Times are stored as ISO 8601 in UTC; what can not be read as one is sent as it is. */
function encodeTime(iso: string, form: NonNullable<NonNullable<Preset["types"]>["time"]>): Json {
  const ms = Date.parse(iso);
  if (Number.isNaN(ms)) return iso;
  switch (form) {
    case "epoch_seconds":
      return Math.floor(ms / 1000);
    case "epoch_millis":
      return ms;
    case "epoch_millis_text":
      return String(ms);
    case "date":
      return new Date(ms).toISOString().slice(0, 10);
    case "iso":
      return new Date(ms).toISOString();
    case "iso_seconds":
      return `${new Date(ms).toISOString().slice(0, -5)}Z`;
  }
}

/** Texts that come from turning nothing into text by accident. */
const ACCIDENTS = new Set(["undefined", "NaN", "[object Object]"]);

function isBlank(value: Json): boolean {
  return value === null || (typeof value === "string" && value.trim() === "");
}

/** What the finished body is held against. */
export interface BodyGuard {
  readonly encoded: EncodedAttributes;
  /** Where in the body the attributes lie; undefined: they may be anywhere. */
  readonly attributesAt?: string;
  /** Keys allowed there beside the attributes. */
  readonly also: readonly string[];
  /** Names of all the entity's attributes, as the sink knows them. */
  readonly known: ReadonlySet<string>;
}

/** The first thing wrong with a body, or nothing. */
export function checkBody(body: Json | undefined, guard: BodyGuard): Violation | undefined {
  if (body === undefined) return undefined;
  return accident(body, "", guard) ?? strangers(body, guard);
}

/** Walks the whole body for blanked attributes and accidental texts. */
function accident(value: Json, path: string, guard: BodyGuard): Violation | undefined {
  if (typeof value === "string" && ACCIDENTS.has(value)) return { path, what: `the text "${value}"` };
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, member] of Object.entries(value)) {
    const at = path === "" ? key : `${path}.${key}`;
    const attribute = !Array.isArray(value) && guard.known.has(key) && !guard.also.includes(key);
    if (attribute && (isBlank(member) || member === "null") && !intended(member, at, guard))
      return { path: at, what: "an empty value" };
    const found = accident(member, at, guard);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The value is just what this delivery writes under that name: a clear, or a text that happens to be "null". */
function intended(value: Json, path: string, guard: BodyGuard): boolean {
  const key = path.slice(path.lastIndexOf(".") + 1);
  if (guard.encoded.clear.includes(key)) return value === null || value === "";
  return Object.hasOwn(guard.encoded.fields, key) && guard.encoded.fields[key] === value;
}

/** Keys where the attributes lie that are neither the delivery's nor declared beside them. */
function strangers(body: Json, guard: BodyGuard): Violation | undefined {
  if (guard.attributesAt === undefined) return undefined;
  let place: Json | undefined = body;
  for (const part of guard.attributesAt === "" ? [] : guard.attributesAt.split(".")) {
    place =
      typeof place === "object" && place !== null
        ? Object.entries(place).find(([key]) => key === part)?.[1]
        : undefined;
  }
  if (typeof place !== "object" || place === null || Array.isArray(place)) return undefined;
  const allowed = new Set([...Object.keys(guard.encoded.fields), ...guard.also]);
  const stranger = Object.keys(place).find((key) => !allowed.has(key));
  if (stranger === undefined) return undefined;
  const path = guard.attributesAt === "" ? stranger : `${guard.attributesAt}.${stranger}`;
  return { path, what: "an attribute that is not part of this delivery" };
}
