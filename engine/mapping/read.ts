/**
 * Reading one input: its value, and whether it counts as there. With `every`, each element of the lists on the way
 * must have the rest of the path, since an aggregate over a list that lost a value would be silently wrong.
 */
import type { Presence, Scope } from "../core/expression.ts";
import { isBlank } from "../core/values.ts";
import { makeNode, type Node } from "./ast.ts";
import { type Closure, compileTests, type Env, type Names } from "./closure.ts";
import { compileFast, compileNode } from "./fast.ts";
import { filter } from "./fast-path.ts";
import { printNode } from "./print.ts";
import { lookup, OuterSequence, Sequence, type Value } from "./sequence.ts";
import type { InputPlan } from "./steps.ts";

export interface Reading {
  readonly value: Value;
  readonly presence: Presence;
}

export interface InputReader {
  /** Absent where the interpreter has to read it. May throw `FastStop`. */
  readonly fast: ((scope: Scope) => Reading) | undefined;
  /** What the interpreter is asked, and how its answer becomes a reading. */
  readonly source: string;
  readonly finish: (value: Value) => Reading;
}

/** Compiles the reader of one input. */
export function compileReader(plan: InputPlan, variables: ReadonlySet<string>): InputReader {
  const { steps, rest } = splitNames(plan);
  const prefix = steps.length === 0 ? plan.node : pathNode(steps);
  const judge = (value: Value): Presence => (plan.every ? judgeEvery(value, rest, 0) : presenceOf(value));
  return {
    fast: plan.every ? compileEvery(plan.node, variables) : compileWhole(plan.node, variables),
    source: printNode(plan.every ? prefix : plan.node),
    finish: (value) => ({
      value: plan.every ? rest.reduce<Value>((found, name) => lookup(found, name), value) : value,
      presence: judge(value),
    }),
  };
}

function compileWhole(node: Node, variables: ReadonlySet<string>): ((scope: Scope) => Reading) | undefined {
  const program = compileFast(node, variables);
  if (program === undefined) return undefined;
  return (scope) => {
    const value = program(scope);
    return { value, presence: presenceOf(value) };
  };
}

/** What one value counts as. A list in which nothing is there, such as the nulls a path found, counts as its first element. */
export function presenceOf(value: Value): Presence {
  if (value === undefined) return "absent";
  if (value === null) return "null";
  if (isBlank(value)) return "empty";
  if (!Array.isArray(value) || value.length === 0) return "present";
  const first = presenceOf(value[0]);
  return first !== "present" && value.every((item) => presenceOf(item) !== "present") ? first : "present";
}

const RANK: Readonly<Record<Presence, number>> = { present: 0, empty: 1, null: 2, absent: 3 };

function worst(presences: Iterable<Presence>): Presence {
  let found: Presence = "present";
  for (const presence of presences) if (RANK[presence] > RANK[found]) found = presence;
  return found;
}

/** A path's trailing plain names: those are walked here, also where the interpreter reads what stands before them. */
function splitNames(plan: InputPlan): { steps: readonly Node[]; rest: readonly string[] } {
  const { node } = plan;
  if (node.type !== "path") return { steps: [], rest: [] };
  const rest: string[] = [];
  let end = node.steps.length;
  for (; end > 1; end--) {
    const step = node.steps[end - 1];
    if (
      step?.type !== "name" ||
      step.stages.length > 0 ||
      step.tuple ||
      step.focus !== undefined ||
      step.index !== undefined
    )
      break;
    rest.unshift(step.name);
  }
  return { steps: node.steps.slice(0, end), rest };
}

function pathNode(steps: readonly Node[]): Node {
  const [first] = steps;
  return steps.length === 1 && first !== undefined && first.type !== "name" ? first : makeNode({ type: "path", steps });
}

function judgeEvery(value: Value, names: readonly string[], from: number): Presence {
  if (Array.isArray(value)) {
    if (value.length === 0) return from < names.length ? "absent" : "present";
    return worst(value.map((item) => judgeEvery(item, names, from)));
  }
  const name = names[from];
  return name === undefined ? presenceOf(value) : judgeEvery(lookup(value, name), names, from + 1);
}

function compileEvery(node: Node, variables: ReadonlySet<string>): ((scope: Scope) => Reading) | undefined {
  const program = compileFast(node, variables);
  const steps = node.type === "path" ? compileSteps(node.steps, variables) : compileSteps([node], variables);
  if (program === undefined || steps === undefined) return undefined;
  return (scope) => {
    const env: Env = {
      input: scope.input,
      variables: scope.variables,
      receivedAt: scope.receivedAt,
      locals: undefined,
    };
    const context = Array.isArray(scope.input) ? OuterSequence.of(scope.input) : scope.input;
    return { value: program(scope), presence: judgeSteps({ steps, env }, context, 0) };
  };
}

function compileSteps(nodes: readonly Node[], variables: ReadonlySet<string>): Closure[] | undefined {
  const names: Names = { variables, locals: new Set(), compile: compileNode };
  const closures: Closure[] = [];
  for (const node of nodes) {
    const tests = compileTests(node.stages, names);
    const run =
      node.type === "name" ? (item: Value) => lookup(item, node.name) : compileNode({ ...node, stages: [] }, names);
    if (tests === undefined || run === undefined) return undefined;
    closures.push((item, env) => {
      let value = run(item, env);
      for (const test of tests) value = filter(value, test, env);
      return value;
    });
  }
  return closures;
}

function judgeSteps(
  walk: { readonly steps: readonly Closure[]; readonly env: Env },
  value: Value,
  from: number,
): Presence {
  // Where a step finds nothing the path ends: what follows is not evaluated on nothing.
  if (value === undefined && from > 0) return "absent";
  const step = walk.steps[from];
  if (Array.isArray(value) && !(value instanceof OuterSequence)) {
    if (value.length === 0) return step !== undefined || value instanceof Sequence ? "absent" : "present";
    return worst(value.map((item) => judgeSteps(walk, item, from)));
  }
  return step === undefined ? presenceOf(value) : judgeSteps(walk, step(value, walk.env), from + 1);
}
