/** Builds the library that sees an engine's disk calls (disk-calls.c), and starts engines under it: to write the calls down, to fail one, to kill at one. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let library: string | undefined;

/**
 * True: run the test. False: this is no Linux with a C compiler, so skip it visibly. In CI nothing is skipped: it
 * fails and says what to install.
 */
export function diskCallsHere(): boolean {
  if (library !== undefined) return true;
  if (process.platform === "linux") {
    const folder = mkdtempSync(join(tmpdir(), "hookrail-disk-calls-"));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    const built = join(folder, "disk-calls.so");
    const source = join(import.meta.dirname, "disk-calls.c");
    const arguments_ = ["-O2", "-shared", "-fPIC", "-o", built, source, "-ldl", "-lpthread"];
    const { status, stderr, error } = spawnSync("cc", arguments_, { encoding: "utf8" });
    if (status === 0) library = built;
    else if (error === undefined) throw new Error(stderr);
  }
  if (library === undefined && process.env["CI"] !== undefined)
    throw new Error("these proofs need Linux and a C compiler: apt-get install -y gcc libc6-dev");
  return library !== undefined;
}

/** A call that changes a file of the store or of the SQL sink, or that sends a 2xx or a request to a sink. */
export type DiskCall = "write" | "sync" | "truncate" | "open" | "unlink" | "answer" | "request";

/** EIO, ENOSPC: it fails. LAST: a sync fails with EIO and is the last thing the engine does. KILL, KILLED: the engine is killed just before it, just after it. */
export type DiskAction = "EIO" | "ENOSPC" | "LAST" | "KILL" | "KILLED";

export interface DiskFault {
  readonly action: DiskAction;
  readonly call: DiskCall;
  /** Name of the file, `*` for any. */
  readonly file: string;
  /** Which of these calls since the engine's start, from 1. */
  readonly n: number;
  /** Absolute path: calls count only once this file is there. */
  readonly from?: string;
}

/** Whether the fault has come to an engine, by what it wrote to stderr. */
export const struck = (stderr: string): boolean => stderr.includes("disk-calls: now");

export interface UnderDiskCalls {
  /** Folder of the installation; what counts are the files in its `data`. */
  readonly root: string;
  /** Where the calls are written down. */
  readonly log?: string;
  readonly fault?: DiskFault;
  /** More environment, as `NAME=value`. */
  readonly env?: readonly string[];
}

/** What to start the engine under. */
export function underDiskCalls({ root, log, fault, env = [] }: UnderDiskCalls): readonly string[] {
  if (!diskCallsHere()) throw new Error("no C compiler");
  const data = join(root, "data");
  mkdirSync(data, { recursive: true });
  return [
    "env",
    `LD_PRELOAD=${library}`,
    `DISK_CALLS_UNDER=${data}`,
    ...(log === undefined ? [] : [`DISK_CALLS_LOG=${log}`]),
    ...(fault === undefined ? [] : [`DISK_CALLS_FAULT=${fault.action} ${fault.call} ${fault.file} ${fault.n}`]),
    ...(fault?.from === undefined ? [] : [`DISK_CALLS_FROM=${fault.from}`]),
    ...env,
  ];
}
