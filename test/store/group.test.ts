import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import type { Call } from "../../engine/store/calls.ts";
import { openConnection } from "../../engine/store/connection.ts";
import { createGroupRunner } from "../../engine/store/group.ts";
import { createHandlers } from "../../engine/store/handlers.ts";
import { migrate, shippedMigrations } from "../../engine/store/migrate.ts";
import { newEvent } from "../support/store-fixtures.ts";

/** A runner whose `seed` call throws what it is given, after an accept has written something. */
function runnerThrowing(error: unknown) {
  const db = openConnection({ path: ":memory:", mode: "write", busyTimeoutMs: 0 });
  migrate(db, { path: ":memory:", now: 0, migrations: shippedMigrations() });
  const handlers = createHandlers(db);
  const seed = () => {
    throw error;
  };
  const run = createGroupRunner(db, { ...handlers, seed }, 7);
  const events = () => db.prepare<[], number>("SELECT count(*) FROM events").pluck().get();
  return { run, events };
}

const accepting = (name: string): Call => ({ name: "accept", argument: { events: [newEvent(name)], pipelines: [[]] } });
const failing: Call = {
  name: "seed",
  argument: { entity: "customer", at: 0, records: [], audit: { at: 0, actor: "", action: "", target: "", reason: "" } },
};
const sqliteError = (code: string) => new Database.SqliteError("injected", code);

describe("createGroupRunner", () => {
  it("undoes the call that fails and keeps the others of its group", () => {
    const { run, events } = runnerThrowing(sqliteError("SQLITE_CONSTRAINT_UNIQUE"));
    const outcomes = run([accepting("a"), failing, accepting("b")]);
    expect(outcomes.map((outcome) => outcome.ok)).toEqual([true, false, true]);
    expect(outcomes[1]).toMatchObject({ fault: { code: "HK4012", fatal: false } });
    expect(events()).toBe(2);
  });

  it("keeps what an unexpected error says out of the message", () => {
    const { run } = runnerThrowing(new TypeError("secret body"));
    expect(JSON.stringify(run([failing]))).not.toContain("secret body");
  });

  it.each([
    ["SQLITE_FULL", "HK4008"],
    ["SQLITE_BUSY", "HK4011"],
  ])("refuses the whole group on %s and goes on with the next", (sqlite, code) => {
    const { run, events } = runnerThrowing(sqliteError(sqlite));
    expect(run([accepting("a"), failing])).toMatchObject([{ fault: { code } }, { fault: { code } }]);
    expect(events()).toBe(0);
    expect(run([accepting("a")])).toMatchObject([{ ok: true }]);
  });

  it.each(["SQLITE_IOERR_FSYNC", "SQLITE_IOERR_WRITE", "SQLITE_CORRUPT", "SQLITE_READONLY_DBMOVED"])(
    "writes nothing more after %s",
    (sqlite) => {
      const { run, events } = runnerThrowing(sqliteError(sqlite));
      expect(run([accepting("a"), failing])).toMatchObject([{ fault: { code: "HK4009", fatal: true } }, { ok: false }]);
      expect(run([accepting("b")])).toMatchObject([{ ok: false, fault: { code: "HK4009", data: { code: sqlite } } }]);
      expect(events()).toBe(0);
    },
  );
});
