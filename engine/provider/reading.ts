/** Reads one request the way references ask for it: what costs something (query, form, body) is read once, on demand. */

import { MAX_JSON_DEPTH, parseJson } from "../core/json.ts";
import { compileJsonPaths, type JsonPaths, splitPath } from "../core/json-paths.ts";
import { type ScanValue, scanJson } from "../core/json-scan.ts";
import type { Secret } from "../core/secret.ts";
import type { Json, RawRequest } from "../core/types.ts";

/** One request (or batch item) under examination, with lazily filled views of it. */
export class Reading {
  readonly request: Pick<RawRequest, "method" | "target" | "path" | "query" | "headers" | "body">;
  readonly #paths: JsonPaths;
  readonly #maxDepth: number;
  /** A batch item: body references start here instead of at the raw body. */
  #item: Json | undefined;
  /** Of a body that is not JSON; gone once it was called. */
  #parse: (() => Json | undefined) | undefined;
  #body: ReadonlyMap<string, ScanValue> | undefined;
  #bodyFault = false;
  #form: URLSearchParams | undefined;
  #query: URLSearchParams | undefined;

  constructor(
    request: Reading["request"],
    paths: JsonPaths,
    known: {
      readonly item?: Json;
      /** What the paths lead to, where the body has been scanned already. */
      readonly scanned?: ReadonlyMap<string, ScanValue>;
      /** Default: MAX_JSON_DEPTH. */
      readonly maxDepth?: number;
      /** Reads a body that is not JSON; undefined when it can't be read. */
      readonly parse?: () => Json | undefined;
    } = {},
  ) {
    this.request = request;
    this.#paths = paths;
    this.#item = known.item;
    this.#body = known.scanned;
    this.#maxDepth = known.maxDepth ?? MAX_JSON_DEPTH;
    this.#parse = known.parse;
  }

  /** A reading whose body (or the item at a path of it) is parsed at once, for requests of our own making. */
  static ofParsed(request: Reading["request"], path = ""): Reading {
    const parsed = parseJson(request.body);
    const item = parsed.ok ? valueAt(parsed.value, path) : undefined;
    return new Reading(request, compileJsonPaths([]), { item: item ?? {} });
  }

  header(name: string): string | undefined {
    // Own properties only: `__proto__` and `constructor` are names a sender may use.
    return Object.hasOwn(this.request.headers, name) ? this.request.headers[name] : undefined;
  }

  query(name: string): string | undefined {
    this.#query ??= new URLSearchParams(this.request.query);
    return this.#query.get(name) ?? undefined;
  }

  form(): URLSearchParams {
    this.#form ??= new URLSearchParams(Buffer.from(this.request.body).toString("utf8"));
    return this.#form;
  }

  /** The scalar at a body path that was compiled into this reading's paths; undefined when absent or a container. */
  body(path: string): ScanValue | undefined {
    if (this.#parse !== undefined) {
      const parsed = this.#parse();
      this.#parse = undefined;
      this.#bodyFault = parsed === undefined;
      this.#item = parsed ?? {};
    }
    if (this.#item !== undefined) return scalarAt(this.#item, path);
    if (this.#body === undefined) {
      const scan = scanJson(this.request.body, { maxDepth: this.#maxDepth, paths: this.#paths });
      this.#bodyFault = scan.malformed || scan.tooDeep || scan.duplicates.length > 0;
      this.#body = this.#bodyFault ? new Map() : scan.values;
    }
    return this.#body.get(path);
  }

  /** The first item of a JSON list at a path, written anew without spaces, as the sender did before it signed. */
  firstItem(path: string): string | undefined {
    try {
      const whole: unknown = JSON.parse(Buffer.from(this.request.body).toString("utf8"));
      const list = valueAt(whole as Json, path);
      return Array.isArray(list) && list.length > 0 ? JSON.stringify(list[0]) : undefined;
    } catch {
      return undefined;
    }
  }

  /** The body was asked for and could not be read (not JSON, too deep, or a watched key stands twice). */
  get bodyFault(): boolean {
    return this.#bodyFault;
  }
}

/** The value at a dot path of a parsed payload. */
export function valueAt(value: Json | undefined, path: string): Json | undefined {
  let current = value;
  for (const key of splitPath(path)) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, key)) return undefined;
    current = (current as { readonly [key: string]: Json })[key];
  }
  return current;
}

function scalarAt(item: Json, path: string): ScanValue | undefined {
  const value = valueAt(item, path);
  if (value === undefined) return undefined;
  if (value === null) return { type: "null", text: "null" };
  if (typeof value === "object") return { type: Array.isArray(value) ? "array" : "object", text: "" };
  return { type: typeof value as "string" | "number" | "boolean", text: String(value) };
}

/** Text of a string, number or boolean; undefined for null, containers and what is absent. */
export function scalarText(value: ScanValue | undefined): string | undefined {
  if (value === undefined || value.type === "null" || value.type === "object" || value.type === "array")
    return undefined;
  return value.text;
}

/** A param of the source as text. */
export function paramText(params: Readonly<Record<string, string | Secret>>, name: string): string | undefined {
  const value = Object.hasOwn(params, name) ? params[name] : undefined;
  return value === undefined || typeof value === "string" ? value : value.reveal();
}
