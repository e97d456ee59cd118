/** Splits a batch: the list of items in a parsed body. */
import { parseJson } from "../core/json.ts";
import { compileJsonPaths } from "../core/json-paths.ts";
import type { Json } from "../core/types.ts";
import { Reading, valueAt } from "./reading.ts";

const NO_PATHS = compileJsonPaths([]);

/** The list at a path of a parsed body ("" for the body itself); undefined when there is none. */
export function listAt(body: Json, path: string): readonly Json[] | undefined {
  const value = valueAt(body, path);
  return Array.isArray(value) ? (value as readonly Json[]) : undefined;
}

/** The elements of one name at a path of an XML body, be there one or many. */
export function elementsAt(body: Json, path: string): readonly Json[] | undefined {
  const value = valueAt(body, path);
  return value === undefined ? undefined : Array.isArray(value) ? (value as readonly Json[]) : [value];
}

/** One reading per item of a JSON batch, for signatures that stand in the items. */
export function itemReadings(request: Reading["request"], path: string): readonly Reading[] | undefined {
  const parsed = parseJson(request.body);
  const items = parsed.ok ? listAt(parsed.value, path === "." ? "" : path) : undefined;
  return items?.map((item) => new Reading(request, NO_PATHS, { item }));
}
