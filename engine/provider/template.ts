/**
 * The one notation in which a recipe says where something is or what it is made of: a reference such as
 * `header:x-id`, and a template such as `{timestamp}.{raw_body}` with references in braces.
 */
import type { Parsed } from "../core/duration.ts";
import { splitPath } from "../core/json-paths.ts";

/** Where a value is taken from. */
export type Ref =
  | { readonly kind: "header" | "query" | "form" | "part" | "claim" | "param"; readonly name: string }
  | { readonly kind: "body"; readonly path: string; readonly optional: boolean }
  | { readonly kind: BareRef };

const BARE_REFS = [
  "raw_body",
  "timestamp",
  "method",
  "path",
  "target",
  "query_string",
  "url",
  "received_url",
  "secret",
] as const;
type BareRef = (typeof BARE_REFS)[number];
const NAMED_REFS = ["header", "query", "form", "part", "claim", "param"] as const;

const FUNCTIONS = [
  "sha1_hex",
  "sha256_hex",
  "sha256_base64",
  "crc32",
  "hmac_sha1_hex",
  "hmac_sha256_hex",
  "hmac_sha256_base64",
  "lower",
] as const;
/** What may be done to a value inside a hole: `{crc32(raw_body)}`. */
export type TemplateFunction = (typeof FUNCTIONS)[number];

export interface Hole {
  readonly ref: Ref;
  readonly fn?: TemplateFunction;
  /** As written, for messages and `explain`. */
  readonly text: string;
}

/** A compiled template: literal text and holes, in order. */
export type Template = readonly (string | Hole)[];

export const REF_EXPECTED = `header:NAME, query:NAME, form:NAME, body:PATH, part:NAME, claim:NAME, param:NAME, ${BARE_REFS.join(", ")}`;

/** Compiles `header:X-Id` or `body:data.id`; header names become lower case. */
export function compileRef(text: string): Parsed<Ref> {
  const bare = BARE_REFS.find((name) => name === text);
  if (bare !== undefined) return { ok: true, value: { kind: bare } };
  const colon = text.indexOf(":");
  const kind = text.slice(0, Math.max(colon, 0));
  const name = text.slice(colon + 1).trim();
  if (name === "") return { ok: false, expected: REF_EXPECTED };
  if (kind === "body") {
    const optional = name.endsWith("?");
    const path = optional ? name.slice(0, -1) : name;
    const fine = splitPath(path).every((key) => key !== "");
    return fine
      ? { ok: true, value: { kind, path, optional } }
      : { ok: false, expected: "a path such as data.object.id" };
  }
  const named = NAMED_REFS.find((known) => known === kind);
  if (named === undefined) return { ok: false, expected: REF_EXPECTED };
  return { ok: true, value: { kind: named, name: named === "header" ? name.toLowerCase() : name } };
}

/** Compiles `v0:{timestamp}:{raw_body}`. `{{` stands for a brace. */
export function compileTemplate(text: string): Parsed<Template> {
  const parts: (string | Hole)[] = [];
  let literal = "";
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== "{") {
      literal += text[i];
      continue;
    }
    if (text[i + 1] === "{") {
      literal += "{";
      i++;
      continue;
    }
    const end = text.indexOf("}", i);
    if (end < 0) return { ok: false, expected: "a closing } for each {; write {{ for a brace of its own" };
    const hole = compileHole(text.slice(i + 1, end));
    if (!hole.ok) return hole;
    if (literal !== "") parts.push(literal);
    literal = "";
    parts.push(hole.value);
    i = end;
  }
  if (literal !== "") parts.push(literal);
  return { ok: true, value: parts };
}

function compileHole(text: string): Parsed<Hole> {
  const call = /^([a-z0-9_]+)\((.*)\)$/.exec(text);
  const fn = FUNCTIONS.find((name) => name === call?.[1]);
  if (call !== null && fn === undefined) return { ok: false, expected: `one of ${FUNCTIONS.join(", ")} before (` };
  const ref = compileRef(call?.[2] ?? text);
  if (!ref.ok) return ref;
  return { ok: true, value: fn === undefined ? { ref: ref.value, text } : { ref: ref.value, fn, text } };
}

/** A reference written bare or a template: `body:id` and `{body:id}` are the same. */
export function compileRefOrTemplate(text: string): Parsed<Template> {
  if (text.includes("{")) return compileTemplate(text);
  const ref = compileRef(text);
  return ref.ok ? { ok: true, value: [{ ref: ref.value, text }] } : ref;
}

/** The holes of a template. */
export function holesOf(template: Template): readonly Hole[] {
  return template.filter((part): part is Hole => typeof part !== "string");
}

/** What the template is made of, for people: `timestamp . raw_body`. */
export function describeTemplate(template: Template): string {
  return template.map((part) => (typeof part === "string" ? part : part.text)).join(" ");
}

/** Bounds what a pattern can cost. */
export const MAX_MATCHED = 256;

/** A pattern for a whole value; undefined when it is none. */
export function compilePattern(text: string): RegExp | undefined {
  try {
    return new RegExp(`^(?:${text})$`, "u");
  } catch {
    return undefined;
  }
}
