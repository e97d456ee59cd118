/**
 * The parts of the single binary that have to be files: the code of worker threads and better-sqlite3's addon. They
 * are written once to a folder that is this user's alone, named by their content. Only the bundle imports this file.
 */
import { existsSync, lstatSync, mkdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getAsset, getRawAsset } from "node:sea";
import { pathToFileURL } from "node:url";
import { fail } from "../core/errors.ts";

/** Asset that lists the parts: their common content hash and, by name, their size in bytes. */
export const PARTS_LIST = "parts.json";

interface PartsList {
  readonly hash: string;
  readonly parts: Readonly<Record<string, number>>;
}

/** The file of a part, written if it is not there yet. */
export function partPath(name: string): string {
  const { hash, parts } = JSON.parse(getAsset(PARTS_LIST, "utf8")) as PartsList;
  const folder = ownFolder(hash);
  const path = join(folder, name);
  // A file of the right size in a folder only we can write to is the one we wrote: renames are whole or not at all.
  if (existsSync(path) && statSync(path).size === parts[name]) return path;
  const fresh = `${path}.${process.pid}.${Math.trunc(performance.now() * 1000)}`;
  writeFileSync(fresh, Buffer.from(getRawAsset(name)), { mode: 0o700 });
  renameSync(fresh, path);
  return path;
}

/** The same as a URL, for `new Worker`. */
export function partUrl(name: string): URL {
  return pathToFileURL(partPath(name));
}

/** better-sqlite3's addon, loaded. */
export function loadAddon(name: string): object {
  const addon = { exports: {} };
  process.dlopen(addon, partPath(name));
  return addon.exports;
}

/** In a place others can write to, a folder counts only if it is ours alone: its files are run. */
function ownFolder(hash: string): string {
  const uid = process.getuid?.();
  const home = join(tmpdir(), `hookrail-${uid ?? "parts"}`);
  const folder = join(home, hash.slice(0, 16));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const path of [home, folder]) {
    const stat = lstatSync(path);
    const ours = stat.isDirectory() && (uid === undefined || (stat.uid === uid && (stat.mode & 0o077) === 0));
    if (!ours) fail("HK8020", { path });
  }
  return folder;
}
