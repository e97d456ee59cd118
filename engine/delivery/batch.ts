/**
 * Joins frozen requests into one. The request of one delivery holds a list of one item; requests that are equal but for
 * that item become a request with a longer list. Items are joined as they are: no key is added to one, none changed.
 */
import { fail } from "../core/errors.ts";
import type { Json } from "../core/types.ts";
import type { BatchSpec } from "../plugin/answers.schema.ts";
import { isList } from "../plugin/sources.ts";
import { type BodyFormat, writeBody } from "./body-format.ts";
import type { FrozenHttp } from "./http-request.ts";
import { valuesAt } from "./positions.ts";

/** How an action's requests are joined. */
export interface Joining {
  readonly spec: BatchSpec;
  readonly format: BodyFormat;
  readonly connection: string;
}

/** A request taken apart. */
interface Part {
  readonly request: FrozenHttp;
  readonly item: Json;
  /** What must be equal. */
  readonly frame: string;
  /** The body around the list; `undefined` where the list is all of it. */
  readonly around?: Json;
}

/** Which requests go out as one with the first: indexes in order, within the batch's bounds. */
export function chooseRequests(requests: readonly FrozenHttp[], joining: Joining): readonly number[] {
  const parts = requests.map((request) => takeApart(request, joining));
  const first = parts[0];
  if (first === undefined) return [0];
  const { spec } = joining;
  const seen = new Set<string>();
  const chosen: number[] = [];
  let bytes = 0;
  for (const [index, part] of parts.entries()) {
    if (part?.frame !== first.frame || chosen.length >= spec.max_items) continue;
    const identity = spec.unique === undefined ? undefined : JSON.stringify(valuesAt(part.item, spec.unique));
    const size = chosen.length === 0 ? byteLength(part.request.body ?? "") : byteLength(JSON.stringify(part.item)) + 1;
    if (identity !== undefined && seen.has(identity)) continue;
    if (chosen.length > 0 && spec.max_bytes !== undefined && bytes + size > spec.max_bytes) continue;
    if (identity !== undefined) seen.add(identity);
    bytes += size;
    chosen.push(index);
  }
  return chosen;
}

/** One request for all of them, and their items in order. Only for what `chooseRequests` has chosen. */
export function joinRequests(
  requests: readonly FrozenHttp[],
  joining: Joining,
): { readonly request: FrozenHttp; readonly items: readonly Json[] } | undefined {
  const parts = requests.map((request) => takeApart(request, joining));
  const first = parts[0];
  const items = parts.flatMap((part) => (part === undefined || part.frame !== first?.frame ? [] : [part.item]));
  if (first === undefined || items.length !== requests.length) return undefined;
  const body = first.around === undefined ? items : withList(first.around, steps(joining.spec.path), items);
  return { request: { ...first.request, body: writeBody(body, joining.format, joining) }, items };
}

/** The item of a request; `undefined`: it holds no list of one where the spec says. */
export function itemOf(request: FrozenHttp, joining: Joining): Json | undefined {
  return takeApart(request, joining)?.item;
}

/** Looks at the body before it is frozen: it must hold one item, and not a longer one than the sink takes. */
export function checkItem(body: Json | undefined, { spec, connection }: Pick<Joining, "spec" | "connection">): void {
  const list = body === undefined ? undefined : listAt(body, spec.path);
  if (list?.length !== 1) fail("HK5333", { connection, path: spec.path });
  const bytes = byteLength(JSON.stringify(list?.[0]));
  if (spec.max_item_bytes !== undefined && bytes > spec.max_item_bytes)
    fail("HK5334", { connection, bytes: String(bytes), most: String(spec.max_item_bytes) });
}

const byteLength = (text: string) => Buffer.byteLength(text);
const steps = (path: string): readonly string[] => (path === "" ? [] : path.split("."));

function takeApart(request: FrozenHttp, { spec, format }: Joining): Part | undefined {
  const body = request.body === null ? undefined : readBody(request.body, format);
  const list = body === undefined ? undefined : listAt(body, spec.path);
  const item = list?.[0];
  if (body === undefined || item === undefined || list?.length !== 1) return undefined;
  const around = spec.path === "" ? undefined : withList(body, steps(spec.path), []);
  const keys = spec.group_by === "none" ? "" : keySet(item);
  const frame = JSON.stringify([request.method, request.path, request.headers, around ?? null, keys]);
  return { request, item, frame, ...(around === undefined ? {} : { around }) };
}

/** What a frozen body says; it is text in the store. */
function readBody(text: string, format: BodyFormat): Json | undefined {
  if (format === "csv") return readRow(text);
  try {
    const parsed: Json = JSON.parse(text);
    return format === "ndjson" ? [parsed] : parsed;
  } catch {
    return undefined;
  }
}

/** A header line and one row; anything with a quote in it goes alone. */
function readRow(text: string): Json | undefined {
  const lines = text.split("\r\n");
  if (text.includes('"') || lines.length !== 3) return undefined;
  const [columns = [], cells = []] = lines.map((line) => line.split(","));
  return [Object.fromEntries(columns.map((name, index) => [name, cells[index] ?? ""]))];
}

function listAt(body: Json, path: string): readonly Json[] | undefined {
  const value = valuesAt(body, path)[0];
  return value !== undefined && isList(value) ? value : undefined;
}

function withList(target: Json, path: readonly string[], list: readonly Json[]): Json {
  const [head, ...rest] = path;
  if (head === undefined || typeof target !== "object" || target === null) return list;
  if (isList(target))
    return target.map((member, index) => (String(index) === head ? withList(member, rest, list) : member));
  return Object.fromEntries(
    Object.entries(target).map(([key, member]) => [key, key === head ? withList(member, rest, list) : member]),
  );
}

/** All keys of an item, at every depth; what lists hold is not looked at. */
function keySet(value: Json): string {
  if (typeof value !== "object" || value === null || isList(value)) return "";
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}${keySet(member)}`);
  return `{${members.sort().join()}}`;
}
