/** Opens the store named by its argument, says so, and holds it until it is killed. */
import { systemClock } from "../../../engine/core/clock.ts";
import { openSqliteStore } from "../../../engine/store/sqlite.ts";

await openSqliteStore({ path: process.argv[2] ?? "", clock: systemClock });
process.stdout.write("open\n");
// Ends by itself should the test that started it be gone.
setTimeout(() => process.exit(1), 60_000);
