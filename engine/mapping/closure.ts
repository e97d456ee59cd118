/** The shapes of the fast path that its parts share; `compile` comes in as an argument, so that they need not import one another in a circle. */
import type { Scope } from "../core/expression.ts";
import type { Node } from "./ast.ts";
import type { Value } from "./sequence.ts";

/** What stays the same during one evaluation, except for the frame of block variables. */
export interface Env {
  readonly input: Value;
  readonly variables: Scope["variables"];
  readonly receivedAt: number;
  readonly locals: Readonly<Record<string, Value>> | undefined;
}

export type Closure = (context: Value, env: Env) => Value;

/** What is known where a node stands, and how the nodes inside it are compiled. */
export interface Names {
  readonly variables: ReadonlySet<string>;
  readonly locals: ReadonlySet<string>;
  readonly compile: (node: Node, names: Names) => Closure | undefined;
}

/** A predicate: a fixed index, or something to be evaluated for each item. */
export type Test = { readonly index: number } | { readonly index?: undefined; readonly run: Closure };

/** Compiles all nodes, or nothing if one of them needs the interpreter. */
export function compileAll(nodes: readonly Node[], names: Names): Closure[] | undefined {
  const closures: Closure[] = [];
  for (const node of nodes) {
    const closure = names.compile(node, names);
    if (closure === undefined) return undefined;
    closures.push(closure);
  }
  return closures;
}

/** Compiles predicates, or nothing if one of them needs the interpreter. */
export function compileTests(stages: Node["stages"], names: Names): Test[] | undefined {
  const tests: Test[] = [];
  for (const stage of stages) {
    if (stage.kind === "index") return undefined;
    const { test } = stage;
    if (test.type === "literal" && typeof test.value === "number" && test.predicates.length === 0) {
      tests.push({ index: Math.floor(test.value) });
      continue;
    }
    const run = names.compile(test, names);
    if (run === undefined) return undefined;
    tests.push({ run });
  }
  return tests;
}
