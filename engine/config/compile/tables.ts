/** `tables:` -> lookups, and the references rows make to them. */
import { cellValue } from "../../core/cell.ts";
import type { AttributeModel } from "../../core/entity.ts";
import type { Json } from "../../core/types.ts";
import type { TableRef } from "../../mapping/model.ts";
import { isMapping } from "../annotations.ts";
import type { ConfigReader } from "../files.ts";
import type { Mark } from "../position.ts";
import { type CompileContext, checkName } from "./context.ts";
import { isCsvTable, type Rows, readCsvTable } from "./csv-tables.ts";

export interface Tables {
  readonly all: ReadonlyMap<string, TableRef>;
  /** `sub_states` or `plans.plan`; reports what is not there. */
  resolve(reference: string, mark: Mark): ResolvedTable | undefined;
  /** The keys of a table that a row names and that could be read. */
  keysOf(reference: string): TableKeys | undefined;
}

export interface TableKeys {
  readonly name: string;
  readonly keys: readonly string[];
  markOf(key: string): Mark;
}

export interface ResolvedTable {
  readonly ref: TableRef;
  /** Where the value of a key stands. */
  markOf(key: string): Mark;
  /** Its cells came as text, and take the type of what they feed. */
  readonly untyped: boolean;
}

interface Table {
  readonly name: string;
  readonly rows: Rows;
  readonly columns: readonly string[];
  readonly csv: boolean;
}

/** `undefined` rows: the file can not be used, which has been reported. */
export function compileTables(context: CompileContext, reader: ConfigReader): Tables {
  const raw = new Map<string, Table | undefined>();
  for (const [name, written] of Object.entries((context.config.tables ?? {}) as Readonly<Record<string, Rows>>)) {
    raw.set(name, readTable(context, reader, { name, written }));
  }
  const all = new Map(
    [...raw].map(([name, table]) => [name, { name, rows: new Map(Object.entries(table?.rows ?? {})) }]),
  );
  const nameOf = (reference: string) =>
    [...raw.keys()]
      .filter((table) => reference === table || reference.startsWith(`${table}.`))
      .sort((a, b) => b.length - a.length)[0];
  return {
    all,
    keysOf(reference) {
      const name = nameOf(reference);
      const rows = name === undefined ? undefined : raw.get(name)?.rows;
      if (name === undefined || rows === undefined) return undefined;
      return { name, keys: Object.keys(rows), markOf: (key) => context.positions.key(rows, key) };
    },
    resolve(reference, mark) {
      const name = nameOf(reference);
      if (name === undefined) {
        checkName(context, "table", reference.split(".")[0] ?? reference, { names: raw.keys(), mark });
        return undefined;
      }
      const table = raw.get(name);
      if (table === undefined) return undefined;
      const column = reference === name ? wholeOf(context, table, mark) : reference.slice(name.length + 1);
      if (column === undefined) return undefined;
      const found = column === WHOLE ? wholeTable(context, table) : columnOf(context, { ...table, column }, mark);
      return found === undefined ? undefined : { ...found, untyped: table.csv };
    },
  };
}

function readTable(
  context: CompileContext,
  reader: ConfigReader,
  { name, written }: { readonly name: string; readonly written: Rows },
): Table | undefined {
  if (isCsvTable(written)) {
    const read = readCsvTable(context, reader, { name, raw: written });
    return read === undefined ? undefined : { ...read, name, csv: true };
  }
  const columns = Object.values(written).flatMap((row) => (isMapping(row) ? Object.keys(row) : []));
  return { name, rows: written, columns: [...new Set(columns)], csv: false };
}

/** The cells of a CSV file as the attribute wants them; what does not fit stays text, and is refused as such. */
export function typedFor(table: ResolvedTable, attribute: AttributeModel): ResolvedTable {
  if (!table.untyped) return table;
  const rows = [...table.ref.rows].map(([key, value]): [string, Json] => [
    key,
    typeof value === "string" ? (cellValue(attribute.type, value, value) ?? value) : value,
  ]);
  return { ...table, ref: { ...table.ref, rows: new Map(rows) } };
}

/** No column: the values of the table itself. */
const WHOLE = "";

/** A file with one column beside its key is a plain lookup; of several the row must say which. */
function wholeOf(context: CompileContext, table: Table, mark: Mark): string | undefined {
  if (!table.csv) return WHOLE;
  const [first, ...more] = table.columns;
  if (first !== undefined && more.length === 0) return first;
  context.reporter.report(
    "HK1276",
    mark,
    { table: table.name },
    {
      expected:
        first === undefined
          ? "a file with a column beside its key"
          : table.columns.map((name) => `${table.name}.${name}`).join(", "),
    },
  );
  return undefined;
}

type Found = Omit<ResolvedTable, "untyped">;

function wholeTable(context: CompileContext, table: Table): Found {
  return {
    ref: { name: table.name, rows: new Map(Object.entries(table.rows)) },
    markOf: (key) => context.positions.value(table.rows, key),
  };
}

function columnOf(context: CompileContext, table: Table & { readonly column: string }, mark: Mark): Found | undefined {
  const { rows, column, name } = table;
  if (!checkName(context, "column", column, { names: table.columns, mark })) return undefined;
  const values = new Map<string, Json>();
  for (const [key, row] of Object.entries(rows)) {
    const value = isMapping(row) ? row[column] : undefined;
    if (value === undefined) {
      context.reporter.report(
        "HK1079",
        context.positions.key(rows, key),
        { table: name, key, column },
        { related: { message: "this row reads it", mark } },
      );
    } else values.set(key, value);
  }
  const markOf = (key: string) => {
    const row = rows[key];
    return isMapping(row ?? null) && typeof row === "object" && row !== null
      ? context.positions.value(row, column)
      : context.positions.value(rows, key);
  };
  return { ref: { name, column, rows: values }, markOf };
}
