/**
 * Copies of a store. A backup is one file that holds one instant: `VACUUM INTO` from a read transaction of its own, so
 * that the engine beside it goes on, and nothing deleted is carried along. It counts only once it has been read as a whole.
 */
import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fail, HookrailError } from "../core/errors.ts";
import { type Db, openConnection, openDatabase, sqliteCode } from "./connection.ts";
import { takeLock } from "./lock.ts";
import { refuseNewer, shippedMigrations } from "./migrate.ts";
import { present } from "./rows.ts";
import { restoringPath } from "./startup.ts";

const BUSY_TIMEOUT_MS = 10_000;

/** What a copy holds. */
export interface CopyFacts {
  readonly bytes: number;
  readonly events: number;
  readonly entities: number;
  /** Work and deliveries that are still to be done. */
  readonly open: number;
  readonly deadLetters: number;
  /** Receipt of the newest event, ms since the epoch. */
  readonly newestAt?: number;
}

interface Native {
  readonly nativeBinding?: string | undefined;
}

/** Copies the store at `path` into a new file at `target`; fails (HK4024) when it can not be written or is not whole. */
export function backupStore(path: string, target: string, native: Native = {}): CopyFacts {
  const partial = join(dirname(target), `.${basename(target)}.partial`);
  rmSync(partial, { force: true });
  try {
    // Bodies hold personal data; VACUUM INTO takes an empty file that is there already.
    closeSync(openSync(partial, "wx", 0o600));
    const source = openConnection({ ...native, path, mode: "read", busyTimeoutMs: BUSY_TIMEOUT_MS });
    try {
      source.prepare("VACUUM INTO ?").run(partial);
    } finally {
      source.close();
    }
    closeInOrder(partial, native);
    const facts = readCopy(partial, native);
    syncFile(partial);
    renameSync(partial, target);
    syncFile(dirname(target));
    return facts;
  } catch (error) {
    rmSync(partial, { force: true });
    if (error instanceof HookrailError) throw error;
    return fail("HK4024", { target, reason: reasonOf(error) }, { cause: error });
  }
}

/** The copy was never open: a store that starts from it looks for no WAL. */
function closeInOrder(path: string, native: Native): void {
  const db = openDatabase({ ...native, path, mode: "write", busyTimeoutMs: BUSY_TIMEOUT_MS });
  try {
    db.exec("DELETE FROM running");
  } finally {
    db.close();
  }
}

/** Reads all of a copy, every row and index, and says what is in it. Throws HK4003, HK4004 or HK4006. */
export function readCopy(path: string, native: Native = {}): CopyFacts {
  const db = openConnection({ ...native, path, mode: "read", busyTimeoutMs: BUSY_TIMEOUT_MS });
  try {
    refuseNewer(db, path, shippedMigrations());
    const finding = String(db.pragma("integrity_check(1)", { simple: true }));
    if (finding !== "ok") fail("HK4004", { path, finding });
    return { bytes: statSync(path).size, ...countRows(db) };
  } catch (error) {
    if (error instanceof HookrailError) throw error;
    return fail("HK4004", { path, finding: sqliteCode(error) ?? "unreadable" }, { cause: error });
  } finally {
    db.close();
  }
}

function countRows(db: Db): Omit<CopyFacts, "bytes"> {
  const row = db
    .prepare<[], Omit<CopyFacts, "bytes" | "newestAt"> & { newestAt: number | null }>(
      `SELECT coalesce((SELECT max(seq) FROM events), 0) AS events, (SELECT count(*) FROM entities) AS entities,
         (SELECT count(*) FROM work) + (SELECT count(*) FROM outbox) AS open,
         (SELECT count(*) FROM dead_letters WHERE status = 'open') AS deadLetters,
         (SELECT received_at FROM events ORDER BY seq DESC LIMIT 1) AS newestAt`,
    )
    .get();
  const { newestAt, ...counts } = row ?? { events: 0, entities: 0, open: 0, deadLetters: 0, newestAt: null };
  return { ...counts, ...present("newestAt", newestAt) };
}

/**
 * Rewrites the file without what was deleted from it, and empties the WAL, so that no old byte is left in either. Others wait
 * meanwhile; false when a reader kept the WAL from being emptied.
 */
export function scrubStore(path: string, native: Native = {}): boolean {
  const db = openConnection({ ...native, path, mode: "write", busyTimeoutMs: BUSY_TIMEOUT_MS });
  try {
    db.exec("VACUUM");
    const [result] = db.pragma("wal_checkpoint(TRUNCATE)") as { busy: number }[];
    return result?.busy === 0;
  } finally {
    db.close();
  }
}

/** What a restore came to. */
export interface Restored {
  readonly facts: CopyFacts;
  /** Where the store that was there is now. */
  readonly aside?: string;
  /** Events of the old store that the copy does not have; absent when the old one can not be read. */
  readonly missing?: number;
}

/**
 * Puts the copy at `from` in the place of the store at `path`. Holds the store's lock (HK4007), keeps what was there under
 * `aside`, and may be cut off at any moment: until the last step there is no store that an engine would start on.
 */
export function restoreStore(
  at: { readonly from: string; readonly path: string; readonly aside: string } & Native,
): Restored {
  const { from, path, aside, nativeBinding } = at;
  const facts = readCopy(from, at);
  const lock = takeLock({ path, nativeBinding, holder: () => undefined });
  try {
    const missing = existsSync(path) ? missingEvents(path, facts, at) : undefined;
    const copy = `${path}-copy`;
    rmSync(copy, { force: true });
    closeSync(openSync(copy, "wx", 0o600));
    copyFileSync(from, copy);
    syncFile(copy);
    renameSync(copy, restoringPath(path));
    syncFile(dirname(path));
    const was = existsSync(path);
    // The file before its WAL: beside a file that is not there a WAL is no danger, the other way round it is one.
    for (const end of ["", "-wal"]) if (existsSync(path + end)) renameSync(path + end, aside + end);
    rmSync(`${path}-shm`, { force: true });
    syncFile(dirname(path));
    renameSync(restoringPath(path), path);
    syncFile(dirname(path));
    return { facts, ...(was ? { aside } : {}), ...present("missing", missing) };
  } finally {
    lock.release();
  }
}

/** Seqs are given in order and never twice, so the difference of the highest is what the copy lacks. */
function missingEvents(path: string, facts: CopyFacts, native: Native): number | undefined {
  try {
    const db = openConnection({ ...native, path, mode: "read", busyTimeoutMs: BUSY_TIMEOUT_MS });
    try {
      return Math.max(0, countRows(db).events - facts.events);
    } finally {
      db.close();
    }
  } catch {
    // A damaged store is what one restores for.
    return undefined;
  }
}

function syncFile(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function reasonOf(error: unknown): string {
  const code = sqliteCode(error) ?? (error instanceof Error && "code" in error ? String(error.code) : undefined);
  return code ?? (error instanceof Error ? error.message : String(error));
}
