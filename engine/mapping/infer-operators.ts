/** Operators, by type: what they yield, and operands they can not take or that may be missing. */
import type { Node, NodeOf } from "./ast.ts";
import { collapse } from "./flow.ts";
import { ANY, has, isAny, KIND, NUMBER_KINDS, ofKinds, optional, type Type, without } from "./types.ts";
import type { Typing } from "./typing.ts";

const NUMERIC = new Set(["+", "-", "*", "/", "%"]);
const ORDERING = new Set(["<", "<=", ">", ">="]);
const truth = ofKinds(KIND.boolean);

/** `left operator right`. */
export function inferBinary(node: NodeOf<"binary">, typing: Typing): Type {
  const { operator, left, right } = node;
  if (NUMERIC.has(operator)) return inferNumbers(operator, [left, right], typing);
  if (ORDERING.has(operator)) return inferOrdering(node, typing);
  const [a, b] = [typing.infer(left, typing), typing.infer(right, typing)];
  if (operator === "&") {
    observeOptional(node, [a, b], typing);
    return ofKinds(KIND.string);
  }
  if (operator === "=" || operator === "!=") {
    observeOptional(node, [a, b], typing);
    if (neverEqual(a, b)) typing.observe({ kind: "never_equal", node, left: a, right: b });
    else
      for (const [side, other] of [
        [left, b],
        [right, a],
      ] as const)
        observeText(side, { operator, other }, typing);
    return truth;
  }
  if (operator === "in" && right.type === "array")
    for (const item of right.items) observeText(item, { operator, other: a }, typing);
  if (operator === "..") {
    const whole = ofKinds(KIND.integer);
    return collapse({ item: whole, zero: true, one: true, many: true });
  }
  return operator === "and" || operator === "or" || operator === "in" ? truth : ANY;
}

/** Whole numbers stay whole under all but division. */
export function inferNumbers(operator: string, operands: readonly Node[], typing: Typing): Type {
  const types = operands.map((operand) => typing.infer(operand, typing));
  for (const [i, type] of types.entries()) {
    const node = operands[i];
    if (node !== undefined && unfit(type, NUMBER_KINDS)) typing.observe({ kind: "operand", node, operator, got: type });
  }
  const whole = operator !== "/" && operator !== "%" && types.every((type) => !has(type, KIND.fraction));
  const result = ofKinds(whole ? KIND.integer : NUMBER_KINDS);
  return types.some((type) => has(type, KIND.absent)) ? optional(result) : result;
}

function inferOrdering({ operator, left, right }: NodeOf<"binary">, typing: Typing): Type {
  const [a, b] = [typing.infer(left, typing), typing.infer(right, typing)];
  for (const [node, type, other] of [
    [left, a, b],
    [right, b, a],
  ] as const) {
    // An author compares with a constant: what it is compared with is then the other's fault.
    const wanted = node.type === "literal" ? NUMBER_KINDS | KIND.string : kindsLike(other);
    if (unfit(type, wanted)) typing.observe({ kind: "operand", node, operator, got: type });
  }
  return has(a, KIND.absent) || has(b, KIND.absent) ? optional(truth) : truth;
}

/** What can be put in order with it: numbers with numbers, text with text. */
function kindsLike(other: Type): number {
  if (isAny(other)) return NUMBER_KINDS | KIND.string;
  return (has(other, NUMBER_KINDS) ? NUMBER_KINDS : 0) | (has(other, KIND.string) ? KIND.string : 0);
}

/** There is a value, and never one of these kinds. What is missing, and null, is judged apart. */
function unfit(type: Type, kinds: number): boolean {
  const there = without(type, KIND.absent | KIND.null);
  return kinds !== 0 && there.kinds !== 0 && !has(there, kinds);
}

/** Both are there, and of kinds that are never equal. */
function neverEqual(a: Type, b: Type): boolean {
  if (isAny(a) || isAny(b)) return false;
  const [left, right] = [a, b].map(({ kinds }) => (kinds & NUMBER_KINDS ? kinds | NUMBER_KINDS : kinds) & ~KIND.absent);
  return left !== 0 && right !== 0 && ((left ?? 0) & (right ?? 0)) === 0;
}

/** A missing operand: `&` takes it for "", `!=` for equal to nothing, `=` for unequal to `false`, `null` and the like. */
function observeOptional(node: NodeOf<"binary">, types: readonly Type[], { judged, observe }: Typing): void {
  if (judged) return;
  const sides = [node.left, node.right];
  for (const [i, side] of sides.entries()) {
    const type = types[i];
    const other = sides[1 - i];
    if (type === undefined || other === undefined || isAny(type) || !has(type, KIND.absent)) continue;
    if (without(type, KIND.absent).kinds === 0) continue;
    if (node.operator === "=" && !(other.type === "literal" && !other.value)) continue;
    observe({ kind: "optional", node: side, in: node });
  }
}

/** A constant text on one side, and on the other a value that is text only as one of others. */
function observeText(
  node: Node,
  { operator, other }: { readonly operator: string; readonly other: Type },
  { observe }: Typing,
): void {
  if (node.type !== "literal" || typeof node.value !== "string" || !has(other, KIND.string)) return;
  const { texts } = other;
  if (texts !== undefined && texts.size > 0 && !texts.has(node.value))
    observe({ kind: "never_one_of", node, operator, texts });
}
