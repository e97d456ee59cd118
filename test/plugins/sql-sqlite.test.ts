import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Settings } from "../../engine/plugin/index.ts";
import sqlSink from "../../plugins/sinks/sql.ts";
import { apply, createSqlBench, type Row, type SqlBench, sqlPromises } from "./sql-promises.ts";

let bench: SqlBench;
beforeEach(() => {
  bench = createSqlBench();
});
afterEach(() => bench.close());
const open = (settings: Settings) => bench.open(settings);

describe("the sql sink on SQLite", () => {
  const file = () => join(bench.folder, "data", "crm.db");
  sqlPromises(() => bench, {
    settings: () => ({ url: "sqlite:./data/crm.db" }),
    async rows(query) {
      const db = new Database(file(), { readonly: true });
      try {
        return db.prepare<[], Row>(query).all();
      } finally {
        db.close();
      }
    },
    async run(statement) {
      const db = new Database(file());
      db.exec(statement);
      db.close();
    },
  });

  it("commits with synchronous=FULL in WAL mode", async () => {
    const sink = await open({ url: "sqlite:./data/crm.db" });
    await apply(sink, { set: { tier: "pro" } });
    expect(existsSync(`${file()}-wal`)).toBe(true);
  });

  it("makes a new file readable to its owner alone, its log too", async () => {
    const sink = await open({ url: "sqlite:./data/crm.db" });
    await apply(sink, { set: { tier: "pro" } });
    const modes = [file(), `${file()}-wal`].map((path) => statSync(path).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600]);
  });

  it("shares one commit among deliveries that come together", async () => {
    const sink = await open({ url: "sqlite:./data/crm.db" });
    const many = Array.from({ length: 200 }, (_, i) => apply(sink, { key: `c${i}`, ids: {}, set: { seats: i } }));
    expect((await Promise.all(many)).every(({ kind }) => kind === "delivered")).toBe(true);
    const db = new Database(file(), { readonly: true });
    expect(db.prepare("select count(*) from customer").pluck().get()).toBe(200);
    db.close();
  });

  it("tries again while another process holds the file", async () => {
    const sink = await open({ url: "sqlite:./data/crm.db" });
    await apply(sink, { set: { tier: "pro" } });
    const other = new Database(file());
    other.exec("begin immediate");
    expect(await apply(sink, { set: { tier: "team" }, version: 2, idempotencyKey: "busy" })).toMatchObject({
      kind: "retry",
      detail: "database: SQLITE_BUSY",
    });
    other.exec("rollback");
    other.close();
    expect(await apply(sink, { set: { tier: "team" }, version: 2, idempotencyKey: "busy" })).toEqual({
      kind: "delivered",
    });
  }, 20_000);

  it("pauses on a file that is no database", async () => {
    mkdirSync(join(bench.folder, "data"));
    writeFileSync(file(), "this is not a database, and long enough to be looked at ".repeat(40));
    const sink = await open({ url: "sqlite:./data/crm.db" });
    expect(await apply(sink, { set: { tier: "pro" } })).toMatchObject({
      kind: "pause",
      detail: "database: SQLITE_NOTADB",
    });
  });

  it.each([
    [{}, "missing"],
    [{ url: "mysql://x/y" }, "neither"],
    [{ url: "sqlite:./a.db", secret_url: "x" }, "exclude"],
    [{ url: "postgres://me:secret@host/db" }, "secret_url"],
  ])("says what is wrong with %j", (settings, words) => {
    expect(sqlSink.check?.(settings)).toMatchObject([{ message: expect.stringContaining(words) }]);
  });
});
