/** A urlencoded form as JSON: repeated names become lists, `data[email]` becomes an object. */
import { MAX_JSON_DEPTH } from "../core/json.ts";
import type { Json } from "../core/types.ts";

/** A group of fields while it is built; lists are grown in place, since a sender may repeat a name a million times. */
type Branch = Map<string, string | string[] | Branch>;

export type ParsedForm = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly problem: string };

/** The form as an object, or why it can't be one. All values are text. */
export function parseForm(form: URLSearchParams, maxDepth: number = MAX_JSON_DEPTH): ParsedForm {
  const root: Branch = new Map();
  for (const [name, value] of form) {
    const keys = fieldKeys(name);
    if (keys.includes("__proto__")) continue;
    if (keys.length > maxDepth) return { ok: false, problem: "a field name nests too deep" };
    if (!place(root, keys, value)) return { ok: false, problem: "a field is both a value and a group" };
  }
  return { ok: true, value: plain(root) };
}

/** `data[merges][EMAIL]` is data, merges, EMAIL; anything less regular is one key as written. */
function fieldKeys(name: string): readonly string[] {
  const open = name.indexOf("[");
  if (open <= 0 || !name.endsWith("]")) return [name];
  const inner = name.slice(open + 1, -1);
  if (inner === "") return [name.slice(0, open)];
  const keys = inner.split("][");
  return keys.some((key) => key === "" || /[[\]]/.test(key)) ? [name] : [name.slice(0, open), ...keys];
}

function place(root: Branch, keys: readonly string[], value: string): boolean {
  let branch = root;
  for (const key of keys.slice(0, -1)) {
    const next = branch.get(key) ?? new Map();
    if (!(next instanceof Map)) return false;
    branch.set(key, next);
    branch = next;
  }
  const last = keys.at(-1) ?? "";
  const before = branch.get(last);
  if (before instanceof Map) return false;
  if (before === undefined) branch.set(last, value);
  else if (typeof before === "string") branch.set(last, [before, value]);
  else before.push(value);
  return true;
}

function plain(branch: Branch): Json {
  return Object.fromEntries([...branch].map(([key, item]) => [key, item instanceof Map ? plain(item) : item]));
}
