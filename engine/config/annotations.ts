/** Walks a value beside its schema: which leaves are expressions, which are secrets, and which keys are open to notes. */
import type { Json } from "../core/types.ts";

/** JSON Schema as plain data. */
export type SchemaNode = { readonly [key: string]: unknown };

export const isNode = (value: unknown): value is SchemaNode =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** True for JSON mappings: no lists. */
export const isMapping = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const nodes = (value: unknown): readonly SchemaNode[] => (Array.isArray(value) ? value.filter(isNode) : []);

/** One string of a config and what its schema says about it. */
export interface Leaf {
  readonly holder: object;
  readonly name: string | number;
  readonly value: Json;
  readonly expression: boolean;
  readonly secret: boolean;
  /** A path that may not leave the config's folder. */
  readonly path: boolean;
}

/** Calls `visit` for each value that is no mapping or list, with the marks of all schema branches that could take it. */
export function visitLeaves(schema: unknown, value: Json, visit: (leaf: Leaf) => void): void {
  walk([schema].filter(isNode), value, { leaf: visit }, undefined);
}

/** A member whose behaviour this version lacks. */
export interface LaterMember extends Parent {
  readonly how: string;
}

/** Calls `visit` for each member that the schema marks `x-later`. */
export function visitLater(schema: unknown, value: Json, visit: (member: LaterMember) => void): void {
  walk([schema].filter(isNode), value, { later: visit }, undefined);
}

interface Visitor {
  readonly leaf?: (leaf: Leaf) => void;
  readonly later?: (member: LaterMember) => void;
}

/** A member, by the object or list that holds it. */
export interface Parent {
  readonly holder: object;
  readonly name: string | number;
}

function walk(schemas: readonly SchemaNode[], value: Json, visit: Visitor, parent: Parent | undefined): void {
  const branches = schemas.flatMap((schema) => branchesFor(schema, value));
  const how = [...schemas, ...branches].map((schema) => schema["x-later"]).find((mark) => typeof mark === "string");
  if (parent !== undefined && how !== undefined) visit.later?.({ ...parent, how });
  if (Array.isArray(value)) {
    value.forEach((item, i) => {
      walk(
        branches.flatMap((b) => itemSchemas(b, i)),
        item,
        visit,
        { holder: value, name: i },
      );
    });
    return;
  }
  if (typeof value === "object" && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      walk(
        branches.flatMap((b) => memberSchemas(b, key)),
        member,
        visit,
        { holder: value, name: key },
      );
    }
    return;
  }
  if (parent === undefined) return;
  const marked = (mark: string) => branches.some((branch) => branch[mark] === true);
  visit.leaf?.({
    ...parent,
    value,
    expression: marked("x-expression"),
    secret: marked("x-secret"),
    path: marked("x-path"),
  });
}

/** The branches of a union that take this kind of value; of mappings, those that know its keys best. */
export function branchesFor(schema: SchemaNode, value: Json): readonly SchemaNode[] {
  const union = [...nodes(schema["anyOf"]), ...nodes(schema["oneOf"])];
  const all = nodes(schema["allOf"]).flatMap((part) => branchesFor(part, value));
  if (union.length === 0) return takesKind(schema, value) ? [schema, ...all] : all;
  return [
    ...all,
    ...bestBranches(
      union.flatMap((branch) => branchesFor(branch, value)),
      value,
    ),
  ];
}

function bestBranches(branches: readonly SchemaNode[], value: Json): readonly SchemaNode[] {
  if (!isMapping(value) || branches.length < 2) return branches;
  const scores = branches.map((branch) => keyFit(branch, value));
  const best = Math.max(...scores);
  return branches.filter((_, i) => scores[i] === best);
}

/** How well a mapping's keys fit a closed branch: a wrong constant rules it out, a known key speaks for it. */
export function keyFit(branch: SchemaNode, value: { readonly [key: string]: Json }): number {
  const properties = isNode(branch["properties"]) ? branch["properties"] : undefined;
  if (properties === undefined) return 0;
  let score = 0;
  for (const [key, member] of Object.entries(value)) {
    const schema = properties[key];
    if (!isNode(schema)) score -= branch["additionalProperties"] === false ? 2 : 0;
    else if ("const" in schema) score += schema["const"] === member ? 10 : -20;
    else score += 1;
  }
  const required = Array.isArray(branch["required"]) ? branch["required"] : [];
  return score - required.filter((key) => typeof key === "string" && !(key in value)).length;
}

/** True when the schema's `type`, `const` or `enum` allow a value of this kind. */
export function takesKind(schema: SchemaNode, value: Json): boolean {
  const { type } = schema;
  if (type === undefined) return true;
  const kinds = Array.isArray(type) ? type : [type];
  const kind = kindOf(value);
  return kinds.some((k) => k === kind || (k === "number" && kind === "integer"));
}

/** The JSON Schema name of a value's kind. */
export function kindOf(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function itemSchemas(schema: SchemaNode, index: number): readonly SchemaNode[] {
  const { items, prefixItems } = schema;
  if (Array.isArray(prefixItems) && isNode(prefixItems[index])) return [prefixItems[index]];
  if (Array.isArray(items)) return [items[index]].filter(isNode);
  return isNode(items) ? [items] : [];
}

function memberSchemas(schema: SchemaNode, key: string): readonly SchemaNode[] {
  const { properties, patternProperties, additionalProperties } = schema;
  if (isNode(properties) && Object.hasOwn(properties, key) && isNode(properties[key])) return [properties[key]];
  const matching = isNode(patternProperties)
    ? Object.entries(patternProperties)
        .filter(([pattern]) => new RegExp(pattern, "u").test(key))
        .map(([, node]) => node)
    : [];
  if (matching.length > 0) return matching.filter(isNode);
  return isNode(additionalProperties) ? [additionalProperties] : [];
}

/** A copy of the schema in which every closed mapping also takes keys that start with `x-`. */
export function withNotes(schema: unknown): SchemaNode {
  const copied = copy(schema);
  return isNode(copied) ? copied : {};
}

function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  if (!isNode(value)) return value;
  const node: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) node[key] = copy(member);
  if (node["additionalProperties"] === false && node["type"] === "object") {
    node["patternProperties"] = { ...(isNode(node["patternProperties"]) ? node["patternProperties"] : {}), "^x-": {} };
  }
  return node;
}
