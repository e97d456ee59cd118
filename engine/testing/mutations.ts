/** Every way in which one field of a payload can be missing or of another kind. */
import type { TestEvent } from "../config/test-model.ts";
import { splitPath } from "../core/json-paths.ts";
import type { Json } from "../core/types.ts";
import { sameJson } from "../core/values.ts";

export interface Mutation {
  /** `lines.data[1].quantity is null` */
  readonly name: string;
  apply(event: TestEvent): TestEvent;
}

/**
 * Of a payload below the source's `root:`, where the rule reads it. Members of lists stay: a list with fewer members is
 * another payload.
 */
export function mutationsOf(payload: Json, reads: (keys: readonly string[]) => boolean): Mutation[] {
  return [...placesOf(payload, "")]
    .filter(({ path }) => reads(splitPath(path)))
    .flatMap(({ path, value, member }) => [
      ...(member
        ? [{ name: `${path} is absent`, apply: (event: TestEvent) => ({ ...event, remove: [...event.remove, path] }) }]
        : []),
      ...substitutes(value).map(([what, other]) => ({
        name: `${path} is ${what}`,
        apply: (event: TestEvent) => ({ ...event, set: { ...event.set, [path]: other } }),
      })),
    ]);
}

function substitutes(value: Json): [string, Json][] {
  const all: [string, Json][] = [["null", null], ['""', ""], [...mistyped(value)]];
  return all.filter(([, other]) => !sameJson(other, value));
}

function mistyped(value: Json): [string, Json] {
  if (typeof value === "string") return ["a number", 12_345];
  if (typeof value === "number") return ["a text", "not a number"];
  if (typeof value === "boolean") return ["a text", "yes"];
  if (Array.isArray(value)) return ["an object", {}];
  return ["a list", []];
}

/** By the names in all expressions of a rule and its deliveries; where one reads by a wildcard, everything is read. */
export function readsOf(model: unknown): (keys: readonly string[]) => boolean {
  const sources = [...sourcesIn(model)];
  if (sources.some((source) => /\*|%|\$(lookup|each|keys|spread|sift|merge)\b/.test(source))) return () => true;
  const names = new Set(sources.flatMap((source) => source.match(/[A-Za-z_][A-Za-z0-9_-]*/g) ?? []));
  return (keys) => keys.every((key) => /^\d+$/.test(key) || names.has(key));
}

/** Sources of all expressions in a compiled model. */
function* sourcesIn(model: unknown): Generator<string> {
  if (typeof model !== "object" || model === null) return;
  if ("inputs" in model && "source" in model && typeof model.source === "string") {
    yield model.source;
    return;
  }
  const members = model instanceof Map ? model.values() : Object.values(model);
  for (const member of members) yield* sourcesIn(member);
}

/** A key that a path can not say is left alone. */
const sayable = /^[A-Za-z_][A-Za-z0-9_-]*$/;

function* placesOf(value: Json, path: string): Generator<{ path: string; value: Json; member: boolean }> {
  if (typeof value !== "object" || value === null) return;
  const list = Array.isArray(value);
  for (const [key, one] of Object.entries(value)) {
    if (!list && !sayable.test(key)) continue;
    const here = list ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
    // A path that starts at a list can not be said either.
    if (here.startsWith("[")) continue;
    yield { path: here, value: one as Json, member: !list };
    yield* placesOf(one as Json, here);
  }
}
