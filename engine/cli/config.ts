/** Loads the installation's config the way all commands do: shipped recipes and sinks, its own beside them, the environment. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type ConfigReader, createDiskReader } from "../config/files.ts";
import { loadConfig, readFromDisk } from "../config/load.ts";
import type { Loaded } from "../config/options.ts";
import type { Revision } from "../config/revision.ts";
import { fail } from "../core/errors.ts";
import type { Evaluator } from "../core/expression.ts";
import {
  createRegistry,
  loadSchemeFolder,
  loadSinkFolder,
  pluginFiles,
  type SinkRegistry,
} from "../plugin/registry.ts";
import { watched, watchedScheme } from "../plugin/watched.ts";
import type { Built } from "../reload/reloader.ts";
import { signatureOf } from "../reload/watch.ts";
import { openSqliteReader } from "../store/sqlite.ts";
import type { Cli } from "./context.ts";
import { printDiagnostics } from "./diagnostics.ts";
import { importPlugin } from "./plugin-code.ts";
import { loadShippedSinks } from "./shipped-sinks.ts";
import { createSinkContexts } from "./sink-context.ts";

/** Shipped sinks in code, and the installation's own in `plugins/sinks/` and `plugins/schemes/`. */
export async function loadRegistry(root: string): Promise<SinkRegistry> {
  const shipped = await loadShippedSinks();
  const own = await loadSinkFolder(join(root, "plugins/sinks"), importPlugin);
  const schemes = await loadSchemeFolder(join(root, "plugins/schemes"), importPlugin);
  // In the checkout both are the same folder.
  const known = new Set(shipped.map((sink) => sink.origin));
  const others = own.filter((sink) => !known.has(sink.origin));
  const held = others.map(({ descriptor, origin }) => ({ descriptor: watched(descriptor), origin }));
  const heldSchemes = schemes.map(({ descriptor, origin }) => ({ descriptor: watchedScheme(descriptor), origin }));
  return createRegistry([...shipped, ...held], heldSchemes);
}

/** For the engine, whose connections are opened and whose revision is recorded. */
interface ForServing {
  readonly evaluator: () => Evaluator;
  /** Hears the absolute path of each file and folder that is read, or looked for, before it is. */
  readonly onRead?: (path: string) => void;
}

/** Loads and checks. `texts`: files as they would be, by their path below the root. */
export async function loadInstallation(
  cli: Cli,
  configPath: string,
  serving?: ForServing,
  texts: ReadonlyMap<string, string> = new Map(),
): Promise<Loaded> {
  const root = dirname(configPath);
  const gitCommit = serving === undefined ? undefined : await readGitCommit(root);
  return loadConfig({
    root,
    reader: tellingReader(withTexts(createDiskReader(root), texts), (path) => serving?.onRead?.(join(root, path))),
    readSecretFile(path) {
      serving?.onRead?.(path);
      return readFromDisk(path);
    },
    env: cli.env,
    registry: await loadRegistry(root),
    exists: (path) => existsSync(join(root, path)),
    now: cli.clock.now(),
    ...(gitCommit !== undefined && { gitCommit }),
    ...(serving !== undefined && {
      sinkContext: createSinkContexts({ clock: cli.clock, evaluator: serving.evaluator }),
    }),
  });
}

function withTexts(reader: ConfigReader, texts: ReadonlyMap<string, string>): ConfigReader {
  return {
    list: reader.list,
    read(path) {
      const text = texts.get(path);
      return text === undefined ? reader.read(path) : { ok: true, text };
    },
  };
}

function tellingReader(reader: ConfigReader, tell: (path: string) => void): ConfigReader {
  return {
    list(folder) {
      tell(folder);
      return reader.list(folder);
    },
    read(path) {
      tell(path);
      return reader.read(path);
    },
  };
}

/** Loads for an engine: the first time to start with, then for each reload, with all that a reload has to know. */
export function createBuild(cli: Cli, configPath: string, evaluator: () => Evaluator): () => Promise<Built> {
  const root = dirname(configPath);
  return async () => {
    const read = new Map([[configPath, signatureOf(configPath)]]);
    const onRead = (path: string) => void (read.has(path) || read.set(path, signatureOf(path)));
    const code = codeOf(root);
    // Validators are not kept between loads: used often enough, V8 would spend half a gigabyte on making them faster.
    return { loaded: await loadInstallation(cli, configPath, { evaluator, onRead }), code, read };
  };
}

/** The installation's own plugins in code as one hash: Node keeps modules, so a changed one needs a new process. */
function codeOf(root: string): string {
  const texts = ["plugins/sinks", "plugins/schemes"].flatMap((folder) =>
    pluginFiles(join(root, folder)).map((name) => [folder, name, readFileSync(join(root, folder, name), "utf8")]),
  );
  return createHash("sha256").update(JSON.stringify(texts)).digest("hex");
}

/** The reminder to seed ends with a seed, also one that the config does not name. What the store says is asked only then. */
export async function withoutSeedReminder(loaded: Loaded, storePath: string): Promise<Loaded> {
  if (!loaded.diagnostics.some((one) => one.code === "HK1091") || !existsSync(storePath)) return loaded;
  const seeded = await wasSeeded(storePath);
  return seeded ? { ...loaded, diagnostics: loaded.diagnostics.filter((one) => one.code !== "HK1091") } : loaded;
}

async function wasSeeded(storePath: string): Promise<boolean> {
  try {
    const reader = await openSqliteReader(storePath);
    try {
      return (await reader.seeds()).length > 0;
    } finally {
      await reader.close();
    }
  } catch {
    // `check` is about the config: a store that can not be read only leaves the reminder standing.
    return false;
  }
}

/** The revision for a command that needs one; with errors in the config it prints them and fails. */
export async function loadRevision(cli: Cli, configPath: string): Promise<Revision> {
  const loaded = await loadInstallation(cli, configPath);
  if (loaded.revision !== undefined) return loaded.revision;
  printDiagnostics(cli, cli.err, loaded);
  return fail("HK8019", { count: loaded.diagnostics.filter((one) => one.severity === "error").length });
}

/** The revision if the config has no error: for commands that only read more out of it. */
export async function tryLoadRevision(cli: Cli, configPath: string): Promise<Revision | undefined> {
  return (await loadInstallation(cli, configPath)).revision;
}

const run = promisify(execFile);

/** The commit the config stands at, in a git checkout without changes; a changed one is no commit's content. */
async function readGitCommit(root: string): Promise<string | undefined> {
  const git = async (...args: readonly string[]) =>
    (await run("git", ["-C", root, ...args], { encoding: "utf8", timeout: 5_000 })).stdout.trim();
  try {
    return (await git("status", "--porcelain", "--", ".")) === "" ? await git("rev-parse", "HEAD") : undefined;
  } catch {
    return undefined;
  }
}
