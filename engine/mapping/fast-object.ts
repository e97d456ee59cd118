/** Objects of the fast path: `{…}` alone and behind a path are both evaluateGroupExpression of jsonata 2.2.2. */
import type { Json } from "../core/types.ts";
import type { Pair } from "./ast.ts";
import { type Closure, compileAll, type Env, type Names } from "./closure.ts";
import { append, Sequence, stop, type Value } from "./sequence.ts";

interface Members {
  readonly keys: readonly Closure[];
  readonly values: readonly Closure[];
}

export function compileGroup(pairs: readonly Pair[], names: Names): Closure | undefined {
  const keys = compileAll(
    pairs.map((pair) => pair[0]),
    names,
  );
  const values = compileAll(
    pairs.map((pair) => pair[1]),
    names,
  );
  if (keys === undefined || values === undefined) return undefined;
  const fixed = fixedKeys(pairs);
  return (context, env) => {
    if (fixed !== undefined && !Array.isArray(context)) return buildFixed(fixed, values, { context, env });
    return group({ keys, values }, context, env);
  };
}

/** Keys that are different plain texts: the usual object, whose members need no sorting out. */
function fixedKeys(pairs: readonly Pair[]): readonly string[] | undefined {
  const keys: string[] = [];
  for (const [key] of pairs) {
    if (key.type !== "literal" || typeof key.value !== "string" || key.predicates.length > 0) return undefined;
    if (key.value.startsWith("_") || keys.includes(key.value)) return undefined;
    keys.push(key.value);
  }
  return keys;
}

function buildFixed(
  keys: readonly string[],
  values: readonly Closure[],
  at: { readonly context: Value; readonly env: Env },
): Json {
  const object: Record<string, Json> = {};
  for (let i = 0; i < keys.length; i++) {
    const value = values[i]?.(at.context, at.env);
    if (value !== undefined) object[keys[i] as string] = value;
  }
  return object;
}

interface Slot {
  data: Value;
  readonly pair: number;
}

function group(members: Members, context: Value, env: Env): Json {
  // The interpreter writes into an empty list that stands in the data (jsonata issue 591), and may read it back.
  if (Array.isArray(context) && context.length === 0 && !(context instanceof Sequence)) stop();
  const items: readonly Value[] = !Array.isArray(context) ? [context] : context.length === 0 ? [undefined] : context;
  const slots = new Map<string, Slot>();
  for (const item of items) {
    for (let pair = 0; pair < members.keys.length; pair++) {
      const key = members.keys[pair]?.(item, env);
      if (key !== undefined) put(slots, { key, pair, item });
    }
  }
  const object: Record<string, Json> = {};
  for (const [key, slot] of slots) {
    const value = members.values[slot.pair]?.(slot.data, env);
    if (value !== undefined) object[key] = value;
  }
  return object;
}

function put(
  slots: Map<string, Slot>,
  entry: { readonly key: Json; readonly pair: number; readonly item: Value },
): void {
  const { key, pair, item } = entry;
  if (typeof key !== "string") stop("a key of an object that is not text");
  // Keys the interpreter refuses or gives a meaning of its own.
  if (key.startsWith("_")) stop();
  const slot = slots.get(key);
  if (slot === undefined) {
    slots.set(key, { data: item, pair });
    return;
  }
  if (slot.pair !== pair) stop("two members of an object have the same key");
  if (item !== undefined)
    slot.data = slot.data === undefined ? item : append(Array.isArray(slot.data) ? slot.data : [slot.data], item);
}
