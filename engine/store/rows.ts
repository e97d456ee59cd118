/** Between SQL's values and ours: JSON columns, hashes, and fields that are absent rather than null. */
import { hash } from "node:crypto";
import { fail } from "../core/errors.ts";

const KEY_BYTES = 16;

/** A value for an SQL parameter: absent becomes NULL. */
export function orNull<T>(value: T | undefined): T | null {
  return value ?? null;
}

/** JSON text for an SQL parameter; absent becomes NULL. */
export function jsonOrNull(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

/** A JSON column that this room wrote itself. What is no JSON any more has been changed on the disk (HK4025). */
export function fromJson<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    // The parser quotes the text, which may be personal: it does not go on as the cause.
    return fail("HK4025");
  }
}

/** `{ [name]: value }`, or nothing where SQL has NULL: for spreading into an object with optional fields. */
export function present<K extends string, T>(name: K, value: T | null | undefined): { [P in K]?: T } {
  const part: { [P in K]?: T } = {};
  if (value !== null && value !== undefined) part[name] = value;
  return part;
}

/** As `present`, for a JSON column. */
export function presentJson<K extends string, T>(name: K, text: string | null): { [P in K]?: T } {
  return present(name, text === null ? null : fromJson<T>(text));
}

/** 16-byte key of a few texts: collisions would need 2^64 rows. */
export function hashKey(...parts: readonly string[]): Buffer {
  return hash("sha256", JSON.stringify(parts), "buffer").subarray(0, KEY_BYTES);
}
