/** Operators of the fast path, as evaluateBinary of jsonata 2.2.2. */
import type { NodeOf } from "./ast.ts";
import type { Closure, Names } from "./closure.ts";
import { deepEqual, isNumeric, stop, toText, truthy, type Value } from "./sequence.ts";

export function compileBinary(node: NodeOf<"binary">, names: Names): Closure | undefined {
  const left = names.compile(node.left, names);
  const right = names.compile(node.right, names);
  if (left === undefined || right === undefined) return undefined;
  if (node.operator === "and") return (context, env) => truthy(left(context, env)) && truthy(right(context, env));
  if (node.operator === "or") return (context, env) => truthy(left(context, env)) || truthy(right(context, env));
  const apply = OPERATORS[node.operator];
  return apply === undefined ? undefined : (context, env) => apply(left(context, env), right(context, env));
}

type Operator = (left: Value, right: Value) => Value;

const arithmetic =
  (compute: (left: number, right: number) => number): Operator =>
  (left, right) => {
    if (left !== undefined && !isNumeric(left)) return stop("the left side of an arithmetic operator is not a number");
    if (right !== undefined && !isNumeric(right))
      return stop("the right side of an arithmetic operator is not a number");
    return left === undefined || right === undefined ? undefined : compute(left, right);
  };

const comparison =
  (compute: (left: string | number, right: string | number) => boolean): Operator =>
  (left, right) => {
    if (!isComparable(left) || !isComparable(right)) return stop("only numbers and texts can be compared");
    if (left === undefined || right === undefined) return undefined;
    if (typeof left !== typeof right) return stop("a number and a text can not be compared");
    return compute(left, right);
  };

function isComparable(value: Value): value is string | number | undefined {
  return value === undefined || typeof value === "string" || typeof value === "number";
}

const OPERATORS: Readonly<Record<string, Operator>> = {
  "+": arithmetic((a, b) => a + b),
  "-": arithmetic((a, b) => a - b),
  "*": arithmetic((a, b) => a * b),
  "/": arithmetic((a, b) => a / b),
  "%": arithmetic((a, b) => a % b),
  "<": comparison((a, b) => a < b),
  "<=": comparison((a, b) => a <= b),
  ">": comparison((a, b) => a > b),
  ">=": comparison((a, b) => a >= b),
  "=": (left, right) => left !== undefined && right !== undefined && deepEqual(left, right),
  "!=": (left, right) => left !== undefined && right !== undefined && !deepEqual(left, right),
  "&": (left, right) => (left === undefined ? "" : toText(left)) + (right === undefined ? "" : toText(right)),
  in: (left, right) => {
    if (left === undefined || right === undefined) return false;
    return Array.isArray(right) ? right.some((item) => item === left) : right === left;
  },
};
