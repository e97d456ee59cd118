import { spawnSync } from "node:child_process";
import { copyFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it, vi } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { openConnection } from "../../engine/store/connection.ts";
import { migrate, schemaVersion, shippedMigrations } from "../../engine/store/migrate.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import { START, temporaryFolder } from "../support/store-fixtures.ts";
import { killAt, straceHere } from "../support/strace.ts";

vi.setConfig({ testTimeout: 120_000 });

const folder = temporaryFolder();
afterAll(() => folder.remove());
const child = fileURLToPath(new URL("../store/children/upgrade.ts", import.meta.url));
const factor = Math.max(1, Number(process.env["HOOKRAIL_FAULT_FACTOR"] ?? 1));

/** A store as the first version left it. */
function oldStore(path: string): void {
  const db = openConnection({ path, mode: "write", busyTimeoutMs: 0 });
  migrate(db, { path, now: START, migrations: shippedMigrations().slice(0, 1) });
  db.exec("INSERT INTO sources (name) VALUES ('shop')");
  db.close();
}

describe.skipIf(!straceHere())("an upgrade of the store that is killed", () => {
  it("leaves the old schema or a new one, never half, and ends when it is started again", async () => {
    const original = folder.path("original.db");
    oldStore(original);
    const latest = shippedMigrations().length;
    const left = new Set<number>();
    let kills = 0;
    for (let n = 1; n <= 6 * factor; n++) {
      for (const call of ["pwrite64", "fsync"] as const) {
        const path = folder.path(`${call}-${n}.db`);
        copyFileSync(original, path);
        const [command = "strace", ...args] = killAt(call, call === "fsync" ? n : n * 3);
        const ended = spawnSync(command, [...args, process.execPath, child, path], { stdio: "ignore" });
        if (ended.signal === "SIGKILL" || (ended.status ?? 0) > 128) kills++;
        const db = openConnection({ path, mode: "write", busyTimeoutMs: 0 });
        const version = schemaVersion(db);
        left.add(version);
        const rows = db.prepare<[], number>("SELECT version FROM schema_versions ORDER BY version").pluck().all();
        expect(rows).toEqual(Array.from({ length: version }, (_, index) => index + 1));
        db.close();
        const store = await openSqliteStore({ path, clock: createVirtualClock(START), thread: false });
        await store.close();
        const after = openConnection({ path, mode: "read", busyTimeoutMs: 0 });
        expect(schemaVersion(after)).toBe(latest);
        expect(after.prepare("SELECT name FROM sources").pluck().all()).toEqual(["shop"]);
        after.close();
        for (const end of ["", "-wal", "-shm", "-lock"]) rmSync(path + end, { force: true });
      }
    }
    expect(kills).toBeGreaterThan(0);
    // Else the kills fell before or after all of it.
    expect(left.size).toBeGreaterThan(1);
  });
});
