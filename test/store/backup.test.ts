import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { backupStore, readCopy, restoreStore } from "../../engine/store/backup.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import { restoringPath } from "../../engine/store/startup.ts";
import type { Store } from "../../engine/store/store.ts";
import { accept, START, temporaryFolder } from "../support/store-fixtures.ts";

const clock = createVirtualClock(START);
let folder: ReturnType<typeof temporaryFolder>;
let path: string;
let copy: string;
beforeEach(() => {
  folder = temporaryFolder();
  path = folder.path("hookrail.db");
  copy = folder.path("backup.db");
});
afterEach(() => folder.remove());

const open = (at = path) => openSqliteStore({ path: at, clock, thread: false });

async function withOpen<T>(work: (store: Store) => Promise<T>, at = path): Promise<T> {
  const store = await open(at);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

const acceptMany = async (store: Store, from: number, to: number) => {
  for (let n = from; n < to; n++) await accept(store, `evt_${n}`);
};

describe("backupStore", () => {
  it("copies one instant out from under a writer, whole and for its owner only", () =>
    withOpen(async (store) => {
      await acceptMany(store, 0, 40);
      let going = true;
      const load = (async () => {
        for (let n = 100; going; n++) await accept(store, `evt_${n}`);
      })();
      const facts = backupStore(path, copy);
      going = false;
      await load;
      expect(facts.events).toBeGreaterThanOrEqual(40);
      expect(facts).toEqual(readCopy(copy));
      expect(statSync(copy).mode & 0o777).toBe(0o600);
      expect(readdirSync(folder.path(".")).filter((name) => name.includes("backup"))).toEqual(["backup.db"]);
    }));

  it("leaves nothing behind when it can not be written", () =>
    withOpen(async (store) => {
      await acceptMany(store, 0, 3);
      const target = folder.path("nowhere/backup.db");
      expect(() => backupStore(path, target)).toThrow(expect.objectContaining({ code: "HK4024" }));
      expect(existsSync(target)).toBe(false);
    }));

  it("fails on a damaged store, and leaves no copy that looks whole", async () => {
    await withOpen((store) => acceptMany(store, 0, 60));
    const bytes = readFileSync(path);
    bytes.fill(0xff, 16_384 * 3, 16_384 * 12);
    writeFileSync(path, bytes);
    expect(() => backupStore(path, copy)).toThrow(expect.objectContaining({ code: expect.stringMatching(/^HK40/) }));
    expect(existsSync(copy)).toBe(false);
  });
});

describe("restoreStore", () => {
  const aside = () => `${path}.before-now`;

  it("puts the copy in place, keeps the old store, and counts what the copy lacks", async () => {
    await withOpen((store) => acceptMany(store, 0, 5));
    backupStore(path, copy);
    await withOpen((store) => acceptMany(store, 5, 8));
    expect(restoreStore({ from: copy, path, aside: aside() })).toMatchObject({
      facts: { events: 5, newestAt: START },
      aside: aside(),
      missing: 3,
    });
    await withOpen(async (store) => {
      expect((await store.counts()).events).toBe(5);
      // What came after the backup is taken when it is sent again, and what was in it is known.
      expect((await accept(store, "evt_4")).kind).toBe("duplicate");
      expect((await accept(store, "evt_7")).kind).toBe("new");
    });
    await withOpen(async (store) => expect((await store.counts()).events).toBe(8), aside());
  });

  it("makes a store where there was none", async () => {
    await withOpen((store) => acceptMany(store, 0, 5));
    backupStore(path, copy);
    rmSync(path);
    const restored = restoreStore({ from: copy, path, aside: aside() });
    expect(restored.aside).toBeUndefined();
    await withOpen(async (store) => expect((await store.counts()).events).toBe(5));
  });

  it("refuses a store that is in use, a copy that is damaged, and what is no store", async () => {
    await withOpen((store) => acceptMany(store, 0, 5));
    backupStore(path, copy);
    const before = readFileSync(path);
    await withOpen(async () => {
      expect(() => restoreStore({ from: copy, path, aside: aside() })).toThrow(
        expect.objectContaining({ code: "HK4007" }),
      );
    });
    const damaged = readFileSync(copy);
    damaged.fill(7, 40_000, 60_000);
    writeFileSync(copy, damaged);
    for (const from of [copy, folder.path("text")]) {
      if (from !== copy) writeFileSync(from, "not a store".repeat(100));
      expect(() => restoreStore({ from, path, aside: aside() })).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^HK400[34]$/) }),
      );
    }
    expect(readFileSync(path).length).toBe(before.length);
    expect(existsSync(aside())).toBe(false);
  });

  it("that was cut off is never started on, and is taken up again", async () => {
    await withOpen((store) => acceptMany(store, 0, 5));
    backupStore(path, copy);
    // The moment before its last step.
    copyFileSync(copy, restoringPath(path));
    renameSync(path, aside());
    await expect(open()).rejects.toMatchObject({ code: "HK4022" });
    expect(existsSync(path)).toBe(false);
    restoreStore({ from: copy, path, aside: `${aside()}-2` });
    await withOpen(async (store) => expect((await store.counts()).events).toBe(5));
  });
});
