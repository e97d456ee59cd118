/** A store whose disk is full goes on in its reserve: it deletes, settles and is read, and grows again once there is room. */
import { randomBytes } from "node:crypto";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { reserveBytes, reservePath } from "../../engine/store/reserve.ts";
import { openSqliteStore, type SqliteStoreOptions } from "../../engine/store/sqlite.ts";
import type { PurgeResult, Store } from "../../engine/store/store.ts";
import { mayMount, mountSmallDisk, type SmallDisk } from "../support/small-disk.ts";
import { acceptWork, audit, newEvent, START, temporaryFolder } from "../support/store-fixtures.ts";

const MiB = 1024 * 1024;
const clock = createVirtualClock(START);
const code = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "done",
    (error: { code?: unknown }) => error.code ?? error,
  );

describe("the reserve", () => {
  it("is laid beside a new store, kept as large as declared over starts, and taken away when none is wanted", async () => {
    const folder = temporaryFolder();
    const path = folder.path("hookrail.db");
    for (const wanted of [2 * MiB, 2 * MiB, MiB, 0]) {
      const store = await openSqliteStore({ path, clock, thread: false, reserveBytes: wanted });
      expect((await store.size()).reserveBytes).toBe(wanted);
      expect(existsSync(reservePath(path))).toBe(wanted > 0);
      if (wanted > 0) expect(statSync(reservePath(path)).blocks * 512).toBeGreaterThanOrEqual(wanted);
      await store.close();
    }
    folder.remove();
  });
});

describe.skipIf(!mayMount())("a full disk (needs the right to mount)", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let disk: SmallDisk;
  let store: Store | undefined;
  let n = 0;

  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(async () => {
    await store?.close();
    disk.remove();
    folder.remove();
  });

  const open = async (bytes: number, options: Partial<SqliteStoreOptions> = {}) => {
    disk = mountSmallDisk(folder.path("disk"), bytes);
    const path = join(folder.path("disk"), "hookrail.db");
    store = await openSqliteStore({ path, clock, reserveBytes: 16 * MiB, ...options });
    return { store, path };
  };
  /** An event that no pipeline listens to: nothing needs its body. */
  const take = (to: Store, bytes = 40_000) =>
    code(to.accept({ events: [newEvent(`evt_${n++}`, { body: randomBytes(bytes) })], pipelines: [[]] }));
  /** Until it is refused; how many were kept. */
  const takeAll = async (to: Store): Promise<number> => {
    for (let kept = 0; kept < 2_000; kept++) {
      const answer = await take(to);
      if (answer === "done") continue;
      expect(answer).toBe("HK4008");
      return kept;
    }
    throw new Error("the disk was never full");
  };
  const everything = { bodiesBefore: START + 1, eventsBefore: 0, deadLettersBefore: 0, now: START, limit: 20 };
  const purgeAll = async (of: Store, limit = everything.limit): Promise<number> => {
    let bodies = 0;
    for (let last: PurgeResult | undefined; last?.more !== false; bodies += last.bodies)
      last = await of.purge({ ...everything, limit });
    return bodies;
  };

  it.each([
    ["4 MiB, in this thread", 4 * MiB, { thread: false as const }],
    ["8 MiB", 8 * MiB, {}],
  ])(
    "that the store alone has filled (%s) gets room by purging, again and again, without a restart",
    async (_, bytes, options) => {
      const { store, path } = await open(bytes, options);
      expect(reserveBytes(path)).toBeGreaterThanOrEqual(bytes / 16);
      let all = 0;
      for (let round = 0; round < 4; round++) {
        const kept = await takeAll(store);
        expect(kept).toBeGreaterThan(0);
        all += kept;
        expect(reserveBytes(path)).toBe(0);
        // Refused without another try, while what does not grow the store is done.
        expect(await take(store)).toBe("HK4008");
        const pause = { kind: "connection" as const, name: "crm", since: START, by: "ada", reason: "" };
        expect(await code(store.setPause(pause, audit()))).toBe("done");
        expect((await store.counts()).events).toBe(all);
        expect(await purgeAll(store)).toBe(kept);
        expect(await take(store)).toBe("done");
        all += 1;
        expect(reserveBytes(path)).toBeGreaterThan(0);
        expect(await purgeAll(store)).toBe(1);
      }
      expect(all * 40_000).toBeGreaterThan(1.5 * bytes);
    },
  );

  it("that others have filled refuses what grows and does the rest, and takes all again once they have gone", async () => {
    const { store, path } = await open(8 * MiB);
    const item = await acceptWork(store, "early");
    disk.fill();
    expect(await take(store, 200_000)).toBe("HK4008");
    expect(reserveBytes(path)).toBe(0);
    expect(await code(store.replay({ ...({} as Parameters<Store["replay"]>[0]) }))).toBe("HK4008");
    expect((await store.readyWork(0, 10)).map(({ seq }) => seq)).toEqual([item.seq]);
    disk.free();
    expect(await take(store, 200_000)).toBe("done");
    expect(reserveBytes(path)).toBe(MiB);
  });

  it("of which others keep the most takes events in the room that purging makes in the file", async () => {
    const { store, path } = await open(8 * MiB);
    const kept = await takeAll(store);
    // Less than half a reserve: deleting alone will never give more of the disk back.
    disk.fill(300_000);
    expect(await purgeAll(store, 4)).toBe(kept);
    for (let n = 0; n < 40; n++) expect(await take(store)).toBe("done");
    expect(reserveBytes(path)).toBeGreaterThan(0);
    disk.free();
    await takeAll(store);
    expect(await purgeAll(store)).toBeGreaterThan(40);
    expect(await take(store)).toBe("done");
    expect(reserveBytes(path)).toBeGreaterThan(MiB / 2);
  });

  it("at start is met with the reserve: the store opens, is read and purged, and takes events when there is room", async () => {
    const { store: first, path } = await open(4 * MiB);
    await take(first);
    await first.close();
    store = undefined;
    disk.fill();
    store = await openSqliteStore({ path, clock, reserveBytes: 16 * MiB });
    expect((await store.counts()).events).toBe(1);
    writeFileSync(join(folder.path("disk"), "more"), Buffer.alloc(100_000));
    expect(await take(store, 300_000)).toBe("HK4008");
    expect(await purgeAll(store)).toBe(1);
    disk.free();
    expect(await take(store, 300_000)).toBe("done");
  });
});
