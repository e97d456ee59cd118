/**
 * JSONata's syntax tree with types: what jsonata's own parser yields, read node by node into a closed union, so that
 * the analysis, the printer and the fast path see the same shapes and a new kind of node is noticed, not ignored.
 */
import jsonata from "jsonata";
import { assertNever } from "../core/errors.ts";

/** One predicate in brackets, or an index binding (`#$i`) within a path. */
export type Stage =
  | { readonly kind: "filter"; readonly test: Node }
  | { readonly kind: "index"; readonly name: string };

export type Pair = readonly [key: Node, value: Node];

interface Common {
  /** Offset in the source just after the token the parser was at; absent for nodes the parser made up. */
  readonly end: number | undefined;
  /** Predicates behind a node that is not a path. */
  readonly predicates: readonly Stage[];
  /** Predicates behind a step of a path; these see each item of the step. */
  readonly stages: readonly Stage[];
  /** `{…}` behind it. */
  readonly group: readonly Pair[] | undefined;
  /** `[]` behind it: a single value stays a list. */
  readonly keepArray: boolean;
  /** `@$name`, `#$name` or `%` is at work on this step. */
  readonly tuple: boolean;
  readonly focus: string | undefined;
  readonly index: string | undefined;
}

export type Shape =
  | { readonly type: "literal"; readonly value: string | number | boolean | null }
  | { readonly type: "name"; readonly name: string }
  | { readonly type: "path"; readonly steps: readonly Node[] }
  /** `$` has the name "", `$$` the name "$". */
  | { readonly type: "variable"; readonly name: string }
  | { readonly type: "binary"; readonly operator: string; readonly left: Node; readonly right: Node }
  | { readonly type: "negate"; readonly operand: Node }
  | { readonly type: "array"; readonly items: readonly Node[] }
  | { readonly type: "object"; readonly pairs: readonly Pair[] }
  | { readonly type: "call"; readonly callee: Node; readonly args: readonly Node[]; readonly partial: boolean }
  | { readonly type: "placeholder" }
  | {
      readonly type: "lambda";
      readonly params: readonly string[];
      readonly body: Node;
      readonly signature: string | undefined;
    }
  | { readonly type: "condition"; readonly test: Node; readonly yes: Node; readonly no: Node | undefined }
  | { readonly type: "block"; readonly body: readonly Node[] }
  | { readonly type: "bind"; readonly name: string; readonly value: Node }
  | { readonly type: "apply"; readonly left: Node; readonly right: Node }
  | { readonly type: "regex"; readonly source: string; readonly flags: string }
  | { readonly type: "wildcard" }
  | { readonly type: "descendant" }
  | { readonly type: "parent" }
  | { readonly type: "sort"; readonly terms: readonly { readonly descending: boolean; readonly by: Node }[] }
  | { readonly type: "transform"; readonly pattern: Node; readonly update: Node; readonly remove: Node | undefined };

export type Node = Common & Shape;
export type NodeOf<T extends Shape["type"]> = Common & Extract<Shape, { type: T }>;

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

/** A node of one's own making, e.g. a path put together by the analysis. */
export function makeNode<S extends Shape>(shape: S): Common & S {
  return {
    end: undefined,
    predicates: [],
    stages: [],
    group: undefined,
    keepArray: false,
    tuple: false,
    focus: undefined,
    index: undefined,
    ...shape,
  };
}

/** Calls `visit` for a node and everything inside it, predicates and groups included. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const child of childrenOf(node)) walk(child, visit);
}

/** All nodes directly inside a node. */
export function childrenOf(node: Node): Node[] {
  const tests = [...node.predicates, ...node.stages].flatMap((s) => (s.kind === "filter" ? [s.test] : []));
  return [...ownChildren(node), ...tests, ...(node.group ?? []).flat()];
}

function ownChildren(node: Node): readonly Node[] {
  switch (node.type) {
    case "path":
      return node.steps;
    case "binary":
    case "apply":
      return [node.left, node.right];
    case "negate":
      return [node.operand];
    case "array":
      return node.items;
    case "object":
      return node.pairs.flat();
    case "call":
      return [node.callee, ...node.args];
    case "lambda":
      return [node.body];
    case "condition":
      return node.no === undefined ? [node.test, node.yes] : [node.test, node.yes, node.no];
    case "block":
      return node.body;
    case "bind":
      return [node.value];
    case "sort":
      return node.terms.map((term) => term.by);
    case "transform":
      return node.remove === undefined ? [node.pattern, node.update] : [node.pattern, node.update, node.remove];
    default:
      return [];
  }
}
