/** Where an installation lies: the config file, the store and the admin socket. Reads only what it needs for that. */
import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { parse } from "yaml";
import { fail } from "../core/errors.ts";
import { adminSocketPath, type SocketPlace } from "../http/admin-socket.ts";
import type { Cli } from "./context.ts";

export interface Installation {
  /** Absolute. */
  readonly configPath: string;
  /** Folder of the config file. */
  readonly root: string;
  /** Absolute path of the SQLite file. */
  readonly storePath: string;
  readonly socketPath: string;
}

export interface GlobalOptions {
  readonly config?: string;
}

export const DEFAULT_STORE = "sqlite:./data/hookrail.db";

/** Finds the installation without compiling it, so that listings work beside a config that is broken at the moment. */
export function findInstallation(cli: Cli, options: GlobalOptions): Installation {
  const configPath = findConfig(cli, options);
  const root = dirname(configPath);
  const storePath = sqlitePath(storeSetting(readFileSync(configPath, "utf8"), cli.env), root);
  return { configPath, root, storePath, socketPath: adminSocketPath(storePath, socketPlace()) };
}

/** The config file's absolute path; `--config` may name its folder. Fails when there is none. */
export function findConfig(cli: Cli, options: GlobalOptions): string {
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

function storeSetting(text: string, env: Cli["env"]): string {
  let config: unknown;
  try {
    config = parse(text, { logLevel: "silent", maxAliasCount: 10 });
  } catch {
    return DEFAULT_STORE;
  }
  const setting = typeof config === "object" && config !== null && "store" in config ? config.store : undefined;
  const store = typeof setting === "object" && setting !== null && "url" in setting ? setting.url : setting;
  if (typeof store !== "string") return DEFAULT_STORE;
  return store.replace(/\$\{(\w+)\}/g, (whole, name: string) => env[name] ?? whole);
}
