/** Where an installation lies: the config file, the store and the admin socket. Reads only what it needs for that. */
import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { parse } from "yaml";
import { parseEnvFile } from "../config/interpolate.ts";
import { fail } from "../core/errors.ts";
import { adminSocketPath, type SocketPlace } from "../http/admin-socket.ts";
import type { Cli } from "./context.ts";
import { findRemote, type Remote, type RemoteOptions } from "./remote.ts";

export interface Installation {
  /** Absolute. */
  readonly configPath: string;
  /** Folder of the config file. */
  readonly root: string;
  /** Absolute path of the SQLite file. */
  readonly storePath: string;
  readonly socketPath: string;
  /** The engine is on another machine: the paths are empty. */
  readonly remote?: Remote;
}

export interface GlobalOptions extends RemoteOptions {
  readonly config?: string;
}

export const DEFAULT_STORE = "sqlite:./data/hookrail.db";

/** For commands that work from elsewhere too: the engine that `--url` names, or the installation here. */
export function findPlace(cli: Cli, options: GlobalOptions): Installation {
  const remote = findRemote(cli, options);
  return remote === undefined
    ? findInstallation(cli, options)
    : { configPath: "", root: "", storePath: "", socketPath: "", remote };
}

/** Finds the installation without compiling it, so that listings work beside a config that is broken at the moment. */
export function findInstallation(cli: Cli, options: GlobalOptions): Installation {
  const configPath = findConfig(cli, options);
  const root = dirname(configPath);
  const storePath = sqlitePath(storeSetting(readFileSync(configPath, "utf8"), { root, env: cli.env }), root);
  return { configPath, root, storePath, socketPath: adminSocketPath(storePath, socketPlace()) };
}

/** The config file's absolute path; `--config` may name its folder. Fails when there is none. */
export function findConfig(cli: Cli, options: GlobalOptions): string {
  if (options.url !== undefined) fail("HK8212");
  const given = options.config ?? "config.yaml";
  const path = resolve(cli.cwd, given);
  const file = basename(path) === "config.yaml" ? path : join(path, "config.yaml");
  if (!existsSync(file)) fail("HK8001", { path: given });
  return file;
}

export function socketPlace(): SocketPlace {
  return { platform: process.platform, tmpdir: tmpdir(), uid: process.getuid?.() ?? 0 };
}

/** `sqlite:./data/hookrail.db` as an absolute path. */
export function sqlitePath(url: string, root: string): string {
  const path = url.replace(/^sqlite:(\/\/)?/, "");
  return isAbsolute(path) ? path : resolve(root, path);
}

interface Surroundings {
  readonly root: string;
  readonly env: Cli["env"];
}

/** `store:` with its references resolved; the default where the file does not say or does not parse. */
function storeSetting(text: string, { root, env }: Surroundings): string {
  const config = parseLeniently(text);
  const setting = member(config, "store");
  const store = typeof setting === "object" ? member(setting, "url") : setting;
  if (typeof store !== "string") return DEFAULT_STORE;
  const envFile = member(config, "env_file");
  const values = typeof envFile === "string" ? readEnvFile(resolve(root, envFile)) : new Map<string, string>();
  return store.replace(/\$\{(\w+)\}/g, (whole, name: string) => env[name] ?? values.get(name) ?? whole);
}

function parseLeniently(text: string): unknown {
  try {
    return parse(text, { logLevel: "silent", maxAliasCount: 10 });
  } catch {
    return undefined;
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function readEnvFile(path: string): ReadonlyMap<string, string> {
  return existsSync(path) ? parseEnvFile(readFileSync(path, "utf8")).values : new Map();
}
