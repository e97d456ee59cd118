import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { openConnection, refuseOldSqlite } from "../../engine/store/connection.ts";
import { migrate, schemaVersion, shippedMigrations } from "../../engine/store/migrate.ts";
import { openSqliteReader, openSqliteStore } from "../../engine/store/sqlite.ts";
import { accept, START, temporaryFolder } from "../support/store-fixtures.ts";

const clock = createVirtualClock(START);
const child = fileURLToPath(new URL("./children/hold.ts", import.meta.url));

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
beforeEach(() => {
  folder = temporaryFolder();
  path = folder.path("hookrail.db");
});
afterEach(() => folder.remove());

/** Opens, puts one event in, closes. */
async function makeStore(): Promise<void> {
  const store = await openSqliteStore({ path, clock });
  await accept(store, "evt_1");
  await store.close();
}

describe("openSqliteStore", () => {
  it("makes the folder and a file that only its owner may read", async () => {
    path = folder.path("deep/er/hookrail.db");
    await makeStore();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("leaves one whole file behind when it is closed", async () => {
    await makeStore();
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  it("refuses a second one in the same process, and opens once the first is closed", async () => {
    const first = await openSqliteStore({ path, clock });
    await expect(openSqliteStore({ path, clock })).rejects.toMatchObject({
      code: "HK4007",
      data: { pid: process.pid },
    });
    await first.close();
    await makeStore();
  });

  it("refuses a file that another process holds, names it, and gets it when that one is killed", async () => {
    const other = spawn(process.execPath, [child, path], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await once(other.stdout, "data");
      await expect(openSqliteStore({ path, clock })).rejects.toMatchObject({
        code: "HK4007",
        data: { pid: other.pid },
      });
      const reader = await openSqliteReader(path);
      expect((await reader.counts()).events).toBe(0);
      await reader.close();
    } finally {
      other.kill("SIGKILL");
      await once(other, "exit");
    }
    await makeStore();
  });

  it("refuses a file that is no database, and leaves it as it was", async () => {
    writeFileSync(path, "name,email\n".repeat(1000));
    const before = readFileSync(path);
    await expect(openSqliteStore({ path, clock })).rejects.toMatchObject({ code: "HK4003" });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it("refuses a database of something else, and leaves it as it was", async () => {
    const foreign = new Database(path);
    foreign.exec("CREATE TABLE customers (id TEXT)");
    foreign.close();
    const before = readFileSync(path);
    await expect(openSqliteStore({ path, clock })).rejects.toMatchObject({ code: "HK4003" });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it("refuses a damaged file, and leaves it as it was", async () => {
    await makeStore();
    const bytes = readFileSync(path);
    bytes.fill(0xff, 16_384 * 2, 16_384 * 4);
    writeFileSync(path, bytes);
    await expect(openSqliteStore({ path, clock })).rejects.toMatchObject({ code: "HK4004" });
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it("refuses a store that a newer product has changed", async () => {
    await makeStore();
    const newer = new Database(path);
    newer.pragma("user_version = 99");
    newer.close();
    await expect(openSqliteStore({ path, clock })).rejects.toMatchObject({ code: "HK4006" });
    await expect(openSqliteReader(path)).rejects.toMatchObject({ code: "HK4006" });
  });

  it("says why a file can not be opened", async () => {
    writeFileSync(folder.path("file"), "");
    path = folder.path("file/hookrail.db");
    await expect(openSqliteStore({ path, clock })).rejects.toMatchObject({ code: "HK4018" });
  });
});

describe("openSqliteReader", () => {
  it("says that there is no store", async () => {
    await expect(openSqliteReader(path)).rejects.toMatchObject({ code: "HK4005" });
    expect(existsSync(path)).toBe(false);
  });

  it("sees each change of a running engine once it is answered", async () => {
    const store = await openSqliteStore({ path, clock });
    const reader = await openSqliteReader(path);
    await accept(store, "evt_1");
    expect((await reader.events({})).map((event) => event.providerId)).toEqual(["evt_1"]);
    await reader.close();
    await store.close();
  });
});

describe("openConnection", () => {
  it("commits durably in every mode", async () => {
    await makeStore();
    for (const mode of ["write", "read"] as const) {
      const db = openConnection({ path, mode, busyTimeoutMs: 0 });
      expect(db.pragma("synchronous", { simple: true })).toBe(2);
      expect(db.pragma("journal_mode", { simple: true })).toBe("wal");
      expect(db.pragma("page_size", { simple: true })).toBe(16_384);
      db.close();
    }
  });
});

describe("refuseOldSqlite", () => {
  it.each(["3.7.0", "3.51.2", "3.9.99"])("refuses %s, which can corrupt a store", (version) => {
    expect(() => refuseOldSqlite(version)).toThrow(expect.objectContaining({ code: "HK4001" }));
  });

  it.each(["3.51.3", "3.52.0", "3.100.0", "4.0.0"])("takes %s", (version) => {
    expect(() => refuseOldSqlite(version)).not.toThrow();
  });
});

describe("shippedMigrations", () => {
  it("are numbered without a gap", () => {
    expect(shippedMigrations().map((one) => one.version)).toEqual(shippedMigrations().map((_, index) => index + 1));
  });
});

describe("migrate", () => {
  it("undoes a migration that fails as a whole", () => {
    const db = openConnection({ path, mode: "write", busyTimeoutMs: 0 });
    const last = shippedMigrations().length;
    const broken = {
      version: last + 1,
      name: "9999_broken.sql",
      sql: "CREATE TABLE half (a TEXT); INSERT INTO nowhere VALUES (1);",
    };
    const options = { path, now: START, migrations: [...shippedMigrations(), broken] };
    expect(() => migrate(db, options)).toThrow(expect.objectContaining({ code: "HK4017" }));
    expect(schemaVersion(db)).toBe(last);
    expect(db.prepare("SELECT name FROM sqlite_schema WHERE name = 'half'").all()).toEqual([]);
    migrate(db, {
      ...options,
      migrations: [...shippedMigrations(), { ...broken, sql: "CREATE TABLE half (a TEXT);" }],
    });
    expect(schemaVersion(db)).toBe(last + 1);
    expect(db.prepare("SELECT max(version) FROM schema_versions").pluck().get()).toBe(last + 1);
    db.close();
  });

  it("keeps what an older store holds, and readers wait for it", async () => {
    const db = openConnection({ path, mode: "write", busyTimeoutMs: 0 });
    const options = { path, now: START };
    migrate(db, { ...options, migrations: shippedMigrations().slice(0, 1) });
    db.exec("INSERT INTO sources (name) VALUES ('shop')");
    await expect(openSqliteReader(path)).rejects.toMatchObject({
      code: "HK4020",
      hint: expect.stringContaining("start the engine"),
    });
    migrate(db, { ...options, migrations: shippedMigrations() });
    expect(db.prepare("SELECT name FROM sources").pluck().all()).toEqual(["shop"]);
    db.close();
    await (await openSqliteReader(path)).close();
  });

  it("does nothing to a store that is up to date", () => {
    const db = openConnection({ path, mode: "write", busyTimeoutMs: 0 });
    const options = { path, now: START, migrations: shippedMigrations() };
    migrate(db, options);
    const before = db.serialize();
    migrate(db, options);
    expect(db.serialize().equals(before)).toBe(true);
    db.close();
  });
});
