/** What a power cut or a bad disk leaves: recovered to a commit, or refused in words; never half. */
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { HookrailError } from "../../engine/core/errors.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import type { Store } from "../../engine/store/store.ts";
import { START, temporaryFolder } from "../support/store-fixtures.ts";

const clock = createVirtualClock(START);
const child = fileURLToPath(new URL("./children/load.ts", import.meta.url));
const folder = temporaryFolder();
const original = folder.path("original.db");
const copy = folder.path("copy.db");

/** A store whose process was killed: most of what it holds is in the WAL. */
beforeAll(async () => {
  const load = spawn(process.execPath, [child, original, "0"], { stdio: ["ignore", "pipe", "inherit"] });
  let lines = 0;
  load.stdout.on("data", (data) => {
    lines += String(data).split("\n").length - 1;
    if (lines > 200) load.kill("SIGKILL");
  });
  await once(load, "exit");
});
afterAll(() => folder.remove());

function freshCopy(): void {
  for (const end of ["", "-wal"]) copyFileSync(`${original}${end}`, `${copy}${end}`);
  // A crash leaves the index of the WAL behind, or not: it is made anew.
  writeFileSync(`${copy}-shm`, "");
}

/** Every event up to the last one is there with its whole body; gives how many. */
async function countWhole(store: Store): Promise<number> {
  const { events } = await store.counts();
  for (let seq = 1; seq <= events; seq++) {
    const event = await store.event(seq);
    const hash = createHash("sha256")
      .update(event?.body ?? "")
      .digest("hex");
    expect(hash).toBe(event?.bodyHash);
  }
  return events;
}

describe("a WAL that was cut off", () => {
  it("is recovered to a commit, wherever the cut lies", async () => {
    const length = readFileSync(`${original}-wal`).length;
    await fc.assert(
      fc.asyncProperty(fc.nat(length), fc.boolean(), async (at, torn) => {
        freshCopy();
        truncateSync(`${copy}-wal`, at);
        if (torn) writeFileSync(`${copy}-wal`, randomBytes(5000), { flag: "a" });
        try {
          const store = await openSqliteStore({ path: copy, clock, thread: false });
          const applied = await store.events({ outcome: "delivered", limit: 100_000 });
          expect(applied.length).toBe((await store.entity("counter", "all"))?.changes ?? 0);
          await countWhole(store);
          await store.close();
        } catch (error) {
          // Cut before the very first commit, the file is no store yet, but still one that can be told.
          if (!(error instanceof HookrailError)) throw error;
        }
      }),
      { numRuns: 25 },
    );
  });

  it("loses nothing when it is whole", async () => {
    freshCopy();
    const store = await openSqliteStore({ path: copy, clock, thread: false });
    expect(await countWhole(store)).toBeGreaterThan(100);
    await store.close();
  });
});

// Many more with HOOKRAIL_FAULT_FACTOR.
const FLIPS = 40 * Math.max(1, Number(process.env["HOOKRAIL_FAULT_FACTOR"] ?? 1));

describe("flipped bytes in the file", () => {
  it("are told in the words of an error, or leave a store that lacks no event", async () => {
    freshCopy();
    const settle = await openSqliteStore({ path: copy, clock, thread: false });
    const { events } = await settle.counts();
    await settle.close();
    const sound = readFileSync(copy);
    await fc.assert(
      fc.asyncProperty(fc.nat(sound.length - 1), fc.uint8Array({ minLength: 1, maxLength: 64 }), async (at, bytes) => {
        const bad = Buffer.from(sound);
        bad.set(bytes.subarray(0, bad.length - at), at);
        writeFileSync(copy, bad);
        let store: Store;
        try {
          store = await openSqliteStore({ path: copy, clock, thread: false });
        } catch (error) {
          expect(error).toBeInstanceOf(HookrailError);
          // The file is left for whoever has to look at it.
          expect(readFileSync(copy).length).toBe(bad.length);
          return;
        }
        try {
          expect((await store.counts()).events).toBe(events);
          // Every event is there, or says that it is damaged: none is passed over.
          for (let seq = 1; seq <= events; seq++) {
            const event = await store.event(seq).catch((error: unknown) => error);
            if (!(event instanceof HookrailError)) expect(event).toMatchObject({ seq });
          }
        } finally {
          await store.close();
        }
      }),
      { numRuns: FLIPS },
    );
  });
});
