/**
 * One pass over the bytes of a JSON body, without parsing it: how deep it nests, whether it holds numbers that
 * JavaScript might round, and the raw scalars at a few watched paths, with a note of keys that stand there twice.
 *
 * It is not a validator: for valid JSON it sees what JSON.parse would see, for anything else it may say nothing
 * is wrong. What slips through is refused by the parse that follows, after the event is safely stored.
 */

import type { JsonPaths, PathNode } from "./json-paths.ts";

/** What stands at a watched path. `text` is the string's value or the number's own text; "" for containers. */
export interface ScanValue {
  readonly type: "string" | "number" | "boolean" | "null" | "object" | "array";
  readonly text: string;
}

export interface JsonScan {
  readonly tooDeep: boolean;
  /** Seen not to be JSON: the scan stopped there. */
  readonly malformed: boolean;
  /** Start and end, by turns, of numbers that are long or have an exponent; only looked for with `numbers`. */
  readonly longNumbers: readonly number[];
  /** By path as given to `compileJsonPaths`; absent paths are not in it. */
  readonly values: ReadonlyMap<string, ScanValue>;
  /** Watched keys that stand twice in their object: first and last value would disagree. */
  readonly duplicates: readonly string[];
}

interface ScanState {
  readonly bytes: Buffer;
  readonly maxDepth: number;
  readonly numbers: boolean;
  pos: number;
  depth: number;
  tooDeep: boolean;
  malformed: boolean;
  readonly longNumbers: number[];
  readonly values: Map<string, ScanValue>;
  readonly duplicates: string[];
}

const NO_PATHS: JsonPaths = { root: { keys: [], label: "" } };

/** Scans a whole body. Cost is about a third of parsing it, most of it the walk over strings. */
export function scanJson(
  bytes: Uint8Array,
  options: { readonly maxDepth: number; readonly paths?: JsonPaths; readonly numbers?: boolean },
): JsonScan {
  const state: ScanState = {
    bytes: Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    maxDepth: options.maxDepth,
    numbers: options.numbers ?? false,
    pos: bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0,
    depth: 0,
    tooDeep: false,
    malformed: false,
    longNumbers: [],
    values: new Map(),
    duplicates: [],
  };
  scanValue(state, (options.paths ?? NO_PATHS).root);
  if (!stopped(state) && skipSpace(state) < bytes.length) state.malformed = true;
  return state;
}

const stopped = (state: ScanState) => state.tooDeep || state.malformed;

function skipSpace(state: ScanState): number {
  const { bytes } = state;
  let i = state.pos;
  while (bytes[i] === 0x20 || bytes[i] === 0x0a || bytes[i] === 0x0d || bytes[i] === 0x09) i++;
  state.pos = i;
  return i;
}

/** Scans one value, capturing it if a watched path ends here and descending if one goes on. */
function scanValue(state: ScanState, node: PathNode): void {
  const start = skipSpace(state);
  const first = state.bytes[start];
  if (first === 0x7b || first === 0x5b) {
    if (node.path !== undefined) state.values.set(node.path, { type: first === 0x7b ? "object" : "array", text: "" });
    if (node.keys.length === 0) skipContainer(state);
    else if (first === 0x7b) scanObject(state, node);
    else scanArray(state, node);
    return;
  }
  if (first === 0x22) skipString(state);
  else skipScalar(state);
  if (node.path !== undefined && !state.malformed) state.values.set(node.path, readScalar(state, start));
}

function enter(state: ScanState): boolean {
  state.pos++;
  if (++state.depth > state.maxDepth) state.tooDeep = true;
  return !state.tooDeep;
}

function scanObject(state: ScanState, node: PathNode): void {
  if (!enter(state)) return;
  const seen: PathNode[] = [];
  while (skipSpace(state) < state.bytes.length) {
    const start = state.pos;
    if (state.bytes[start] === 0x7d) {
      leave(state);
      return;
    }
    if (state.bytes[start] !== 0x22) break;
    skipString(state);
    const child = findKey(state, node, start);
    if (skipSpace(state) >= state.bytes.length || state.bytes[state.pos] !== 0x3a) break;
    state.pos++;
    if (child === undefined) skipValue(state);
    else {
      if (!seen.includes(child)) seen.push(child);
      else if (!state.duplicates.includes(child.label)) state.duplicates.push(child.label);
      scanValue(state, child);
    }
    if (stopped(state)) return;
    if (state.bytes[skipSpace(state)] === 0x2c) state.pos++;
    else if (state.bytes[state.pos] !== 0x7d) break;
  }
  state.malformed = true;
}

function scanArray(state: ScanState, node: PathNode): void {
  if (!enter(state)) return;
  for (let index = 0; skipSpace(state) < state.bytes.length; index++) {
    if (state.bytes[state.pos] === 0x5d) {
      leave(state);
      return;
    }
    const child = node.keys.find((key) => key.name === String(index))?.node;
    if (child === undefined) skipValue(state);
    else scanValue(state, child);
    if (stopped(state)) return;
    if (state.bytes[skipSpace(state)] === 0x2c) state.pos++;
    else if (state.bytes[state.pos] !== 0x5d) break;
  }
  state.malformed = true;
}

function leave(state: ScanState): void {
  state.pos++;
  state.depth--;
}

/** The watched key whose text lies between `start` and the current position, quotes included. */
function findKey(state: ScanState, node: PathNode, start: number): PathNode | undefined {
  const { bytes } = state;
  const from = start + 1;
  const length = state.pos - 1 - from;
  for (let i = from; i < from + length; i++) {
    if (bytes[i] !== 0x5c) continue;
    const name = readString(state, start);
    return node.keys.find((key) => key.name === name)?.node;
  }
  for (const key of node.keys) {
    if (key.bytes.length !== length) continue;
    let i = 0;
    while (i < length && key.bytes[i] === bytes[from + i]) i++;
    if (i === length) return key.node;
  }
  return undefined;
}

function skipValue(state: ScanState): void {
  const first = state.bytes[skipSpace(state)];
  if (first === 0x7b || first === 0x5b) skipContainer(state);
  else if (first === 0x22) skipString(state);
  else skipScalar(state);
}

/** Leaves the position behind the closing quote. */
function skipString(state: ScanState): void {
  const { bytes } = state;
  const end = bytes.length;
  let i = state.pos + 1;
  while (i < end) {
    const c = bytes[i];
    if (c === 0x22) {
      state.pos = i + 1;
      return;
    }
    i += c === 0x5c ? 2 : 1;
  }
  state.malformed = true;
}

/** A number or one of true, false, null: everything up to a delimiter. */
function skipScalar(state: ScanState): void {
  const { bytes } = state;
  const start = state.pos;
  let i = start;
  let exponent = false;
  while (i < bytes.length) {
    const c = bytes[i] as number;
    if (c === 0x2c || c === 0x7d || c === 0x5d || c <= 0x20) break;
    if (c === 0x65 || c === 0x45) exponent = true;
    i++;
  }
  if (i === start) state.malformed = true;
  // Up to 15 characters hold at most 15 digits, which a double always gives back.
  if (state.numbers && isNumberStart(bytes[start]) && (i - start > 15 || exponent)) state.longNumbers.push(start, i);
  state.pos = i;
}

const isNumberStart = (c: number | undefined) => c !== undefined && (c === 0x2d || (c >= 0x30 && c <= 0x39));

/** The hot loop: walks over a container nobody watches, counting brackets. */
function skipContainer(state: ScanState): void {
  const { bytes, maxDepth, numbers } = state;
  const end = bytes.length;
  const floor = state.depth;
  let depth = floor;
  let i = state.pos;
  while (i < end) {
    const c = bytes[i] as number;
    if (c === 0x22) {
      i++;
      while (i < end) {
        const inside = bytes[i] as number;
        if (inside === 0x22) break;
        i += inside === 0x5c ? 2 : 1;
      }
    } else if (c < 0x5b) {
      if (numbers && isNumberStart(c)) {
        state.pos = i;
        skipScalar(state);
        i = state.pos;
        continue;
      }
    } else if ((c | 0x20) === 0x7b) {
      // `[` and `{` differ in one bit, as `]` and `}` do.
      if (++depth > maxDepth) {
        state.tooDeep = true;
        return;
      }
    } else if ((c | 0x20) === 0x7d && --depth === floor) {
      state.pos = i + 1;
      return;
    }
    i++;
  }
  state.malformed = true;
}

function readString(state: ScanState, start: number): string {
  const raw = state.bytes.toString("utf8", start, state.pos);
  if (!raw.includes("\\")) return raw.slice(1, -1);
  try {
    return String(JSON.parse(raw));
  } catch {
    state.malformed = true;
    return "";
  }
}

function readScalar(state: ScanState, start: number): ScanValue {
  if (state.bytes[start] === 0x22) return { type: "string", text: readString(state, start) };
  const text = state.bytes.toString("latin1", start, state.pos);
  if (text === "true" || text === "false") return { type: "boolean", text };
  if (text === "null") return { type: "null", text };
  if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) state.malformed = true;
  return { type: "number", text };
}
