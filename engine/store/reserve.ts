/**
 * The reserve: a file beside the store that takes room only to give it back when the disk is full.
 *
 * - kept: the file is there and the store writes as it likes.
 * - spent: the disk was full and the file is gone. Nothing new is taken (senders get 503), while in the room that the file
 *   had what was accepted is brought to its end, retention deletes, and the WAL is emptied; the second half of that
 *   room is for deletion alone. The file is laid again once there is room for it and as much again.
 */
import { randomFillSync } from "node:crypto";
import { closeSync, openSync, rmSync, statfsSync, statSync, truncateSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { CHECKPOINT_PAGES, type Db } from "./connection.ts";

export interface Reserve {
  readonly spent: boolean;
  /** Less than half of its room is left. */
  readonly low: boolean;
  /** The disk is full: gives the room back. */
  spend(): void;
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
  let target = Math.min(wantedBytes, Math.floor((disk.blocks * disk.bsize) / MOST_OF_DISK));
  if (target < LEAST_BYTES) {
    rmSync(file, { force: true });
    return undefined;
  }
  const free = () => {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize;
  };
  const have = reserveBytes(path);
  const room = Math.min(target, Math.floor((free() + have) / 2));
  const bytes = target;
  let spent = have === 0 && room < LEAST_BYTES;
  if (have > target) truncateSync(file, target);
  // A disk that has room by its own account and takes nothing (a quota, an odd file system): no reserve, as before.
  else if (have < room && !lay(file, room)) return undefined;
  return {
    bytes,
    get spent() {
      return spent;
    },
    get low() {
      return free() < target / 2;
    },
    spend() {
      rmSync(file, { force: true });
      spent = true;
    },
    regain(freeInFileBytes) {
      if (!spent) return true;
      const now = free();
      if (now < target / 2 || now + freeInFileBytes < 2 * target) return false;
      if (lay(file, Math.min(target, Math.floor(now / 2)))) spent = false;
      // Else each write would try again in vain for as much.
      else target = Math.floor(target / 2);
      return !spent;
    },
  };
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
