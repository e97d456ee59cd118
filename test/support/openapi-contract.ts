/** Judges request bodies by a service's own OpenAPI document, reduced to a few operations (test/fixtures/openapi). */
import { readFileSync } from "node:fs";
import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import type { Json, JsonObject } from "../../engine/core/types.ts";

/** What is wrong with a value; empty when nothing is. */
export type Judge = (value: unknown) => string[];

/** A judge by JSON Schema. */
export function judgeBy(schema: JsonObject): Judge {
  const ajv = new Ajv({ allErrors: true, strict: false });
  addFormats.default(ajv);
  const validate: ValidateFunction = ajv.compile(schema);
  return (value) =>
    validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/**
 * Judges by operation, e.g. `POST /contacts`. Objects whose members the document names take no others: services
 * refuse or ignore a field they do not know, and either would be a lost write.
 */
export function contractOf(name: string): (operation: string) => Judge {
  const { operations, schemas } = readContract(name);
  const judges = new Map(
    Object.entries(operations).map(([operation, { schema }]) => {
      const root = { ...schema, schemas: Object.fromEntries(Object.entries(schemas)) };
      return [operation, judgeBy(readable(root) as JsonObject)] as const;
    }),
  );
  return (operation) => {
    const judge = judges.get(operation);
    if (judge === undefined) throw new Error(`${name} has no operation ${operation}`);
    return judge;
  };
}

/** Bodies that the service's document refuses, by operation: a judge that passes them proves nothing. */
export function refusedBy(name: string): readonly (readonly [operation: string, body: Json])[] {
  return Object.entries(readContract(name).refuses ?? {}).flatMap(([operation, bodies]) =>
    bodies.map((body) => [operation, body] as const),
  );
}

function readContract(name: string): Contract {
  const file = new URL(`../fixtures/openapi/${name}/operations.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8"));
}

interface Contract {
  readonly operations: Readonly<Record<string, { readonly schema: JsonObject }>>;
  readonly schemas: Readonly<Record<string, JsonObject>>;
  readonly refuses?: Readonly<Record<string, readonly Json[]>>;
}

/** OpenAPI 3.0 in JSON Schema: `nullable` without a type is a word that ajv can not compile, and closed objects. */
function readable(value: Json): Json {
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== "object" || value === null) return value;
  const { nullable, ...rest } = value as JsonObject;
  const inner = Object.fromEntries(Object.entries(rest).map(([key, member]) => [key, readable(member)]));
  const closed =
    typeof inner["properties"] === "object" && inner["type"] === "object" && inner["additionalProperties"] === undefined
      ? { ...inner, additionalProperties: false }
      : inner;
  return nullable === true ? { anyOf: [closed, { type: "null" }] } : closed;
}
