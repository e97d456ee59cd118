/** The two configs of a plan: from a git revision, a folder, or the store; loaded also where no secret is set, since none is used. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { basename, dirname, join, posix, resolve } from "node:path";
import { parse } from "yaml";
import { type ConfigReader, createDiskReader, createMemoryReader, staysInside } from "../config/files.ts";
import { parseEnvFile } from "../config/interpolate.ts";
import { loadConfig, readFromDisk } from "../config/load.ts";
import type { Loaded, LoadOptions } from "../config/options.ts";
import type { Revision } from "../config/revision.ts";
import { fail } from "../core/errors.ts";
import type { RevisionRecord } from "../store/store.ts";
import { loadRegistry } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { printDiagnostics } from "./diagnostics.ts";

/** One side, before it is loaded. */
export interface PlanSource {
  readonly label: string;
  readonly root: string;
  readonly reader: ConfigReader;
  readonly gitCommit?: string;
  /** It comes from elsewhere: it gets no variable and no file of this machine. */
  readonly sealed?: true;
  /** Looks for a file below the root; absent: nothing is looked for. */
  readonly exists?: (path: string) => boolean;
}

/** `standIns`: names and files of references that have no value here, and what was put in their place holds for nothing else. */
export type LoadedSide = Loaded & { readonly standIns?: readonly string[] };

/** `--against`: `running`, a folder with a config.yaml, or else a git revision. */
export function findAgainst(
  cli: Cli,
  against: string,
  { root, running }: { readonly root: string; readonly running: RevisionRecord | undefined },
): PlanSource {
  if (against === "running") return runningSource(root, running ?? fail("HK8121"));
  const folder = resolve(cli.cwd, against);
  const file = basename(folder) === "config.yaml" ? folder : join(folder, "config.yaml");
  if (existsSync(file)) return { label: against, root: dirname(file), reader: createDiskReader(dirname(file)) };
  return gitSource(root, against);
}

export function runningSource(root: string, { files, gitCommit }: RevisionRecord): PlanSource {
  return {
    label: "running",
    root,
    reader: createMemoryReader(files),
    ...(gitCommit === undefined ? {} : { gitCommit }),
  };
}

const MAX_FILE_BYTES = 64 * 1024 * 1024;

function gitSource(root: string, revision: string): PlanSource {
  const git = (...args: readonly string[]): string => {
    const options = { encoding: "utf8", maxBuffer: MAX_FILE_BYTES, stdio: ["ignore", "pipe", "ignore"] } as const;
    return execFileSync("git", ["-C", root, ...args], { ...options, stdio: [...options.stdio] });
  };
  try {
    const commit = git("rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`).trim();
    const prefix = git("rev-parse", "--show-prefix").trim();
    const tree = readTree(git("ls-tree", "-r", "-z", commit, "--", "."), prefix);
    const reader = treeReader(tree, (object) => git("cat-file", "blob", object));
    return { label: revision, root, gitCommit: commit, reader };
  } catch (error) {
    // Git's own words can name files of this machine; what was asked for is enough.
    return fail("HK8120", { against: revision }, { cause: error });
  }
}

/** `git ls-tree` names paths from the folder it was called in; symbolic links and submodules are no config files. */
function readTree(listing: string, prefix: string): ReadonlyMap<string, string> {
  const entries = listing.split("\0").flatMap((entry): [string, string][] => {
    const match = /^100(?:644|755) blob ([0-9a-f]+)\t(.+)$/s.exec(entry);
    const [, object = "", path = ""] = match ?? [];
    if (match === null) return [];
    return [[path.startsWith(prefix) && prefix !== "" ? path.slice(prefix.length) : path, object]];
  });
  return new Map(entries);
}

function treeReader(tree: ReadonlyMap<string, string>, blob: (object: string) => string): ConfigReader {
  const texts = new Map<string, string>();
  return {
    read(path) {
      if (!staysInside(path)) return { ok: false, failure: "outside" };
      const clean = posix.normalize(path.replaceAll("\\", "/"));
      const object = tree.get(clean);
      if (object === undefined) return { ok: false, failure: "missing" };
      const text = texts.get(clean) ?? blob(object);
      texts.set(clean, text);
      return { ok: true, text };
    },
    list: (folder) => [...tree.keys()].filter((path) => posix.dirname(path) === posix.normalize(folder)).sort(),
  };
}

/** Loads one side. Values that are not set here are stood in for: nothing of a plan depends on them. */
export async function loadSide(cli: Cli, source: PlanSource): Promise<LoadedSide> {
  const { root, sealed = false } = source;
  const reader = withEnvFile(source.reader, sealed ? createMemoryReader({}) : createDiskReader(root));
  const base = { root, reader, registry: await loadRegistry(root), now: cli.clock.now() };
  const options: LoadOptions = {
    ...base,
    ...(source.gitCommit === undefined ? {} : { gitCommit: source.gitCommit }),
    ...(source.exists === undefined ? {} : { exists: source.exists }),
    ...(sealed ? { env: {}, readSecretFile: () => ({ ok: false, reason: "not here" }) } : { env: cli.env }),
  };
  const loaded = loadConfig(options);
  return loaded.revision !== undefined || loaded.unreadable ? loaded : withStandIns(options, loaded);
}

/** The revision, or the exit code after its faults were told. */
export async function loadOrTell(cli: Cli, source: PlanSource): Promise<Revision | number> {
  const loaded = await loadSide(cli, source);
  if (loaded.revision !== undefined) return loaded.revision;
  printDiagnostics(cli, cli.err, loaded);
  if (loaded.unreadable) return EXIT.config;
  const count = loaded.diagnostics.filter((one) => one.severity === "error").length;
  return fail("HK8122", { side: source.label, count });
}

/** An env file belongs to no revision: it is this installation's, or empty. */
function withEnvFile(reader: ConfigReader, disk: ConfigReader): ConfigReader {
  const main = reader.read("config.yaml");
  const path = main.ok ? envFileOf(main.text) : undefined;
  if (path === undefined) return reader;
  return {
    list: reader.list,
    read(asked) {
      const found = reader.read(asked);
      if (asked !== path || found.ok || found.failure !== "missing") return found;
      const own = disk.read(asked);
      return own.ok ? own : { ok: true, text: "" };
    },
  };
}

function envFileOf(text: string): string | undefined {
  try {
    const config: unknown = parse(text, { logLevel: "silent", maxAliasCount: 10 });
    const path: unknown = typeof config === "object" && config !== null ? Reflect.get(config, "env_file") : undefined;
    return typeof path === "string" ? path : undefined;
  } catch {
    return undefined;
  }
}

/** What a reference may have to be: a key in hex or base64, an address, a signing secret, a login, a public key, a number. */
const STAND_INS = [
  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
  "https://plan.invalid/",
  "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
  "plan:plan",
  "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n",
  "0",
] as const;

/** Unset, empty, and a file that can not be read. */
const UNSET = new Set(["HK1020", "HK1023", "HK1025"]);
const REFERENCE = /\$\{([^}]*)\}/g;

/** Tries for each unset reference what it may have to be; gives what was found with no stand-in when nothing fits. */
function withStandIns(options: LoadOptions, first: Loaded): LoadedSide {
  const errors = (loaded: Loaded) => loaded.diagnostics.filter((one) => one.severity === "error");
  if (!errors(first).some((one) => UNSET.has(one.code))) return first;
  const tried = new Map<string, number>();
  const standIn = (name: string): string => {
    if (!tried.has(name)) tried.set(name, 0);
    return STAND_INS[tried.get(name) ?? 0] ?? STAND_INS[0];
  };
  const given = options.readSecretFile ?? readFromDisk;
  const envFile = envFileVariables(options.reader);
  const next: LoadOptions = {
    ...options,
    // What the process does not have the env file may.
    env: new Proxy(options.env, {
      get: (known, name) =>
        typeof name === "string" ? known[name] || (envFile.has(name) ? undefined : standIn(name)) : undefined,
    }),
    readSecretFile(path) {
      const read = given(path);
      return read.ok && read.text.trim() !== "" ? read : { ok: true, text: standIn(`file:${path}`) };
    },
  };
  for (let round = 0; round < STAND_INS.length; round++) {
    const loaded = loadConfig(next);
    const told = { ...loaded, standIns: [...tried.keys()] };
    if (loaded.revision !== undefined) return told;
    let advanced = false;
    for (const name of new Set(errors(loaded).flatMap((one) => namesAt(loaded, one.span)))) {
      const key = [...tried.keys()].find(
        (known) => known === name || (name.startsWith("file:") && known.endsWith(name.slice(5))),
      );
      if (key === undefined) continue;
      tried.set(key, (tried.get(key) ?? 0) + 1);
      advanced = true;
    }
    if (!advanced) return told;
  }
  return first;
}

function envFileVariables(reader: ConfigReader): ReadonlyMap<string, string> {
  const main = reader.read("config.yaml");
  const path = main.ok ? envFileOf(main.text) : undefined;
  const file = path === undefined ? undefined : reader.read(path);
  return file?.ok === true ? parseEnvFile(file.text).values : new Map();
}

function namesAt(loaded: Loaded, span: { readonly file: string; readonly line: number }): string[] {
  const line = loaded.files[span.file]?.split("\n")[span.line - 1] ?? "";
  return [...line.matchAll(REFERENCE)].map(([, name = ""]) => name);
}
