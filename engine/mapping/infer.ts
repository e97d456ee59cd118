/**
 * What an expression can yield, from its tree and the types of what it reads: an evaluation over types in place of
 * values. It answers with at least all that the interpreter could yield, and tells what it saw on the way. Pure.
 */
import type { Node, NodeOf, Pair, Stage } from "./ast.ts";
import { BUILTINS } from "./builtins.ts";
import { afterTest, chosenPaths, forget } from "./chosen.ts";
import { collapse, type Flow, flat, flowOf, lookup, pick } from "./flow.ts";
import { inferApply, inferCall } from "./infer-call.ts";
import { inferBinary, inferNumbers } from "./infer-operators.ts";
import {
  ABSENT,
  ANY,
  has,
  isAny,
  join,
  joinAll,
  KIND,
  listOf,
  type Member,
  type Members,
  NEVER,
  ofKinds,
  ofTexts,
  optional,
  type Type,
  without,
} from "./types.ts";
import { inferLambda, type Typing } from "./typing.ts";

/** What `input` and the variables make of the expression. */
export function inferType(
  ast: Node,
  given: { readonly input: Type; readonly variables: ReadonlyMap<string, Type> },
  observe: Typing["observe"] = () => {},
): Type {
  return infer(ast, { context: given.input, root: given.input, names: given.variables, judged: true, observe, infer });
}

function infer(node: Node, typing: Typing): Type {
  let type = inferShape(node, typing);
  for (const stage of node.predicates) type = collapse(inferStage(type, stage, typing));
  if (node.group !== undefined) type = inferPairs(node.group, type, typing);
  if (node.keepArray && node.type !== "path") type = joinAll([type, listOf(flat(type))]);
  return type;
}

function inferShape(node: Node, typing: Typing): Type {
  switch (node.type) {
    case "literal":
      return typeof node.value === "string" ? ofTexts([node.value]) : ofKinds(kindOfLiteral(node.value));
    case "name":
      return inferName(node, typing, undefined);
    case "variable":
      return inferVariable(node, typing);
    case "path":
      return inferPath(node, typing);
    case "binary":
      return inferBinary(node, typing);
    case "negate":
      return inferNumbers("-", [node.operand], typing);
    case "array":
      return inferArray(node, typing);
    case "object":
      return inferPairs(node.pairs, typing.context, typing);
    case "call":
      return inferCall(node, undefined, typing);
    case "apply":
      return inferApply(node, typing);
    case "condition": {
      infer(node.test, typing);
      const after = afterTest(node.test, typing);
      return join(infer(node.yes, after), node.no === undefined ? ABSENT : infer(node.no, after));
    }
    case "block":
      return inferBlock(node.body, typing);
    case "bind":
      return infer(node.value, typing);
    case "lambda":
      inferLambda(node, [], typing);
      return ofKinds(KIND.function);
    case "regex":
      return ofKinds(KIND.function);
    default:
      // Wildcards, parents, transforms: what they yield is not followed.
      return ANY;
  }
}

function kindOfLiteral(value: number | boolean | null): number {
  if (value === null) return KIND.null;
  if (typeof value === "number") return Number.isInteger(value) ? KIND.integer : KIND.fraction;
  return KIND.boolean;
}

function inferVariable({ name }: NodeOf<"variable">, typing: Typing): Type {
  if (name === "") return typing.context;
  if (name === "$") return typing.root;
  const bound = typing.names.get(name);
  if (bound !== undefined) return bound;
  return BUILTINS.has(name) ? ofKinds(KIND.function) : ANY;
}

function inferName(node: NodeOf<"name">, { context, observe }: Typing, before: Node | undefined): Type {
  const at = deepItems(context);
  if (!isAny(at) && lacks(at, node.name)) observe({ kind: "no_member", node, at, before });
  return lookup(context, node.name);
}

/** What a list of lists holds at last: where members are looked for. */
function deepItems(type: Type): Type {
  let inner = type;
  for (let depth = 0; has(inner, KIND.list) && depth < 8; depth++) inner = flat(inner);
  return without(inner, KIND.absent);
}

function lacks(type: Type, name: string): boolean {
  if (type.kinds === 0) return false;
  if (!has(type, KIND.object)) return true;
  return type.members?.declared === true && !type.members.known.has(name);
}

function inferPath(node: NodeOf<"path">, typing: Typing): Type {
  // `@$name`, `#$name` and `%` change what a step sees: not followed.
  if (node.steps.some((step) => step.tuple || step.focus !== undefined || step.index !== undefined)) return ANY;
  const [head] = node.steps;
  let flow: Flow =
    head?.type === "variable"
      ? { item: typing.context, zero: false, one: true, many: false }
      : { ...flowOf(typing.context), ...(has(typing.context, KIND.list) && { zero: true, one: true }) };
  if (head?.type !== "variable" && has(typing.context, KIND.absent)) flow = { ...flow, item: optional(flow.item) };
  let value: Type = ABSENT;
  for (const [index, step] of node.steps.entries()) {
    const taken = inferStep(step, { flow, typing, first: index === 0, before: node.steps[index - 1] });
    ({ flow, value } = taken);
  }
  if (node.keepArray) value = optional(joinAll([listOf(flow.item), listOf(flat(value))]));
  return value;
}

interface StepPlace {
  readonly flow: Flow;
  readonly typing: Typing;
  readonly first: boolean;
  readonly before: Node | undefined;
}

/** One step: what goes on to the next, and what it is if it was the last. */
function inferStep(
  step: Node,
  { flow, typing, first, before }: StepPlace,
): { readonly flow: Flow; readonly value: Type } {
  if (step.type === "sort") {
    for (const term of step.terms) infer(term.by, { ...typing, context: flow.item, judged: false });
    let sorted = flow;
    for (const stage of step.stages) sorted = inferStage(join(collapse(sorted), listOf(sorted.item)), stage, typing);
    return { flow: sorted, value: join(collapse(sorted), listOf(sorted.item)) };
  }
  const inside = { ...typing, context: first && step.type === "array" ? typing.context : flow.item };
  let made = step.type === "name" ? inferName(step, inside, before) : infer({ ...step, stages: [] }, inside);
  if (step.type === "name") made = withExtras(made, step, inside);
  let items = step.type === "array" ? join(without(made, KIND.absent), flat(made)) : flat(made);
  for (const stage of step.stages) {
    const left = inferStage(made, stage, inside);
    made = collapse(left);
    items = join(left.item, flat(left.item));
    if (!has(left.item, KIND.list)) items = left.item;
  }
  const many = flow.many || has(made, KIND.list);
  const next: Flow = {
    item: items,
    zero: flow.zero || has(made, KIND.absent | KIND.list),
    one: items.kinds !== 0,
    many,
  };
  const alone = flow.one || flow.zero ? made : NEVER;
  const value = flow.many ? join(alone, collapse(next)) : join(alone, flow.zero ? ABSENT : NEVER);
  return { flow: next, value: step.type === "array" && !flow.many ? join(value, made) : value };
}

/** Predicates and the like that hang on a name itself. */
function withExtras(type: Type, node: Node, typing: Typing): Type {
  let made = type;
  for (const stage of node.predicates) made = collapse(inferStage(made, stage, typing));
  if (node.group !== undefined) made = inferPairs(node.group, made, typing);
  return node.keepArray ? join(made, listOf(flat(made))) : made;
}

/** What a predicate leaves. */
function inferStage(type: Type, stage: Stage, typing: Typing): Flow {
  if (stage.kind === "index") return { item: ANY, zero: true, one: true, many: true };
  const { test } = stage;
  if (test.type === "literal" && typeof test.value === "number" && test.predicates.length === 0)
    return pick(type, Math.floor(test.value));
  const { item, many } = flowOf(type);
  const chosen = infer(test, { ...typing, context: item, judged: false });
  const kept = forget(
    item,
    chosenPaths(test).flatMap(({ root, names }) => (root === "context" ? [names] : [])),
  );
  // A list of indexes may name an item twice; where there was nothing, a hole may be left.
  const left = has(type, KIND.absent) ? optional(kept) : kept;
  return { item: left, zero: true, one: true, many: many || has(chosen, KIND.list) };
}

function inferBlock(body: readonly Node[], typing: Typing): Type {
  let names = typing.names;
  let last: Type = ABSENT;
  for (const part of body) {
    last = infer(part, { ...typing, names });
    if (part.type === "bind") names = new Map([...names, [part.name, last]]);
  }
  return last;
}

function inferArray({ items }: NodeOf<"array">, typing: Typing): Type {
  return listOf(
    joinAll(
      items.map((item) => {
        const type = infer(item, typing);
        // `[[1]]` stays a list in a list; what a path yields is spread.
        return item.type === "array"
          ? join(without(type, KIND.absent), item.predicates.length > 0 ? flat(type) : NEVER)
          : flat(type);
      }),
    ),
  );
}

/** `{ key: value }`, for each item or for the items of one key together. */
function inferPairs(pairs: readonly Pair[], of: Type, typing: Typing): Type {
  const item = flat(of);
  const group = has(of, KIND.list) ? optional(join(item, listOf(item))) : of;
  const known = new Map<string, Member>();
  let rest: Type | undefined;
  for (const [key, value] of pairs) {
    infer(key, { ...typing, context: has(of, KIND.list) ? optional(item) : of });
    const made = infer(value, { ...typing, context: group });
    // Of nothing an object without members is made.
    const type = has(of, KIND.absent) ? optional(made) : made;
    if (key.type === "literal" && typeof key.value === "string" && !has(of, KIND.list)) known.set(key.value, { type });
    else rest = rest === undefined ? type : join(rest, type);
  }
  if (rest !== undefined) {
    for (const [name, { type }] of known) known.set(name, { type: join(type, rest) });
    rest = optional(rest);
  }
  const members: Members = { known, rest, declared: rest === undefined };
  return { kinds: KIND.object, members };
}
