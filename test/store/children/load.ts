/** Accepts and applies events as fast as it can and says each one once it is promised, until it is killed. */
import { systemClock } from "../../../engine/core/clock.ts";
import { openSqliteStore } from "../../../engine/store/sqlite.ts";
import { accept, commitOf, entityRecord } from "../../support/store-fixtures.ts";

const [path = "", round = ""] = process.argv.slice(2);
const store = await openSqliteStore({ path, clock: systemClock });
const counter = { type: "counter", key: "all" };
// Ends by itself should the test that started it be gone.
setTimeout(() => process.exit(1), 60_000);

async function acceptForever(worker: number): Promise<void> {
  for (let n = 0; ; n++) {
    const name = `evt_${round}_${worker}_${n}`;
    await accept(store, name);
    process.stdout.write(`accepted ${name}\n`);
  }
}

async function applyForever(): Promise<void> {
  for (let cursor = 0; ; ) {
    const [work] = await store.readyWork(cursor, 1);
    if (work === undefined) {
      await new Promise((resolve) => setImmediate(resolve));
      continue;
    }
    cursor = work.seq;
    const expected = (await store.entity(counter.type, counter.key))?.changes ?? 0;
    const record = entityRecord({ ...counter, ids: { id: counter.key }, changes: expected + 1 });
    const result = await store.commitApply(commitOf(work, { entities: [{ record, expected }] }));
    if (result.kind === "ok") process.stdout.write(`applied ${work.event.providerId}\n`);
  }
}

await Promise.all([applyForever(), ...Array.from({ length: 16 }, (_, worker) => acceptForever(worker))]);
