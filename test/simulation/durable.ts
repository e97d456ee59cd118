/** Accepts ten events one after the other into a store on disk and says so after each: whoever traces it sees the syncs. */
import { mkdtempSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../engine/core/clock.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import { newEvent } from "../support/store-fixtures.ts";

const folder = mkdtempSync(join(tmpdir(), "hookrail-durable-"));
const store = await openSqliteStore({ path: join(folder, "hookrail.db"), clock: systemClock, thread: false });
for (let n = 0; n < 10; n++) {
  await store.accept({ events: [newEvent(`e${n}`)], pipelines: [["orders"]] });
  writeSync(1, `answered ${n}\n`);
}
await store.close();
rmSync(folder, { recursive: true });
