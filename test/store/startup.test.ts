import { copyFileSync, existsSync, rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import { readDiskType, refuseNetworkDisk } from "../../engine/store/startup.ts";
import { accept, START, temporaryFolder } from "../support/store-fixtures.ts";

const clock = createVirtualClock(START);
let folder: ReturnType<typeof temporaryFolder>;
let path: string;
beforeEach(() => {
  folder = temporaryFolder();
  path = folder.path("hookrail.db");
});
afterEach(() => folder.remove());

const open = (more: { withoutWal?: boolean } = {}) => openSqliteStore({ path, clock, thread: false, ...more });

/** The files as a killed engine leaves them, in another place. */
async function crashed(events: number): Promise<void> {
  const store = await openSqliteStore({ path: folder.path("living.db"), clock, thread: false });
  for (let n = 0; n < events; n++) await accept(store, `evt_${n}`);
  for (const end of ["", "-wal"]) copyFileSync(`${folder.path("living.db")}${end}`, path + end);
  await store.close();
}

describe("a store whose engine crashed", () => {
  it("opens with its WAL, and has everything", async () => {
    await crashed(20);
    const store = await open();
    expect((await store.counts()).events).toBe(20);
    await store.close();
  });

  it("opens after a start that failed half-way", async () => {
    await crashed(20);
    const stillborn = () => {
      throw new Error("no thread");
    };
    await expect(openSqliteStore({ path, clock, thread: stillborn })).rejects.toThrow("no thread");
    const store = await open();
    expect((await store.counts()).events).toBe(20);
    await store.close();
  });

  it("is refused without its WAL, which had the last events, unless that is accepted", async () => {
    await crashed(20);
    rmSync(`${path}-wal`);
    await expect(open()).rejects.toMatchObject({ code: "HK4023" });
    // Refused twice: to look at it has not made it look sound.
    await expect(open()).rejects.toMatchObject({ code: "HK4023" });
    const store = await open({ withoutWal: true });
    expect((await store.counts()).events).toBe(0);
    await store.close();
    await (await open()).close();
  });
});

describe("a store that was closed in order", () => {
  it("needs no WAL, and is whole when the one file is copied", async () => {
    const store = await open();
    await accept(store, "evt_1");
    await store.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
    const again = await open();
    expect((await again.counts()).events).toBe(1);
    await again.close();
  });
});

describe("refuseNetworkDisk", () => {
  it.each([
    [0x6969, "NFS"],
    [-11317950, "CIFS"],
    [0x65735546, "FUSE"],
  ])("refuses %d", (type, kind) => {
    const refuse = () => refuseNetworkDisk("/srv/data/hookrail.db", () => type);
    expect(refuse).toThrow(expect.objectContaining({ code: "HK4021", data: { path: "/srv/data/hookrail.db", kind } }));
  });

  it.each([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, undefined])("takes %s", (type) => {
    expect(() => refuseNetworkDisk("/srv/data/hookrail.db", () => type)).not.toThrow();
  });

  it("asks about a folder that is there", () => {
    const asked: string[] = [];
    refuseNetworkDisk(folder.path("a/b/hookrail.db"), (at) => {
      asked.push(at);
      return undefined;
    });
    expect(asked).toEqual([folder.path(".").replace(/\/\.?$/, "")]);
    if (process.platform === "linux") expect(readDiskType(folder.path("."))).toBeGreaterThan(0);
  });
});
