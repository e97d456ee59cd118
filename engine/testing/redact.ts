/**
 * Takes persons out of a payload and leaves its shape: what is not known to be harmless gets another name. Kept are words
 * that config and samples hold, times, numbers that expressions name, booleans and nulls. Pure.
 */
import type { Json } from "../core/types.ts";
import { isJsonObject, parseIso } from "../core/values.ts";
import type { Pseudonyms } from "./pseudonym.ts";
import type { Vocabulary } from "./vocabulary.ts";

export interface Redaction {
  readonly vocabulary: Vocabulary;
  readonly pseudonyms: Pseudonyms;
  /** Values that must not survive, whatever else is known of them: lower-case text. */
  readonly sensitive: ReadonlySet<string>;
}

/** Shorter ones are in every text by chance: they go only where they stand alone. */
const SHORTEST_INSIDE = 3;
const PERSONAL_KEY = /birth|\bdob\b/i;
const TIME_KEY = /(?:^|_)(?:at|on|time|date|created|updated|start|end|expires?|until|since|period|timestamp|ts)$/i;
const IDENTIFIER = /^[A-Za-z_$][\w$ .:-]{0,60}$/;
/** Counts and flags; above it a number that nothing names could be an amount or an id. */
const SMALL = 12;
/** More digits are an id or a telephone number. */
const MAX_AMOUNT_DIGITS = 9;
/** Seconds and milliseconds of 2001 to 2100. */
const isEpoch = (n: number) => (n >= 1e9 && n < 4.2e9) || (n >= 1e12 && n < 4.2e12);

/** What texts and numbers a value holds, as `sensitive` takes them. */
export function leavesOf(value: Json | undefined): string[] {
  if (typeof value === "string") return value.trim() === "" ? [] : [value.trim().toLowerCase()];
  if (typeof value === "number") return [String(value)];
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap(leavesOf);
  return isJsonObject(value) ? Object.values(value).flatMap(leavesOf) : [];
}

export function redact(value: Json, by: Redaction): Json {
  return redactAt(value, { path: "", key: "" }, by);
}

interface Place {
  /** As in the samples: without indexes. */
  readonly path: string;
  readonly key: string;
}

function redactAt(value: Json, place: Place, by: Redaction): Json {
  if (typeof value === "string") return redactText(value, place, by);
  if (typeof value === "number") return redactNumber(value, place, by);
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => redactAt(item, place, by));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      isFieldName(key, by) ? key : by.pseudonyms.text(key),
      redactAt(item, { path: `${place.path}.${key}`, key }, by),
    ]),
  );
}

/** A name of a field, as against a name of somebody that is used as one. */
function isFieldName(key: string, { vocabulary, sensitive }: Redaction): boolean {
  if (holdsSensitive(key, sensitive)) return false;
  return vocabulary.keys.has(key) || vocabulary.words.has(key) || (IDENTIFIER.test(key) && !/\d{3}/.test(key));
}

/** One text, of a body or a header. */
export function redactText(text: string, { path, key }: Place, by: Redaction): string {
  const { vocabulary, pseudonyms, sensitive } = by;
  if (text.trim() === "") return text;
  const hidden = holdsSensitive(text, sensitive);
  if (!hidden && isHarmless(text, { path, key }, vocabulary)) return text;
  const inSensitive = (word: string) => [...sensitive].some((one) => one.includes(word.toLowerCase()));
  const keep = (word: string) => vocabulary.words.has(word) && !/\d/.test(word) && !(hidden && inSensitive(word));
  return differently(text, (salted) => pseudonyms.text(salted, keep), sensitive);
}

function isHarmless(text: string, { path, key }: Place, vocabulary: Vocabulary): boolean {
  if (text.includes("@")) return false;
  if (vocabulary.words.has(text) || vocabulary.sampled.has(`${path}\0${text}`)) return true;
  if (parseIso(text) !== undefined) return !PERSONAL_KEY.test(key);
  // A number as text, where an expression reads it.
  return vocabulary.words.has(key) && /^-?\d+(?:\.\d+)?$/.test(text) && text.length <= MAX_AMOUNT_DIGITS;
}

function redactNumber(value: number, { path, key }: Place, by: Redaction): number {
  const { vocabulary, pseudonyms, sensitive } = by;
  const text = String(value);
  if (sensitive.has(text)) return pseudonyms.number(value);
  const named = vocabulary.words.has(key);
  if (Number.isInteger(value) && Math.abs(value) <= SMALL) return value;
  if (isEpoch(Math.abs(value)) && !PERSONAL_KEY.test(key) && (named || TIME_KEY.test(key))) return value;
  if (named && text.replace("-", "").length <= MAX_AMOUNT_DIGITS) return value;
  if (vocabulary.words.has(text) || vocabulary.sampled.has(`${path}\0${text}`)) return value;
  return pseudonyms.number(value);
}

/** A sensitive value as a whole, or inside of it. */
export function holdsSensitive(text: string, sensitive: ReadonlySet<string>): boolean {
  const lower = text.trim().toLowerCase();
  if (sensitive.has(lower)) return true;
  for (const one of sensitive) if (one.length >= SHORTEST_INSIDE && lower.includes(one)) return true;
  return false;
}

/** By chance a name may hold a sensitive value again; then another is drawn, and last none of its letters stay. */
function differently(text: string, draw: (text: string) => string, sensitive: ReadonlySet<string>): string {
  const drawn = draw(text);
  if (!holdsSensitive(drawn, sensitive)) return drawn;
  const again = draw(drawn);
  return holdsSensitive(again, sensitive) ? text.replace(/[\p{L}\p{N}]/gu, "x") : again;
}
