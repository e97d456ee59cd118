/**
 * The inputs of an expression, from its tree: each maximal path it reads, as a node that can be evaluated alone.
 *
 * A path with predicates, index, sort or group is one input, judged whole; what is relative inside its predicates
 * belongs to it. Names the expression binds itself are followed to what they stand for, so that
 * `( $l := lines[0]; $l.qty )` reads `lines[0].qty`.
 */
import { makeNode, type Node, type NodeOf } from "./ast.ts";
import { AGGREGATES, BUILTINS, takesContext } from "./builtins.ts";
import { printNode } from "./print.ts";
import {
  type Context,
  evaluable,
  type InputPlan,
  isSimple,
  type Local,
  resolve,
  rootVariable,
  SIMPLE,
  type Steps,
  stepsFor,
  stepsOfNode,
} from "./steps.ts";

/** Collects the inputs. `every` holds for all of them: a row with `take:` aggregates whatever it reads. */
export function collectInputs(
  ast: Node,
  options: { readonly every: boolean; readonly variables: ReadonlySet<string> },
): readonly InputPlan[] {
  const found: InputPlan[] = [];
  collect(ast, {
    at: [],
    locals: new Map(),
    variables: options.variables,
    every: options.every,
    optional: false,
    nullable: false,
    found,
  });
  return merge(found);
}

function merge(found: readonly InputPlan[]): InputPlan[] {
  const merged = new Map<string, InputPlan>();
  for (const plan of found) {
    const before = merged.get(plan.path);
    if (before === undefined) merged.set(plan.path, plan);
    else {
      merged.set(plan.path, {
        ...before,
        every: before.every || plan.every,
        // One use that needs the value makes it needed; a comparison with null anywhere says what null means.
        optional: before.optional && plan.optional,
        nullable: before.nullable === true || plan.nullable === true,
      });
    }
  }
  return [...merged.values()];
}

function collect(node: Node, context: Context): void {
  switch (node.type) {
    case "path":
    case "variable":
      collectPath(node, context);
      return;
    case "binary":
      collectBinary(node, context);
      return;
    case "call":
      collectCall(node, node.args, context);
      return;
    case "apply":
      collectApply(node, context);
      return;
    case "block":
      collectBlock(node.body, context);
      return;
    case "bind":
      collect(node.value, context);
      return;
    case "lambda":
      collect(
        node.body,
        withLocals(
          context,
          node.params.map((name) => [name, { steps: "opaque" }]),
        ),
      );
      return;
    case "transform":
      return;
    default:
      for (const child of plainChildren(node)) collect(child, context);
      collectTests(node, context);
  }
}

function plainChildren(node: Node): readonly Node[] {
  switch (node.type) {
    case "negate":
      return [node.operand];
    case "array":
      return node.items;
    case "object":
      return node.pairs.flat();
    case "condition":
      return node.no === undefined ? [node.test, node.yes] : [node.test, node.yes, node.no];
    default:
      return [];
  }
}

function withLocals(context: Context, entries: readonly (readonly [string, Local])[]): Context {
  return { ...context, locals: new Map([...context.locals, ...entries]) };
}

/** Only what is absolute inside predicates and groups (`$min`, `$$.x`) is an input of its own. */
function collectTests(node: Node, context: Context): void {
  const inside: Context = { ...context, at: "opaque", nullable: false };
  for (const stage of [...node.predicates, ...node.stages]) if (stage.kind === "filter") collect(stage.test, inside);
  for (const part of (node.group ?? []).flat()) collect(part, inside);
  if (node.type === "sort") for (const term of node.terms) collect(term.by, inside);
}

function collectBinary(node: NodeOf<"binary">, context: Context): void {
  const compares = node.operator === "=" || node.operator === "!=";
  const empty = (side: Node) => side.type === "literal" && (side.value === null || side.value === "");
  const asked = (side: Node, other: Node) =>
    compares && empty(other) && (side.type === "path" || side.type === "variable");
  collect(node.left, { ...context, nullable: asked(node.left, node.right) });
  collect(node.right, { ...context, nullable: asked(node.right, node.left) });
  collectTests(node, context);
}

function collectApply(node: NodeOf<"apply">, context: Context): void {
  if (node.right.type === "call") collectCall(node.right, [node.left, ...node.right.args], context);
  else if (node.right.type === "variable")
    collectCall(makeNode({ type: "call", callee: node.right, args: [], partial: false }), [node.left], context);
  else {
    collect(node.left, context);
    collect(node.right, context);
  }
}

function collectCall(node: NodeOf<"call">, args: readonly Node[], context: Context): void {
  const name = node.callee.type === "variable" && !context.locals.has(node.callee.name) ? node.callee.name : undefined;
  collectTests(node, context);
  if (name === undefined && node.callee.type !== "variable") collect(node.callee, context);
  if (name !== undefined && takesContext(name, args.length))
    collectPath(makeNode({ type: "variable", name: "" }), context);
  if (name === "exists") {
    collectAll(args, { ...context, optional: true });
    return;
  }
  if (name === "lookup" && args[0] !== undefined && args[1]?.type === "literal") {
    const member = makeNode({ type: "name", name: String(args[1].value) });
    collectPath(makeNode({ type: "path", steps: [...stepsOfNode(args[0]), member] }), context);
    return;
  }
  const inside = name !== undefined && AGGREGATES.has(name) ? { ...context, every: true } : context;
  const [list, fn] = args;
  const each = (name === "map" || name === "reduce") && list !== undefined && fn?.type === "lambda";
  if (each) collectEach({ name, list, fn, rest: args.slice(2) }, inside);
  else collectAll(args, inside);
}

function collectAll(nodes: readonly Node[], context: Context): void {
  for (const node of nodes) collect(node, context);
}

/** `$map(items, function($i){ $i.qty })` reads `items.qty`: the parameter stands for the list's elements. */
function collectEach(
  call: { name: string; list: Node; fn: NodeOf<"lambda">; rest: readonly Node[] },
  context: Context,
): void {
  const element = call.fn.params[call.name === "map" ? 0 : 1];
  collect(call.list, context);
  collectAll(call.rest, context);
  const locals = call.fn.params.map((name): [string, Local] => [
    name,
    { steps: name === element ? stepsFor(call.list, context) : "opaque" },
  ]);
  collect(call.fn.body, withLocals(context, locals));
}

function collectBlock(body: readonly Node[], context: Context): void {
  let scope = context;
  for (const node of body) {
    if (node.type !== "bind") {
      collect(node, scope);
      continue;
    }
    const isPath = node.value.type === "path" || node.value.type === "variable";
    // A name for a path is judged where it is used; any other value is judged here.
    if (!isPath) collect(node.value, scope);
    scope = withLocals(scope, [
      [node.name, { steps: node.value.type === "lambda" ? "opaque" : stepsFor(node.value, scope), bind: node }],
    ]);
  }
}

function collectPath(node: Node, context: Context): void {
  const steps = stepsOfNode(node);
  for (const step of steps) collectTests(step, context);
  if (node.type === "path") collectTests(node, context);
  const first = steps[0];
  if (first?.type === "variable" && isFunctionName(first, context)) return;
  const head = first !== undefined && !SIMPLE.has(first.type) ? first : first?.type === "block" ? first : undefined;
  if (head !== undefined) collect(head, context);
  const cut = steps.findIndex((step, i) => i > 0 && !isSimple(step, i));
  const plain = cut < 0 ? steps : steps.slice(0, cut);
  const inner = cut < 0 ? undefined : steps[cut];
  const headOnly = head !== undefined && plain.length === 1;
  const base = resolve(
    head === undefined ? plain : [makeNode({ type: "block", body: [head] }), ...plain.slice(1)],
    context,
  );
  if (inner === undefined) {
    if (!headOnly) add(base, context);
    return;
  }
  const before = context.found.length;
  collect(inner, { ...context, at: base });
  if (!context.found.slice(before).some((plan) => !plan.optional) && !headOnly) add(base, context);
}

function isFunctionName(node: NodeOf<"variable">, context: Context): boolean {
  return BUILTINS.has(node.name) && !context.locals.has(node.name) && !context.variables.has(node.name);
}

function add(steps: Steps, context: Context): void {
  if (steps === "opaque") return;
  // What follows a wildcard is not named by the expression: only what stands before it is judged.
  const dynamic = steps.findIndex((step) => step.type === "wildcard" || step.type === "descendant");
  const judged = (dynamic < 0 ? steps : steps.slice(0, dynamic)).map((step) => ({
    ...step,
    keepArray: false,
    group: undefined,
  }));
  if (judged.length === 0 && dynamic >= 0) return;
  const path = evaluable(judged, context);
  const variable = rootVariable(judged[0]);
  context.found.push({
    node: path,
    path: printNode(path),
    root: variable === undefined ? "payload" : { variable },
    every: context.every,
    optional: context.optional,
    ...(context.nullable ? { nullable: true } : {}),
  });
}
