import { describe, expect, it } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { type Observer, silentObserver } from "../../engine/flow/observer.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import { findingsOf, startStoreWatch } from "../../engine/worker/store-watch.ts";
import { accept, START, temporaryFolder } from "../support/store-fixtures.ts";

const MB = 1024 * 1024;
const fine = { bytes: 1, freeBytes: 0, reserveBytes: 0, walBytes: 128 * MB, diskFreeBytes: 600 * MB };

describe("findingsOf", () => {
  it("tells a WAL that nothing empties, and a disk that will be full", () => {
    expect(findingsOf(fine)).toEqual([]);
    expect(findingsOf({ ...fine, walBytes: 257 * MB })).toEqual(["wal_grows"]);
    expect(findingsOf({ ...fine, diskFreeBytes: 511 * MB })).toEqual(["disk_nearly_full"]);
    const { diskFreeBytes: _unknown, ...rest } = fine;
    expect(findingsOf(rest)).toEqual([]);
  });
});

describe("startStoreWatch", () => {
  it("looks at once and each minute at the file as it is, until it is ended", async () => {
    const folder = temporaryFolder();
    const clock = createVirtualClock(START);
    const store = await openSqliteStore({ path: folder.path("hookrail.db"), clock, thread: false });
    const facts: Parameters<NonNullable<Observer["stored"]>>[0][] = [];
    const turns = () => new Promise((resolve) => setImmediate(resolve));
    const end = startStoreWatch({ store, clock, observer: { ...silentObserver, stored: (fact) => facts.push(fact) } });
    clock.advance(0);
    await turns();
    await accept(store, "evt_1", { body: Buffer.alloc(MB) });
    clock.advance(60_000);
    await turns();
    expect(facts).toHaveLength(2);
    expect(facts[1]?.walBytes).toBeGreaterThan((facts[0]?.walBytes ?? 0) + MB);
    expect(facts[1]?.diskFreeBytes).toBeGreaterThan(0);
    end();
    clock.advance(120_000);
    await turns();
    expect(facts).toHaveLength(2);
    await store.close();
    folder.remove();
  });
});
