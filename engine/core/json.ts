/**
 * JSON from strangers: what is parsed, what comes out of it, and how a verified body is read without a parse.
 *
 * `parseJson` gives plain values in which nothing was rounded and no key poses as a prototype or a JSONata
 * function; everything deeper than a bound is refused before it is parsed (the byte scan is in json-scan.ts).
 */
import { isUtf8 } from "node:buffer";
import { scanJson } from "./json-scan.ts";
import type { Json } from "./types.ts";

/**
 * Containers inside one another that are still parsed. The deepest of the known providers' payloads stay below
 * 15; 64 is what other strict readers allow (System.Text.Json), and far below what recursion here could not bear.
 */
export const MAX_JSON_DEPTH = 64;

/** Keys that are dropped wherever they stand: JSONata would take such an object for a function of its own. */
const RESERVED_KEYS: ReadonlySet<string> = new Set(["__proto__", "_jsonata_function", "_jsonata_lambda"]);

/** A reserved key as written, or an escape of a letter or `_` that could hide one. */
const MAY_BE_RESERVED = /__proto__|_jsonata_|\\u00[4-7]/i;

const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** `message` names a byte or depth, never a piece of the body. */
export type ParsedJson =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly reason: "encoding" | "depth" | "syntax"; readonly message: string };

/** Bytes as text: fatal UTF-8, one byte order mark stripped; undefined when it is not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, bytes.byteLength - start).toString("utf8");
}

/** Parses a body: no rounding (such numbers stay text), no reserved keys, bounded depth; the last of equal keys counts. */
export function parseJson(bytes: Uint8Array, options: { readonly maxDepth?: number } = {}): ParsedJson {
  const maxDepth = options.maxDepth ?? MAX_JSON_DEPTH;
  const text = decodeUtf8(bytes);
  if (text === undefined) return { ok: false, reason: "encoding", message: "the body is not valid UTF-8" };
  const scan = scanJson(bytes, { maxDepth, numbers: true });
  if (scan.tooDeep) return { ok: false, reason: "depth", message: `nested more than ${maxDepth} deep` };
  try {
    const value: unknown = JSON.parse(scan.longNumbers.length === 0 ? text : quoteInexact(bytes, scan.longNumbers));
    if (MAY_BE_RESERVED.test(text)) dropReserved(value);
    return { ok: true, value: value as Json };
  } catch (error) {
    return { ok: false, reason: "syntax", message: syntaxMessage(error) };
  }
}

/** The body with quotes around the numbers that would be rounded. A reviver would do it too, at 100 times the price. */
function quoteInexact(bytes: Uint8Array, spans: readonly number[]): string {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = "";
  let done = 0;
  for (let i = 0; i < spans.length; i += 2) {
    const [start, end] = [spans[i] as number, spans[i + 1] as number];
    const number = body.toString("latin1", start, end);
    // What is no number stays as it is, for the parser to refuse.
    if (!JSON_NUMBER.test(number) || isExactNumber(number) || isKey(body, end)) continue;
    text += `${body.toString("utf8", done, start)}"${number}"`;
    done = end;
  }
  return (text + body.toString("utf8", done)).replace(/^\ufeff/, "");
}

/** A number before a colon is a fault that quotes would mend. */
function isKey(body: Buffer, end: number): boolean {
  let next = end;
  while (body[next] === 0x20 || body[next] === 0x0a || body[next] === 0x0d || body[next] === 0x09) next++;
  return body[next] === 0x3a;
}

/** Depth is bounded before: the recursion is too. */
function dropReserved(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) dropReserved(item);
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    if (RESERVED_KEYS.has(key)) Reflect.deleteProperty(value, key);
    else dropReserved(item);
  }
}

/** V8 quotes the body in its message: only the position is taken over. */
function syntaxMessage(error: unknown): string {
  const position = /position (\d+)/.exec(error instanceof Error ? error.message : "")?.[1];
  return position === undefined ? "not valid JSON: it ends too early" : `not valid JSON at character ${position}`;
}

/**
 * Whether a JSON number's text says the same as the JavaScript number made from it: integers within 2^53 - 1,
 * and fractions that print the same digits again.
 */
export function isExactNumber(text: string): boolean {
  const value = Number(text);
  if (!Number.isFinite(value)) return false;
  if (Number.isInteger(value) && Math.abs(value) > Number.MAX_SAFE_INTEGER) return false;
  return sameDecimal(text, String(value));
}

function sameDecimal(a: string, b: string): boolean {
  const left = canonicalDecimal(a);
  const right = canonicalDecimal(b);
  return left.digits === right.digits && (left.digits === "" || left.exponent === right.exponent);
}

/** Significant digits and the power of ten of the last of them; the sign never rounds, so it is left out. */
function canonicalDecimal(text: string): { digits: string; exponent: number } {
  const [mantissa = "", power = "0"] = text
    .replace(/^-/, "")
    .toLowerCase()
    .split(/e(?=[+\-\d])/);
  const [whole = "", fraction = ""] = mantissa.split(".");
  const all = (whole + fraction).replace(/^0+/, "");
  const digits = all.replace(/0+$/, "");
  return { digits, exponent: Number(power) - fraction.length + (all.length - digits.length) };
}
