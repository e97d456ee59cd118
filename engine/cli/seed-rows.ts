/** Where seeds come from: CSV files and SQL queries, read as streams, each row with the place messages name. */
import { createReadStream } from "node:fs";
import { type CsvError, parse } from "csv-parse";
import { seedTargets } from "../config/compile/seed.ts";
import type { SeedModel } from "../config/revision.ts";
import type { EntityModel } from "../core/entity.ts";
import { fail, HookrailError } from "../core/errors.ts";
import { readCells, type SeedPlan, type SeedReading, type SeedRow, toSeedRecord } from "../flow/seed.ts";
import type { OpenSink } from "../plugin/index.ts";

type Cells = Readonly<Record<string, unknown>>;

/** `place` is `FILE:LINE` or `row N of CONNECTION`. */
export interface PlacedRow {
  readonly place: string;
  readonly reading: SeedReading<SeedRow>;
}

/** One place to seed from; it can be read more than once. */
export interface SeedOrigin {
  readonly entity: EntityModel;
  /** As messages and the audit name it. */
  readonly from: string;
  /** Judged against what is declared; fails where a named column is not there or the place can not be read. */
  rows(): AsyncGenerator<PlacedRow>;
}

interface Reader {
  readonly entity: EntityModel;
  readonly model: Pick<SeedModel, "key" | "columns">;
  readonly from: string;
  readonly now: number;
  readonly cells: () => AsyncGenerator<{ readonly place: string; readonly cells: Cells }>;
}

/** Rows of a CSV file with a line of column names. */
export function csvOrigin(
  at: Omit<Reader, "cells" | "from"> & { readonly path: string; readonly shown: string },
): SeedOrigin {
  return origin({ ...at, from: at.shown, cells: () => readCsv(at.path, at.shown) });
}

/** Rows of a query over an opened connection. */
export function queryOrigin(
  at: Omit<Reader, "cells" | "from"> & {
    readonly connection: string;
    readonly query: string;
    readonly open: () => Promise<OpenSink>;
  },
): SeedOrigin {
  return origin({ ...at, from: `connection ${at.connection}`, cells: () => readQuery(at) });
}

function origin({ entity, model, from, now, cells }: Reader): SeedOrigin {
  return {
    entity,
    from,
    async *rows() {
      let plan: SeedPlan | undefined;
      try {
        for await (const row of cells()) {
          plan ??= planOf({ entity, model, from }, Object.keys(row.cells));
          yield { place: row.place, reading: judge(plan, row.cells, now) };
        }
      } catch (error) {
        if (error instanceof HookrailError) throw error;
        fail("HK8053", { from, problem: problemOf(error) }, { cause: error });
      }
    },
  };
}

/** What was read and fits, or why not. */
function judge(plan: SeedPlan, cells: Cells, now: number): SeedReading<SeedRow> {
  const read = readCells(plan, cells);
  if (!read.ok) return read;
  const record = toSeedRecord(plan.entity, read.value, now);
  return record.ok ? read : record;
}

/** Columns by name; those that are nothing of the entity are passed over. */
function planOf(
  { entity, model, from }: Pick<Reader, "entity" | "model" | "from">,
  found: readonly string[],
): SeedPlan {
  for (const column of [model.key, ...model.columns.keys()])
    if (!found.includes(column)) fail("HK8055", { from, column, found: found.join(", ") });
  const targets = seedTargets(entity);
  const columns = new Map(
    found.flatMap((column): [string, string][] => {
      const target = model.columns.get(column) ?? column;
      return column !== model.key && targets.includes(target) ? [[column, target]] : [];
    }),
  );
  return { entity, key: model.key, columns };
}

/** Spreadsheets write a byte order mark; `info` gives the line a row ends on. */
async function* readCsv(path: string, shown: string): AsyncGenerator<{ place: string; cells: Cells }> {
  const file = createReadStream(path);
  const rows = file.pipe(
    parse({ bom: true, columns: true, info: true, skip_empty_lines: true, max_record_size: 1_048_576 }),
  );
  // Without this a file that can not be read would never end the rows.
  file.once("error", (error) => rows.destroy(error));
  try {
    for await (const { record, info } of rows as AsyncIterable<{ record: Cells; info: { lines: number } }>)
      yield { place: `${shown}:${info.lines}`, cells: record };
  } finally {
    file.destroy();
  }
}

async function* readQuery({
  connection,
  query,
  open,
}: {
  connection: string;
  query: string;
  open: () => Promise<OpenSink>;
}) {
  const sink = await open();
  try {
    if (sink.rows === undefined) fail("HK8053", { from: `connection ${connection}`, problem: "it can not be asked" });
    let count = 0;
    for await (const cells of sink.rows(query)) {
      count += 1;
      yield { place: `row ${count} of connection ${connection}`, cells };
    }
  } finally {
    await sink.close();
  }
}

/** The database's and the file's own words can quote a value: only their codes are shown, and csv-parse's line. */
function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return "it can not be read";
  const { code } = error as { readonly code?: unknown };
  if (typeof code === "string" && code.startsWith("CSV_")) {
    const { lines } = error as CsvError & { readonly lines?: number };
    return `not CSV${lines === undefined ? "" : ` at line ${lines}`} (${code})`;
  }
  return typeof code === "string" ? code : "it can not be read";
}
