/** `tables:` -> lookups, and the references rows make to them. */
import type { Json } from "../../core/types.ts";
import type { TableRef } from "../../mapping/model.ts";
import { isMapping } from "../annotations.ts";
import type { Mark } from "../position.ts";
import { type CompileContext, checkName } from "./context.ts";

export interface Tables {
  readonly all: ReadonlyMap<string, TableRef>;
  /** `sub_states` or `plans.plan`; reports what is not there. */
  resolve(reference: string, mark: Mark): ResolvedTable | undefined;
}

export interface ResolvedTable {
  readonly ref: TableRef;
  /** Where the value of a key stands. */
  markOf(key: string): Mark;
}

type Rows = { readonly [key: string]: Json };

export function compileTables(context: CompileContext): Tables {
  const raw = context.config.tables ?? {};
  const all = new Map(Object.entries(raw).map(([name, rows]) => [name, { name, rows: new Map(Object.entries(rows)) }]));
  return {
    all,
    resolve(reference, mark) {
      const name = Object.keys(raw)
        .filter((table) => reference === table || reference.startsWith(`${table}.`))
        .sort((a, b) => b.length - a.length)[0];
      const rows = name === undefined ? undefined : raw[name];
      if (name === undefined || rows === undefined) {
        checkName(context, "table", reference.split(".")[0] ?? reference, { names: Object.keys(raw), mark });
        return undefined;
      }
      const column = reference === name ? undefined : reference.slice(name.length + 1);
      return column === undefined
        ? wholeTable(context, { name, rows })
        : columnOf(context, { name, rows, column }, mark);
    },
  };
}

function wholeTable(context: CompileContext, table: { readonly name: string; readonly rows: Rows }): ResolvedTable {
  return {
    ref: { name: table.name, rows: new Map(Object.entries(table.rows)) },
    markOf: (key) => context.positions.value(table.rows, key),
  };
}

function columnOf(
  context: CompileContext,
  table: { readonly name: string; readonly rows: Rows; readonly column: string },
  mark: Mark,
): ResolvedTable | undefined {
  const { rows, column, name } = table;
  const columns = new Set(Object.values(rows).flatMap((row) => (isMapping(row) ? Object.keys(row) : [])));
  if (!checkName(context, "column", column, { names: columns, mark })) return undefined;
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
