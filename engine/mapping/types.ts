/** What is known of a JSON value before there is one: a lattice of kinds, with what lists and objects hold. Pure. */
import type { Json } from "../core/types.ts";

/** One bit for each kind of value; an absent value is a kind of its own. */
export const KIND = {
  absent: 1,
  null: 2,
  boolean: 4,
  integer: 8,
  fraction: 16,
  string: 32,
  list: 64,
  object: 128,
  function: 256,
} as const;

/** Every kind there is. */
export const ALL_KINDS = 511;
export const NUMBER_KINDS = KIND.integer | KIND.fraction;

/** Where a member is declared: the mapping that holds its name, so that a place in a file can be found. */
export interface Origin {
  readonly holder: object;
  readonly name: string;
}

export interface Member {
  readonly type: Type;
  readonly origin?: Origin;
}

/** What objects hold. */
export interface Members {
  readonly known: ReadonlyMap<string, Member>;
  /** What a member that is not known may be; absent: it is never there. */
  readonly rest: Type | undefined;
  /** The known members are meant to be all: another name is worth a word. */
  readonly declared: boolean;
  /** Whose members they are, where not the payload's, as messages call it: `the entity \`customer\``. */
  readonly of?: string;
}

/** A set of values. `items`, `members` and `texts` count only where the kinds have them; absent: anything. */
export interface Type {
  readonly kinds: number;
  /** The only texts there are: of an enum, or of constants. */
  readonly texts?: ReadonlySet<string>;
  readonly items?: Type;
  readonly members?: Members;
}

/** Anything at all, also nothing. */
export const ANY: Type = { kinds: ALL_KINDS };
/** Anything that can stand in JSON. */
export const ANY_JSON: Type = { kinds: ALL_KINDS & ~(KIND.absent | KIND.function) };
export const NEVER: Type = { kinds: 0 };
export const ABSENT: Type = { kinds: KIND.absent };

/** A type of these kinds, of which nothing more is known. */
export const ofKinds = (kinds: number): Type => ({ kinds });
export const listOf = (items: Type): Type => ({ kinds: KIND.list, items: without(items, KIND.absent) });

/** One of these texts. */
export const ofTexts = (texts: Iterable<string>): Type => ({ kinds: KIND.string, texts: new Set(texts) });

export const has = (type: Type, kinds: number): boolean => (type.kinds & kinds) !== 0;

/** Nothing is known of it: no finding can rest on it. */
export const isAny = (type: Type): boolean => (type.kinds | KIND.absent | KIND.function) === ALL_KINDS;

/** The type without some kinds. */
export function without(type: Type, kinds: number): Type {
  return has(type, kinds) ? { ...type, kinds: type.kinds & ~kinds } : type;
}

/** The type, or nothing. */
export function optional(type: Type): Type {
  return has(type, KIND.absent) ? type : { ...type, kinds: type.kinds | KIND.absent };
}

/** Values of either type. */
export function join(a: Type, b: Type): Type {
  if (a === b || b.kinds === 0) return a;
  if (a.kinds === 0) return b;
  const items = joinParts(a, b, KIND.list, (type) => type.items ?? ANY_JSON, join);
  const members = joinParts(a, b, KIND.object, (type) => type.members ?? ANYTHING, joinMembers);
  const texts = joinParts(a, b, KIND.string, textsOf, (x, y) => x && y && new Set([...x, ...y]));
  return { kinds: a.kinds | b.kinds, ...(texts && { texts }), ...(items && { items }), ...(members && { members }) };
}

export const joinAll = (types: readonly Type[]): Type => types.reduce(join, NEVER);

/** The texts it can be, where they are known: none, of what is never text. */
export const textsOf = (type: Type): ReadonlySet<string> | undefined =>
  has(type, KIND.string) ? type.texts : NO_TEXTS;

const NO_TEXTS: ReadonlySet<string> = new Set();

/** Members of an object of which nothing is known. */
const ANYTHING: Members = { known: new Map(), rest: ANY_JSON, declared: false };

function joinParts<T>(a: Type, b: Type, kind: number, part: (type: Type) => T, both: (x: T, y: T) => T): T | undefined {
  const [inA, inB] = [has(a, kind), has(b, kind)];
  if (inA && inB) return both(part(a), part(b));
  return inA ? part(a) : inB ? part(b) : undefined;
}

function joinMembers(a: Members, b: Members): Members {
  if (a === b) return a;
  const known = new Map<string, Member>();
  for (const name of new Set([...a.known.keys(), ...b.known.keys()])) {
    const type = join(memberOf(a, name), memberOf(b, name));
    const origin = a.known.get(name)?.origin ?? b.known.get(name)?.origin;
    known.set(name, { type, ...(origin && { origin }) });
  }
  const rest = a.rest === undefined ? b.rest : b.rest === undefined ? a.rest : join(a.rest, b.rest);
  return { known, rest, declared: a.declared && b.declared, ...(a.of !== undefined && a.of === b.of && { of: a.of }) };
}

/** What a member of these is; nothing, where it is never there. */
export function memberOf(members: Members, name: string): Type {
  return members.known.get(name)?.type ?? (members.rest === undefined ? ABSENT : optional(members.rest));
}

/** Values of both types; where that can not be said exactly, of at least one. */
export function meet(a: Type, b: Type): Type {
  let kinds = a.kinds & b.kinds;
  const items = a.items === undefined ? b.items : b.items === undefined ? a.items : meet(a.items, b.items);
  const members =
    a.members === undefined ? b.members : b.members === undefined ? a.members : meetMembers(a.members, b.members);
  const both = a.texts === undefined ? b.texts : b.texts === undefined ? a.texts : a.texts.intersection(b.texts);
  // No text is both: then there is none.
  if (both?.size === 0) kinds &= ~KIND.string;
  const texts = kinds & KIND.string ? both : undefined;
  return { kinds, ...(texts && { texts }), ...(items && { items }), ...(members && { members }) };
}

function meetMembers(a: Members, b: Members): Members {
  const known = new Map<string, Member>();
  for (const name of new Set([...a.known.keys(), ...b.known.keys()])) {
    const origin = a.known.get(name)?.origin ?? b.known.get(name)?.origin;
    known.set(name, { type: meet(memberOf(a, name), memberOf(b, name)), ...(origin && { origin }) });
  }
  const rest = a.rest === undefined || b.rest === undefined ? undefined : meet(a.rest, b.rest);
  return { known, rest, declared: a.declared || b.declared };
}

/** The type a value shows, as far as one value can: null and empty lists say nothing of what else may stand there. */
export function typeOfSample(value: Json): Type {
  if (value === null) return ANY_JSON;
  if (Array.isArray(value))
    return listOf(value.length === 0 ? ANY_JSON : joinAll(value.map((item: Json) => typeOfSample(item))));
  if (typeof value !== "object") return ofKinds(kindOf(value));
  const entries = Object.entries(value).map(([name, member]) => [name, { type: typeOfSample(member) }] as const);
  return {
    kinds: KIND.object,
    members: { known: new Map(entries), rest: ANY_JSON, declared: entries.length > 0 },
  };
}

/** The kind of one value. */
export function kindOf(value: Json | undefined): number {
  if (value === undefined) return KIND.absent;
  if (value === null) return KIND.null;
  if (Array.isArray(value)) return KIND.list;
  if (typeof value === "number") return Number.isInteger(value) ? KIND.integer : KIND.fraction;
  if (typeof value === "boolean") return KIND.boolean;
  return typeof value === "string" ? KIND.string : KIND.object;
}

/** True if the value is one of the type's. */
export function inhabits(value: Json | undefined, type: Type): boolean {
  if (!has(type, kindOf(value))) return false;
  if (typeof value === "string") return type.texts?.has(value) ?? true;
  if (Array.isArray(value)) {
    const { items } = type;
    return items === undefined || value.every((item: Json) => inhabits(item, items));
  }
  const { members } = type;
  if (typeof value !== "object" || value === null || members === undefined) return true;
  const object = value as Readonly<Record<string, Json>>;
  const names = new Set([...members.known.keys(), ...Object.keys(object)]);
  return [...names].every((name) =>
    inhabits(Object.hasOwn(object, name) ? object[name] : undefined, memberOf(members, name)),
  );
}

const WORDS: readonly (readonly [number, string])[] = [
  [KIND.string, "text"],
  [NUMBER_KINDS, "a number"],
  [KIND.integer, "an integer"],
  [KIND.fraction, "a number"],
  [KIND.boolean, "true or false"],
  [KIND.list, "a list"],
  [KIND.object, "an object"],
  [KIND.null, "null"],
  [KIND.function, "a function"],
  [KIND.absent, "nothing"],
];

/** The kinds in words: `text, a list or null`. */
export function describeKinds(kinds: number): string {
  let left = kinds;
  const words: string[] = [];
  for (const [bits, word] of WORDS) {
    if ((left & bits) !== bits) continue;
    words.push(word);
    left &= ~bits;
  }
  if (words.length < 2) return words[0] ?? "no value";
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
