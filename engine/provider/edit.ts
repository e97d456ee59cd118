/** Sets and removes values at paths of a payload, leaving the original as it is. */
import { fail } from "../core/errors.ts";
import { splitPath } from "../core/json-paths.ts";
import type { Json } from "../core/types.ts";

const RESERVED = new Set(["__proto__", "constructor", "prototype"]);

/** The payload with a value at a path such as `lines.data[1].price`; objects on the way are made. */
export function setAt(payload: Json, path: string, value: Json): Json {
  return setKeys(payload, splitPath(path), { path, value });
}

function setKeys(
  node: Json | undefined,
  keys: readonly string[],
  change: { readonly path: string; readonly value: Json },
): Json {
  const [key, ...rest] = keys;
  if (key === undefined) return change.value;
  if (RESERVED.has(key)) return fail("HK3022", { path: change.path, problem: `\`${key}\` is no key of a payload` });
  if (Array.isArray(node)) {
    const list = node as readonly Json[];
    const index = Number(key);
    if (!/^\d+$/.test(key) || index > list.length) {
      return fail("HK3022", { path: change.path, problem: `a list of ${list.length} has no place \`${key}\`` });
    }
    return list.toSpliced(index, 1, setKeys(list[index], rest, change));
  }
  if (typeof node === "object" && node !== null) {
    const object = node as { readonly [key: string]: Json };
    return { ...object, [key]: setKeys(Object.hasOwn(object, key) ? object[key] : undefined, rest, change) };
  }
  if (node === undefined || node === null) return { [key]: setKeys(undefined, rest, change) };
  return fail("HK3022", { path: change.path, problem: `what is before \`${key}\` is not an object or a list` });
}

/** The payload without what stands at a path; a path that leads nowhere changes nothing. */
export function removeAt(payload: Json, path: string): Json {
  return removeKeys(payload, splitPath(path));
}

function removeKeys(node: Json, keys: readonly string[]): Json {
  const [key, ...rest] = keys;
  if (key === undefined || typeof node !== "object" || node === null || !Object.hasOwn(node, key)) return node;
  if (Array.isArray(node)) {
    const list = node as readonly Json[];
    const item = list[Number(key)];
    if (item === undefined) return node;
    return rest.length === 0 ? list.toSpliced(Number(key), 1) : list.toSpliced(Number(key), 1, removeKeys(item, rest));
  }
  const { [key]: gone, ...others } = node as { readonly [key: string]: Json };
  return rest.length === 0 || gone === undefined
    ? others
    : { ...(node as { readonly [key: string]: Json }), [key]: removeKeys(gone, rest) };
}
