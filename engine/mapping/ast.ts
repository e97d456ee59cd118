/** JSONata's syntax tree with types: one closed union for the analysis, the printer and the fast path. Read by parse.ts. */
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
