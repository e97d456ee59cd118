/** Runs the engine under strace: to kill it at an exact syscall, or to read in which order it wrote, synced and answered. */
import { spawnSync } from "node:child_process";

/** Whether strace is there and may trace here. */
function usable(): boolean {
  return spawnSync("strace", ["-f", "-qq", "-o", "/dev/null", "true"], { stdio: "ignore" }).status === 0;
}

/**
 * True: run the test. False: there is no strace here, so skip it visibly. In CI nothing is skipped: it fails and
 * says what to install.
 */
export function straceHere(): boolean {
  if (usable()) return true;
  if (process.env["CI"] !== undefined)
    throw new Error("these proofs need strace and the right to trace: apt-get install -y strace");
  return false;
}

const COMMON = ["strace", "-f", "-qq", "-e", "signal=none"];

export type KillCall = "pwrite64" | "fsync" | "write";

/** Kills at the entry of the n-th such call that any one thread makes: that call is not made any more. */
export function killAt(call: KillCall, n: number): readonly string[] {
  // Not with --seccomp-bpf, which is faster: strace 6.1 then never injects.
  return [...COMMON, "-o", "/dev/null", "-e", `trace=${call}`, "-e", `inject=${call}:signal=KILL:when=${n}`];
}

/** Fails the n-th such call that any one thread makes. */
export function failAt(call: KillCall, n: number, error: "EIO" | "ENOSPC"): readonly string[] {
  return [...COMMON, "-o", "/dev/null", "-e", `trace=${call}`, "-e", `inject=${call}:error=${error}:when=${n}`];
}

/** Writes the calls that matter to `file`, with whole pages of the WAL. */
export function traceTo(file: string): readonly string[] {
  const calls = "trace=pwrite64,fsync,fdatasync,write,writev,sendto";
  return [...COMMON, "--seccomp-bpf", "-y", "-s", "40000", "-o", file, "-e", calls];
}

export interface Syscall {
  readonly name: string;
  /** Path or kind of the descriptor, as strace shows it. */
  readonly target: string;
  /** The arguments, as strace prints them. */
  readonly text: string;
  /** When it began and when it had ended, as line numbers of the trace. */
  readonly began: number;
  readonly ended: number;
  readonly failed: boolean;
}

const WHOLE = /^(\d+) +(\w+)\(\d+<(.*?)>(.*)\) += (-?\d+)/s;
const BEGUN = /^(\d+) +(\w+)\(\d+<(.*?)>(.*?) <unfinished \.\.\.>$/s;
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>.*\) += (-?\d+)/s;

/** The calls of a trace by the time they ended; lines of several threads lie between each other. */
export function readTrace(trace: string): Syscall[] {
  const open = new Map<string, Omit<Syscall, "ended" | "failed">>();
  const calls: Syscall[] = [];
  for (const [line, raw] of trace.split("\n").entries()) {
    const whole = WHOLE.exec(raw);
    const begun = BEGUN.exec(raw);
    const resumed = RESUMED.exec(raw);
    if (begun !== null) {
      const [, thread = "", name = "", target = "", text = ""] = begun;
      open.set(thread, { name, target, text, began: line });
    } else if (resumed !== null) {
      const [, thread = "", , result] = resumed;
      const call = open.get(thread);
      if (call !== undefined) calls.push({ ...call, ended: line, failed: Number(result) < 0 });
      open.delete(thread);
    } else if (whole !== null) {
      const [, , name = "", target = "", text = "", result] = whole;
      calls.push({ name, target, text, began: line, ended: line, failed: Number(result) < 0 });
    }
  }
  return calls;
}

/**
 * Holds every write of headers and body to a socket for `ms` after it was made and before the caller learns of it, and
 * writes the calls to `file`: whoever gets the bytes has that long to kill the writer between the two.
 */
export function holdRequests(file: string, ms: number): readonly string[] {
  const calls = "writev,sendmsg";
  const held = `inject=${calls}:delay_exit=${ms * 1_000}`;
  return [...COMMON, "-yy", "-s", "300", "-o", file, "-e", `trace=${calls}`, "-e", held];
}
