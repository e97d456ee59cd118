/** A CSV file as rows whose cells know where they stand: what spreadsheets write, read strictly. */
import { CsvError, parse } from "csv-parse/sync";
import { LineCounter } from "yaml";
import type { Mark, SourceFile } from "./position.ts";

export interface CsvCell {
  readonly text: string;
  readonly mark: Mark;
}

export interface CsvRow {
  readonly cells: readonly CsvCell[];
  /** The whole row. */
  readonly mark: Mark;
}

export type CsvReading =
  | { readonly ok: true; readonly rows: readonly CsvRow[] }
  /** `problem` names no cell's content. */
  | { readonly ok: false; readonly problem: string; readonly mark: Mark };

/** Longer rows are no rows: most often a quote that is never closed. */
const MAX_ROW_CHARS = 65_536;

interface Parsed {
  readonly record: readonly string[];
  readonly raw: string;
}

/** Reads all rows, the first with the names of the columns; rows may differ in length. Empty lines are none. */
export function readCsv(file: string, text: string, delimiter: string): CsvReading {
  const source = csvSource(file, text);
  const broken = text.indexOf("\ufffd");
  if (broken !== -1)
    return {
      ok: false,
      problem: "it is not UTF-8; save it as `CSV UTF-8`",
      mark: { source, start: broken, end: broken + 1 },
    };
  try {
    const parsed = parse(text, {
      bom: true,
      delimiter,
      raw: true,
      // A file of Windows that was edited elsewhere has both.
      record_delimiter: ["\r\n", "\n", "\r"],
      trim: true,
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: MAX_ROW_CHARS,
    }) as unknown as readonly Parsed[];
    return { ok: true, rows: placed(source, parsed, delimiter) };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    if (error.code === "CSV_QUOTE_NOT_CLOSED") {
      const start = openQuote(text);
      return { ok: false, problem: "this quote is never closed", mark: { source, start, end: start + 1 } };
    }
    const { lines } = error as { readonly lines?: unknown };
    const start = typeof lines === "number" ? startOfLine(text, lines) : 0;
    return {
      ok: false,
      problem: PROBLEMS[error.code] ?? `a row can't be read (${error.code})`,
      mark: { source, start, end: start + 1 },
    };
  }
}

const PROBLEMS: Readonly<Record<string, string>> = {
  INVALID_OPENING_QUOTE: 'a quote stands inside a cell; write it twice, and the cell in quotes: "say ""hi"""',
  CSV_INVALID_CLOSING_QUOTE: "something follows a closing quote before the next separator",
  CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE: "something follows a closing quote before the next separator",
  CSV_MAX_RECORD_SIZE: "a row is longer than 64 KiB; is a quote left open?",
};

/** Every line's start is known at once, unlike in YAML, where the parser tells them as it goes. */
function csvSource(file: string, text: string): SourceFile {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lines.addNewLine(at + 1);
  return { file, text, lines };
}

/** The parser tells only where the file ended. */
function openQuote(text: string): number {
  let open = -1;
  for (let at = 0; at < text.length; at++) {
    if (text[at] !== '"') continue;
    if (open === -1) open = at;
    else if (text[at + 1] === '"') at++;
    else open = -1;
  }
  return Math.max(0, open);
}

function startOfLine(text: string, line: number): number {
  let start = 0;
  for (let n = 1; n < line; n++) {
    const next = text.indexOf("\n", start);
    if (next === -1) break;
    start = next + 1;
  }
  return start;
}

/** The parser tells the text of each row and not where it stands; rows come in order, so it is found from the one before. */
function placed(source: SourceFile, parsed: readonly Parsed[], delimiter: string): CsvRow[] {
  let from = 0;
  return parsed.map(({ record, raw }) => {
    const found = source.text.indexOf(raw, from);
    const start = skipSpace(source.text, found === -1 ? from : found);
    const end = (found === -1 ? from : found) + raw.length;
    from = end;
    const mark = { source, start, end: Math.max(start + 1, start + source.text.slice(start, end).trimEnd().length) };
    const places = cellPlaces(source.text, { start, end }, delimiter);
    return {
      mark,
      cells: record.map((text, i) => ({ text, mark: places[i] === undefined ? mark : { source, ...places[i] } })),
    };
  });
}

/** Line breaks of empty lines, and the byte order mark. */
function skipSpace(text: string, from: number): number {
  let at = from;
  while (text[at] === "\n" || text[at] === "\r" || text[at] === "\ufeff") at++;
  return at;
}

interface Place {
  readonly start: number;
  readonly end: number;
}

/** Where the cells of one row stand, outside of quotes parted by the separator; without the space around them. */
function cellPlaces(text: string, row: Place, delimiter: string): Place[] {
  const places: Place[] = [];
  let start = row.start;
  let quoted = false;
  const add = (end: number) => {
    const cell = text.slice(start, end);
    const before = cell.length - cell.trimStart().length;
    const inner = cell.trim().length;
    places.push({ start: start + (inner === 0 ? 0 : before), end: start + (inner === 0 ? 1 : before + inner) });
  };
  for (let at = row.start; at < row.end; at++) {
    if (text[at] === '"') quoted = !quoted;
    else if (!quoted && text[at] === delimiter) {
      add(at);
      start = at + 1;
    }
  }
  add(row.end);
  return places;
}
