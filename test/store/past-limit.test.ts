/** A snapshot keeps the WAL from being emptied, so a command may not hold one for ever. */
import { expect, it } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { openPastStore } from "../../engine/store/read-past.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import { accept, START, temporaryFolder } from "../support/store-fixtures.ts";

it("a snapshot of the past is read for five minutes and not longer; closed, it holds nothing", async () => {
  const folder = temporaryFolder();
  const path = folder.path("hookrail.db");
  const clock = createVirtualClock(START);
  const store = await openSqliteStore({ path, clock, thread: false });
  await accept(store, "evt_1");
  const past = openPastStore(path, clock);
  const [seq = 0] = past.window({ last: 1 }).events;
  clock.advance(5 * 60_000);
  expect(await past.event(seq)).toMatchObject({ providerId: "evt_1" });
  past.before(seq);
  clock.advance(1);
  await expect(past.event(seq)).rejects.toMatchObject({ code: "HK4027" });
  expect(() => past.before(seq)).toThrow(expect.objectContaining({ code: "HK4027" }));
  past.close();
  await store.close();
  folder.remove();
});
