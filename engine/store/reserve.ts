/**
 * The reserve: a file beside the store that takes room only to give it back when the disk is full.
 *
 * - kept: the file is there and the store writes as it likes.
 * - spent: the disk was full and the file is gone. Nothing new is taken (senders get 503), while in the room that the file
 *   had what was accepted is brought to its end, retention deletes, and the WAL is emptied; in the second half of that
 *   room the store's file grows no more. The reserve is laid again once there is room for it and as much again.
 * - tight: it is laid, but small, since others hold the disk: the store works in the room inside its file, which does not
 *   grow, so that the WAL can always be taken into it.
 */
import { randomFillSync } from "node:crypto";
import { closeSync, openSync, rmSync, statfsSync, statSync, truncateSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { CHECKPOINT_PAGES, type Db } from "./connection.ts";

export interface Reserve {
  readonly spent: boolean;
  /** Spent, and less than half of its room is left. */
  readonly low: boolean;
  readonly tight: boolean;
  /** The disk is full: gives the room back. `inVain`: also right after it was laid, so it must be smaller. */
  spend(inVain?: boolean): void;
  /** Lays it again if there is room for it and to work in; `freeInFileBytes`: what the store can fill without growing. */
  regain(freeInFileBytes: number): boolean;
}

/** What it is without a declaration, bytes: as much as a WAL may add to the store's file. */
export const DEFAULT_RESERVE_BYTES = 64 * 1024 * 1024;
/** Of a small disk no more than an eighth. */
const MOST_OF_DISK = 8;
/** Less helps nobody: a few commits fill it. */
const LEAST_BYTES = 64 * 1024;
const CHUNK_BYTES = 1024 * 1024;

export const reservePath = (path: string): string => `${path}-reserve`;

/** How large the reserve of a store is now; 0 while it is spent, or where there is none. */
export function reserveBytes(path: string): number {
  return statSync(reservePath(path), { throwIfNoEntry: false })?.size ?? 0;
}

const walBytes = (path: string): number => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;

/** Gives the room back before the store is open; false when there was none to give. */
export function letReserveGo(path: string): boolean {
  if (reserveBytes(path) === 0) return false;
  rmSync(reservePath(path), { force: true });
  return true;
}

/**
 * Lays the reserve of a store that has just been opened for writing; undefined: none is wanted, or this disk takes none.
 * The WAL is taken into the file before it is larger than the reserve: else that could not be done in its room.
 */
export function createReserve(db: Db, path: string, wantedBytes: number): Reserve | undefined {
  const reserve = path === ":memory:" ? undefined : layFirst(path, wantedBytes);
  if (reserve === undefined) return undefined;
  const pages = Math.floor(reserve.bytes / Number(db.pragma("page_size", { simple: true })));
  if (pages < CHECKPOINT_PAGES) db.pragma(`wal_autocheckpoint = ${pages}`);
  return reserve;
}

function layFirst(path: string, wantedBytes: number): (Reserve & { readonly bytes: number }) | undefined {
  const file = reservePath(path);
  const disk = statfsSync(dirname(path));
  const bytes = Math.min(wantedBytes, Math.floor((disk.blocks * disk.bsize) / MOST_OF_DISK));
  if (bytes < LEAST_BYTES) {
    rmSync(file, { force: true });
    return undefined;
  }
  const free = () => {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize;
  };
  const have = reserveBytes(path);
  const room = Math.min(bytes, Math.floor((free() + have) / 2));
  /** Less than `bytes` once a larger one was in the way. */
  let most = bytes;
  let tight = false;
  let spent = have === 0 && room < LEAST_BYTES;
  if (have > bytes) truncateSync(file, bytes);
  // A disk that has room by its own account and takes nothing (a quota, an odd file system): no reserve, as before.
  else if (have < room && !lay(file, room)) return undefined;
  return {
    bytes,
    get spent() {
      return spent;
    },
    get low() {
      return spent && free() < bytes / 2;
    },
    get tight() {
      return tight;
    },
    spend(inVain = false) {
      if (inVain) most = Math.max(LEAST_BYTES, Math.floor(reserveBytes(path) / 2));
      rmSync(file, { force: true });
      spent = true;
      tight = false;
    },
    regain(freeInFileBytes) {
      if (!spent) return true;
      const now = free();
      if (now >= 2 * bytes) most = bytes;
      const size = sizeToLay(most, now, freeInFileBytes, walBytes(path) === 0);
      if (size === 0) return false;
      tight = size < Math.min(bytes, Math.floor(now / 2));
      if (lay(file, size)) spent = false;
      // Else each write would try again in vain for as much.
      else most = Math.floor(most / 2);
      return !spent;
    },
  };
}

/** How large it can be laid again so that there is room to work in besides, bytes; 0: not yet. */
function sizeToLay(wanted: number, free: number, freeInFile: number, walIsEmpty: boolean): number {
  if (free >= wanted / 2 && free + freeInFile >= 2 * wanted) return Math.min(wanted, Math.floor(free / 2));
  // Deleting makes room in the file alone: of the disk others may keep for ever what would be asked of it.
  const quarter = Math.floor(free / 4);
  return walIsEmpty && freeInFile >= 2 * wanted && quarter >= LEAST_BYTES ? quarter : 0;
}

/** Random bytes, since a file system that compresses would keep no room for zeros. All of it, or no file. */
function lay(file: string, bytes: number): boolean {
  const chunk = randomFillSync(Buffer.allocUnsafe(Math.min(bytes, CHUNK_BYTES)));
  try {
    const fd = openSync(file, "w", 0o600);
    try {
      for (let left = bytes; left > 0; ) left -= writeSync(fd, chunk, 0, Math.min(left, chunk.length));
    } finally {
      closeSync(fd);
    }
    return true;
  } catch {
    rmSync(file, { force: true });
    return false;
  }
}
