/** From a JSON Schema to a type: at least all values the schema lets through. Pure. */
import type { Json, JsonObject } from "../core/types.ts";
import { isJsonObject } from "../core/values.ts";
import {
  ANY_JSON,
  join,
  joinAll,
  KIND,
  kindOf,
  type Member,
  meet,
  NEVER,
  NUMBER_KINDS,
  optional,
  type Type,
} from "./types.ts";

const KINDS_OF: Readonly<Record<string, number>> = {
  null: KIND.null,
  boolean: KIND.boolean,
  integer: KIND.integer,
  number: NUMBER_KINDS,
  string: KIND.string,
  array: KIND.list,
  object: KIND.object,
};

/** Deeper than any payload is read; also where a schema refers to itself. */
const MAX_DEPTH = 40;

interface Place {
  readonly root: Json;
  readonly depth: number;
  /** References that are being followed: one that comes again is recursion. */
  readonly refs: readonly string[];
}

/** The type of what a schema describes. A schema with `properties` and no `type` is taken to mean an object. */
export function typeOfSchema(schema: Json): Type {
  return read(schema, { root: schema, depth: 0, refs: [] });
}

function read(schema: Json, place: Place): Type {
  if (schema === false) return NEVER;
  if (!isJsonObject(schema) || place.depth > MAX_DEPTH) return ANY_JSON;
  const inner = { ...place, depth: place.depth + 1 };
  let type = own(schema, inner);
  if (typeof schema["$ref"] === "string") type = meet(type, followed(schema["$ref"], inner));
  for (const part of list(schema["allOf"])) type = meet(type, read(part, inner));
  for (const word of ["anyOf", "oneOf"]) {
    const branches = list(schema[word]);
    if (branches.length > 0) type = meet(type, joinAll(branches.map((branch) => read(branch, inner))));
  }
  return type;
}

const list = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);

function followed(ref: string, place: Place): Type {
  if (!ref.startsWith("#") || place.refs.includes(ref)) return ANY_JSON;
  let target: Json | undefined = place.root;
  for (const step of ref.slice(1).split("/").slice(1)) {
    const name = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
    target = isJsonObject(target) && Object.hasOwn(target, name) ? target[name] : undefined;
  }
  // An anchor (`#name`) names no place that could be walked to.
  if (target === undefined || (ref.length > 1 && !ref.startsWith("#/"))) return ANY_JSON;
  return read(target, { ...place, refs: [...place.refs, ref] });
}

/** What the schema's own words say, apart from the schemas it combines. */
function own(schema: JsonObject, place: Place): Type {
  const kinds = kindsOf(schema);
  const items = kinds & KIND.list ? itemsOf(schema, place) : undefined;
  const members = kinds & KIND.object ? membersOf(schema, place) : undefined;
  const texts = kinds & KIND.string ? textsOf(schema) : undefined;
  return { kinds, ...(texts && { texts }), ...(items && { items }), ...(members && { members }) };
}

/** Of `enum` and `const`. */
function textsOf(schema: JsonObject): ReadonlySet<string> | undefined {
  const named = schema["const"] === undefined ? schema["enum"] : [schema["const"]];
  return Array.isArray(named) ? new Set(named.filter((value) => typeof value === "string")) : undefined;
}

function kindsOf(schema: JsonObject): number {
  let kinds = ANY_JSON.kinds;
  const { type } = schema;
  if (type !== undefined) {
    const names = Array.isArray(type) ? (type as readonly Json[]) : [type];
    kinds = names.reduce<number>((bits, name) => bits | (KINDS_OF[String(name)] ?? 0), 0);
  } else if (isJsonObject(schema["properties"])) kinds = KIND.object;
  if (schema["const"] !== undefined) kinds &= kindOf(schema["const"]);
  const values = schema["enum"];
  if (Array.isArray(values))
    kinds &= (values as readonly Json[]).reduce<number>((bits, value) => bits | kindOf(value), 0);
  return kinds;
}

function itemsOf(schema: JsonObject, place: Place): Type | undefined {
  const { items, prefixItems, additionalItems } = schema;
  const first = Array.isArray(items) ? list(items) : list(prefixItems);
  const after = Array.isArray(items) ? additionalItems : items;
  if (first.length === 0) return after === undefined ? undefined : read(after, place);
  return join(joinAll(first.map((one) => read(one, place))), after === undefined ? ANY_JSON : read(after, place));
}

/** Words by which members come and go in ways that are not followed. */
const LOOSE = ["patternProperties", "if", "dependentSchemas", "dependencies", "unevaluatedProperties", "$dynamicRef"];

function membersOf(schema: JsonObject, place: Place): Type["members"] {
  const properties = isJsonObject(schema["properties"]) ? schema["properties"] : {};
  const required = new Set(list(schema["required"]).map(String));
  const known = new Map<string, Member>();
  for (const [name, member] of Object.entries(properties)) {
    const type = read(member, place);
    known.set(name, { type: required.has(name) ? type : optional(type), origin: { holder: properties, name } });
  }
  for (const name of required) if (!known.has(name)) known.set(name, { type: ANY_JSON });
  const more = schema["additionalProperties"];
  const loose = LOOSE.some((word) => schema[word] !== undefined);
  const rest = more === false ? (loose ? ANY_JSON : undefined) : more === undefined ? ANY_JSON : read(more, place);
  const declared = !loose && (more === false || (more === undefined && Object.keys(properties).length > 0));
  return { known, rest, declared };
}
