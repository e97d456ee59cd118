/** Watches the files of a config: atomic saves, files that come and go, and links swapped under a folder as Kubernetes does. */
import { statSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { watch } from "chokidar";
import type { Clock } from "../core/clock.ts";

export interface ConfigWatch {
  /** All that was read or looked for; what lies elsewhere than in the known folders is watched too. */
  readonly update: (read: ReadFiles) => void;
  readonly close: () => Promise<void>;
}

/** Absolute path -> how it stood just before it was read. */
export type ReadFiles = ReadonlyMap<string, string>;

/** Tells one state of a file or folder from another. */
export function signatureOf(path: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return "absent";
  }
}

export interface ConfigWatchOptions {
  /** Folder of `config.yaml`, absolute. */
  readonly root: string;
  readonly clock: Clock;
  /** Files have changed, and then nothing more for a moment. */
  readonly onChange: () => void;
  /** The system watches no more, or no further files. */
  readonly onFault: (error: unknown) => void;
  /** Default: 200 ms, so that a save of several files is one change. */
  readonly settleMs?: number;
}

/** What is looked for in the folder without having been read: the language's own places. */
const PLACES: ReadonlySet<string> = new Set(["config.yaml", "pipelines", "plugins"]);

export function watchConfig({ root, clock, onChange, onFault, settleMs = 200 }: ConfigWatchOptions): ConfigWatch {
  let extra: ReadonlySet<string> = new Set();
  let latest: ReadFiles = new Map();
  let watched = "";
  let cancel = (): void => {};
  let watcher: ReturnType<typeof watch> | undefined;
  let closing: Promise<unknown> = Promise.resolve();
  let closed = false;

  /** Links such as `..data`, which Kubernetes swaps to change all files of a mounted folder at once. */
  const isSwapLink = (path: string): boolean => basename(path).startsWith("..");

  function concerns(path: string): boolean {
    if (path === root || isSwapLink(path)) return true;
    const [first = ""] = relative(root, path).split(sep);
    if (PLACES.has(first)) return !path.split(sep).includes("node_modules");
    for (const file of extra) if (file === path || file.startsWith(path + sep)) return true;
    return false;
  }

  function changed(): void {
    cancel();
    cancel = clock.after(settleMs, onChange);
  }

  function start(): void {
    const folders = new Set([root, ...[...extra].map((file) => dirname(file))]);
    watcher = watch([...folders], { ignoreInitial: true, ignored: (path) => !concerns(path) });
    watcher.on("all", changed);
    watcher.on("error", onFault);
    // What changed between the reading and now, nobody was told of.
    watcher.on("ready", () => {
      for (const [path, signature] of latest) if (signatureOf(path) !== signature) return changed();
    });
  }

  return {
    update(read) {
      latest = read;
      const known = [...PLACES].map((place) => join(root, place));
      const elsewhere = [...read.keys()].filter(
        (path) => !known.some((place) => path === place || path.startsWith(place + sep)),
      );
      const next = elsewhere.sort().join("\n");
      if (closed || (watcher !== undefined && next === watched)) return;
      watched = next;
      extra = new Set(elsewhere);
      closing = Promise.all([closing, watcher?.close()]);
      start();
    },
    async close() {
      closed = true;
      cancel();
      await Promise.all([closing, watcher?.close()]);
    },
  };
}
