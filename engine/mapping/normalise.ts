/**
 * Results as plain JSON, by a walk of our own: what an evaluation yields can hold functions, sequences with extra
 * members, numbers JSON has no form for, and keys that would pose as a prototype.
 */
import type { Json } from "../core/types.ts";

export type Normalised =
  | { readonly ok: true; readonly value: Json | undefined }
  | { readonly ok: false; readonly reason: "not_json"; readonly what: string }
  | { readonly ok: false; readonly reason: "too_large" };

/** Characters of JSON one result may come to, about: above what any attribute or sink body holds. */
export const MAX_RESULT = 262_144;

const DROPPED = new Set(["__proto__", "_jsonata_function", "_jsonata_lambda"]);

interface Walk {
  left: number;
}

/** A reason to give up, handed up the walk; a value of no payload. */
class NotPlain {
  readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
}

const TOO_LARGE = "";

/** Makes a result plain, or says why it is not data. */
export function normalise(value: unknown, limit: number = MAX_RESULT): Normalised {
  if (value === undefined || value === null || typeof value === "boolean") return { ok: true, value };
  if (typeof value === "string" && value.length < limit) return { ok: true, value };
  const plain = copy(value, { left: limit });
  if (!(plain instanceof NotPlain)) return { ok: true, value: plain };
  return plain.what === TOO_LARGE
    ? { ok: false, reason: "too_large" }
    : { ok: false, reason: "not_json", what: plain.what };
}

function copy(value: unknown, walk: Walk): Json | NotPlain {
  walk.left -= typeof value === "string" ? value.length + 2 : 8;
  if (walk.left < 0) return new NotPlain(TOO_LARGE);
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (!Number.isFinite(value))
        return new NotPlain(Number.isNaN(value) ? "a number that is not a number (NaN)" : "an infinite number");
      return Object.is(value, -0) ? 0 : value;
    case "object":
      if (value === null) return null;
      return Array.isArray(value) ? copyList(value, walk) : copyObject(value, walk);
    default:
      return new NotPlain(typeof value === "function" ? "a function" : "a value that JSON does not have");
  }
}

function copyList(list: readonly unknown[], walk: Walk): Json | NotPlain {
  const plain: Json[] = [];
  for (const item of list) {
    if (item === undefined) continue;
    const copied = copy(item, walk);
    if (copied instanceof NotPlain) return copied;
    plain.push(copied);
  }
  return plain;
}

function copyObject(object: object, walk: Walk): Json | NotPlain {
  if (isFunctionObject(object)) return new NotPlain("a function");
  const plain: Record<string, Json> = {};
  for (const [key, member] of Object.entries(object)) {
    if (member === undefined || DROPPED.has(key)) continue;
    walk.left -= key.length + 4;
    const copied = copy(member, walk);
    if (copied instanceof NotPlain) return copied;
    plain[key] = copied;
  }
  return plain;
}

function isFunctionObject(object: object): boolean {
  return (
    ("_jsonata_lambda" in object && object._jsonata_lambda === true) ||
    ("_jsonata_function" in object && object._jsonata_function === true)
  );
}

/** A copy of data for the interpreter, which writes to what it is given and takes two keys for functions of its own. */
export function copyForInterpreter(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Json) => copyForInterpreter(item));
  const copied: Record<string, Json> = {};
  for (const [key, member] of Object.entries(value)) if (!DROPPED.has(key)) copied[key] = copyForInterpreter(member);
  return copied;
}
