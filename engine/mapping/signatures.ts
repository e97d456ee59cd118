/** JSONata's built-in functions by type (2.2.2): what each argument may be, and what comes out. */
import { collapse, flat, flowOf } from "./flow.ts";
import {
  ABSENT,
  ALL_KINDS,
  ANY,
  has,
  join,
  joinAll,
  KIND,
  listOf,
  NEVER,
  NUMBER_KINDS,
  ofKinds,
  optional,
  type Type,
  without,
} from "./types.ts";

export interface Parameter {
  /** Kinds it takes; nothing is always taken. */
  readonly kinds: number;
  /** Of a list: what its items may be. */
  readonly items?: number;
  readonly optional: boolean;
}

export interface Signature {
  readonly parameters: readonly Parameter[];
  /** Any number of arguments. */
  readonly rest: boolean;
  readonly result: (args: readonly Type[]) => Type;
}

const LETTERS: Readonly<Record<string, number>> = {
  s: KIND.string,
  n: NUMBER_KINDS,
  b: KIND.boolean,
  o: KIND.object,
  f: KIND.function,
  x: ALL_KINDS,
};

/** `s`, `(sn)`, `a`, `a<n>`, with `?` where it may be left out: the letters of JSONata's own signatures. */
function parameters(text: string): readonly Parameter[] {
  return [...text.matchAll(/(\(\w+\)|a<(\w)>|\w)(\??)/g)].map(([, letters = "", items, mark]) => {
    const left = mark === "?";
    // A list parameter wraps what is no list.
    if (letters.startsWith("a")) {
      const inner = items === undefined ? undefined : LETTERS[items];
      return { kinds: ALL_KINDS, optional: left, ...(inner === undefined ? {} : { items: inner }) };
    }
    const kinds = [...letters.replace(/[()]/g, "")].reduce(
      (bits, letter) => bits | (letter === "a" ? KIND.list : (LETTERS[letter] ?? 0)),
      0,
    );
    return { kinds, optional: left };
  });
}

const text = ofKinds(KIND.string);
const number = ofKinds(NUMBER_KINDS);
const integer = ofKinds(KIND.integer);
const truth = ofKinds(KIND.boolean);
const anyObject = ofKinds(KIND.object);

/** Nothing where an argument is nothing. */
const unlessAbsent = (type: Type) => (args: readonly Type[]) =>
  args.length === 0 || args.some((arg) => has(arg, KIND.absent)) ? optional(type) : type;

const first = (args: readonly Type[]): Type => args[0] ?? ABSENT;

/** Any number of the list's items, as a value. */
const some = (type: Type) => collapse({ ...flowOf(type), zero: true, one: true });

const sameList = (args: readonly Type[]) => {
  const item = flat(first(args));
  return optional(join(listOf(item), item));
};

/** Whole numbers add up to a whole one. */
const summed = (args: readonly Type[]) => {
  const items = flat(first(args));
  const whole = !has(items, ~KIND.integer);
  return unlessAbsent(whole ? integer : number)(args);
};

const appended = ([a = ABSENT, b = ABSENT]: readonly Type[]) => {
  const items = join(flat(a), flat(b));
  return joinAll([a, b, listOf(items), items]);
};

const KEYS = collapse({ item: text, zero: true, one: true, many: true });
const MATCHES = collapse({ item: anyObject, zero: true, one: true, many: true });

const TABLE: Readonly<Record<string, readonly [string, (args: readonly Type[]) => Type]>> = {
  abs: ["n", unlessAbsent(number)],
  append: ["xx", appended],
  assert: ["bs?", () => ABSENT],
  average: ["a<n>", () => optional(number)],
  base64decode: ["s", unlessAbsent(text)],
  base64encode: ["s", unlessAbsent(text)],
  boolean: ["x", unlessAbsent(truth)],
  ceil: ["n", unlessAbsent(integer)],
  clone: ["(oa)", (args) => optional(first(args))],
  contains: ["s(sf)", unlessAbsent(truth)],
  count: ["a", () => integer],
  decodeUrl: ["s", unlessAbsent(text)],
  decodeUrlComponent: ["s", unlessAbsent(text)],
  distinct: ["x", (args) => join(first(args), some(first(args)))],
  each: ["of", () => ANY],
  encodeUrl: ["s", unlessAbsent(text)],
  encodeUrlComponent: ["s", unlessAbsent(text)],
  error: ["s?", () => NEVER],
  eval: ["sx?", () => ANY],
  exists: ["x", () => truth],
  filter: ["af", (args) => join(first(args), some(first(args)))],
  floor: ["n", unlessAbsent(integer)],
  formatBase: ["nn?", unlessAbsent(text)],
  formatInteger: ["ns", unlessAbsent(text)],
  formatNumber: ["nso?", unlessAbsent(text)],
  fromMillis: ["ns?s?", unlessAbsent(text)],
  join: ["a<s>s?", unlessAbsent(text)],
  keys: ["x", () => KEYS],
  length: ["s", unlessAbsent(integer)],
  lookup: ["xs", () => ANY],
  lowercase: ["s", unlessAbsent(text)],
  map: ["af", () => ANY],
  match: ["s(sf)n?", () => MATCHES],
  max: ["a<n>", () => optional(number)],
  merge: ["a<o>", unlessAbsent(anyObject)],
  millis: ["", () => integer],
  min: ["a<n>", () => optional(number)],
  not: ["x", unlessAbsent(truth)],
  now: ["s?s?", () => text],
  number: ["(nsb)", unlessAbsent(number)],
  pad: ["sns?", unlessAbsent(text)],
  parseInteger: ["ss", unlessAbsent(number)],
  power: ["nn", unlessAbsent(number)],
  random: ["", () => number],
  reduce: ["afx?", () => ANY],
  replace: ["s(sf)(sf)n?", unlessAbsent(text)],
  reverse: ["a", sameList],
  round: ["nn?", (args) => unlessAbsent(args.length > 1 ? number : integer)(args)],
  shuffle: ["a", sameList],
  sift: ["of?", () => optional(anyObject)],
  single: ["af?", (args) => optional(flat(first(args)))],
  sort: ["af?", sameList],
  split: ["s(sf)n?", unlessAbsent(listOf(text))],
  spread: ["x", () => ANY],
  sqrt: ["n", unlessAbsent(number)],
  string: ["xb?", unlessAbsent(text)],
  substring: ["snn?", unlessAbsent(text)],
  substringAfter: ["ss", unlessAbsent(text)],
  substringBefore: ["ss", unlessAbsent(text)],
  sum: ["a<n>", summed],
  toMillis: ["ss?", unlessAbsent(number)],
  trim: ["s", unlessAbsent(text)],
  type: ["x", unlessAbsent(text)],
  uppercase: ["s", unlessAbsent(text)],
  zip: ["a", () => ANY],
};

const signatures = new Map<string, Signature>();
for (const [name, [written, result]] of Object.entries(TABLE))
  signatures.set(name, { parameters: parameters(written), rest: name === "zip", result });

/** The signature of a built-in function, by its name without `$`. */
export const signatureOf = (name: string): Signature | undefined => signatures.get(name);

/** What an argument is, of the parameter's kinds or not: nothing, and what is not known, always fits. */
export function fits(argument: Type, parameter: Parameter): boolean {
  const given = without(argument, KIND.absent);
  if (given.kinds === 0) return true;
  if (!has(given, parameter.kinds)) return false;
  if (parameter.items === undefined) return true;
  const items = without(flat(given), KIND.absent);
  return items.kinds === 0 || has(items, parameter.items);
}
