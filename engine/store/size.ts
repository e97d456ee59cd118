/** How large the store is, and how much room the disk below it has. */
import { statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Db } from "./connection.ts";
import type { StoreSize } from "./readings.ts";
import { reserveBytes } from "./reserve.ts";

/** Makes `size`; of a store in memory only the pages count. */
export function createSize(db: Db, path: string): () => Promise<StoreSize> {
  const number = (name: string) => Number(db.pragma(name, { simple: true }));
  return async () => {
    const pageBytes = number("page_size");
    return {
      bytes: number("page_count") * pageBytes,
      freeBytes: number("freelist_count") * pageBytes,
      walBytes: fileBytes(`${path}-wal`),
      reserveBytes: reserveBytes(path),
      ...diskOf(path),
    };
  };
}

function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function diskOf(path: string): Pick<StoreSize, "diskFreeBytes"> {
  if (path === ":memory:") return {};
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return { diskFreeBytes: bavail * bsize };
  } catch {
    return {};
  }
}
