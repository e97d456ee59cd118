/**
 * The fast path: a compiler from the part of JSONata that mappings mostly are to closures, with JSONata's own
 * meaning of missing, one and many. What it does not know it leaves to the interpreter, when compiling (no program)
 * or when running (`FastStop` without a problem). Never writes to its input.
 */
import type { Scope } from "../core/expression.ts";
import type { Json } from "../core/types.ts";
import type { Node, NodeOf } from "./ast.ts";
import { type Closure, compileAll, compileTests, type Names } from "./closure.ts";
import { compileCall } from "./fast-call.ts";
import { compileGroup } from "./fast-object.ts";
import { compileBinary } from "./fast-operators.ts";
import { compilePath, filter } from "./fast-path.ts";
import { append, isNumeric, OuterSequence, stop, truthy, unwrap, type Value } from "./sequence.ts";

/** Runs a compiled expression. May throw `FastStop`. The result may hold `Sequence`s and is not yet normalised. */
export type Program = (scope: Scope) => Value;

/** Compiles an expression, or nothing where it needs the interpreter. */
export function compileFast(ast: Node, variables: ReadonlySet<string>): Program | undefined {
  const run = compileNode(ast, { variables, locals: new Set(), compile: compileNode });
  if (run === undefined) return undefined;
  return (scope) => {
    const { input } = scope;
    const context = Array.isArray(input) ? OuterSequence.of(input) : input;
    return run(context, { input, variables: scope.variables, receivedAt: scope.receivedAt, locals: undefined });
  };
}

/** Compiles a node with its predicates: the interpreter's `evaluate`. */
export function compileNode(node: Node, names: Names): Closure | undefined {
  const grouped = node.group !== undefined && node.type !== "path";
  if (node.keepArray || grouped || node.tuple || node.focus !== undefined || node.index !== undefined) return undefined;
  const core = compileCore(node, names);
  if (core === undefined || node.predicates.length === 0) return core;
  const tests = compileTests(node.predicates, names);
  if (tests === undefined) return undefined;
  return (context, env) => {
    let value = core(context, env);
    for (const test of tests) value = filter(value, test, env);
    return unwrap(value);
  };
}

function compileCore(node: Node, names: Names): Closure | undefined {
  switch (node.type) {
    case "literal": {
      const { value } = node;
      return () => value;
    }
    case "path":
      return compilePath(node, names);
    case "variable":
      return compileVariable(node.name, names);
    case "binary":
      return compileBinary(node, names);
    case "negate":
      return compileNegate(node, names);
    case "condition":
      return compileCondition(node, names);
    case "array":
      return compileArray(node, names);
    case "object":
      return compileGroup(node.pairs, names);
    case "block":
      return compileBlock(node.body, names);
    case "call":
      return compileCall(node, names);
    default:
      return undefined;
  }
}

function compileVariable(name: string, names: Names): Closure | undefined {
  if (name === "") return (context) => (context instanceof OuterSequence ? context[0] : context);
  if (name === "$") return (_context, env) => env.input;
  if (names.locals.has(name)) return (_context, env) => env.locals?.[name];
  if (!names.variables.has(name)) return undefined;
  return (_context, env) => (Object.hasOwn(env.variables, name) ? env.variables[name] : undefined);
}

function compileNegate(node: NodeOf<"negate">, names: Names): Closure | undefined {
  const operand = compileNode(node.operand, names);
  if (operand === undefined) return undefined;
  return (context, env) => {
    const value = operand(context, env);
    if (value === undefined) return undefined;
    return isNumeric(value) ? -value : stop("can not negate a value that is not a number");
  };
}

function compileCondition(node: NodeOf<"condition">, names: Names): Closure | undefined {
  const test = compileNode(node.test, names);
  const yes = compileNode(node.yes, names);
  const no = node.no === undefined ? () => undefined : compileNode(node.no, names);
  if (test === undefined || yes === undefined || no === undefined) return undefined;
  return (context, env) => (truthy(test(context, env)) ? yes(context, env) : no(context, env));
}

function compileArray(node: NodeOf<"array">, names: Names): Closure | undefined {
  const items = compileAll(node.items, names);
  if (items === undefined) return undefined;
  const nested = node.items.map((item) => item.type === "array");
  return (context, env) => {
    let list: Json[] = [];
    for (let i = 0; i < items.length; i++) {
      const value = items[i]?.(context, env);
      if (value === undefined) continue;
      if (nested[i] === true) list.push(value);
      else list = append(list, value);
    }
    return list;
  };
}

/** A block; `:=` is known only as a line of its own in one, where its order against the other lines is plain. */
function compileBlock(body: readonly Node[], names: Names): Closure | undefined {
  const lines: { readonly name: string | undefined; readonly run: Closure }[] = [];
  const locals = new Set(names.locals);
  for (const node of body) {
    const isBind = node.type === "bind" && node.predicates.length === 0;
    const run = compileNode(isBind ? node.value : node, { ...names, locals });
    if (run === undefined) return undefined;
    if (isBind) locals.add(node.name);
    lines.push({ name: isBind ? node.name : undefined, run });
  }
  const [only] = lines;
  if (lines.length === 1 && only?.name === undefined) return only?.run;
  return (context, env) => {
    let value: Value;
    let inner = env;
    for (const line of lines) {
      value = line.run(context, inner);
      if (line.name !== undefined) inner = { ...inner, locals: { ...inner.locals, [line.name]: value } };
    }
    return value;
  };
}
