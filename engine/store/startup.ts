/** What is looked at before a store is opened for writing: the disk it lies on, its WAL, every page. Fails closed. */
import { existsSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { fail } from "../core/errors.ts";
import { type Db, sqliteCode } from "./connection.ts";

/** Type of the file system a folder lies on, as statfs(2) names it; undefined where that is not known. */
export type ReadDiskType = (folder: string) => number | undefined;

/**
 * File systems whose locks, shared memory or fsync are not those of a local disk; SQLite's WAL needs all three
 * (sqlite.org/wal.html, "Disadvantages"). The numbers are those of linux/magic.h; FUSE may be anything, so it counts.
 */
const NETWORK_DISKS: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x01021997, "9p"],
  [0x65735546, "FUSE"],
  [0x00c36400, "Ceph"],
  [0x5346414f, "AFS"],
  [0x0bd00bd0, "Lustre"],
  [0x47504653, "GPFS"],
]);

/** Larger stores that were closed in order are not read as a whole at each start: at some 1 GB/s that is what it costs. */
const ALWAYS_CHECKED_BYTES = 1024 ** 3;

export function readDiskType(folder: string): number | undefined {
  // Elsewhere the numbers mean something else.
  if (process.platform !== "linux") return undefined;
  try {
    return statfsSync(folder).type;
  } catch {
    return undefined;
  }
}

/** Throws HK4021 for a disk on which a commit promises nothing. */
export function refuseNetworkDisk(path: string, read: ReadDiskType = readDiskType): void {
  const kind = NETWORK_DISKS.get((read(existingFolder(dirname(path))) ?? 0) >>> 0);
  if (kind !== undefined) fail("HK4021", { path, kind });
}

function existingFolder(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : existingFolder(dirname(folder));
}

/** Where a restore keeps the new file until the old one has been put aside: while it is there, there is no store. */
export const restoringPath = (path: string): string => `${path}-restoring`;

/** Throws HK4022 when a restore was cut off: a new, empty store would take its place. */
export function refuseHalfRestored(path: string): void {
  if (existsSync(restoringPath(path))) fail("HK4022", { path });
}

/** What has to be known before the file is opened, since opening it makes a WAL. */
export interface Before {
  readonly hadWal: boolean;
  readonly bytes: number;
}

export function lookBefore(path: string): Before {
  return { hadWal: existsSync(`${path}-wal`), bytes: existsSync(path) ? statSync(path).size : 0 };
}

/**
 * Throws HK4004 for a damaged page, HK4023 when the last engine did not close the store and its WAL is gone: what was
 * committed last was only there.
 */
export function checkOpened(db: Db, path: string, at: { readonly before: Before; readonly withoutWal: boolean }): void {
  const running = wasRunning(db, path);
  if (running || at.before.bytes <= ALWAYS_CHECKED_BYTES) checkPages(db, path);
  if (running && !at.before.hadWal && !at.withoutWal && at.before.bytes > 0) fail("HK4023", { path });
}

function wasRunning(db: Db, path: string): boolean {
  try {
    const there = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'running'").get() !== undefined;
    return there && db.prepare("SELECT 1 FROM running").get() !== undefined;
  } catch (error) {
    return fail("HK4004", { path, finding: sqliteCode(error) ?? String(error) });
  }
}

/** A damaged page is found here and not by the first payment that needs it. */
function checkPages(db: Db, path: string): void {
  let finding: string;
  try {
    finding = String(db.pragma("quick_check(1)", { simple: true }));
  } catch (error) {
    finding = sqliteCode(error) ?? String(error);
  }
  if (finding !== "ok") fail("HK4004", { path, finding });
}

/**
 * Takes what a killed engine left in the WAL into the file, and starts the WAL anew. Its last commit may have failed to
 * sync: the system then takes those pages for clean, they can be read until the power goes, and whatever is
 * appended behind them would be lost with them.
 */
export function relyOnNoOldWal(db: Db): void {
  db.pragma("wal_checkpoint(TRUNCATE)");
}

/** Who holds the store, for the one that is refused, and that it runs; in the file itself, so that a lost WAL shows. */
export function recordHolder(db: Db, now: number): void {
  db.prepare("INSERT OR REPLACE INTO holder (one, pid) VALUES (1, ?)").run(process.pid);
  db.prepare("INSERT OR REPLACE INTO running (one, since) VALUES (1, ?)").run(now);
  relyOnNoOldWal(db);
}
