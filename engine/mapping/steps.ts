/** Steps of paths: from where they start, and what names the expression binds itself stand for. */
import type { ExpressionInput } from "../core/expression.ts";
import { makeNode, type Node, walk } from "./ast.ts";

/** An input and the tree that reads it. */
export interface InputPlan extends ExpressionInput {
  readonly node: Node;
}

/** Steps from the payload or a variable; `opaque` is a context that can't be named (inside a predicate or lambda). */
export type Steps = readonly Node[] | "opaque";

/** A name bound inside the expression: the steps it stands for, and its own `:=`, if that is how it was bound. */
export interface Local {
  readonly steps: Steps;
  readonly bind?: Node;
}

export interface Context {
  readonly at: Steps;
  readonly locals: ReadonlyMap<string, Local>;
  readonly variables: ReadonlySet<string>;
  readonly every: boolean;
  readonly optional: boolean;
  readonly nullable: boolean;
  readonly found: InputPlan[];
}

/** What a node stands for, as steps that can be continued. */
export function stepsFor(node: Node, context: Context): Steps {
  if (node.type === "path" || node.type === "variable") {
    const steps = resolve(stepsOfNode(node), context);
    return steps === "opaque" || !steps.every(isSimple) ? closedOver(node, context) : steps;
  }
  return closedOver(node, context);
}

/** `(node)` as a step, where it can be evaluated alone. */
function closedOver(node: Node, context: Context): Steps {
  if (context.at === "opaque" || usesLocals(node, context).length > 0) return "opaque";
  return [...context.at, makeNode({ type: "block", body: [node] })];
}

function usesLocals(node: Node, context: Context): Local[] {
  const used: Local[] = [];
  walk(node, (inner) => {
    const local = inner.type === "variable" ? context.locals.get(inner.name) : undefined;
    if (local !== undefined) used.push(local);
  });
  return used;
}

export function stepsOfNode(node: Node): readonly Node[] {
  return node.type === "path" ? node.steps : [node];
}

/** Steps from a root: the context's own steps go before relative ones, a bound name becomes what it stands for. */
export function resolve(steps: readonly Node[], context: Context): Steps {
  const [first, ...rest] = steps;
  if (first?.type !== "variable") return context.at === "opaque" ? "opaque" : [...context.at, ...steps];
  if (first.name === "$") return [first, ...rest];
  const local = first.name === "" ? { steps: context.at } : context.locals.get(first.name);
  if (local === undefined) return steps;
  if (local.steps === "opaque") return "opaque";
  const base = local.steps.length === 0 ? [makeNode({ type: "variable", name: "" })] : local.steps;
  if (first.predicates.length === 0) return [...base, ...rest];
  // `$l[0]` where `$l` stands for `lines`: the predicate goes behind the whole of it.
  const whole = makeNode({ type: "block", body: [pathOf(base)] });
  return [{ ...whole, predicates: first.predicates }, ...rest];
}

export const SIMPLE = new Set(["name", "variable", "sort", "parent", "wildcard", "descendant", "block"]);

export function isSimple(step: Node, index: number): boolean {
  return SIMPLE.has(step.type) && (step.type !== "block" || index === 0);
}

export function rootVariable(first: Node | undefined): string | undefined {
  if (first?.type === "variable") return first.name === "" || first.name === "$" ? undefined : first.name;
  if (first?.type === "block" && first.body.length === 1) return rootVariable(first.body[0]);
  return first?.type === "path" ? rootVariable(first.steps[0]) : undefined;
}

export function pathOf(steps: readonly Node[]): Node {
  const [first] = steps;
  if (first === undefined) return makeNode({ type: "variable", name: "" });
  return steps.length === 1 && (first.type === "variable" || first.type === "block")
    ? first
    : makeNode({ type: "path", steps });
}

/** A tree that can be evaluated alone: predicates that use names of the expression's own get those `:=` before them. */
export function evaluable(steps: readonly Node[], context: Context): Node {
  const path = pathOf(steps);
  const locals = usesLocals(path, context);
  if (locals.length === 0) return path;
  if (locals.every((local) => local.bind !== undefined)) {
    const binds = [...context.locals.values()].flatMap((local) => (local.bind === undefined ? [] : [local.bind]));
    return makeNode({ type: "block", body: [...binds, path] });
  }
  const cut = steps.findIndex((step) => usesLocals(step, context).length > 0);
  return makeNode({ type: "path", steps: steps.slice(0, Math.max(1, cut)) });
}
