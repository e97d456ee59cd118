/**
 * JSONata's value rules that the fast path must share with the interpreter: sequences, the effective boolean, deep
 * equality, text. Each function names the one it mirrors in jsonata 2.2.2; test/mapping/fast.test.ts compares them.
 */
import type { Json } from "../core/types.ts";

/** A value inside an evaluation; undefined is "nothing". */
export type Value = Json | undefined;

/** The interpreter's own bound on list lengths (its guardrail `sequence`). */
export const MAX_SEQUENCE = 100_000;

/**
 * A list that is the outcome of a path, as opposed to one that stands in the data: with no element it is nothing,
 * with one it is that element.
 */
export class Sequence extends Array<Json> {}

/** The payload itself where it is a list: `$` is the list, paths see it as one item. */
export class OuterSequence extends Sequence {}

/**
 * Thrown inside a compiled expression: with a problem where the interpreter would fail too, without one where only
 * the interpreter knows the answer.
 */
export class FastStop extends Error {
  readonly problem: string | undefined;
  constructor(problem?: string) {
    super(problem ?? "the interpreter is needed");
    this.problem = problem;
  }
}

export function stop(problem?: string): never {
  throw new FastStop(problem);
}

/** `[x]` -> x and `[]` -> nothing, for sequences only. */
export function unwrap(value: Value): Value {
  return value instanceof Sequence && value.length < 2 ? value[0] : value;
}

export function push(sequence: Json[], value: Value): void {
  // The interpreter can hold a hole here; nothing that is mapped needs one.
  if (value === undefined) stop();
  if (sequence.length >= MAX_SEQUENCE) stop("a list of more than 100000 elements");
  sequence.push(value);
}

/** utils.isNumeric: NaN is no number, and meeting Infinity is an error. */
export function isNumeric(value: Value): value is number {
  if (typeof value !== "number" || Number.isNaN(value)) return false;
  if (!Number.isFinite(value)) stop("a number out of range");
  return true;
}

/** functions.boolean, for a value that is there. */
export function truthy(value: Value): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value === "string") return value.length > 0;
  if (typeof value === "number") return isNumeric(value) && value !== 0;
  if (typeof value === "boolean") return value;
  if (Array.isArray(value)) return value.length === 1 ? truthy(value[0]) : value.map(truthy).includes(true);
  return Object.keys(value).length > 0;
}

/** utils.isDeepEqual. */
export function deepEqual(left: Value, right: Value): boolean {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  const lists = [Array.isArray(left), Array.isArray(right)];
  // A list and an object can be "equal" to the interpreter if the object has a `length`: its business.
  if (lists[0] !== lists[1]) stop();
  if (Array.isArray(left) && Array.isArray(right))
    return left.length === right.length && left.every((item, i) => deepEqual(item, right[i]));
  return equalMembers(left as { readonly [key: string]: Json }, right as { readonly [key: string]: Json });
}

function equalMembers(left: { readonly [key: string]: Json }, right: { readonly [key: string]: Json }): boolean {
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key)) && keys.every((key) => deepEqual(left[key], right[key]));
}

/** functions.string: numbers with 15 digits, the rest as JSON. */
export function toText(value: Json): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" && !Number.isFinite(value)) stop("a number that has no text");
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === "number" ? fifteenDigits(member) : member,
  );
}

function fifteenDigits(value: number): number {
  return isNumeric(value) && !Number.isInteger(value) ? Number(value.toPrecision(15)) : value;
}

/** functions.append with both sides there. */
export function append(left: readonly Json[], right: Json): Json[] {
  const joined = Array.from(left);
  if (Array.isArray(right)) for (const item of right) push(joined, item);
  else push(joined, right);
  return joined;
}

/** functions.lookup for a list: members of its elements, flattened. */
export function lookupAll(items: readonly Value[], name: string, into: Json[]): void {
  for (const item of items) {
    if (Array.isArray(item)) lookupAll(item, name, into);
    else {
      const found = member(item, name);
      if (Array.isArray(found)) for (const element of found) push(into, element);
      else if (found !== undefined) push(into, found);
    }
  }
}

/** An own member of an object; nothing for any other value. */
export function member(value: Value, name: string): Value {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as { readonly [key: string]: Json })[name];
}

/** evaluateName: a member of an object, or of each element of a list. */
export function lookup(value: Value, name: string): Value {
  if (!Array.isArray(value)) return member(value, name);
  const found = new Sequence();
  lookupAll(value, name, found);
  return unwrap(found);
}
