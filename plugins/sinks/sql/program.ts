/** The statements of one delivery and of the set-up, built with kysely: identifiers quoted, values bound. */
import { createHash } from "node:crypto";
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from "kysely";
import { type ColumnType, columnsOf, type Table, UPDATED_COLUMN, VERSION_COLUMN } from "./tables.ts";

export type Dialect = "sqlite" | "postgres";

/** SQL text and what is bound to it. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/**
 * One delivery. In one transaction: `dedupe` writes the key (no row: a repeat), `guard` finds a newer delete (a
 * row: too late), `write` does the work (no row: a newer version was there).
 */
export interface Program {
  readonly dedupe: Statement;
  readonly guard?: Statement;
  readonly write: Statement;
  /** After a delete: remembers it, so that a late upsert does not bring the row back; and takes the events along. */
  readonly after?: readonly Statement[];
  /** Reads the dedupe row: after a COMMIT without an answer. */
  readonly probe: Statement;
}

export type Bound = string | number | boolean | null;

/** What a delivery does to its table. */
export type Change =
  | {
      readonly kind: "upsert";
      readonly table: Table;
      readonly key: string;
      readonly columns: Readonly<Record<string, Bound>>;
    }
  | {
      readonly kind: "delete";
      readonly table: Table;
      readonly key: string;
      readonly events?: { readonly table: string; readonly entity: string };
    }
  | { readonly kind: "event"; readonly table: string; readonly row: Readonly<Record<string, Bound>> };

export interface ProgramInput {
  readonly change: Change;
  readonly idempotencyKey: string;
  readonly entityVersion: number;
  /** ISO 8601. */
  readonly at: string;
}

/** Compiles statements for one kind of database. */
export interface Programs {
  build(input: ProgramInput): Program;
  /** Creates what is not there yet. `known` are the columns a table has now; empty: no table. */
  createTable(table: Table, known: ReadonlySet<string>): readonly Statement[];
  createOwn(eventsTable: string | undefined): readonly Statement[];
  columns(table: string): Statement;
}

export function createPrograms(dialect: Dialect): Programs {
  const db = compilerFor(dialect);
  const compiled = (query: Query): Statement => {
    const { sql: text, parameters }: CompiledQuery = query.compile(db);
    return { sql: text, parameters };
  };
  return {
    build: (input) => mapStatements(programOf(input), compiled),
    createTable: (table, known) => createTable(table, known, dialect).map(compiled),
    createOwn: (eventsTable) => createOwn(eventsTable).map(compiled),
    columns: (table) =>
      compiled(
        dialect === "sqlite"
          ? sql`select name from pragma_table_info(${table})`
          : sql`select column_name as name from information_schema.columns where table_name = ${table} and table_schema = any (current_schemas(false))`,
      ),
  };
}

/** A Kysely that only compiles. */
function compilerFor(dialect: Dialect): Kysely<unknown> {
  return new Kysely({
    dialect: {
      createAdapter: () => (dialect === "sqlite" ? new SqliteAdapter() : new PostgresAdapter()),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => (dialect === "sqlite" ? new SqliteIntrospector(db) : new PostgresIntrospector(db)),
      createQueryCompiler: () => (dialect === "sqlite" ? new SqliteQueryCompiler() : new PostgresQueryCompiler()),
    },
  });
}

type Query = RawBuilder<unknown>;

/** A program before it is compiled. */
interface RawProgram {
  readonly dedupe: Query;
  readonly guard?: Query;
  readonly write: Query;
  readonly after?: readonly Query[];
  readonly probe: Query;
}

function mapStatements(raw: RawProgram, compiled: (query: Query) => Statement): Program {
  return {
    dedupe: compiled(raw.dedupe),
    write: compiled(raw.write),
    probe: compiled(raw.probe),
    ...(raw.guard === undefined ? {} : { guard: compiled(raw.guard) }),
    ...(raw.after === undefined ? {} : { after: raw.after.map(compiled) }),
  };
}

function programOf({ change, idempotencyKey, entityVersion, at }: ProgramInput): RawProgram {
  const base = {
    dedupe: sql`insert into hookrail_applied (idempotency_key, entity_version, applied_at) values (${idempotencyKey}, ${entityVersion}, ${at}) on conflict (idempotency_key) do nothing`,
    probe: sql`select 1 as found from hookrail_applied where idempotency_key = ${idempotencyKey}`,
  };
  if (change.kind === "event") return { ...base, write: insertRow(change.table, change.row) };
  const tombstone = tombstoneOf(change.table.name, change.key);
  const guard = sql`select 1 as found from hookrail_deleted where row_hash = ${tombstone} and entity_version > ${entityVersion}`;
  if (change.kind === "upsert") return { ...base, guard, write: upsertRow(change, entityVersion, at) };
  const { table, key, events } = change;
  const remember = sql`insert into hookrail_deleted (row_hash, entity_version) values (${tombstone}, ${entityVersion}) on conflict (row_hash) do update set entity_version = excluded.entity_version where hookrail_deleted.entity_version < excluded.entity_version`;
  const erase =
    events && sql`delete from ${sql.id(events.table)} where entity_type = ${events.entity} and entity_key = ${key}`;
  return {
    ...base,
    write: sql`delete from ${sql.id(table.name)} where ${sql.id(table.key)} = ${key} and ${sql.id(VERSION_COLUMN)} <= ${entityVersion}`,
    after: erase === undefined ? [remember] : [remember, erase],
  };
}

/** The key of a deleted row may be an e-mail address: only its hash is kept. */
function tombstoneOf(table: string, key: string): string {
  return createHash("sha256").update(`${table}\u0000${key}`).digest("hex");
}

function insertRow(table: string, row: Readonly<Record<string, Bound>>): Query {
  const names = Object.keys(row).map((name) => sql.id(name));
  const values = Object.values(row).map((value) => sql`${value}`);
  return sql`insert into ${sql.id(table)} (${sql.join(names)}) values (${sql.join(values)})`;
}

/**
 * Only the columns of this delivery are set. An equal version is no late write: two deliveries of one change may
 * carry different columns, and a repeat is caught by its key.
 */
function upsertRow(change: Extract<Change, { kind: "upsert" }>, version: number, at: string): Query {
  const { table, key, columns } = change;
  const row: Record<string, Bound> = { ...columns, [VERSION_COLUMN]: version, [UPDATED_COLUMN]: at };
  const names = Object.keys(row).map((name) => sql.id(name));
  const values = Object.values(row).map((value) => sql`${value}`);
  const sets = Object.keys(row).map((name) => sql`${sql.id(name)} = excluded.${sql.id(name)}`);
  return sql`insert into ${sql.id(table.name)} (${sql.join([sql.id(table.key), ...names])}) values (${sql.join([sql`${key}`, ...values])}) on conflict (${sql.id(table.key)}) do update set ${sql.join(sets)} where ${sql.id(table.name)}.${sql.id(VERSION_COLUMN)} <= excluded.${sql.id(VERSION_COLUMN)}`;
}

const SQL_TYPES: Readonly<Record<Dialect, Readonly<Record<ColumnType, string>>>> = {
  sqlite: { text: "text", integer: "integer", number: "real", boolean: "integer", time: "text", json: "text" },
  postgres: {
    text: "text",
    integer: "bigint",
    number: "double precision",
    boolean: "boolean",
    time: "timestamptz",
    json: "jsonb",
  },
};

function createTable(table: Table, known: ReadonlySet<string>, dialect: Dialect): Query[] {
  const typed = (name: string, type: ColumnType, rest = "") =>
    sql`${sql.id(name)} ${sql.raw(SQL_TYPES[dialect][type] + rest)}`;
  const own = [typed(VERSION_COLUMN, "integer", " not null default 0"), typed(UPDATED_COLUMN, "time")];
  const columns = columnsOf(table);
  if (known.size === 0) {
    const all = [
      typed(table.key, "text", " primary key"),
      ...columns.map(({ name, type }) => typed(name, type)),
      ...own,
    ];
    return [sql`create table if not exists ${sql.id(table.name)} (${sql.join(all)})`];
  }
  const missing = columns.filter(({ name }) => !known.has(name)).map(({ name, type }) => typed(name, type));
  const missingOwn = [VERSION_COLUMN, UPDATED_COLUMN].flatMap((name, index) =>
    known.has(name) ? [] : (own[index] ?? []),
  );
  return [...missing, ...missingOwn].map((column) => sql`alter table ${sql.id(table.name)} add column ${column}`);
}

function createOwn(eventsTable: string | undefined): Query[] {
  const own = [
    sql`create table if not exists hookrail_applied (idempotency_key text primary key, entity_version bigint not null, applied_at text not null)`,
    sql`create table if not exists hookrail_deleted (row_hash text primary key, entity_version bigint not null)`,
  ];
  if (eventsTable === undefined) return own;
  const columns = sql`idempotency_key text primary key, at text not null, action text not null, event text not null, entity_type text not null, entity_key text not null, pipeline text not null, params text not null, attributes text not null`;
  return [...own, sql`create table if not exists ${sql.id(eventsTable)} (${columns})`];
}
