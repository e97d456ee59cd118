/** Calls, by type: built-in functions by their signatures, `$map` and its like by what they do to each item. */
import type { Node, NodeOf } from "./ast.ts";
import { takesContext } from "./builtins.ts";
import { chosenPaths, forget } from "./chosen.ts";
import { collapse, flat, flowOf, lookup } from "./flow.ts";
import { fits, signatureOf } from "./signatures.ts";
import { ANY, has, join, KIND, ofKinds, type Type } from "./types.ts";
import { inferLambda, type Typing } from "./typing.ts";

/** An argument: the expression, where there is one, and its type. */
interface Argument {
  readonly node: Node | undefined;
  readonly type: Type;
}

/** `f(…)`; `piped` is what stands before a `~>`. */
export function inferCall(node: NodeOf<"call">, piped: Argument | undefined, typing: Typing): Type {
  const { callee } = node;
  const name = callee.type === "variable" && !typing.names.has(callee.name) ? callee.name : undefined;
  const signature = name === undefined ? undefined : signatureOf(name);
  if (name === undefined || signature === undefined || node.partial) {
    if (callee.type !== "variable") typing.infer(callee, typing);
    for (const arg of node.args) if (arg.type !== "placeholder") typing.infer(arg, typing);
    return node.partial ? ofKinds(KIND.function) : ANY;
  }
  const written = [...(piped === undefined ? [] : [piped]), ...inferArgs(name, node.args, piped, typing)];
  const implied = takesContext(name, written.length) && written.length < signature.parameters.length;
  const given: readonly Argument[] = implied ? [{ node: undefined, type: typing.context }, ...written] : written;
  checkArguments(name, given, { node: callee, typing, written: written.length });
  const types = given.map(({ type }) => type);
  return inferEach(name, given, typing) ?? inferLookup(name, given) ?? signature.result(types);
}

/** Functions among the arguments of `$map` and its like see the items: they are inferred with them. */
function inferArgs(name: string, args: readonly Node[], piped: Argument | undefined, typing: Typing): Argument[] {
  return args.map((node, i) => {
    const each = OVER_ITEMS.has(name) && node.type === "lambda" && i + (piped === undefined ? 0 : 1) === 1;
    return { node, type: each ? ofKinds(KIND.function) : typing.infer(node, typing) };
  });
}

const OVER_ITEMS = new Set(["map", "filter", "single", "reduce"]);

/** What comes out for the items of a list. */
function inferEach(name: string, [list, fn]: readonly Argument[], typing: Typing): Type | undefined {
  if (!OVER_ITEMS.has(name) || list === undefined) return undefined;
  const item = flat(list.type);
  const lambda = fn?.node?.type === "lambda" && fn.node.predicates.length === 0 ? fn.node : undefined;
  if (lambda === undefined) return undefined;
  if (name === "reduce") {
    inferLambda(lambda, [ANY, item], typing);
    return ANY;
  }
  const inside = name === "map" ? typing : { ...typing, judged: false };
  const made = inferLambda(lambda, [item, ofKinds(KIND.integer), list.type], inside);
  // Only some items are kept: `$filter(items, function($i) { $i.status = "open" })`.
  if (name !== "map") return chosenItems(name, list.type, lambda);
  // What a function yields is put into the list as it is; a list of one is that one.
  return collapse({ ...flowOf(list.type), item: join(made, flat(made)), zero: true, one: true });
}

function chosenItems(name: string, list: Type, { params, body }: NodeOf<"lambda">): Type | undefined {
  const paths = chosenPaths(body).flatMap(({ root, names }) =>
    root !== "context" && root.variable === params[0] ? [names] : [],
  );
  return signatureOf(name)?.result([forget(list, paths)]);
}

function inferLookup(name: string, [from, key]: readonly Argument[]): Type | undefined {
  if (name !== "lookup" || from === undefined || key?.node?.type !== "literal") return undefined;
  return lookup(from.type, String(key.node.value));
}

interface CallPlace {
  readonly node: Node;
  readonly typing: Typing;
  readonly written: number;
}

function checkArguments(name: string, given: readonly Argument[], { node, typing, written }: CallPlace): void {
  const signature = signatureOf(name);
  if (signature === undefined) return;
  const { parameters, rest } = signature;
  const needed = parameters.filter((parameter) => !parameter.optional).length;
  if (!rest && (given.length > parameters.length || given.length < needed)) {
    typing.observe({ kind: "count", node, name, given: written });
    return;
  }
  for (const [index, argument] of given.entries()) {
    const parameter = parameters[index];
    if (parameter === undefined || fits(argument.type, parameter)) continue;
    // The context stands in for an argument that was left out: then that is what is wrong.
    if (argument.node === undefined) {
      typing.observe({ kind: "count", node, name, given: written });
      return;
    }
    // Null is missing data, and judged as such before the call.
    if (!has(argument.type, ~(KIND.absent | KIND.null))) continue;
    typing.observe({ kind: "argument", node: argument.node, name, index, got: argument.type });
  }
}

/** `value ~> $f(…)`. */
export function inferApply({ left, right }: NodeOf<"apply">, typing: Typing): Type {
  const piped: Argument = { node: left, type: typing.infer(left, typing) };
  if (right.type === "call") return inferCall(right, piped, typing);
  if (right.type === "variable" && !typing.names.has(right.name)) {
    const call = { ...right, type: "call", callee: right, args: [], partial: false, predicates: [] } as const;
    return inferCall(call, piped, typing);
  }
  typing.infer(right, typing);
  return ANY;
}
