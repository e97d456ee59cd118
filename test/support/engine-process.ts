/** Starts Hookrail as users do: a process of its own in a folder of its own, on free ports. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { packageRoot } from "../../engine/core/paths.ts";

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Installation {
  readonly root: string;
  /** Runs a command in the folder. */
  hookrail(...args: readonly string[]): Promise<CommandResult>;
  /** Starts the engine, `under` another program if one is given, and waits until it listens. */
  start(under?: readonly string[]): Promise<RunningEngine>;
  /** Ends engines that still run, and removes the folder. */
  remove(): void;
}

export interface RunningEngine {
  readonly hooks: string;
  readonly admin: string;
  readonly child: ChildProcess;
  /** All of stdout so far, line by line. */
  readonly lines: readonly string[];
  /** Everything written to stderr so far. */
  stderr(): string;
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** The program and its first arguments: the checkout's entry point, or a built binary. */
export type Program = readonly [string, ...string[]];

export const checkoutProgram: Program = [process.execPath, join(packageRoot, "engine/hookrail.js")];

export interface InstallationOptions {
  /** With the shipped config and pipelines, on free ports. */
  readonly shipped?: boolean;
  readonly program?: Program;
  /** Files to write into the folder, by relative path. */
  readonly files?: Readonly<Record<string, string>>;
  /** More of the environment the program runs in. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A folder of its own: empty unless the options say otherwise. */
export function createInstallation(options: InstallationOptions = {}): Installation {
  const root = mkdtempSync(join(tmpdir(), "hookrail-e2e-"));
  const program = options.program ?? checkoutProgram;
  for (const [name, text] of Object.entries(options.files ?? {})) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  if (options.shipped === true) {
    for (const name of ["config.yaml", "sample.env", "pipelines"])
      cpSync(join(packageRoot, name), join(root, name), { recursive: true });
    useFreePorts(root);
  }
  // Nothing of this machine's environment: what is not in the folder is not there. Only compiled code is shared, where
  // Node keeps it by itself: each folder would else compile all of it anew.
  const env = {
    HOME: root,
    TMPDIR: root,
    PATH: "/usr/bin:/bin",
    NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache"),
    ...options.env,
  };
  const [command, ...first] = program;
  const engines: RunningEngine[] = [];
  return {
    root,
    hookrail: (...args) =>
      new Promise((resolve) => {
        execFile(
          command,
          [...first, ...args],
          { cwd: root, env, encoding: "utf8", timeout: 60_000 },
          (error, stdout, stderr) => {
            resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, stdout, stderr });
          },
        );
      }),
    async start(under = []) {
      const [starter = command, ...rest] = [...under, command, ...first, "run"];
      const engine = await startEngine({ command: starter, args: rest, root, env });
      engines.push(engine);
      return engine;
    },
    remove() {
      // A test that failed half-way leaves no engine behind.
      for (const { child } of engines) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Rewrites the config so that nothing collides with another test. */
export function useFreePorts(root: string): void {
  const path = join(root, "config.yaml");
  writeFileSync(
    path,
    `server: { port: 0 }\nadmin: { port: 0 }\nlimits: { disk_reserve: 0B }\n${readFileSync(path, "utf8")}`,
  );
}

interface Start {
  readonly command: string;
  readonly args: readonly string[];
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
}

async function startEngine({ command, args, root, env }: Start): Promise<RunningEngine> {
  const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once("exit", (code, signal) => resolve({ code, signal })),
  );
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const lines: string[] = [];
  const listening = Promise.withResolvers<{ hooks: string; admin: string }>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    const entry = JSON.parse(line) as Record<string, unknown>;
    if (entry["msg"] === "listening")
      listening.resolve({ hooks: String(entry["hooks"]), admin: String(entry["admin"]) });
  });
  // An engine whose test process is gone would run on.
  const endToo = () => child.kill("SIGKILL");
  process.once("exit", endToo);
  void exited.then(() => process.off("exit", endToo));
  void exited.then(() => listening.reject(new Error(`the engine ended before it listened:\n${stderr}`)));
  const addresses = await listening.promise;
  return {
    ...addresses,
    child,
    lines,
    stderr: () => stderr,
    end(signal) {
      child.kill(signal);
      return exited;
    },
  };
}

export interface ListedEvent {
  readonly id: string;
  readonly type: string;
  readonly outcome: string;
  readonly provider_id: string;
  readonly lag_ms: number | null;
}

/** The newest events, newest first, from the running engine. */
export async function listEvents(engine: RunningEngine, query = "limit=100"): Promise<readonly ListedEvent[]> {
  const answer = await fetch(`${engine.admin}/api/v1/events?${query}`);
  return ((await answer.json()) as { readonly events: readonly ListedEvent[] }).events;
}

/** Asks again until the answer is what is waited for; fails with the last answer after `timeoutMs`. */
export async function eventually<T>(
  ask: () => Promise<T>,
  done: (answer: T) => boolean,
  timeoutMs = 20_000,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (done(answer)) return answer;
    if (performance.now() > end)
      throw new Error(`not reached in ${timeoutMs} ms; last answer: ${JSON.stringify(answer).slice(0, 2_000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
