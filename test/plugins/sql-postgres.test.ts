import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Settings } from "../../engine/plugin/index.ts";
import { startCommitEater } from "../support/commit-eater.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { apply, createSqlBench, type Row, type SqlBench, sqlPromises } from "./sql-promises.ts";

let bench: SqlBench;
beforeEach(() => {
  bench = createSqlBench();
});
afterEach(() => bench.close());
const open = (settings: Settings) => bench.open(settings);

describe("the sql sink on PostgreSQL", () => {
  let server: TestPostgres;
  let admin: pg.Client;
  let schema = 0;

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await server?.stop();
  });
  beforeEach(async () => {
    admin = new pg.Client({ connectionString: server.url });
    admin.on("error", () => {});
    await admin.connect();
    await admin.query(`create schema s${++schema}`);
    await admin.query(`set search_path to s${schema}`);
  });
  afterEach(async () => {
    await admin.end().catch(() => {});
  });

  const settings = () => ({ url: `${server.url}?options=-c%20search_path%3Ds${schema}`, create_tables: true });
  sqlPromises(() => bench, {
    settings,
    rows: async (query) => (await admin.query<Row>(query)).rows,
    run: async (statement) => void (await admin.query(statement)),
  });

  it("gives the rows of a query, all of one instant, and can not be made to write", async () => {
    await admin.query("create table subs (id int, plan text, since timestamptz)");
    await admin.query(
      "insert into subs select n, 'pro', timestamptz '2026-01-31 10:00:00+01' from generate_series(1, 1201) n",
    );
    const sink = await open(settings());
    const found: unknown[] = [];
    for await (const row of sink.rows?.("select * from subs order by id;") ?? []) {
      if (found.length === 0) await admin.query("delete from subs where id > 1000");
      found.push(row);
    }
    expect(found).toHaveLength(1201);
    expect(found[0]).toEqual({ id: 1, plan: "pro", since: new Date("2026-01-31T09:00:00Z") });
    const write = async () => {
      for await (const row of sink.rows?.("select 1; delete from subs") ?? []) found.push(row);
    };
    await expect(write()).rejects.toMatchObject({ code: "25006" });
    expect((await admin.query<Row>("select count(*)::int as n from subs")).rows).toEqual([{ n: 1000 }]);
  });

  it("tries again when the connection breaks, and has applied each delivery once", async () => {
    const sink = await open(settings());
    await apply(sink, { set: { seats: 1 }, idempotencyKey: "before" });
    const restarting = server.restart();
    const outcomes: string[] = [];
    for (let i = 0; i < 200 && outcomes.at(-1) !== "delivered"; i++) {
      outcomes.push((await apply(sink, { set: { seats: 2 }, version: 2, idempotencyKey: "during" })).kind);
    }
    await restarting;
    outcomes.push((await apply(sink, { set: { seats: 2 }, version: 2, idempotencyKey: "during" })).kind);
    expect(new Set(outcomes).difference(new Set(["retry", "delivered"]))).toEqual(new Set());
    expect(outcomes.at(-1)).toBe("delivered");
    const again = new pg.Client({ connectionString: settings().url });
    await again.connect();
    const { rows } = await again.query(
      "select count(*)::int as n from hookrail_applied where idempotency_key = 'during'",
    );
    await again.end();
    expect(rows).toEqual([{ n: 1 }]);
  }, 60_000);

  it("reads the dedupe row when COMMIT has no answer, and so knows that it was applied", async () => {
    const proxy = await startCommitEater(Number(new URL(server.url).port));
    try {
      const sink = await open({ ...settings(), url: settings().url.replace(/:\d+\//, `:${proxy.port}/`) });
      await apply(sink, { set: { seats: 1 }, version: 1 });
      proxy.eatNextCommit();
      expect(await apply(sink, { set: { seats: 2 }, version: 2, idempotencyKey: "eaten" })).toEqual({
        kind: "delivered",
      });
      expect(proxy.eaten()).toBe(1);
      const { rows } = await admin.query("select seats::int as seats from customer");
      expect(rows).toEqual([{ seats: 2 }]);
      expect(await apply(sink, { set: { seats: 3 }, version: 2, idempotencyKey: "eaten" })).toMatchObject({
        noEffect: "repeated",
      });
    } finally {
      await proxy.close();
    }
  });

  it("makes no tables unless it is told to, and calls a missing one permanent", async () => {
    const sink = await open({ url: settings().url });
    expect(await apply(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "rejected", detail: "database: 42P01" });
  });

  it("pauses when the login is refused", async () => {
    const sink = await open({ url: server.url.replace("/postgres", "/nowhere") });
    expect(await apply(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "pause", detail: "database: 3D000" });
  });

  it("tries again when nobody listens", async () => {
    const sink = await open({ url: "postgres://x@127.0.0.1:1/db" });
    expect(await apply(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "retry" });
  });
});
