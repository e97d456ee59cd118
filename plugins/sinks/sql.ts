/**
 * `sql`: upserts into SQLite and PostgreSQL. The effect, the dedupe row and the version guard are one transaction,
 * so that a repeated or late delivery has no effect.
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import {
  type AttributeWrite,
  closed,
  defineSink,
  fail,
  flag,
  type Json,
  type JsonObject,
  keyed,
  named,
  type OpenSink,
  type Outcome,
  Secret,
  type SendContext,
  type Setting,
  type SettingFault,
  type Settings,
  type SinkContext,
  type SinkDelivery,
  secretText,
  shownKey,
  text,
} from "hookrail/plugin";
import { Type } from "typebox";
import { type Executor, outcomeOfFailure } from "./sql/executor.ts";
import { createPostgresExecutor } from "./sql/postgres.ts";
import { type Bound, type Change, createPrograms, type Dialect, type Programs } from "./sql/program.ts";
import { readPostgres, readSqlite } from "./sql/read.ts";
import { createSqliteExecutor } from "./sql/sqlite-client.ts";
import { bindable, readTables, type Table } from "./sql/tables.ts";

const maybe = Type.Optional;

const config = closed({
  url: maybe(
    text("sqlite:PATH (relative to config.yaml) or postgres://USER@HOST/DATABASE.", {
      "x-expects": "sqlite:./data/crm.db or postgres://…",
      "x-path": true,
    }),
  ),
  secret_url: maybe(secretText("The whole URL, when it holds a password.")),
  create_tables: maybe(
    flag("Creates tables and columns that are not there; true for SQLite, false for PostgreSQL by default."),
  ),
  events_table: maybe(
    text("Table for effects (track and the like), one row for each; without it effects are refused."),
  ),
  tables: maybe(
    named(
      closed({
        table: maybe(text("Name of the table; the entity's name by default.")),
        key: maybe(text("Column of the key; the name of the entity's first id by default.")),
        columns: maybe(
          keyed(Type.String({ minLength: 1 }), "Attribute or id -> column. Only those named here are written."),
        ),
        state: maybe(text("Column of the state.")),
      }),
      "Tables by entity, where the defaults do not do.",
    ),
  ),
});

/** Transactions at one time; more would only wait for each other's locks. */
const POSTGRES_CONNECTIONS = 8;

interface Opened {
  readonly connection: string;
  readonly dialect: Dialect;
  readonly tables: ReadonlyMap<string, Table>;
  readonly eventsTable: string | undefined;
  readonly programs: Programs;
  readonly executor: Executor;
  readonly context: SinkContext;
}

async function openSql(settings: Settings, context: SinkContext): Promise<OpenSink> {
  const url = urlOf(settings) ?? "";
  const { connection } = context;
  const dialect =
    dialectOf(url) ?? fail("HK5007", { connection, reason: "`url` is neither sqlite:PATH nor postgres://…" });
  const opened: Opened = {
    connection,
    dialect,
    tables: readTables(settings, context.entities),
    eventsTable: typeof settings["events_table"] === "string" ? settings["events_table"] : undefined,
    programs: createPrograms(dialect),
    executor: dialect === "sqlite" ? openSqlite(url, context) : createPostgresExecutor(url, POSTGRES_CONNECTIONS),
    context,
  };
  const setUp = createSetUp(opened, settings["create_tables"] ?? dialect === "sqlite");
  return {
    prepare: (delivery) => ({ summary: summaryOf(delivery, opened), data: changeData(delivery, opened) }),
    async send(request, send): Promise<Outcome> {
      try {
        await setUp();
        return await apply(request.data, send, opened);
      } catch (error) {
        return outcomeOfFailure(error);
      }
    },
    async probe() {
      await setUp();
      return { ok: true, detail: `${opened.tables.size} tables` };
    },
    rows: (query) =>
      dialect === "sqlite"
        ? readSqlite(context.resolvePath(url.slice("sqlite:".length)), query)
        : readPostgres(url, query),
    close: () => opened.executor.close(),
  };
}

/** A database that is down at start is no reason not to start: it is set up with the first attempt that reaches it. */
function createSetUp(opened: Opened, create: Setting): () => Promise<void> {
  let ready: Promise<void> | undefined;
  return () => {
    ready ??= prepareTables(opened, create === true).catch((error: unknown) => {
      ready = undefined;
      throw error;
    });
    return ready;
  };
}

function urlOf(settings: Settings): string | undefined {
  const raw = settings["secret_url"] ?? settings["url"];
  if (raw instanceof Secret) return raw.reveal();
  return typeof raw === "string" ? raw : undefined;
}

/** What the schema has no word for. A secret that is not resolved yet is not judged. */
function check(settings: Settings): SettingFault[] {
  const { url, secret_url: secret } = settings;
  if (url === undefined && secret === undefined) return [{ severity: "error", path: [], message: "`url` is missing" }];
  if (url !== undefined && secret !== undefined)
    return [{ severity: "error", path: ["secret_url"], message: "`url` and `secret_url` exclude each other" }];
  if (typeof url !== "string") return [];
  if (dialectOf(url) === undefined)
    return [{ severity: "error", path: ["url"], message: "`url` is neither sqlite:PATH nor postgres://…" }];
  if (!/^postgres\w*:\/\/[^/@]*:[^/@]+@/.test(url)) return [];
  return [
    { severity: "warning", path: ["url"], message: "the URL holds a password: use `secret_url`, which is never shown" },
  ];
}

function dialectOf(url: string): Dialect | undefined {
  if (url.startsWith("sqlite:") && url.length > "sqlite:".length) return "sqlite";
  return /^postgres(ql)?:\/\//.test(url) ? "postgres" : undefined;
}

function openSqlite(url: string, context: SinkContext): Executor {
  const path = context.resolvePath(url.slice("sqlite:".length));
  mkdirSync(dirname(path), { recursive: true });
  return createSqliteExecutor(path);
}

/** Hookrail's own two tables are always made: without them there is no exactly-once effect. */
async function prepareTables({ programs, executor, tables, eventsTable }: Opened, create: boolean): Promise<void> {
  await executor.run(programs.createOwn(create ? eventsTable : undefined));
  if (!create) return;
  for (const table of tables.values()) {
    const known = new Set(await executor.list(programs.columns(table.name)));
    await executor.run(programs.createTable(table, known));
  }
}

function summaryOf(delivery: SinkDelivery, { tables, eventsTable, context }: Opened): string {
  const { action, entity, eventName } = delivery;
  const key = shownKey(delivery, context.entities);
  if (action !== "upsert" && action !== "delete")
    return `insert into ${eventsTable ?? "?"}: ${eventName} of ${entity.type} ${key}`;
  return `${action} ${tables.get(entity.type)?.name ?? entity.type} ${key}`;
}

/** What is frozen: the change, with values as they are bound. */
function changeData(delivery: SinkDelivery, opened: Opened): JsonObject {
  const { connection, tables, eventsTable } = opened;
  const { type, key } = delivery.entity;
  if (delivery.action !== "upsert" && delivery.action !== "delete") {
    if (eventsTable === undefined) return fail("HK5006", { connection, action: delivery.action });
    return { kind: "event", row: eventRow(delivery, opened.context.clock.now()) };
  }
  if (!tables.has(type)) return fail("HK5005", { connection, table: type, name: type });
  return delivery.action === "delete"
    ? { kind: "delete", entity: type, key }
    : { kind: "upsert", entity: type, key, columns: columnsFor(delivery, opened) };
}

function columnsFor(delivery: SinkDelivery, { connection, tables, dialect }: Opened): Record<string, Json> {
  const { type, ids, state } = delivery.entity;
  const table = tables.get(type) ?? fail("HK5005", { connection, table: type, name: type });
  const columns: Record<string, Json> = {};
  for (const [id, value] of Object.entries(ids)) {
    const column = table.ids.get(id);
    if (column !== undefined && column.name !== table.key) columns[column.name] = value;
  }
  for (const [name, write] of Object.entries(delivery.attributes)) {
    const column = table.attributes.get(name) ?? fail("HK5005", { connection, table: table.name, name });
    if (column.name !== table.key)
      columns[column.name] = "set" in write ? bindable(write.set, column.type, dialect) : null;
  }
  if (state !== undefined && table.state !== undefined) columns[table.state] = state;
  return columns;
}

function eventRow(delivery: SinkDelivery, now: number): Record<string, Json> {
  const values: Record<string, Json> = {};
  for (const [name, write] of Object.entries(delivery.attributes) as [string, AttributeWrite][])
    if ("set" in write) values[name] = write.set;
  return {
    idempotency_key: delivery.idempotencyKey,
    at: new Date(now).toISOString(),
    action: delivery.action,
    event: delivery.eventName,
    entity_type: delivery.entity.type,
    entity_key: delivery.entity.key,
    pipeline: delivery.pipeline,
    params: JSON.stringify(delivery.params),
    attributes: JSON.stringify(values),
  };
}

async function apply(data: JsonObject, send: SendContext, opened: Opened): Promise<Outcome> {
  const change = readChange(data, opened);
  if (change === undefined)
    return { kind: "rejected", detail: "the table of the stored request is no longer declared" };
  const at = new Date(opened.context.clock.now()).toISOString();
  const program = opened.programs.build({
    change,
    idempotencyKey: send.idempotencyKey,
    entityVersion: send.entityVersion,
    at,
  });
  const applied = await opened.executor.apply(program);
  return applied === "applied" ? { kind: "delivered" } : { kind: "delivered", noEffect: applied };
}

/** Names in a stored request are looked up in what is declared now: none goes into SQL unseen. */
function readChange(data: JsonObject, { tables, eventsTable }: Opened): Change | undefined {
  const { kind, entity, key } = data;
  if (kind === "event")
    return eventsTable === undefined ? undefined : { kind, table: eventsTable, row: boundRow(data["row"]) };
  const table = typeof entity === "string" ? tables.get(entity) : undefined;
  if (table === undefined || typeof key !== "string") return undefined;
  if (kind === "delete")
    return {
      kind,
      table,
      key,
      ...(eventsTable === undefined ? {} : { events: { table: eventsTable, entity: String(entity) } }),
    };
  const columns = boundRow(data["columns"]);
  const declared = new Set([...table.ids.values(), ...table.attributes.values()].map(({ name }) => name));
  if (Object.keys(columns).some((name) => !declared.has(name) && name !== table.state)) return undefined;
  return { kind: "upsert", table, key, columns };
}

function boundRow(value: Json | undefined): Record<string, Bound> {
  const row: Record<string, Bound> = {};
  if (typeof value !== "object" || value === null) return row;
  for (const [name, member] of Object.entries(value))
    if (member === null || typeof member !== "object") row[name] = member;
  return row;
}

export default defineSink({
  name: "sql",
  summary: "Rows in SQLite or PostgreSQL; repeated and late deliveries have no effect.",
  config,
  guarantee: "exactly_once_effect",
  actions: {
    upsert: { kind: "upsert", summary: "Writes the changed columns of the entity's row." },
    delete: { kind: "effect", summary: "Deletes the entity's row and its rows in `events_table`." },
    "*": { kind: "effect", summary: "One row in `events_table`.", openParams: true },
  },
  defaultAction: "upsert",
  marksAttempts: false,
  defaults: { concurrency: 64 },
  check,
  open: openSql,
});
