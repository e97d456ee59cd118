/** Where the engine takes commands: a unix socket beside the store, which only its owner can open. */
import { hash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fail, HookrailError } from "../core/errors.ts";
import type { Listener } from "./server.ts";

/** `sun_path` holds 104 bytes on macOS and 108 on Linux, the closing NUL included. */
const MAX_PATH_BYTES = 100;

export interface SocketPlace {
  readonly platform: string;
  readonly tmpdir: string;
  readonly uid: number;
}

/**
 * The socket of the store at this absolute path. A path that is too long for a socket gives one in a folder of the
 * user's own under the temporary folder, named by a hash of the store's path; Windows has named pipes instead.
 */
export function adminSocketPath(storePath: string, place: SocketPlace): string {
  const name = hash("sha256", storePath, "hex").slice(0, 16);
  if (place.platform === "win32") return `\\\\.\\pipe\\hookrail-${name}`;
  const beside = `${storePath}.sock`;
  return Buffer.byteLength(beside) <= MAX_PATH_BYTES
    ? beside
    : join(place.tmpdir, `hookrail-${place.uid}`, `${name}.sock`);
}

/** Binds the socket with mode 0600. The caller holds the store's lock, so a socket that is there already is a dead engine's. */
export async function listenOnSocket(listener: Listener, path: string, place: SocketPlace): Promise<void> {
  if (place.platform === "win32") {
    await listener.listen({ socketPath: path });
    return;
  }
  try {
    if (path.startsWith(join(place.tmpdir, `hookrail-${place.uid}`)))
      ownFolder(join(place.tmpdir, `hookrail-${place.uid}`), place.uid);
    rmSync(path, { force: true });
    // Node binds within the call, so no other file is made under this mask.
    const mask = process.umask(0o177);
    const bound = listener.listen({ socketPath: path });
    process.umask(mask);
    await bound;
    chmodSync(path, 0o600);
  } catch (error) {
    if (error instanceof HookrailError && error.code === "HK8012") throw error;
    const cause =
      error instanceof HookrailError
        ? String(error.data["problem"])
        : error instanceof Error && "code" in error
          ? String(error.code)
          : "it can not be bound";
    fail("HK8012", { path, cause }, { cause: error });
  }
}

/** A folder in a place others can write to counts only if it is ours alone. */
function ownFolder(folder: string, uid: number): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o077) !== 0)
    fail("HK8012", { path: folder, cause: "the folder is not this user's alone" });
}
