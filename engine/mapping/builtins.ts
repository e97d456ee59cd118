/** What the analysis has to know of JSONata's built-in functions (2.2.2). */

/** Name -> how many arguments it takes before the context stands in for the first one (0: it never does). */
const CONTEXT_ARITY: Readonly<Record<string, number>> = {
  abs: 1,
  append: 0,
  assert: 0,
  average: 0,
  base64decode: 1,
  base64encode: 1,
  boolean: 1,
  ceil: 1,
  clone: 1,
  contains: 2,
  count: 0,
  decodeUrl: 1,
  decodeUrlComponent: 1,
  distinct: 0,
  each: 2,
  encodeUrl: 1,
  encodeUrlComponent: 1,
  error: 0,
  eval: 1,
  exists: 0,
  filter: 0,
  floor: 1,
  formatBase: 1,
  formatInteger: 2,
  formatNumber: 2,
  fromMillis: 1,
  join: 0,
  keys: 1,
  length: 1,
  lookup: 2,
  lowercase: 1,
  map: 0,
  match: 2,
  max: 0,
  merge: 0,
  millis: 0,
  min: 0,
  not: 1,
  now: 0,
  number: 1,
  pad: 2,
  parseInteger: 2,
  power: 2,
  random: 0,
  reduce: 0,
  replace: 3,
  reverse: 0,
  round: 1,
  shuffle: 0,
  sift: 2,
  single: 0,
  sort: 0,
  split: 2,
  spread: 1,
  sqrt: 1,
  string: 1,
  substring: 2,
  substringAfter: 2,
  substringBefore: 2,
  sum: 0,
  toMillis: 1,
  trim: 1,
  type: 0,
  uppercase: 1,
  zip: 0,
}; // prettier-ignore

/** Names of all built-in functions, without `$`. */
export const BUILTINS: ReadonlySet<string> = new Set(Object.keys(CONTEXT_ARITY));

/** True when a call with so few arguments takes the context as its first one: `a.$uppercase()`. */
export function takesContext(name: string, argumentCount: number): boolean {
  return argumentCount < (CONTEXT_ARITY[name] ?? 0);
}

/** One value from a list: a list that lost an element would give a wrong one silently. */
export const AGGREGATES: ReadonlySet<string> = new Set(["sum", "count", "max", "min", "average", "join", "reduce"]);

/** Functions a mapping may not use, and why. */
export const BANNED: ReadonlyMap<string, string> = new Map([
  ["eval", "it would run text that nobody reviewed"],
  ["random", "a replay would differ from the first run"],
  ["shuffle", "a replay would differ from the first run"],
]);

/** Functions that read members which the expression does not name. */
export const DYNAMIC: ReadonlySet<string> = new Set(["each", "spread", "keys", "sift"]);
