/** The words validation uses: what was expected, what was found, where; and what stands in for a broken value. */
import type { Json } from "../core/types.ts";
import { isNode, kindOf, type SchemaNode } from "./annotations.ts";

const KIND_WORDS: Readonly<Record<string, string>> = {
  string: "text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  null: "nothing",
};

/** The JSON kinds a schema takes. */
export function kindWords(schema: unknown): readonly string[] {
  if (!isNode(schema)) return [];
  const { type } = schema;
  return (Array.isArray(type) ? type : [type]).filter((kind) => typeof kind === "string");
}

/** What a schema expects, for people; undefined when it takes anything. */
export function expectedOf(schema: unknown): string | undefined {
  if (!isNode(schema)) return undefined;
  if (typeof schema["x-expects"] === "string") return schema["x-expects"];
  if ("const" in schema) return `\`${String(schema["const"])}\``;
  if (Array.isArray(schema["enum"])) return `one of ${schema["enum"].map(String).join(", ")}`;
  const union = schema["anyOf"];
  if (Array.isArray(union)) {
    const parts = union.map(expectedOf).filter((part) => part !== undefined);
    return parts.length === 0 ? undefined : [...new Set(parts)].join(", or ");
  }
  const kinds = kindWords(schema).map((kind) => KIND_WORDS[kind] ?? kind);
  if (kinds.length === 0) return undefined;
  return isNode(schema["properties"]) && kinds.length === 1 ? `a mapping with ${keyList(schema)}` : kinds.join(" or ");
}

function keyList(schema: SchemaNode): string {
  const keys = Object.keys(isNode(schema["properties"]) ? schema["properties"] : {});
  return keys.length > 8 ? `${keys.slice(0, 8).join(", ")}, …` : keys.join(", ");
}

/** What was found. Values that came from references are never shown. */
export function gotText(value: Json, shown: boolean): string {
  const kind = kindOf(value);
  if (kind === "null") return "empty";
  if (kind === "object" || kind === "array") return KIND_WORDS[kind] ?? kind;
  if (!shown) return `${KIND_WORDS[kind] ?? kind} from a reference`;
  const text = String(value);
  return `\`${text.length > 40 ? `${text.slice(0, 40)}…` : text}\``;
}

/** What a fault is in: its own key, or the document; the frame shows the rest. */
export function whereText(path: readonly string[], what: string): string {
  const last = path.at(-1);
  if (last === undefined) return what;
  if (!/^\d+$/.test(last)) return `\`${last}\``;
  const list = path.findLast((part) => !/^\d+$/.test(part));
  return `entry ${Number(last) + 1} of ${list === undefined ? what : `\`${list}\``}`;
}

interface Broken {
  readonly keyword: string;
  readonly parentSchema?: unknown;
  readonly schema?: unknown;
}

/** A value of the kind that was expected, so that the rest can still be checked. */
export function placeholderFor(error: Broken): Json | undefined {
  return ofSchema(error.parentSchema);
}

function ofSchema(schema: unknown): Json | undefined {
  if (!isNode(schema)) return undefined;
  if ("const" in schema) return schema["const"] as Json;
  if (Array.isArray(schema["enum"])) return (schema["enum"][0] ?? "") as Json;
  if (Array.isArray(schema["anyOf"])) return ofSchema(schema["anyOf"].find(isNode));
  switch (kindWords(schema)[0]) {
    case "string":
      return "";
    case "integer":
    case "number":
      return typeof schema["minimum"] === "number" ? schema["minimum"] : 1;
    case "boolean":
      return false;
    case "array":
      return [];
    case "object":
      return {};
    default:
      return "";
  }
}
