/** What the disk and other processes can do to a running store: refused, nothing promised, recovered from. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import type { HookrailError } from "../../engine/core/errors.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import type { Store } from "../../engine/store/store.ts";
import { accept, acceptWork, commitOf, START, temporaryFolder } from "../support/store-fixtures.ts";

const clock = createVirtualClock(START);
const limited = fileURLToPath(new URL("./children/limited.ts", import.meta.url));

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
beforeEach(() => {
  folder = temporaryFolder();
  path = folder.path("hookrail.db");
});
afterEach(() => folder.remove());

/** Accepts big events until one is refused; gives the names of those that were taken and the refusal. */
async function fill(store: Store): Promise<{ taken: readonly string[]; refusal: unknown }> {
  const taken: string[] = [];
  for (let n = 0; n < 1000; n++) {
    const names = Array.from({ length: 4 }, (_, i) => `evt_${n}_${i}`);
    const results = await Promise.allSettled(
      names.map((name) => accept(store, name, { body: Buffer.alloc(50_000, name) })),
    );
    for (const [i, result] of results.entries()) if (result.status === "fulfilled") taken.push(names[i] ?? "");
    const refused = results.find((result) => result.status === "rejected");
    if (refused !== undefined) return { taken, refusal: refused.reason };
  }
  throw new Error("the disk was never full");
}

async function acceptedNames(store: Store): Promise<Set<string>> {
  return new Set((await store.events({ limit: 10_000 })).map((event) => event.providerId));
}

describe("a full disk", () => {
  it("refuses whole groups, keeps every event it took, and goes on once there is room", async () => {
    const fatal: HookrailError[] = [];
    const store = await openSqliteStore({ path, clock, maxPages: 100, onFatal: (error) => fatal.push(error) });
    const { taken, refusal } = await fill(store);
    expect(refusal).toMatchObject({ code: "HK4008" });
    expect(await acceptedNames(store)).toEqual(new Set(taken));
    for (const work of await store.readyWork(0, 3)) await store.commitApply(commitOf(work));
    expect((await store.purge({ bodiesBefore: START + 1, now: START, limit: 10 })).bodies).toBe(3);
    expect((await accept(store, "after", { body: Buffer.alloc(50_000) })).kind).toBe("new");
    expect(fatal).toEqual([]);
    await store.close();
  });
});

describe("a write that fails", () => {
  it("poisons the writer: all later writes are refused, reads go on, and nothing that was taken is lost", async () => {
    // A limit on the size of files makes the write itself fail (EFBIG), as a broken disk would.
    const command = `trap '' XFSZ; ulimit -f 3072; exec "${process.execPath}" "${limited}" "${path}"`;
    const child = spawn("sh", ["-c", command], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (data) => {
      output += String(data);
    });
    const [exitCode] = await once(child, "close");
    const told = JSON.parse(output);
    expect(exitCode).toBe(0);
    expect(told).toMatchObject({ refused: "HK4009", again: "HK4009", fatal: ["HK4009"] });
    expect(told.readable).toBeGreaterThanOrEqual(told.taken.length);
    const store = await openSqliteStore({ path, clock });
    const there = await acceptedNames(store);
    expect(told.taken.length).toBeGreaterThan(0);
    expect(told.taken.filter((name: string) => !there.has(name))).toEqual([]);
    await store.close();
  });
});

describe("another writer on the file", () => {
  it("is waited for a bounded time, then the group is refused and the next goes on", async () => {
    const store = await openSqliteStore({ path, clock, busyTimeoutMs: 20 });
    const shell = new Database(path);
    shell.exec("BEGIN IMMEDIATE");
    await expect(accept(store, "evt_1")).rejects.toMatchObject({ code: "HK4011" });
    shell.exec("ROLLBACK");
    shell.close();
    expect((await accept(store, "evt_1")).kind).toBe("new");
    await store.close();
  });
});

describe("the writer's thread", () => {
  it("that ends refuses what was asked and is reported", async () => {
    const fatal: HookrailError[] = [];
    const entry = new URL("../../engine/store/writer-thread.ts", import.meta.url);
    let worker: Worker | undefined;
    const thread = (workerData: unknown) => {
      worker = new Worker(entry, { workerData });
      return worker;
    };
    const store = await openSqliteStore({ path, clock, thread, onFatal: (error) => fatal.push(error) });
    await accept(store, "evt_1");
    await worker?.terminate();
    await expect(accept(store, "evt_2")).rejects.toMatchObject({ code: "HK4010" });
    await expect(accept(store, "evt_3")).rejects.toMatchObject({ code: "HK4010" });
    expect(fatal.map((error) => error.code)).toEqual(["HK4010"]);
    expect((await store.counts()).events).toBe(1);
    await store.close();
  });
});

describe("close", () => {
  it("writes what was asked before, and refuses what comes after", async () => {
    const store = await openSqliteStore({ path, clock });
    const before = Array.from({ length: 20 }, (_, n) => accept(store, `evt_${n}`));
    const closing = store.close();
    await expect(accept(store, "late")).rejects.toMatchObject({ code: "HK4010" });
    expect((await Promise.all(before)).map((result) => result.kind)).toEqual(Array(20).fill("new"));
    await closing;
    const again = await openSqliteStore({ path, clock });
    expect((await again.counts()).events).toBe(20);
    await again.close();
  });
});

describe("too many waiting writes", () => {
  it("are refused before they fill the memory, and what was taken is written", async () => {
    const store = await openSqliteStore({ path, clock });
    const body = Buffer.alloc(8 * 1024 * 1024);
    const results = await Promise.allSettled(
      Array.from({ length: 24 }, (_, n) => accept(store, `evt_${n}`, { body, bodyHash: "00" })),
    );
    const refused = results.filter((result) => result.status === "rejected");
    expect(refused.length).toBeGreaterThan(0);
    for (const result of refused) expect(result.reason).toMatchObject({ code: "HK4019" });
    expect((await store.counts()).events).toBe(24 - refused.length);
    expect((await acceptWork(store, "evt_later")).status).toBe("ready");
    await store.close();
  });
});
