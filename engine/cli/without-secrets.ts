/** `--without-secrets`: the config as it is, where the values of its references are not set and are not wanted. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { createDiskReader } from "../config/files.ts";
import type { Revision } from "../config/revision.ts";
import { fail } from "../core/errors.ts";
import type { Cli } from "./context.ts";
import { printDiagnostics } from "./diagnostics.ts";
import { type LoadedSide, loadSide } from "./plan-load.ts";

/** Says on stderr which values are stood in for: what is checked does not depend on them, and `run` needs them. */
export async function loadWithoutSecrets(cli: Cli, configPath: string): Promise<LoadedSide> {
  const root = dirname(configPath);
  const loaded = await loadSide(cli, {
    label: "config.yaml",
    root,
    reader: createDiskReader(root),
    exists: (path) => existsSync(join(root, path)),
  });
  const { standIns = [] } = loaded;
  if (standIns.length > 0) cli.err.write(`not set here, and stood in for: ${standIns.join(", ")}\n`);
  return loaded;
}

/** The revision; with errors in the config it prints them and fails. */
export async function revisionWithoutSecrets(cli: Cli, configPath: string): Promise<Revision> {
  const loaded = await loadWithoutSecrets(cli, configPath);
  if (loaded.revision !== undefined) return loaded.revision;
  printDiagnostics(cli, cli.err, loaded);
  return fail("HK8019", { count: loaded.diagnostics.filter((one) => one.severity === "error").length });
}
