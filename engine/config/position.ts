/**
 * Where each value of a YAML file stands. Positions hang on the identity of the parsed objects, not on paths, so
 * that they stay right when a broken part has been taken out.
 */
import type { LineCounter } from "yaml";
import type { Span } from "../core/diagnostic.ts";
import type { SourcePosition } from "../core/types.ts";

/** One file as read. */
export interface SourceFile {
  /** Path relative to the folder of `config.yaml`. */
  readonly file: string;
  readonly text: string;
  readonly lines: LineCounter;
}

/** A stretch of a file by offsets. */
export interface Mark {
  readonly source: SourceFile;
  readonly start: number;
  readonly end: number;
  /** For scalars: the value YAML made of it and how it was written. */
  readonly scalar?: { readonly value: unknown; readonly style: "plain" | "single" | "double" | "literal" | "folded" };
  /** What YAML took out of the line after or before the value. */
  readonly comment?: { readonly start: number; readonly end: number };
  readonly tag?: string;
  /** The value came from references: what is written, and what must not be shown in its place. */
  readonly reference?: { readonly written: string; readonly value: string };
}

export type Holder = object;

/** Positions of all objects and lists of one load. */
export interface Positions {
  set(holder: Holder, self: Mark): void;
  setMember(holder: Holder, name: string | number, marks: { readonly key?: Mark; readonly value: Mark }): void;
  /** Takes a member's marks out; for lists, later ones move up. */
  remove(holder: Holder, name: string | number): void;
  has(holder: Holder): boolean;
  of(holder: Holder): Mark;
  /** The member's key; for list items and unknown names, the nearest thing there is. */
  key(holder: Holder, name: string | number): Mark;
  /** The member's value; falls back to the holder. */
  value(holder: Holder, name: string | number): Mark;
}

type Members = Map<string | number, { readonly key?: Mark; readonly value: Mark }>;

export function createPositions(): Positions {
  const selves = new WeakMap<Holder, Mark>();
  const members = new WeakMap<Holder, Members>();
  const of = (holder: Holder): Mark => {
    const mark = selves.get(holder);
    if (mark === undefined) throw new TypeError("no position was kept for this object");
    return mark;
  };
  return {
    set(holder, self) {
      selves.set(holder, self);
      members.set(holder, new Map());
    },
    setMember(holder, name, marks) {
      members.get(holder)?.set(name, marks);
    },
    remove(holder, name) {
      const own = members.get(holder);
      if (own === undefined) return;
      own.delete(name);
      if (typeof name !== "number") return;
      for (let i = name + 1; own.has(i); i++) {
        const moved = own.get(i);
        own.delete(i);
        if (moved) own.set(i - 1, moved);
      }
    },
    has: (holder) => selves.has(holder),
    of,
    key: (holder, name) => {
      const member = members.get(holder)?.get(name);
      return member?.key ?? member?.value ?? of(holder);
    },
    value: (holder, name) => members.get(holder)?.get(name)?.value ?? of(holder),
  };
}

/** The 1-based span of a mark. A mark over several lines is cut at the end of its first. */
export function spanOf(mark: Mark): Span {
  const { source } = mark;
  const lineEnd = source.text.indexOf("\n", mark.start);
  const wanted = Math.max(mark.end, mark.start + 1);
  const end = lineEnd === -1 ? wanted : Math.max(mark.start + 1, Math.min(wanted, lineEnd));
  const from = source.lines.linePos(mark.start);
  const line = Math.max(1, from.line);
  const column = Math.max(1, from.col);
  return { file: source.file, line, column, endLine: line, endColumn: column + (end - mark.start) };
}

export function positionOf(mark: Mark): SourcePosition {
  const { file, line, column } = spanOf(mark);
  return { file, line, column };
}

/**
 * The mark of a stretch inside a scalar's value: expressions know offsets in their own text only. The value and its
 * source are walked side by side, since quotes, escapes and folded lines make them differ.
 */
export function markWithin(mark: Mark, offset: number, length: number): Mark {
  const value = mark.scalar?.value;
  if (mark.scalar === undefined || typeof value !== "string") return mark;
  const at = alignedOffsets(mark, value);
  const start = at[Math.min(offset, value.length)] ?? mark.start;
  const last = at[Math.min(offset + Math.max(1, length) - 1, value.length)] ?? start;
  return { source: mark.source, start, end: Math.max(last + 1, start + 1) };
}

/** For each offset in the value (and its end), the offset in the file. */
function alignedOffsets(mark: Mark, value: string): readonly number[] {
  const { text } = mark.source;
  const style = mark.scalar?.style ?? "plain";
  const quoted = style === "single" || style === "double";
  const offsets: number[] = [];
  let j = blockBody(mark, style) ?? mark.start + (quoted ? 1 : 0);
  for (let i = 0; i < value.length; i++) {
    const char = value[i] ?? "";
    if (style === "double" && text[j] === "\\" && text[j + 1] !== "\n") {
      offsets.push(j);
      j += escapeLength(text, j);
      continue;
    }
    if (style === "single" && text[j] === "'" && char === "'") {
      offsets.push(j);
      j += 2;
      continue;
    }
    if (text[j] !== char) j = skipFold(text, j, char, mark.end);
    offsets.push(j);
    j++;
  }
  offsets.push(Math.min(j, Math.max(mark.end - (quoted ? 1 : 0), mark.start)));
  return offsets;
}

/** First character of a block scalar's text: past the header line and the indentation. */
function blockBody(mark: Mark, style: string): number | undefined {
  if (style !== "literal" && style !== "folded") return undefined;
  const newline = mark.source.text.indexOf("\n", mark.start);
  if (newline === -1) return mark.start;
  let j = newline + 1;
  while (j < mark.end && (mark.source.text[j] === " " || mark.source.text[j] === "\n")) j++;
  return j;
}

/** Source and value part ways at line breaks, where YAML folds white space: go on to where they meet again. */
function skipFold(text: string, from: number, char: string, end: number): number {
  if (char === " " || char === "\n") return from < end && /\s/.test(text[from] ?? "") ? from : Math.max(from - 1, 0);
  let j = from;
  while (j < end && text[j] !== char && /[\s\\]/.test(text[j] ?? "")) j++;
  return text[j] === char ? j : from;
}

function escapeLength(text: string, at: number): number {
  const kind = text[at + 1];
  if (kind === "x") return 4;
  if (kind === "u") return 6;
  if (kind === "U") return 10;
  return 2;
}
