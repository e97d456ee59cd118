/** Reads answers and bodies by dot paths, and what of an answer may be shown. */
import type { Json } from "../core/types.ts";

/** The values at a dot path; `*` takes every element. */
export function valuesAt(value: Json | undefined, path: string): Json[] {
  let found: Json[] = value === undefined ? [] : [value];
  for (const part of path === "" ? [] : path.split(".")) {
    found = found.flatMap((one): Json[] => {
      if (typeof one !== "object" || one === null) return [];
      if (part === "*") return Object.values(one);
      const member = Object.entries(one).find(([key]) => key === part);
      return member === undefined ? [] : [member[1]];
    });
  }
  return found;
}

/** Something is there: not null, "" or an empty list. */
export const isThere = (value: Json) => value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);

/**
 * A sink's own words as far as they may be shown: a short code. Sentences can quote what was sent, personal data
 * included, so only a first piece that looks like an identifier is kept.
 */
export function safeReason(text: string): string {
  return /^[A-Za-z][\w.:-]{0,79}$/.test(text) || /^\d{1,10}$/.test(text) ? text : "(text left out)";
}
