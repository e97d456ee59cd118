/**
 * Parsing: jsonata's own parser, its tree read node by node into the types of ast.ts, so that a kind of node that a
 * new version brings is noticed and not ignored.
 */
import jsonata from "jsonata";
import { assertNever } from "../core/errors.ts";
import type { Node, Pair, Shape, Stage } from "./ast.ts";

/** A fault as the parser reports it. `position` is the offset after the token. */
export interface SyntaxFault {
  readonly code: string;
  readonly message: string;
  readonly position: number | undefined;
  readonly token: string | undefined;
}

export type Parsed =
  | { readonly ok: true; readonly ast: Node }
  | { readonly ok: false; readonly faults: readonly SyntaxFault[] };

/** Parses JSONata. After a syntax error it parses again in recovery mode, to find those that follow. */
export function parseJsonata(source: string): Parsed {
  try {
    return { ok: true, ast: readNode(jsonata(source).ast()) };
  } catch (error) {
    const first = readFault(error);
    return { ok: false, faults: [first, ...laterFaults(source, first)] };
  }
}

function laterFaults(source: string, first: SyntaxFault): SyntaxFault[] {
  try {
    const recovered = jsonata(source, { recover: true });
    // `errors()` is documented and missing from jsonata's type.
    const errors: unknown = "errors" in recovered && typeof recovered.errors === "function" ? recovered.errors() : [];
    if (!Array.isArray(errors)) return [];
    // Recovery also reports the hole it leaves (`(error)`, then the end): echoes, not faults of the author's.
    return errors
      .map(readFault)
      .filter(
        (f) =>
          f.position !== undefined &&
          f.position > (first.position ?? 0) &&
          f.token !== "(end)" &&
          f.token !== "(error)",
      );
  } catch {
    // Some broken texts send the recovering parser into endless recursion; the first fault is enough.
    return [];
  }
}

function readFault(error: unknown): SyntaxFault {
  const raw = isRecord(error) ? error : {};
  return {
    code: typeof raw["code"] === "string" ? raw["code"] : "",
    message: typeof raw["message"] === "string" ? raw["message"] : "",
    position: typeof raw["position"] === "number" ? raw["position"] : undefined,
    token: raw["token"] === undefined ? undefined : String(raw["token"]),
  };
}

type Raw = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Raw {
  return typeof value === "object" && value !== null;
}

/** A member that the parser surely sets for this kind of node. */
function sub(raw: Raw, key: string): Node {
  return readNode(raw[key]);
}

function list(raw: Raw, key: string): Node[] {
  const value = raw[key];
  return Array.isArray(value) ? value.map(readNode) : [];
}

function pairs(value: unknown): Pair[] {
  return Array.isArray(value)
    ? value.map((pair: readonly unknown[]) => [readNode(pair[0]), readNode(pair[1])] as const)
    : [];
}

function readNode(value: unknown): Node {
  const raw = isRecord(value) ? value : {};
  const group = raw["group"];
  return {
    ...readShape(raw),
    end: typeof raw["position"] === "number" ? raw["position"] : undefined,
    predicates: readStages(raw["predicate"]),
    stages: readStages(raw["stages"]),
    group: isRecord(group) ? pairs(group["lhs"]) : undefined,
    keepArray: raw["keepArray"] === true || raw["keepSingletonArray"] === true,
    tuple: raw["tuple"] === true,
    focus: typeof raw["focus"] === "string" ? raw["focus"] : undefined,
    index: typeof raw["index"] === "string" ? raw["index"] : undefined,
  };
}

function readStages(value: unknown): Stage[] {
  if (!Array.isArray(value)) return [];
  return value.map((stage: Raw) =>
    stage["type"] === "index"
      ? { kind: "index", name: String(stage["value"]) }
      : { kind: "filter", test: sub(stage, "expr") },
  );
}

function readShape(raw: Raw): Shape {
  const value = raw["value"];
  switch (raw["type"]) {
    case "string":
    case "number":
    case "value":
      return { type: "literal", value: value as string | number | boolean | null };
    case "name":
      return { type: "name", name: String(value) };
    case "variable":
      return { type: "variable", name: String(value) };
    case "path":
      return { type: "path", steps: list(raw, "steps") };
    case "binary":
      return { type: "binary", operator: String(value), left: sub(raw, "lhs"), right: sub(raw, "rhs") };
    case "unary":
      return readUnary(raw);
    case "function":
    case "partial":
      return {
        type: "call",
        callee: sub(raw, "procedure"),
        args: list(raw, "arguments"),
        partial: raw["type"] === "partial",
      };
    case "operator":
      return { type: "placeholder" };
    case "lambda":
      return readLambda(raw);
    case "condition":
      return {
        type: "condition",
        test: sub(raw, "condition"),
        yes: sub(raw, "then"),
        no: raw["else"] === undefined ? undefined : sub(raw, "else"),
      };
    case "block":
      return { type: "block", body: list(raw, "expressions") };
    case "bind":
      return { type: "bind", name: String(isRecord(raw["lhs"]) ? raw["lhs"]["value"] : ""), value: sub(raw, "rhs") };
    case "apply":
      return { type: "apply", left: sub(raw, "lhs"), right: sub(raw, "rhs") };
    case "regex":
      return value instanceof RegExp
        ? { type: "regex", source: value.source, flags: value.flags.replace("g", "") }
        : unknownNode("regex");
    case "wildcard":
    case "descendant":
    case "parent":
      return { type: raw["type"] };
    case "sort":
      return { type: "sort", terms: readTerms(raw["terms"]) };
    case "transform":
      return {
        type: "transform",
        pattern: sub(raw, "pattern"),
        update: sub(raw, "update"),
        remove: raw["delete"] === undefined ? undefined : sub(raw, "delete"),
      };
    default:
      return unknownNode(String(raw["type"]));
  }
}

function readUnary(raw: Raw): Shape {
  if (raw["value"] === "[") return { type: "array", items: list(raw, "expressions") };
  if (raw["value"] === "{") return { type: "object", pairs: pairs(raw["lhs"]) };
  return { type: "negate", operand: sub(raw, "expression") };
}

function readLambda(raw: Raw): Shape {
  // A tail call is wrapped into a thunk: a lambda without parameters that stands for the call itself.
  if (raw["thunk"] === true) return readShape(isRecord(raw["body"]) ? raw["body"] : {});
  const params = Array.isArray(raw["arguments"]) ? raw["arguments"].map((p: Raw) => String(p["value"])) : [];
  const signature = raw["signature"];
  return {
    type: "lambda",
    params,
    body: sub(raw, "body"),
    signature: isRecord(signature) ? String(signature["definition"]) : undefined,
  };
}

function readTerms(value: unknown): { descending: boolean; by: Node }[] {
  return Array.isArray(value)
    ? value.map((term: Raw) => ({ descending: term["descending"] === true, by: sub(term, "expression") }))
    : [];
}

/** jsonata is pinned: a node of a kind not listed here can only come from an upgrade that was not looked at. */
function unknownNode(type: string): never {
  return assertNever(type as never, "JSONata node");
}
