/** One ajv error in the language's own terms: its code, its words, and what was perhaps meant. */
import type { ErrorObject } from "ajv/dist/2020.js";
import type { ErrorCode } from "../core/errors.ts";
import { didYouMean, slipOf } from "../core/suggest.ts";
import type { Json } from "../core/types.ts";
import { isMapping, isNode } from "./annotations.ts";
import { type FaultOptions, fixTo } from "./report.ts";
import { expectedOf, gotText } from "./validate-words.ts";

/** What a message needs to know of the value. */
interface Found {
  readonly value: Json;
  readonly where: string;
  /** False for values from references. */
  readonly shown: boolean;
}

/** The code of an error, and the data its message is filled with. */
export function faultOf(
  error: ErrorObject,
  { value, where, shown }: Found,
): readonly [ErrorCode, Record<string, string>] {
  switch (error.keyword) {
    case "anyOf":
      return wordsOf(error).length > 0 && typeof value === "string"
        ? ["HK1013", { where, got: gotText(value, shown) }]
        : ["HK1011", { where, got: gotText(value, shown) }];
    case "type":
      return ["HK1011", { where, got: gotText(value, shown) }];
    case "enum":
    case "const":
      return ["HK1013", { where, got: gotText(value, shown) }];
    case "not":
    case "dependentRequired":
    case "oneOf":
      return ["HK1016", { problem: `${where}: keys that do not go together` }];
    default:
      return ["HK1014", { where, problem: shown ? `${gotText(value, true)} ${problemOf(error)}` : problemOf(error) }];
  }
}

function problemOf(error: ErrorObject): string {
  if (error.keyword === "pattern") return "is not of the form that is expected";
  if (error.keyword === "minLength") return "is empty";
  return error.message ?? "is out of bounds";
}

/** The words a value could have been. */
function wordsOf(error: ErrorObject): readonly string[] {
  const allowed: unknown = error.params["allowedValues"];
  if (Array.isArray(allowed)) return allowed.map(String);
  const branches = error.keyword === "anyOf" && Array.isArray(error.schema) ? error.schema.filter(isNode) : [];
  return branches.flatMap((branch) =>
    "const" in branch ? [String(branch["const"])] : Array.isArray(branch["enum"]) ? branch["enum"].map(String) : [],
  );
}

/** What was perhaps meant. */
export function valueHint(error: ErrorObject, value: Json): string | undefined {
  const words = wordsOf(error);
  if (typeof value === "string" && words.length > 0) return didYouMean(value, words);
  if (expectedOf(error.parentSchema) === "a list" && isMapping(value)) return "each entry of a list begins with `- `";
  const branches = Array.isArray(error.schema) ? error.schema.filter(isNode) : [];
  const takesConstant = branches.some((b) => isNode(b["properties"]) && "value" in b["properties"]);
  if (takesConstant && (typeof value === "number" || typeof value === "boolean")) {
    return `a constant is written { value: ${String(value)} }`;
  }
  const wantsText = expectedOf(error.parentSchema)?.includes("text") ?? false;
  return wantsText && typeof value === "number" ? `quote it: "${String(value)}"` : undefined;
}

/** The one word that was surely meant, to be written by `check --fix`. */
export const valueFix = (error: ErrorObject, value: Json): FaultOptions["fix"] =>
  typeof value === "string" ? fixTo(slipOf(value, wordsOf(error))) : undefined;

/** `RevenueOps` is perhaps `revenue-ops`. */
export function asName(key: string): string | undefined {
  const name = key
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .toLowerCase()
    .replace(/^[^a-z]+|-+$/g, "");
  return name === "" || name === key ? undefined : `write \`${name}\``;
}

/** A mapping or list where an expression is meant: YAML read `{` or `[` as its own. */
export function cutExpression(error: ErrorObject, value: Json): boolean {
  if (typeof value !== "object" || value === null) return false;
  const branches =
    error.keyword === "anyOf" && Array.isArray(error.schema) ? error.schema.filter(isNode) : [error.parentSchema ?? {}];
  return branches.some((branch) => branch["x-expression"] === true);
}
