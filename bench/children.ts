/** Child processes of the bench: started with this Node, waited for until they listen, stopped by pid, all of them at the end. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/** A server that listens. */
export interface ServerChild {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  /** From the spawn to the line that says it listens, ms. */
  readonly startMs: number;
  stop(): Promise<void>;
}

export interface ServerStart {
  readonly name: string;
  /** Script and arguments. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 15_000;

/** Starts children in one folder and knows them all. */
export interface Children {
  start(start: ServerStart): Promise<ServerChild>;
  /** Runs a script of the bench to its end; gives what it printed. */
  run(args: readonly string[]): Promise<string>;
  stopAll(): Promise<void>;
}

export function createChildren(folder: string): Children {
  const running = new Set<ChildProcess>();
  // A bench that is interrupted leaves nothing behind.
  process.on("exit", () => {
    for (const child of running) child.kill("SIGKILL");
  });
  let count = 0;

  async function start({ name, args, cwd, env }: ServerStart): Promise<ServerChild> {
    // Output goes to a file, so that the bench itself has no work while it measures.
    const log = join(folder, `${name}-${++count}.log`);
    const began = performance.now();
    const child = spawn(process.execPath, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", openSync(log, "a"), openSync(`${log}.err`, "a")],
    });
    running.add(child);
    child.once("exit", () => running.delete(child));
    const port = await waitForPort(child, log);
    return { name, pid: child.pid ?? 0, port, startMs: performance.now() - began, stop: () => stop(child) };
  }

  return {
    start,
    run: async (args) =>
      (await promisify(execFile)(process.execPath, args, { cwd: folder, maxBuffer: 16 * 1024 * 1024 })).stdout,
    stopAll: async () => void (await Promise.all([...running].map(stop))),
  };
}

async function waitForPort(child: ChildProcess, log: string): Promise<number> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    const port = /"hooks":"https?:\/\/[^"]*:(\d+)"/.exec(readFileSync(log, "utf8"))?.[1];
    if (port !== undefined) return Number(port);
    await sleep(4);
  }
  throw new Error(
    `a server of the bench did not start:\n${readFileSync(log, "utf8")}${readFileSync(`${log}.err`, "utf8")}`,
  );
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const cutOff = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(cutOff);
}
