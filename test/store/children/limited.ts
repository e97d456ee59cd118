/** Accepts events until the disk fails, then says as JSON what it was told. Started under a limit on file sizes. */
import { systemClock } from "../../../engine/core/clock.ts";
import { HookrailError } from "../../../engine/core/errors.ts";
import { openSqliteStore } from "../../../engine/store/sqlite.ts";
import { accept } from "../../support/store-fixtures.ts";

const fatal: string[] = [];
const store = await openSqliteStore({
  path: process.argv[2] ?? "",
  clock: systemClock,
  onFatal: (error) => fatal.push(error.code),
});

async function tryAccept(name: string): Promise<string> {
  try {
    return (await accept(store, name, { body: Buffer.alloc(20_000, name) })).kind;
  } catch (error) {
    return error instanceof HookrailError ? error.code : String(error);
  }
}

const taken: string[] = [];
let refused = "";
for (let n = 0; n < 1000 && refused === ""; n++) {
  const result = await tryAccept(`evt_${n}`);
  if (result === "new") taken.push(`evt_${n}`);
  else refused = result;
}
const again = await tryAccept("after");
const readable = (await store.counts()).events;
process.stdout.write(JSON.stringify({ taken, refused, again, fatal, readable }));
process.exit(0);
