/** JSONata's sequences, known by type: how many items there may be, and what becomes of them as a value. Pure. */
import { ABSENT, ANY, ANY_JSON, has, join, KIND, listOf, memberOf, NEVER, type Type, without } from "./types.ts";

/** What stands between two steps of a path. */
export interface Flow {
  readonly item: Type;
  readonly zero: boolean;
  readonly one: boolean;
  readonly many: boolean;
}

/** A value as the sequence it is for a step: a list by its items. */
export function flowOf(type: Type): Flow {
  const list = has(type, KIND.list);
  const single = without(type, KIND.list | KIND.absent);
  return {
    item: list ? join(single, itemsOf(type)) : single,
    zero: list || has(type, KIND.absent),
    one: list || single.kinds !== 0,
    many: list,
  };
}

/** What a list's items are. */
export const itemsOf = (type: Type): Type => (has(type, KIND.list) ? (type.items ?? ANY_JSON) : NEVER);

/** The items of a list, and what is no list itself. */
export const flat = (type: Type): Type => join(without(type, KIND.list | KIND.absent), itemsOf(type));

/** A sequence as a value: none is nothing, one is itself, several are a list. */
export function collapse({ item, zero, one, many }: Flow): Type {
  let type = zero ? ABSENT : NEVER;
  if (one) type = join(type, item);
  return many ? join(type, listOf(item)) : type;
}

/** `value.name`: of an object its member, of a list those of its items, of anything else nothing. */
export function lookup(type: Type, name: string): Type {
  let found = has(type, ~(KIND.list | KIND.object)) ? ABSENT : NEVER;
  if (has(type, KIND.object)) found = join(found, type.members === undefined ? ANY : memberOf(type.members, name));
  if (has(type, KIND.list)) {
    const one = type.items === undefined ? ANY : lookup(type.items, name);
    found = join(found, collapse({ item: flat(one), zero: true, one: true, many: true }));
  }
  return found;
}

/** What a fixed index picks. */
export function pick(type: Type, index: number): Flow {
  const { item, zero, one } = flowOf(type);
  const beyond = index !== 0 && index !== -1;
  return { item, zero: zero || beyond, one: one && (!beyond || has(type, KIND.list)), many: false };
}
