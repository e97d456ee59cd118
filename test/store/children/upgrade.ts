/** Opens the store at the path it is given, which brings it up to date, and closes it. */
import { systemClock } from "../../../engine/core/clock.ts";
import { openSqliteStore } from "../../../engine/store/sqlite.ts";

const store = await openSqliteStore({ path: process.argv[2] ?? "", clock: systemClock, thread: false });
await store.close();
