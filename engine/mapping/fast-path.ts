/** Paths and predicates of the fast path: evaluatePath, evaluateStep and evaluateFilter of jsonata 2.2.2, without its tuples. */
import type { Json } from "../core/types.ts";
import type { Node, NodeOf } from "./ast.ts";
import { type Closure, compileTests, type Env, type Names, type Test } from "./closure.ts";
import { compileGroup } from "./fast-object.ts";
import { isNumeric, lookup, push, Sequence, truthy, unwrap, type Value } from "./sequence.ts";

/** What a predicate that chose nothing leaves; unlike undefined it stays nothing for the predicates behind it. */
const EMPTY: readonly Json[] = Object.freeze(new Sequence());

interface Step {
  readonly isVariable: boolean;
  readonly run: Closure;
  readonly tests: readonly Test[];
}

/** Compiles a path; one with `{…}` behind it groups what it finds. */
export function compilePath(node: NodeOf<"path">, names: Names): Closure | undefined {
  if (node.group === undefined) return compileItems(node.steps, names, unwrap);
  const items = compileItems(node.steps, names, (found) => found);
  const group = compileGroup(node.group, names);
  if (items === undefined || group === undefined) return undefined;
  return (context, env) => group(items(context, env), env);
}

/** `finish` is what becomes of the sequence at the end of the path. */
type Finish = (found: Value) => Value;

function compileItems(nodes: readonly Node[], names: Names, finish: Finish): Closure | undefined {
  const [first, ...rest] = nodes;
  if (first === undefined) return undefined;
  const restNames = plainNames(rest);
  if (isPlainName(first) && restNames !== undefined) return compileNames([first.name, ...restNames], finish);
  const steps: Step[] = [];
  for (const step of nodes) {
    const compiled = compileStep(step, names);
    if (compiled === undefined) return undefined;
    steps.push(compiled);
  }
  const [head] = steps;
  const isVariable = first.type === "variable";
  // `$line.price.id`: one value, then plain names.
  if (isVariable && restNames !== undefined && restNames.length > 0 && head !== undefined && head.tests.length === 0) {
    const follow = compileNames(restNames, finish);
    return (context, env) => follow(head.run(context, env), env);
  }
  return (context, env) => finish(runSteps(steps, context, env));
}

function isPlainName(step: Node): step is NodeOf<"name"> {
  return (
    step.type === "name" &&
    step.predicates.length + step.stages.length === 0 &&
    !isMarked(step) &&
    !step.name.startsWith("_jsonata")
  );
}

function isMarked(step: Node): boolean {
  return (
    step.keepArray || step.tuple || step.group !== undefined || step.focus !== undefined || step.index !== undefined
  );
}

function plainNames(steps: readonly Node[]): string[] | undefined {
  const names: string[] = [];
  for (const step of steps) {
    if (!isPlainName(step)) return undefined;
    names.push(step.name);
  }
  return names;
}

/** Names only: a walk from member to member, until a list is met. */
function compileNames(names: readonly string[], finish: Finish): Closure {
  return (context) => {
    let value = context;
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      if (Array.isArray(value)) return finish(namesInList(value, names, i));
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
      value = (value as { readonly [key: string]: Json })[name];
    }
    return value;
  };
}

function namesInList(list: readonly Json[], names: readonly string[], from: number): readonly Json[] {
  // An empty list on the way ends the path with nothing.
  if (list.length === 0) return new Sequence();
  let items: readonly Json[] = list;
  for (let i = from; i < names.length && items.length > 0; i++) {
    const name = names[i] as string;
    const found: Value[] = [];
    for (const item of items) {
      const value = lookup(item, name);
      if (value !== undefined) found.push(value);
    }
    items = flatten(found, i === names.length - 1);
  }
  return items;
}

/** The end of evaluateStep: one list as the last step's only result stays as it is, others flow together. */
function flatten(found: readonly Value[], last: boolean): readonly Json[] {
  const [only] = found;
  if (last && found.length === 1 && Array.isArray(only) && !(only instanceof Sequence)) return only;
  const flat = new Sequence();
  for (const value of found) {
    if (Array.isArray(value)) for (const item of value) push(flat, item);
    else push(flat, value);
  }
  return flat;
}

function compileStep(step: Node, names: Names): Step | undefined {
  if (isMarked(step) || step.type === "array" || step.type === "sort") return undefined;
  const tests = compileTests(step.stages, names);
  if (tests === undefined) return undefined;
  if (step.type !== "name") {
    // Calls may take the item they are applied to as an argument; compileCall knows which it can do.
    const run = names.compile(withoutStages(step), names);
    return run === undefined ? undefined : { isVariable: step.type === "variable", run, tests };
  }
  if (step.predicates.length > 0 || step.name.startsWith("_jsonata")) return undefined;
  const { name } = step;
  return { isVariable: false, run: (item) => lookup(item, name), tests };
}

function withoutStages(step: Node): Node {
  return step.stages.length === 0 ? step : { ...step, stages: [] };
}

/**
 * Runs the steps. A value that is no list stands for the sequence of it: nearly always there is one item only, and
 * then no sequence is made.
 */
function runSteps(steps: readonly Step[], context: Value, env: Env): Value {
  let current = context;
  // `$x.y` takes a list as one item at first; it is spread by the step behind it.
  let single = !Array.isArray(context) || steps[0]?.isVariable === true;
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i] as Step;
    const last = i === steps.length - 1;
    current = single ? runStep(step, current, env) : runEach(step, current as readonly Json[], { last, env });
    if (current === undefined || current === EMPTY) return undefined;
    single = !Array.isArray(current);
    if (!last && Array.isArray(current) && current.length === 0) return undefined;
  }
  return current;
}

function runStep(step: Step, item: Value, env: Env): Value {
  let value = step.run(item, env);
  for (let t = 0; t < step.tests.length; t++) value = filter(value, step.tests[t] as Test, env);
  return value;
}

function runEach(step: Step, items: readonly Json[], at: { readonly last: boolean; readonly env: Env }): Value {
  const found: Value[] = [];
  for (let i = 0; i < items.length; i++) {
    const value = runStep(step, items[i], at.env);
    if (value !== undefined) found.push(value);
  }
  return flatten(found, at.last);
}

/** evaluateFilter: an index, indexes that the predicate computes, or a condition on each item. Nothing left is `EMPTY`. */
export function filter(value: Value, test: Test, env: Env): Value {
  if (test.index !== undefined) return at(value, test.index);
  if (!Array.isArray(value)) return repeated(value, chosen(test.run(value, env), 0, 1));
  const kept = new Sequence();
  for (let i = 0; i < value.length; i++) {
    const item: Json | undefined = value[i];
    const times = chosen(test.run(item, env), i, value.length);
    for (let n = 0; n < times; n++) push(kept, item);
  }
  return kept.length === 0 ? EMPTY : kept;
}

/** One item, as often as the predicate chose it. */
function repeated(item: Value, times: number): Value {
  if (times === 0) return EMPTY;
  if (times === 1 && item !== undefined) return item;
  const kept = new Sequence();
  for (let n = 0; n < times; n++) push(kept, item);
  return kept;
}

function at(value: Value, index: number): Value {
  if (!Array.isArray(value)) return (index === 0 || index === -1) && value !== undefined ? value : EMPTY;
  const item: Json | undefined = value[index < 0 ? value.length + index : index];
  return item ?? (item === null ? null : EMPTY);
}

/** How often a predicate's result chooses the item at `i`: by index, by a list of indexes, or by its truth. */
function chosen(result: Value, i: number, length: number): number {
  if (typeof result === "boolean") return result ? 1 : 0;
  if (isNumeric(result)) return hits([result], i, length);
  if (Array.isArray(result) && result.every((n) => isNumeric(n))) return hits(result as number[], i, length);
  return truthy(result) ? 1 : 0;
}

function hits(indexes: readonly number[], i: number, length: number): number {
  let count = 0;
  for (const index of indexes) {
    const whole = Math.floor(index);
    if ((whole < 0 ? length + whole : whole) === i) count++;
  }
  return count;
}
