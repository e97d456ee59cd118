/**
 * One process for each store: an exclusive transaction on a small file beside it, `<path>-lock`, which the operating
 * system lets go of when the process ends, however it ends. Readers of the store are never blocked.
 */
import { fail } from "../core/errors.ts";
import { openDatabase, sqliteCode } from "./connection.ts";

/** Held until it is released or the process ends. */
export interface StoreLock {
  release(): void;
}

/** Takes the lock or throws HK4007. `holder` says who has it, for the message. */
export function takeLock(options: {
  readonly path: string;
  readonly nativeBinding: string | undefined;
  readonly holder: () => number | undefined;
}): StoreLock {
  const { path, nativeBinding } = options;
  const db = openDatabase({ path: `${path}-lock`, nativeBinding, mode: "write", busyTimeoutMs: 0 });
  try {
    db.pragma("journal_mode = MEMORY");
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (sqliteCode(error)?.startsWith("SQLITE_BUSY") !== true) throw error;
    fail("HK4007", { path, pid: options.holder() ?? "unknown" }, { cause: error });
  }
  return { release: () => db.close() };
}
