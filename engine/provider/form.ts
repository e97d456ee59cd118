/** A urlencoded form as JSON: repeated names become lists, `data[email]` becomes an object. */
import { MAX_JSON_DEPTH } from "../core/json.ts";
import type { Json } from "../core/types.ts";

interface Branch {
  [key: string]: Json | Branch;
}

/** The form as an object, or why it can't be one. All values are text. */
export function parseForm(
  form: URLSearchParams,
): { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly problem: string } {
  // No prototype: a field may be called `__proto__` or `constructor` and is then just a field that is dropped below.
  const root: Branch = Object.create(null);
  for (const [name, value] of form) {
    const keys = fieldKeys(name);
    if (keys.includes("__proto__")) continue;
    if (keys.length > MAX_JSON_DEPTH) return { ok: false, problem: "a field name nests too deep" };
    if (!place(root, keys, value)) return { ok: false, problem: "a field is both a value and a group" };
  }
  return { ok: true, value: plain(root) };
}

/** `data[merges][EMAIL]` is data, merges, EMAIL; anything less regular is one key as written. */
function fieldKeys(name: string): readonly string[] {
  const match = /^([^[\]]+)((?:\[[^[\]]+\])+)$/.exec(name);
  if (match === null) return [name.endsWith("[]") ? name.slice(0, -2) : name];
  return [match[1] ?? "", ...(match[2] ?? "").slice(1, -1).split("][")];
}

function place(root: Branch, keys: readonly string[], value: string): boolean {
  let branch = root;
  for (const key of keys.slice(0, -1)) {
    branch[key] ??= Object.create(null) as Branch;
    const next = branch[key];
    if (typeof next !== "object" || next === null || Array.isArray(next)) return false;
    branch = next as Branch;
  }
  const last = keys.at(-1) ?? "";
  const before = branch[last];
  if (before === undefined) branch[last] = value;
  else if (typeof before === "string") branch[last] = [before, value];
  else if (Array.isArray(before)) branch[last] = [...before, value];
  else return false;
  return true;
}

function plain(value: Json | Branch): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value as Json;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
