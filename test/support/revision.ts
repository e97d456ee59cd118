/** Loads real configs for tests: a folder on disk, or files in memory, with the shipped recipes and sinks. */
import { join } from "node:path";
import { type ConfigReader, createDiskReader, createMemoryReader } from "../../engine/config/files.ts";
import { loadConfig } from "../../engine/config/load.ts";
import type { Revision } from "../../engine/config/revision.ts";
import { createLanguage } from "../../engine/config/schema/language.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import { createRegistry, loadSinkFolder } from "../../engine/plugin/registry.ts";

export interface LoadedRevision {
  readonly root: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly reader?: ConfigReader;
  readonly sinkContext?: Parameters<typeof loadConfig>[0]["sinkContext"];
}

// Compiled once for a test file: schemas and sinks do not change between loads.
const language = createLanguage();
const sinks = loadSinkFolder(join(packageRoot, "plugins/sinks"), (url) => import(url));

/** The revision; throws with all faults when there is an error. */
export async function loadRevision(options: LoadedRevision): Promise<Revision> {
  const registry = createRegistry(await sinks);
  const { revision, diagnostics } = loadConfig({
    root: options.root,
    reader: options.reader ?? createDiskReader(options.root),
    env: options.env ?? {},
    registry,
    language,
    ...(options.sinkContext === undefined ? {} : { sinkContext: options.sinkContext }),
  });
  if (revision !== undefined) return revision;
  throw new Error(diagnostics.map((one) => `${one.code} ${one.span.file}:${one.span.line}: ${one.message}`).join("\n"));
}

/** The revision of files in memory. */
export function revisionOf(
  files: Readonly<Record<string, string>>,
  options: Omit<LoadedRevision, "root" | "reader"> = {},
): Promise<Revision> {
  return loadRevision({ root: "/config", reader: createMemoryReader(files), ...options });
}
