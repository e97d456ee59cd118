/** Built-in functions of the fast path, with the argument checks of their signatures in jsonata 2.2.2. */
import type { Json } from "../core/types.ts";
import type { NodeOf } from "./ast.ts";
import { BUILTINS } from "./builtins.ts";
import { type Closure, compileAll, type Env, type Names } from "./closure.ts";
import { stop, toText, truthy, type Value } from "./sequence.ts";

interface FastFunction {
  readonly min: number;
  readonly max: number;
  readonly call: (args: readonly Value[], env: Env) => Value;
}

export function compileCall(node: NodeOf<"call">, names: Names): Closure | undefined {
  const { callee } = node;
  if (node.partial || callee.type !== "variable" || callee.predicates.length > 0) return undefined;
  if (names.locals.has(callee.name) || names.variables.has(callee.name) || !BUILTINS.has(callee.name)) return undefined;
  const fn = FUNCTIONS.get(callee.name);
  // With fewer arguments the context stands in for the first one.
  if (fn === undefined || node.args.length < fn.min || node.args.length > fn.max) return undefined;
  const args = compileAll(node.args, names);
  if (args === undefined) return undefined;
  const [first] = args;
  if (args.length === 1 && first !== undefined) return (context, env) => fn.call([first(context, env)], env);
  return (context, env) =>
    fn.call(
      args.map((arg) => arg(context, env)),
      env,
    );
}

function text(value: Value): string | undefined {
  return value === undefined || typeof value === "string" ? value : stop("an argument that is not text");
}

function number(value: Value): number | undefined {
  return value === undefined || typeof value === "number" ? value : stop("an argument that is not a number");
}

/** A parameter `a<n>` or `a<s>`: one value counts as a list of one. */
function listOf<T extends "number" | "string">(
  value: Value,
  type: T,
): (T extends "number" ? number : string)[] | undefined {
  if (value === undefined) return undefined;
  const list: readonly Json[] = Array.isArray(value) ? value : [value];
  if (!list.every((item) => typeof item === type)) return stop(`a list whose elements are not all of type ${type}`);
  return list as (T extends "number" ? number : string)[];
}

const ofText = (compute: (value: string) => Value): FastFunction => ({
  min: 1,
  max: 1,
  call: ([a]) => {
    const value = text(a);
    return value === undefined ? undefined : compute(value);
  },
});

const ofNumber = (compute: (value: number) => Value): FastFunction => ({
  min: 1,
  max: 1,
  call: ([a]) => {
    const value = number(a);
    return value === undefined ? undefined : compute(value);
  },
});

const ofNumbers = (compute: (values: readonly number[]) => Value): FastFunction => ({
  min: 1,
  max: 1,
  call: ([a]) => {
    const values = listOf(a, "number");
    return values === undefined ? undefined : compute(values);
  },
});

const ofTwoTexts = (compute: (value: string, other: string) => Value): FastFunction => ({
  min: 2,
  max: 2,
  call: ([a, b]) => {
    const [value, other] = [text(a), text(b)];
    if (value === undefined) return undefined;
    // What the interpreter makes of an absent second text differs from function to function.
    return other === undefined ? stop() : compute(value, other);
  },
});

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

const FUNCTIONS: ReadonlyMap<string, FastFunction> = new Map([
  ["string", { min: 1, max: 1, call: ([a]) => (a === undefined ? undefined : toText(a)) }],
  ["number", { min: 1, max: 1, call: ([a]) => toNumber(a) }],
  ["boolean", { min: 1, max: 1, call: ([a]) => (a === undefined ? undefined : truthy(a)) }],
  ["not", { min: 1, max: 1, call: ([a]) => (a === undefined ? undefined : !truthy(a)) }],
  ["exists", { min: 1, max: 1, call: ([a]) => a !== undefined }],
  ["type", { min: 1, max: 1, call: ([a]) => typeName(a) }],
  ["lowercase", ofText((value) => value.toLowerCase())],
  ["uppercase", ofText((value) => value.toUpperCase())],
  ["trim", ofText(trim)],
  ["length", ofText((value) => [...value].length)],
  ["substring", { min: 2, max: 3, call: substring }],
  [
    "substringBefore",
    ofTwoTexts((value, other) => (value.includes(other) ? value.slice(0, value.indexOf(other)) : value)),
  ],
  [
    "substringAfter",
    ofTwoTexts((value, other) => (value.includes(other) ? value.slice(value.indexOf(other) + other.length) : value)),
  ],
  ["contains", ofTwoTexts((value, other) => value.includes(other))],
  ["split", { min: 2, max: 3, call: split }],
  ["join", { min: 1, max: 2, call: ([a, b]) => join(listOf(a, "string"), text(b)) }],
  ["sum", ofNumbers(sum)],
  ["max", ofNumbers((values) => (values.length === 0 ? undefined : values.reduce((a, b) => Math.max(a, b))))],
  ["min", ofNumbers((values) => (values.length === 0 ? undefined : values.reduce((a, b) => Math.min(a, b))))],
  ["average", ofNumbers((values) => (values.length === 0 ? undefined : sum(values) / values.length))],
  ["count", { min: 1, max: 1, call: ([a]) => (a === undefined ? 0 : Array.isArray(a) ? a.length : 1) }],
  ["round", { min: 1, max: 2, call: ([a, b]) => round(number(a), number(b)) }],
  ["floor", ofNumber(Math.floor)],
  ["ceil", ofNumber(Math.ceil)],
  ["abs", ofNumber(Math.abs)],
  ["now", { min: 0, max: 0, call: (_args, env) => new Date(env.receivedAt).toISOString() }],
  ["millis", { min: 0, max: 0, call: (_args, env) => env.receivedAt }],
  ["fromMillis", { min: 1, max: 1, call: ([a]) => fromMillis(a) }],
  ["toMillis", ofText(toMillis)],
] satisfies [string, FastFunction][]);

function toNumber(value: Value): Value {
  if (value === undefined || typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value !== "string") return stop("an argument that can not be a number");
  if (/^-?[0-9]+(\.[0-9]+)?([Ee][-+]?[0-9]+)?$/.test(value) && Number.isFinite(Number(value)))
    return Number.parseFloat(value);
  // Hexadecimal and the like, which the interpreter takes from the middle of a text too.
  return /0[xXoObB]/.test(value) ? stop() : stop("a text that is not a number");
}

function typeName(value: Value): Value {
  if (value === undefined) return undefined;
  if (value === null) return "null";
  if (typeof value === "number" && !Number.isFinite(value)) return stop();
  return Array.isArray(value) ? "array" : typeof value;
}

function trim(value: string): string {
  const single = value.replace(/[ \t\n\r]+/g, " ");
  return single.slice(single.startsWith(" ") ? 1 : 0, single.length > 1 && single.endsWith(" ") ? -1 : undefined);
}

/** With arguments of other types these two take the context as their first one: the interpreter knows. */
function shifts(a: Value, b: boolean, c: Value): boolean {
  return (a !== undefined && typeof a !== "string") || !b || (c !== undefined && typeof c !== "number");
}

function substring([a, b, c]: readonly Value[]): Value {
  if (shifts(a, b === undefined || typeof b === "number", c)) stop();
  const [value, from, length] = [text(a), number(b), number(c)];
  if (value === undefined) return undefined;
  if (from === undefined) return stop();
  const characters = [...value];
  const start = characters.length + from < 0 ? 0 : from;
  if (length === undefined) return characters.slice(start).join("");
  if (length <= 0) return "";
  return characters.slice(start, start >= 0 ? start + length : characters.length + start + length).join("");
}

function split([a, b, c]: readonly Value[]): Value {
  if (shifts(a, b === undefined || typeof b === "string", c)) stop();
  const [value, separator, limit] = [text(a), text(b), number(c)];
  if (value === undefined) return undefined;
  if (separator === undefined) return stop();
  if (limit !== undefined && limit < 0) return stop("a negative limit");
  return limit === undefined || limit > 0 ? value.split(separator, limit) : [];
}

function join(values: readonly string[] | undefined, separator: string | undefined): Value {
  return values?.join(separator ?? "");
}

/** Half to even, decimal places shifted in the number's text: functions.round. */
function round(value: number | undefined, precision: number | undefined): Value {
  if (value === undefined) return undefined;
  const shifted = precision ? shift(value, precision) : value;
  let whole = Math.round(shifted);
  if (Math.abs(whole - shifted) === 0.5 && Math.abs(whole % 2) === 1) whole -= 1;
  const result = precision ? shift(whole, -precision) : whole;
  return Object.is(result, -0) ? 0 : result;
}

function shift(value: number, places: number): number {
  const [digits, exponent] = value.toString().split("e");
  return Number(`${digits}e${exponent === undefined ? places : Number(exponent) + places}`);
}

function fromMillis(instant: Value): Value {
  // A text would be taken for the picture, with the context as the instant.
  if (typeof instant === "string") return stop();
  const value = number(instant);
  if (value === undefined) return undefined;
  // Outside of four-digit years, and for fractions, the interpreter's own formatter decides.
  return Number.isInteger(value) && value >= 0 && value <= 253402300799999 ? new Date(value).toISOString() : stop();
}

const ISO = /^\d{4}(-[01]\d)?(-[0-3]\d)?(T[0-2]\d:[0-5]\d:[0-5]\d)?(\.\d+)?([+-][0-2]\d:?[0-5]\d|Z)?$/;

function toMillis(value: string): Value {
  return ISO.test(value) ? Date.parse(value) : stop("a text that is not an ISO 8601 time");
}
