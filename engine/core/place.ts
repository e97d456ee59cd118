/**
 * Where in a connection an upsert writes, as far as anybody here can tell: its action, and the fields of its entry, since
 * `list: buyers` and `list: leads` are two places. What one of them has taken says nothing of the other.
 */
import { hash } from "node:crypto";
import { canonicalJson } from "./canonical.ts";
import type { JsonObject } from "./types.ts";

export interface Addressed {
  readonly action: string;
  readonly params: JsonObject;
}

/** One place: the action alone, or with a mark of its fields. */
export function placeOf({ action, params }: Addressed): string {
  return Object.keys(params).length === 0
    ? action
    : `${action}#${hash("sha256", canonicalJson(params), "hex").slice(0, 16)}`;
}

/** All places of an action, whatever its fields. */
export const everyPlaceOf = (action: string): string => `${action}#*`;

/** Whether what stands for one place, or for every place of an action, takes this one in. */
export function takesIn(places: string, place: string): boolean {
  if (!places.endsWith("#*")) return places === place;
  const action = places.slice(0, -2);
  return place === action || place.startsWith(`${action}#`);
}
