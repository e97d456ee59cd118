/**
 * One SQLite connection, opened so that a commit is durable, or not opened at all.
 *
 * Queries of this room write `= +?` for `= ?`: this SQLite is built with STAT4 and plans a statement anew each time
 * a value is bound that its planner has looked at (to choose an index, or to rule one out). A plus hides the value:
 * fetching a delivery with its event and request then takes 5 µs in place of 45.
 */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { fail } from "../core/errors.ts";

export type Db = Database.Database;

/** Opened as the writer, or read-only beside it. */
export interface ConnectionOptions {
  readonly path: string;
  readonly mode: "write" | "read";
  /** File of better-sqlite3's addon, for the single binary; the package's own when absent. */
  readonly nativeBinding?: string | undefined;
  /** How long a lock is waited for, ms: well below a sender's timeout. */
  readonly busyTimeoutMs: number;
  /** Cap on the file's size in pages; SQLite's own when absent. */
  readonly maxPages?: number | undefined;
}

/** First SQLite without the WAL-reset fault (sqlite.org/wal.html#walresetbug). */
const OLDEST_SQLITE = "3.51.3";
/** "Hkrl": marks a file as ours in SQLite's header. */
export const APPLICATION_ID = 0x486b726c;
/** A 2 KB body leaves half of each 4 KB page empty. */
const PAGE_BYTES = 16_384;
/** Of the WAL, after which it is taken into the file. */
export const CHECKPOINT_PAGES = 4000;
/** What the WAL file is cut back to after a checkpoint, bytes. */
const WAL_LIMIT_BYTES = 128 * 1024 * 1024;
const FULL = 2;

/** Opens the file and proves that it is a store of ours (or new) before anything in it is changed. */
export function openConnection(options: ConnectionOptions): Db {
  const db = openDatabase(options);
  try {
    refuseForeign(db, options.path);
    refuseOldSqlite(String(db.prepare("SELECT sqlite_version()").pluck().get()));
    if (options.mode === "write") prepareForWriting(db, options);
    setDurable(db);
    return db;
  } catch (error) {
    db.close();
    return failOpen(error, options.path);
  }
}

/** What SQLite says while a store is opened, in words a person can act on; other errors pass through. */
export function failOpen(error: unknown, path: string): never {
  const code = sqliteCode(error);
  if (code === undefined) throw error;
  // Of the -shm file SQLite says so in another word.
  if (code === "SQLITE_FULL" || code === "SQLITE_IOERR_SHMSIZE") fail("HK4008", {}, { cause: error });
  if (code === "SQLITE_NOTADB") fail("HK4003", { path }, { cause: error });
  if (code.startsWith("SQLITE_CORRUPT")) fail("HK4004", { path, finding: code }, { cause: error });
  if (code.startsWith("SQLITE_READONLY")) fail("HK4026", { path }, { cause: error });
  return fail("HK4018", { path, reason: code }, { cause: error });
}

/** SQLite's code of an error, e.g. `SQLITE_FULL`; undefined for other errors. */
export function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  return error.code.startsWith("SQLITE_") ? error.code : undefined;
}

/** Opens a file and nothing more: no check, no settings. */
export function openDatabase({ path, mode, nativeBinding, busyTimeoutMs }: ConnectionOptions): Db {
  const settings: Database.Options = {
    readonly: mode === "read",
    fileMustExist: mode === "read",
    timeout: busyTimeoutMs,
  };
  // The types know a file name only, but the package takes the loaded addon too, which a bundle needs.
  if (nativeBinding !== undefined) Object.assign(settings, { nativeBinding: loadAddon(nativeBinding) });
  try {
    if (mode === "write") createPrivately(path);
    return new Database(path, settings);
  } catch (error) {
    if (mode === "read" && sqliteCode(error) === "SQLITE_CANTOPEN") fail("HK4005", { path }, { cause: error });
    const reason = error instanceof Error ? error.message : String(error);
    return fail("HK4018", { path, reason }, { cause: error });
  }
}

function loadAddon(file: string): object {
  const addon = { exports: {} };
  process.dlopen(addon, file);
  return addon.exports;
}

/** Bodies hold personal data: a new file is for its owner only. SQLite gives -wal and -shm the same mode. */
function createPrivately(path: string): void {
  if (path === ":memory:") return;
  mkdirSync(dirname(path), { recursive: true });
  try {
    // Never opened when it exists: closing a descriptor would drop this process's POSIX locks on the file.
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

/** Throws HK4001 for a version of SQLite that can corrupt a store. */
export function refuseOldSqlite(found: string): void {
  const order = (version: string) => version.split(".").reduce((sum, part) => sum * 1000 + Number(part), 0);
  if (order(found) < order(OLDEST_SQLITE)) fail("HK4001", { found, needed: OLDEST_SQLITE });
}

function refuseForeign(db: Db, path: string): void {
  if (db.pragma("application_id", { simple: true }) === APPLICATION_ID) return;
  const tables = db.prepare("SELECT count(*) FROM sqlite_schema").pluck().get();
  if (tables !== 0 || db.readonly) fail("HK4003", { path });
}

function prepareForWriting(db: Db, { path, maxPages }: ConnectionOptions): void {
  db.pragma(`page_size = ${PAGE_BYTES}`);
  const expected = path === ":memory:" ? "memory" : "wal";
  const found = String(db.pragma("journal_mode = WAL", { simple: true }));
  if (found !== expected) fail("HK4002", { setting: "journal_mode", expected, found });
  db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  db.pragma(`journal_size_limit = ${WAL_LIMIT_BYTES}`);
  db.pragma("cache_size = -65536");
  if (maxPages !== undefined) db.pragma(`max_page_count = ${maxPages}`);
}

/** better-sqlite3 is compiled so that WAL means synchronous=NORMAL: it must be raised after journal_mode, always. */
function setDurable(db: Db): void {
  db.pragma("synchronous = FULL");
  // macOS: fsync alone does not reach the platter.
  db.pragma("fullfsync = ON");
  db.pragma("checkpoint_fullfsync = ON");
  const found = Number(db.pragma("synchronous", { simple: true }));
  if (found !== FULL) fail("HK4002", { setting: "synchronous", expected: FULL, found });
}
