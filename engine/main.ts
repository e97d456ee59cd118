/** The composition root: the only file that reads the process's environment, and hands it on as values. */
import { randomBytes } from "node:crypto";
import { userInfo } from "node:os";
import { isSea } from "node:sea";
import { text as readAll } from "node:stream/consumers";
import type { WriteStream } from "node:tty";
import { type Cli, chooseColors, EXIT, type Output } from "./cli/context.ts";
import { runCli } from "./cli/index.ts";
import { createScreen } from "./cli/screen.ts";
import { readAsset } from "./core/assets.ts";
import { systemClock } from "./core/clock.ts";
import { errorMessage } from "./core/errors.ts";
import { randomIds } from "./core/ids.ts";
import { type FloatingFailure, floatingFailure } from "./plugin/floating.ts";

/** Until a verb has a log. */
let tellPluginFailure = ({ kind, plugin, error, at }: FloatingFailure): void => {
  process.stderr.write(`${errorMessage("HK5440", { kind, plugin })} (${error}${at === undefined ? "" : `, ${at}`})\n`);
};

/** Runs the command line of this process; sets the exit code and lets what is written drain. */
export async function main(): Promise<void> {
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", (error) => {
    const failure = floatingFailure(error);
    if (failure === undefined) crash(error);
    else tellPluginFailure(failure);
  });
  const version = String((JSON.parse(readAsset("package.json")) as { version?: unknown }).version);
  process.exitCode = await runCli(createCli(version), process.argv.slice(2));
}

function createCli(version: string): Cli {
  return {
    name: isSea() ? (process.argv[1] ?? "hookrail") : "npx hookrail",
    version,
    env: process.env,
    cwd: process.cwd(),
    out: createOutput(process.stdout),
    err: createOutput(process.stderr),
    clock: systemClock,
    ids: randomIds,
    randomHex: (bytes) => randomBytes(bytes).toString("hex"),
    user: userName(),
    pid: process.pid,
    onStopSignal(handler) {
      const signals = ["SIGINT", "SIGTERM", ...(process.stdout.isTTY ? ["SIGHUP" as const] : [])] as const;
      for (const signal of signals) process.on(signal, () => handler(signal));
    },
    onReloadSignal(handler) {
      if (!process.stdout.isTTY) process.on("SIGHUP", handler);
    },
    onPluginFailure(handler) {
      tellPluginFailure = handler;
    },
    exit: (code) => process.exit(code),
    readStdin: () => readAll(process.stdin),
    screen: () => createScreen(process.stdin, process.stdout),
    get stdin() {
      return { stream: process.stdin, tty: process.stdin.isTTY === true, screen: process.stdout };
    },
  };
}

/** A reader that has gone (`hookrail events | head`) is no failure: the rest is not written. */
function createOutput(stream: WriteStream): Output {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  const tty = stream.isTTY === true;
  return {
    write: (text) => void stream.write(text),
    tty,
    columns: tty ? stream.columns : 100,
    color: chooseColors(tty, process.env),
  };
}

/** The name that audits show. Containers may have no entry for their user. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? "unknown"}`;
  }
}

/** A fault of our own: says where, not what, since messages of libraries can quote payloads. Work in the store is safe. */
function crash(error: unknown): void {
  const frames =
    error instanceof Error ? (error.stack ?? "").split("\n").filter((line) => line.startsWith("    at ")) : [];
  const name = error instanceof Error ? error.name : typeof error;
  process.stderr.write(
    `hookrail stopped on a fault of its own (${name}); what was accepted is in the store\n${frames.join("\n")}\n`,
  );
  process.exit(EXIT.internal);
}
