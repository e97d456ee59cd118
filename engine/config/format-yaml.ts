/**
 * The formatter of YAML files: text in, text out, comments and meaning kept. It moves lines and takes away spaces; what
 * a value says, and how it is aligned within its line, it leaves to the author.
 */
import { type Document, isMap, isScalar, isSeq, type Pair, parseAllDocuments, type YAMLMap, type YAMLSeq } from "yaml";
import type { Json } from "../core/types.ts";
import { openFlowMaps } from "./format-flow.ts";
import { sortTopLevel } from "./format-sort.ts";

export interface FormatOptions {
  /** Puts the keys of each document into this order; absent: they stay where they are. */
  readonly orderOf?: (keys: readonly string[]) => readonly string[];
  /** The schema of a document, to know its expressions; undefined where there is none. */
  readonly schemaOf: (keys: readonly string[]) => unknown;
}

export type Formatted =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: string; readonly line?: number };

/** Formats one file. Refuses what can not be parsed, and would rather change nothing than the meaning. */
export function formatYaml(text: string, options: FormatOptions): Formatted {
  const unix = text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
  const before = read(unix);
  const fault = before.flatMap((document) => document.errors)[0];
  if (fault !== undefined) {
    const line = unix.slice(0, fault.pos[0]).split("\n").length;
    return { ok: false, problem: fault.message.split("\n")[0] ?? "it is no YAML", line };
  }
  const wanted = JSON.stringify(valuesOf(before));
  let done = unix;
  // In this order: opened maps are indented by the step after.
  const steps: readonly ((text: string) => string)[] = [
    (now) => openFlowMaps(now, read(now), options.schemaOf),
    (now) => indent(now, read(now)),
    ...(options.orderOf === undefined ? [] : [(now: string) => sortTopLevel(now, read(now), options)]),
    (now) => tidy(now, read(now)),
  ];
  for (const step of steps) done = step(done);
  const after = read(done);
  const same =
    after.every((document) => document.errors.length === 0) &&
    (options.orderOf === undefined
      ? JSON.stringify(valuesOf(after)) === wanted
      : JSON.stringify(valuesOf(after).map(sorted)) === JSON.stringify(valuesOf(before).map(sorted)));
  return same ? { ok: true, text: done } : { ok: false, problem: "its layout is one that the formatter does not know" };
}

type Documents = readonly Document.Parsed[];

function read(text: string): Documents {
  const documents = parseAllDocuments(text, {
    keepSourceTokens: true,
    uniqueKeys: false,
    merge: false,
    prettyErrors: false,
    logLevel: "silent",
    version: "1.2",
  });
  return Array.isArray(documents) ? documents : [];
}

/** Values with the text of plain scalars: `1.0` and `1` are not the same to who reads keys as text. */
function valuesOf(documents: Documents): readonly Json[] {
  return documents.map((document) => plain(document.contents));
}

function plain(node: unknown): Json {
  if (isMap(node)) return { map: node.items.map((pair) => [plain(pair.key), plain(pair.value)]) };
  if (isSeq(node)) return node.items.map(plain);
  if (isScalar(node)) return [typeof node.value, String(node.value), node.anchor ?? "", node.tag ?? ""];
  return node === null || node === undefined ? null : String(node);
}

/** Members of the outermost map in one order, so that sorting changes nothing. */
function sorted(value: Json): Json {
  if (typeof value !== "object" || value === null || !("map" in value) || !Array.isArray(value.map)) return value;
  return [...(value.map as readonly Json[])].map((pair) => JSON.stringify(pair)).sort();
}

interface Lines {
  readonly starts: readonly number[];
  readonly texts: readonly string[];
  readonly lineOf: (offset: number) => number;
}

function linesOf(text: string): Lines {
  const texts = text.split("\n");
  const starts: number[] = [];
  let at = 0;
  for (const line of texts) {
    starts.push(at);
    at += line.length + 1;
  }
  const lineOf = (offset: number) => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  return { starts, texts, lineOf };
}

const widthOf = (line: string) => line.length - line.trimStart().length;

/** Two spaces a level; the lines of a value that goes over several move with the first. */
function indent(text: string, documents: Documents): string {
  const lines = linesOf(text);
  const moves = new Map<number, number>();
  for (const document of documents) place(document.contents, 0, { lines, moves, text });
  // A comment goes with the line it stands before, or with the one above it where none follows.
  const own = lines.texts.map((line, at) => (/^\s*#/.test(line) && !moves.has(at) ? undefined : moves.get(at)));
  let below: { readonly width: number; readonly move: number } | undefined;
  for (let at = lines.texts.length - 1; at >= 0; at--) {
    const line = lines.texts[at] as string;
    const known = own[at];
    if (known !== undefined && line.trim() !== "") below = { width: widthOf(line), move: known };
    else if (/^\s*#/.test(line) && below !== undefined) {
      const width = widthOf(line);
      moves.set(
        at,
        width === below.width ? below.move : Math.max(-width, sameWidth(lines, own, at, width) ?? below.move),
      );
    }
  }
  return lines.texts
    .map((line, at) => {
      const move = moves.get(at) ?? 0;
      if (move === 0 || line.trim() === "") return line;
      return move > 0 ? " ".repeat(move) + line : line.slice(Math.min(-move, widthOf(line)));
    })
    .join("\n");
}

/** How the nearest line above of the same width moves: for a comment at the end of a deeper block. */
function sameWidth(
  lines: Lines,
  own: readonly (number | undefined)[],
  from: number,
  width: number,
): number | undefined {
  for (let at = from - 1; at >= 0; at--) {
    const move = own[at];
    if (move !== undefined && widthOf(lines.texts[at] as string) === width) return move;
  }
  return undefined;
}

interface Placing {
  readonly lines: Lines;
  readonly moves: Map<number, number>;
  readonly text: string;
}

function place(node: unknown, level: number, placing: Placing): void {
  if (isMap(node) && node.flow !== true) for (const pair of node.items) placePair(pair, level, placing);
  else if (isSeq(node) && node.flow !== true) placeItems(node, level, placing);
  else if (hasRange(node)) follow(node.range, undefined, placing);
}

const hasRange = (node: unknown): node is { readonly range: readonly [number, number, number] } =>
  typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range);

function placePair({ key, value }: Pair, level: number, placing: Placing): void {
  if (!hasRange(key)) return;
  const line = startLine(key.range[0], level, placing);
  const collection = (isMap(value) || isSeq(value)) && value.flow !== true;
  if (collection) place(value, level + 2, placing);
  else if (hasRange(value)) follow([key.range[0], value.range[1], value.range[2]], line, placing);
}

function placeItems(seq: YAMLSeq, level: number, placing: Placing): void {
  const token = seq.srcToken;
  if (token?.type !== "block-seq") return;
  seq.items.forEach((item, index) => {
    const dash = token.items[index]?.start.find((one) => one.type === "seq-item-ind");
    if (dash === undefined) return;
    const line = startLine(dash.offset, level, placing);
    const inner = hasRange(item) ? item.range[0] : dash.offset;
    // What follows `- ` on its line stands two further in; several spaces there stay, and the lines below fit them.
    const gap = placing.lines.lineOf(inner) === placing.lines.lineOf(dash.offset) ? inner - dash.offset : 2;
    if ((isMap(item) || isSeq(item)) && item.flow !== true) place(item, level + gap, placing);
    else if (hasRange(item)) follow([dash.offset, item.range[1], item.range[2]], line, placing);
  });
}

/** Moves the line that a token begins; undefined where something else stands before it. */
function startLine(offset: number, level: number, { lines, moves, text }: Placing): number | undefined {
  const line = lines.lineOf(offset);
  const column = offset - (lines.starts[line] as number);
  if (text.slice(offset - column, offset).trim() === "") moves.set(line, level - column);
  return line;
}

/** Lines below the first of a value that is no block collection. */
function follow(range: readonly number[], first: number | undefined, { lines, moves }: Placing): void {
  const [start = 0, end = 0] = range;
  const from = first ?? lines.lineOf(start);
  const move = moves.get(from) ?? 0;
  for (let at = from + 1; at <= lines.lineOf(Math.max(start, end - 1)); at++) moves.set(at, move);
}

/** No spaces at line ends, no two empty lines, one at the end; what stands inside a text of several lines stays. */
function tidy(text: string, documents: Documents): string {
  const lines = linesOf(text);
  const inside = new Set<number>();
  const mark = (node: unknown): void => {
    if (isMap(node)) for (const { key, value } of node.items) for (const one of [key, value]) mark(one);
    else if (isSeq(node)) node.items.forEach(mark);
    else if (isScalar(node) && hasRange(node)) {
      const [start, end] = node.range;
      // The last line of a quoted text goes on behind it; a block text has its lines whole.
      const block = node.type === "BLOCK_LITERAL" || node.type === "BLOCK_FOLDED";
      const last = lines.lineOf(Math.max(start, end - 1));
      for (let at = lines.lineOf(start); at < last || (block && at <= last); at++) inside.add(at);
    }
  };
  for (const document of documents) mark((document as { readonly contents: unknown }).contents as YAMLMap);
  const kept: string[] = [];
  for (const [at, line] of lines.texts.entries()) {
    if (inside.has(at)) kept.push(line);
    else if (line.trim() !== "" || (kept.length > 0 && kept.at(-1) !== "")) kept.push(line.trimEnd());
  }
  while (kept.at(-1) === "" && !inside.has(lines.texts.length - 1)) kept.pop();
  return kept.length === 0 ? "" : kept.at(-1) === "" ? kept.join("\n") : `${kept.join("\n")}\n`;
}
