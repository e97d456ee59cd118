/** Paths and predicates of the fast path: evaluatePath, evaluateStep and evaluateFilter of jsonata 2.2.2, without its tuples. */
import type { Json } from "../core/types.ts";
import type { Node, NodeOf } from "./ast.ts";
import { type Closure, compileTests, type Env, type Names, type Test } from "./closure.ts";
import { isNumeric, lookup, MAX_SEQUENCE, push, Sequence, stop, truthy, unwrap, type Value } from "./sequence.ts";

interface Step {
  readonly run: Closure;
  readonly tests: readonly Test[];
}

export function compilePath(node: NodeOf<"path">, names: Names): Closure | undefined {
  const [first, ...rest] = node.steps;
  if (first === undefined) return undefined;
  const restNames = plainNames(rest);
  if (isPlainName(first) && restNames !== undefined) return compileNames([first.name, ...restNames]);
  const steps: Step[] = [];
  for (const step of node.steps) {
    const compiled = compileStep(step, names);
    if (compiled === undefined) return undefined;
    steps.push(compiled);
  }
  const [head] = steps;
  const isVariable = first.type === "variable";
  // `$line.price.id`: one value, then plain names.
  if (isVariable && restNames !== undefined && head !== undefined && head.tests.length === 0) {
    const follow = compileNames(restNames);
    return (context, env) => {
      const value = head.run(context, env);
      return restNames.length === 0 ? value : follow(value, env);
    };
  }
  return (context, env) => runSteps(steps, Array.isArray(context) && !isVariable ? context : [context], env);
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
function compileNames(names: readonly string[]): Closure {
  return (context) => {
    let value = context;
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      if (Array.isArray(value)) return namesInList(value, names, i);
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
      value = (value as { readonly [key: string]: Json })[name];
    }
    return value;
  };
}

function namesInList(list: readonly Json[], names: readonly string[], from: number): Value {
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
  // An empty list on the way ends the path with nothing.
  return items.length === 0 && items === list ? undefined : unwrap(items);
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
    return run === undefined ? undefined : { run, tests };
  }
  if (step.predicates.length > 0 || step.name.startsWith("_jsonata")) return undefined;
  const { name } = step;
  return { run: (item) => lookup(item, name), tests };
}

function withoutStages(step: Node): Node {
  return step.stages.length === 0 ? step : { ...step, stages: [] };
}

function runSteps(steps: readonly Step[], from: readonly Value[], env: Env): Value {
  let items: readonly Value[] = from;
  let result: readonly Json[] = new Sequence();
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i] as Step;
    const found: Value[] = [];
    for (const item of items) {
      let value = step.run(item, env);
      for (const test of step.tests) value = filter(value, test, env);
      if (value !== undefined) found.push(value);
    }
    result = flatten(found, i === steps.length - 1);
    if (result.length === 0) break;
    items = result;
  }
  return unwrap(result);
}

/** evaluateFilter: an index, indexes that the predicate computes, or a condition on each item. */
export function filter(value: Value, test: Test, env: Env): Value {
  const items: readonly Value[] = Array.isArray(value) ? value : [value];
  if (test.index !== undefined) {
    const item = items[test.index < 0 ? items.length + test.index : test.index];
    return Array.isArray(item) ? item : item === undefined ? new Sequence() : Sequence.of(item);
  }
  const kept = new Sequence();
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    const result = test.run(item, env);
    const times = isNumeric(result) ? hits([result], i, items.length) : indexHits(result, i, items.length);
    for (let n = 0; n < times; n++) push(kept, item);
  }
  if (kept.length > MAX_SEQUENCE) stop("a list of more than 100000 elements");
  return kept;
}

/** How often an item at `i` is chosen by a result that is a list of indexes, or by its truth. */
function indexHits(result: Value, i: number, length: number): number {
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
