/** Random JSON Schemas, each with a value that keeps it; the names are those of the random expressions. */
import fc from "fast-check";
import type { Json } from "../../../engine/core/types.ts";
import { json } from "./arbitraries.ts";

export interface SchemaAndValue {
  readonly schema: Json;
  readonly value: Json;
}

const leaf: fc.Arbitrary<SchemaAndValue> = fc.oneof(
  fc.constantFrom("a", "b", "5", "").map((value) => ({ schema: { type: "string" }, value })),
  fc.integer({ min: -3, max: 3 }).map((value) => ({ schema: { type: "integer" }, value })),
  fc.constantFrom(0.5, 1, 2.5).map((value) => ({ schema: { type: "number" }, value })),
  fc.boolean().map((value) => ({ schema: { type: "boolean" }, value })),
  fc.constantFrom("a", null).map((value) => ({ schema: { type: ["string", "null"] }, value })),
  fc.constantFrom("a", "b", "c").map((value) => ({ schema: { type: "string", enum: ["a", "b", "c"] }, value })),
  fc.constantFrom("a", "b", null).map((value) => ({ schema: { enum: ["a", "b", null] }, value })),
  fc.constantFrom<Json[]>("a", 1, true).map((value) => ({ schema: { enum: ["a", 1, true] }, value })),
  json.map((value) => ({ schema: true, value })),
);

const NAMES = ["a", "b", "c", "d"];

const value = fc.letrec<{ any: SchemaAndValue; object: SchemaAndValue }>((tie) => ({
  any: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    tie("object"),
    // A list's items are of either schema.
    fc.tuple(tie("any"), tie("any"), fc.array(fc.boolean(), { maxLength: 3 })).map(([x, y, picks]) => ({
      schema: { type: "array", items: { anyOf: [x.schema, y.schema] } },
      value: picks.map((pick) => (pick ? x.value : y.value)),
    })),
    fc.tuple(tie("any"), tie("any")).map(([x, y]) => ({ schema: { anyOf: [y.schema, x.schema] }, value: x.value })),
    tie("any").map((x) => ({ schema: { $defs: { x: x.schema }, allOf: [true, x.schema] }, value: x.value })),
  ),
  object: fc
    .tuple(
      fc.dictionary(fc.constantFrom(...NAMES), fc.tuple(tie("any"), fc.constantFrom("required", "there", "left out")), {
        maxKeys: 4,
        noNullPrototype: true,
      }),
      fc.constantFrom("closed", "open", "open with more"),
      json,
    )
    .map(([members, openness, extra]) => {
      const entries = Object.entries(members);
      const properties = Object.fromEntries(entries.map(([name, [{ schema }]]) => [name, schema]));
      const required = entries.flatMap(([name, [, how]]) => (how === "required" ? [name] : []));
      const there = entries.flatMap(([name, [one, how]]) => (how === "left out" ? [] : [[name, one.value] as const]));
      const free = NAMES.find((name) => !Object.hasOwn(members, name));
      const more = openness === "open with more" && free !== undefined ? [[free, extra] as const] : [];
      return {
        schema: { type: "object", properties, required, ...(openness === "closed" && { additionalProperties: false }) },
        value: Object.fromEntries([...there, ...more]) as Json,
      };
    }),
}));

/** Payloads are objects, nearly always. */
export const schemaAndValue: fc.Arbitrary<SchemaAndValue> = fc.oneof(
  { weight: 9, arbitrary: value.object },
  { weight: 1, arbitrary: value.any },
);
