/** The sinks an installation knows: descriptors by name, with the file each came from. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { fail } from "../core/errors.ts";
import type { SinkDescriptor } from "./index.ts";

/** A descriptor and where it was found, for messages. */
export interface FoundSink {
  readonly descriptor: SinkDescriptor;
  /** Path of the file, as shown to people. */
  readonly origin: string;
}

/** Immutable; a reload makes a new one. */
export interface SinkRegistry {
  get(name: string): SinkDescriptor | undefined;
  /** Sorted: the source for "did you mean". */
  names(): readonly string[];
  /** Sorted by name. */
  list(): readonly FoundSink[];
}

const NAME = /^[a-z][a-z0-9_-]*$/;

/** Refuses odd names, descriptors that lack their default action, and two files with one name. */
export function createRegistry(found: readonly FoundSink[]): SinkRegistry {
  const byName = new Map<string, FoundSink>();
  for (const sink of [...found].sort((a, b) => (a.descriptor.name < b.descriptor.name ? -1 : 1))) {
    const { name, actions, defaultAction } = sink.descriptor;
    if (!NAME.test(name)) fail("HK5101", { name, file: sink.origin });
    const other = byName.get(name);
    if (other !== undefined) fail("HK5102", { name, first: other.origin, second: sink.origin });
    if (actions[defaultAction] === undefined && actions["*"] === undefined) {
      fail("HK5103", { name, action: defaultAction, file: sink.origin });
    }
    byName.set(name, sink);
  }
  return Object.freeze({
    get: (name: string) => byName.get(name)?.descriptor,
    names: () => [...byName.keys()],
    list: () => [...byName.values()],
  });
}

/** Imports one plugin file by its URL; a parameter, so that the single binary can bring its own. */
export type ImportPlugin = (url: string) => Promise<unknown>;

/** All `.ts` and `.js` sinks directly in a folder. A folder that is not there holds none. */
export async function loadSinkFolder(folder: string, importPlugin: ImportPlugin): Promise<readonly FoundSink[]> {
  const found: FoundSink[] = [];
  for (const file of pluginFiles(folder)) {
    const path = join(folder, file);
    const exported = await importPlugin(pathToFileURL(path).href);
    found.push({ descriptor: sinkOf(exported, path, file), origin: path });
  }
  return found;
}

function pluginFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /\.(ts|js|mjs)$/.test(name) && !name.endsWith(".d.ts"))
      .sort();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

/** The default export of a plugin file, checked: its name is the file's name. */
function sinkOf(exported: unknown, path: string, file: string): SinkDescriptor {
  const value =
    typeof exported === "object" && exported !== null && "default" in exported ? exported.default : undefined;
  if (!isSink(value)) return fail("HK5104", { file: path });
  if (value.name !== file.replace(/\.\w+$/, "")) return fail("HK5105", { file: path, name: value.name });
  return value;
}

function isSink(value: unknown): value is SinkDescriptor {
  if (typeof value !== "object" || value === null) return false;
  const sink: Partial<Record<keyof SinkDescriptor, unknown>> = value;
  return (
    typeof sink.name === "string" &&
    typeof sink.open === "function" &&
    typeof sink.actions === "object" &&
    typeof sink.config === "object" &&
    typeof sink.defaultAction === "string"
  );
}
