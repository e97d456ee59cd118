/** A table of `tables:` that is kept in a CSV file -> the same rows of columns as one written in YAML, with places in the file. */
import { posix } from "node:path";
import { cellValue } from "../../core/cell.ts";
import { didYouMean } from "../../core/suggest.ts";
import type { Json } from "../../core/types.ts";
import { isBlank } from "../../core/values.ts";
import { type CsvCell, type CsvRow, readCsv } from "../csv.ts";
import type { ConfigReader } from "../files.ts";
import { readNamedFile } from "../named-file.ts";
import type { CsvTableYaml } from "../schema/entities.schema.ts";
import { type CompileContext, shortList } from "./context.ts";

export type Rows = { readonly [key: string]: Json };

/** A member of `tables:` as the author wrote it. */
interface Written {
  readonly name: string;
  readonly raw: Rows;
}

/** A table that names a file by its ending, or by `csv` and `key`. */
export function isCsvTable(raw: Rows): boolean {
  return typeof raw["csv"] === "string" && (/\.(csv|tsv|txt)$/i.test(raw["csv"]) || "key" in raw);
}

const KEYS = ["csv", "key", "columns", "separator"] as const;
const TYPES = ["string", "integer", "number", "boolean"];
const MAX_CHARS = 4 * 1024 * 1024;

export interface CsvTable {
  readonly rows: Rows;
  /** Besides the key. */
  readonly columns: readonly string[];
}

/** The rows of the file; undefined where it can not be used, which has been reported. */
export function readCsvTable(context: CompileContext, reader: ConfigReader, table: Written): CsvTable | undefined {
  const yaml = checkShape(context, table);
  const text = yaml === undefined ? undefined : readFile(context, reader, table.raw);
  if (yaml === undefined || text === undefined) return undefined;
  const { file, content } = text;
  const read = readCsv(file, content, separatorOf(yaml));
  if (!read.ok) {
    context.reporter.report("HK1270", read.mark, { problem: read.problem });
    return undefined;
  }
  const [header, ...rows] = read.rows;
  if (header === undefined) {
    context.reporter.report("HK1270", context.positions.value(table.raw, "csv"), {
      problem: `\`${file}\` is empty; its first line has the names of the columns`,
    });
    return undefined;
  }
  const columns = readHeader(context, { header, yaml, raw: table.raw });
  return columns === undefined
    ? undefined
    : { rows: readRows(context, { rows, columns, yaml }), columns: columns.filter((name) => name !== yaml.key) };
}

const separatorOf = (yaml: CsvTableYaml) => (yaml.separator === "tab" ? "\t" : (yaml.separator ?? ","));

/** The schema takes any mapping as a table, so what a CSV table may say is checked here. */
function checkShape(context: CompileContext, { name, raw }: Written): CsvTableYaml | undefined {
  const { positions, reporter } = context;
  const where = `tables.${name}`;
  let sound = true;
  for (const key of Object.keys(raw)) {
    if ((KEYS as readonly string[]).includes(key) || key.startsWith("x-")) continue;
    sound = false;
    reporter.report(
      "HK1010",
      positions.key(raw, key),
      { key, where },
      {
        hint: didYouMean(
          key,
          KEYS.filter((one) => !(one in raw)),
        ),
        expected: `one of ${KEYS.join(", ")}`,
      },
    );
  }
  const { key, columns, separator } = raw;
  if (key === undefined)
    reporter.report(
      "HK1012",
      positions.key(raw, "csv"),
      { key: "key", where },
      { expected: "the column whose values are looked up" },
    );
  else if (typeof key !== "string" || key === "")
    reporter.report(
      "HK1011",
      positions.value(raw, "key"),
      { where: `${where}.key`, got: "not text" },
      { expected: "the name of a column" },
    );
  if (separator !== undefined && ![",", ";", "tab"].includes(String(separator)))
    reporter.report(
      "HK1013",
      positions.value(raw, "separator"),
      { where: `${where}.separator`, got: `\`${String(separator)}\`` },
      { expected: 'one of ",", ";", tab' },
    );
  else if (typeof key === "string" && sound && checkTypes(context, where, columns))
    return raw as unknown as CsvTableYaml;
  return undefined;
}

function checkTypes(context: CompileContext, where: string, columns: Json | undefined): boolean {
  if (columns === undefined) return true;
  if (typeof columns !== "object" || columns === null || Array.isArray(columns)) return false;
  let sound = true;
  for (const [column, type] of Object.entries(columns)) {
    if (TYPES.includes(String(type))) continue;
    sound = false;
    context.reporter.report(
      "HK1013",
      context.positions.value(columns, column),
      { where: `${where}.columns.${column}`, got: `\`${String(type)}\`` },
      { expected: `one of ${TYPES.join(", ")}` },
    );
  }
  return sound;
}

function readFile(context: CompileContext, reader: ConfigReader, raw: Rows) {
  const path = String(raw["csv"]);
  const mark = context.positions.value(raw, "csv");
  const text = readNamedFile(reader, context.reporter, { path, mark });
  if (text === undefined) return undefined;
  if (text.length > MAX_CHARS) {
    context.reporter.report("HK1008", mark, { limit: "4 MiB" });
    return undefined;
  }
  return { file: posix.normalize(path), content: text };
}

interface Header {
  readonly header: CsvRow;
  readonly yaml: CsvTableYaml;
  readonly raw: Rows;
}

/** Names of the columns, in their order. */
function readHeader(context: CompileContext, { header, yaml, raw }: Header): readonly string[] | undefined {
  const { reporter, positions } = context;
  const seen = new Map<string, CsvCell>();
  let sound = true;
  for (const [index, cell] of header.cells.entries()) {
    const first = seen.get(cell.text);
    if (cell.text === "") reporter.report("HK1270", cell.mark, { problem: `column ${index + 1} has no name` });
    else if (first !== undefined)
      reporter.report(
        "HK1270",
        cell.mark,
        { problem: `column \`${cell.text}\` is there twice` },
        { related: { message: "it is first here", mark: first.mark } },
      );
    sound &&= cell.text !== "" && first === undefined;
    seen.set(cell.text, cell);
  }
  const names = [...seen.keys()];
  for (const [column, mark] of [
    [yaml.key, positions.value(raw, "key")] as const,
    ...Object.keys(yaml.columns ?? {}).map((name) => [name, positions.key(yaml.columns ?? {}, name)] as const),
  ]) {
    if (seen.has(column)) continue;
    sound = false;
    const [only] = header.cells;
    const other = header.cells.length === 1 ? [";", "\t", ","].find((one) => only?.text.includes(one)) : undefined;
    reporter.report(
      "HK1271",
      mark,
      { column, file: header.mark.source.file },
      {
        hint:
          other === undefined
            ? didYouMean(column, names)
            : `its columns are parted by ${other === "\t" ? "tabs: write `separator: tab`" : `\`${other}\`: write \`separator: "${other}"\``}`,
        expected: `one of ${shortList(names)}`,
        related: { message: "the names of the columns", mark: header.mark },
      },
    );
  }
  return sound ? names : undefined;
}

interface Body {
  readonly rows: readonly CsvRow[];
  readonly columns: readonly string[];
  readonly yaml: CsvTableYaml;
}

function readRows(context: CompileContext, { rows, columns, yaml }: Body): Rows {
  const table = Object.create(null) as Record<string, Json>;
  const first = rows[0]?.mark;
  if (first !== undefined) context.positions.set(table, first);
  const keyAt = columns.indexOf(yaml.key);
  for (const row of rows) {
    if (row.cells.length !== columns.length) {
      context.reporter.report(
        "HK1272",
        row.mark,
        { cells: row.cells.length, columns: columns.length },
        { hint: "a cell with the separator in it stands in quotes" },
      );
      continue;
    }
    const key = row.cells[keyAt];
    if (key === undefined || isBlank(key.text)) {
      context.reporter.report("HK1273", (key ?? row).mark, { key: yaml.key });
      continue;
    }
    if (key.text in table) {
      const mark = context.positions.key(table, key.text);
      context.reporter.report(
        "HK1274",
        key.mark,
        { key: key.text },
        { related: { message: "it is first here", mark } },
      );
      continue;
    }
    const values = readRow(context, row, { columns, yaml });
    table[key.text] = values;
    context.positions.setMember(table, key.text, { key: key.mark, value: row.mark });
  }
  return table;
}

/** A blank cell is none: a rule that reads it is told. */
function readRow(context: CompileContext, row: CsvRow, { columns, yaml }: Omit<Body, "rows">): Json {
  const values = Object.create(null) as Record<string, Json>;
  context.positions.set(values, row.mark);
  for (const [index, cell] of row.cells.entries()) {
    const column = columns[index];
    if (column === undefined || column === yaml.key || isBlank(cell.text)) continue;
    const type = yaml.columns?.[column];
    const value = cellValue(type, cell.text, cell.text);
    if (value === undefined || (type === "integer" && !Number.isSafeInteger(value))) {
      context.reporter.report("HK1275", cell.mark, { column, type: type ?? "string" });
      continue;
    }
    values[column] = value;
    context.positions.setMember(values, column, { value: cell.mark });
  }
  return values;
}
