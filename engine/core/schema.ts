/**
 * The few words all schema slices are written with. The schema is plain JSON Schema (TypeBox): ajv validates with
 * it, editors read it, the reference page is made from it. Three marks say what JSON Schema has no word for:
 * `x-expression` (JSONata: never interpolated), `x-secret` (wrapped in `Secret`, never shown), `x-path` (a file that may
 * not lie outside the config's folder), `x-expects` (what a message says was expected).
 */
import { type Static, type TObject, type TProperties, type TSchema, type TSchemaOptions, Type } from "typebox";

/** Names of pipelines, sources, teams, entities, attributes, connections, tables, states. */
export const NAME_PATTERN = "^[a-z][a-z0-9._-]*$";

/** A mapping that takes these keys and no others. config/ adds `x-` keys to all of them. */
export function closed<P extends TProperties>(properties: P, options: TSchemaOptions = {}): TObject<P> {
  return Type.Object(properties, { additionalProperties: false, ...options });
}

/** A mapping from names of the author's own choice to values of one kind. */
export function named<V extends TSchema>(value: V, description: string, options: TSchemaOptions = {}) {
  return Type.Record(Type.String(), value, {
    description,
    propertyNames: {
      pattern: NAME_PATTERN,
      "x-expects": "a name of lower-case letters, digits, `.`, `_` and `-` that starts with a letter",
    },
    ...options,
  });
}

/** A mapping whose keys are data (table rows, ids, JSON paths) and may be any text. */
export function keyed<V extends TSchema>(value: V, description: string, options: TSchemaOptions = {}) {
  return Type.Record(Type.String(), value, { description, ...options });
}

/** Text. */
export function text(description: string, options: TSchemaOptions = {}) {
  return Type.String({ description, minLength: 1, "x-expects": "text", ...options });
}

/** The name of something declared elsewhere. */
export function nameRef(description: string, options: TSchemaOptions = {}) {
  return Type.String({ description, minLength: 1, "x-expects": "a name", ...options });
}

/** A JSONata expression: never interpolated; config/ sees whether YAML cut it short. */
export function expressionText(description: string, options: TSchemaOptions = {}) {
  return Type.String({
    description,
    minLength: 1,
    "x-expression": true,
    "x-expects": "a JSONata expression",
    ...options,
  });
}

/** A credential: `${NAME}` or `${file:PATH}`; written out in plain text it earns a warning. */
export function secretText(description: string, options: TSchemaOptions = {}) {
  return Type.String({
    description,
    minLength: 1,
    "x-secret": true,
    "x-expects": "a reference such as ${NAME} or ${file:/run/secrets/x}",
    ...options,
  });
}

/** A length of time, e.g. `500ms`, `60s`, `15m`, `24h`, `30d`. */
export function durationText(description: string, options: TSchemaOptions = {}) {
  return Type.String({
    description,
    pattern: "^\\d+(\\.\\d+)?(ms|s|m|h|d)$",
    "x-expects": "a duration such as 500ms, 60s, 15m, 24h or 30d",
    ...options,
  });
}

/** A number of bytes, e.g. `64KiB`, `5MiB`. */
export function sizeText(description: string, options: TSchemaOptions = {}) {
  return Type.String({
    description,
    pattern: "^\\d+(\\.\\d+)?(B|kB|KB|KiB|MB|MiB|GB|GiB)$",
    "x-expects": "a size such as 64KiB or 5MiB",
    ...options,
  });
}

/** A rate, e.g. `100/s`, `10/10s`, `600/m`. */
export function rateText(description: string, options: TSchemaOptions = {}) {
  return Type.String({
    description,
    pattern: "^\\d+/(\\d+)?(ms|s|m|h|d)$",
    "x-expects": "a rate such as 100/s, 10/10s or 600/m",
    ...options,
  });
}

/** A share, e.g. `99.9%`. */
export function percentText(description: string, options: TSchemaOptions = {}) {
  return Type.String({
    description,
    pattern: "^\\d{1,3}(\\.\\d+)?%$",
    "x-expects": "a percentage such as 99.9%",
    ...options,
  });
}

/** One of a few words. */
export function oneOf<const V extends readonly (string | number)[]>(
  values: V,
  description: string,
  options: TSchemaOptions = {},
) {
  return Type.Unsafe<V[number]>({ enum: values, description, ...options });
}

/** True or false. */
export function flag(description: string, options: TSchemaOptions = {}) {
  return Type.Boolean({ description, ...options });
}

/** One of something or a list of it. */
export function oneOrMany<V extends TSchema>(value: V, description: string) {
  return Type.Union([value, Type.Array(value, { minItems: 1 })], { description });
}

/** Any JSON value. */
export function anyValue(description: string, options: TSchemaOptions = {}) {
  return Type.Unsafe<import("./types.ts").Json>({ description, ...options });
}

/**
 * A key of the language whose behaviour this version lacks: `check` says so, since a key that silently does nothing is
 * a feature that is off. `refuse`: without it what is written would be wrong, so it is an error and not a warning.
 */
export function later<S extends TSchema>(schema: S, how: "warn" | "refuse" = "warn"): S {
  return { ...schema, "x-later": how };
}

/** What a slice makes of YAML, once validated. */
export type FromSchema<S extends TSchema> = Static<S>;
