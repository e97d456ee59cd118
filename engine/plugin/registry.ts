/** The sinks and schemes in code that an installation knows: descriptors by name, with the file each came from. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { fail } from "../core/errors.ts";
import type { SinkDescriptor } from "./index.ts";
import { type SchemeDescriptor, signatureSchemes } from "./scheme.ts";
import { type PluginFile, schemeOf, sinkOf } from "./shapes.ts";

/** A descriptor and where it was found, for messages. */
export interface FoundSink {
  readonly descriptor: SinkDescriptor;
  /** Path of the file, as shown to people. */
  readonly origin: string;
}

/** A signature scheme and where it was found. */
export interface FoundScheme {
  readonly descriptor: SchemeDescriptor;
  readonly origin: string;
}

/** Immutable; a reload makes a new one. */
export interface SinkRegistry {
  get(name: string): SinkDescriptor | undefined;
  /** Sorted: the source for "did you mean". */
  names(): readonly string[];
  /** Sorted by name. */
  list(): readonly FoundSink[];
  /** Signature schemes in code, by name. */
  readonly schemes: ReadonlyMap<string, FoundScheme>;
}

const NAME = /^[a-z][a-z0-9_-]*$/;

/** Refuses odd names, descriptors that lack their default action, and two files with one name. */
export function createRegistry(found: readonly FoundSink[], schemes: readonly FoundScheme[] = []): SinkRegistry {
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
    schemes: schemesByName(schemes),
  });
}

/** A plugin never takes the place of a scheme that is built in: what `hmac` means must not depend on a file. */
const BUILT_IN: ReadonlySet<string> = new Set(signatureSchemes);

function schemesByName(found: readonly FoundScheme[]): ReadonlyMap<string, FoundScheme> {
  const byName = new Map<string, FoundScheme>();
  for (const scheme of found) {
    const { name } = scheme.descriptor;
    const other = BUILT_IN.has(name) ? "Hookrail itself" : byName.get(name)?.origin;
    const problem = NAME.test(name)
      ? other === undefined
        ? undefined
        : `is defined by ${other} already`
      : "is no name: lower-case letters, digits, `_` and `-`, a letter first";
    if (problem !== undefined) fail("HK8109", { name, file: scheme.origin, problem });
    byName.set(name, scheme);
  }
  return byName;
}

/** Imports one plugin file by its URL; a parameter, so that the single binary can bring its own. */
export type ImportPlugin = (url: string) => Promise<unknown>;

/** All `.ts` and `.js` sinks directly in a folder. A folder that is not there holds none. */
export async function loadSinkFolder(folder: string, importPlugin: ImportPlugin): Promise<readonly FoundSink[]> {
  const files = await loadFolder(folder, importPlugin);
  return files.map((file) => ({ descriptor: sinkOf(file), origin: file.path }));
}

/** All signature schemes directly in a folder. A folder that is not there holds none. */
export async function loadSchemeFolder(folder: string, importPlugin: ImportPlugin): Promise<readonly FoundScheme[]> {
  const files = await loadFolder(folder, importPlugin);
  return files.map((file) => ({ descriptor: schemeOf(file), origin: file.path }));
}

async function loadFolder(folder: string, importPlugin: ImportPlugin): Promise<readonly PluginFile[]> {
  const loaded: PluginFile[] = [];
  for (const file of pluginFiles(folder)) {
    const path = join(folder, file);
    loaded.push({ path, name: file.replace(/\.\w+$/, ""), exported: await importOrFail(path, importPlugin) });
  }
  return loaded;
}

async function importOrFail(path: string, importPlugin: ImportPlugin): Promise<unknown> {
  try {
    return await importPlugin(pathToFileURL(path).href);
  } catch (error) {
    const [reason = ""] = String(error).split("\n");
    return fail("HK8105", { file: path, reason: reason.slice(0, 300) });
  }
}

/** Names of the plugin files in code directly in a folder, sorted. */
export function pluginFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /\.(ts|js|mjs)$/.test(name) && !name.endsWith(".d.ts"))
      .sort();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
