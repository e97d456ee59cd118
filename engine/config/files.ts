/** Reading config files: from a folder on disk that nothing may leave, or from memory (tests, `plan`, git revisions). */
import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join, normalize, posix, resolve, sep } from "node:path";

/** Why a file can not be had. */
export type ReadFailure = "missing" | "outside" | "unreadable";
export type ReadResult =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly failure: ReadFailure; readonly detail?: string };

/** Files by their path relative to the folder of `config.yaml`, with forward slashes. */
export interface ConfigReader {
  read(path: string): ReadResult;
  /** Paths of the files directly in a folder, sorted; none when it is not there. */
  list(folder: string): readonly string[];
}

/** True for a path that stays in the folder by its words alone. */
export function staysInside(path: string): boolean {
  if (path === "" || path.includes("\0") || isAbsolute(path) || /^[A-Za-z]:/.test(path)) return false;
  const clean = posix.normalize(path.replaceAll("\\", "/"));
  return clean !== ".." && !clean.startsWith("../");
}

/** Reads a folder on disk; symbolic links that lead out of it are not followed. */
export function createDiskReader(root: string): ConfigReader {
  const base = resolve(root);
  const locate = (
    path: string,
  ): { readonly ok: true; readonly full: string } | { readonly ok: false; readonly failure: ReadFailure } => {
    if (!staysInside(path)) return { ok: false, failure: "outside" };
    const full = join(base, normalize(path));
    try {
      const real = realpathSync(full);
      const home = realpathSync(base);
      return real === home || real.startsWith(home + sep)
        ? { ok: true, full: real }
        : { ok: false, failure: "outside" };
    } catch {
      return { ok: false, failure: "missing" };
    }
  };
  return {
    read(path) {
      const found = locate(path);
      if (!found.ok) return found;
      try {
        return { ok: true, text: readFileSync(found.full, "utf8") };
      } catch (error) {
        return { ok: false, failure: "unreadable", detail: errorCode(error) };
      }
    },
    list(folder) {
      const found = locate(folder);
      if (!found.ok) return [];
      try {
        return readdirSync(found.full)
          .filter((name) => statSync(join(found.full, name)).isFile())
          .map((name) => posix.join(folder, name))
          .sort();
      } catch {
        return [];
      }
    },
  };
}

/** The system's own word for a failure, e.g. EACCES. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unreadable";
}

/** Serves files from memory. */
export function createMemoryReader(files: Readonly<Record<string, string>>): ConfigReader {
  return {
    read(path) {
      if (!staysInside(path)) return { ok: false, failure: "outside" };
      const text = files[posix.normalize(path)];
      return text === undefined ? { ok: false, failure: "missing" } : { ok: true, text };
    },
    list: (folder) =>
      Object.keys(files)
        .filter((path) => posix.dirname(path) === posix.normalize(folder))
        .sort(),
  };
}

/** Remembers what was read: the content of a revision. */
export function createRecordingReader(
  reader: ConfigReader,
): ConfigReader & { readonly seen: ReadonlyMap<string, string> } {
  const seen = new Map<string, string>();
  return {
    seen,
    list: (folder) => reader.list(folder),
    read(path) {
      const result = reader.read(path);
      if (result.ok) seen.set(posix.normalize(path), result.text);
      return result;
    },
  };
}
