/**
 * Plans that a running engine is asked for, each in a process of its own: whatever a posted config does there, it ends at
 * most that process. It gets no environment, so no secret; it reads one snapshot of the store, at low priority.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { setPriority } from "node:os";
import { isSea } from "node:sea";
import { fileURLToPath } from "node:url";
import { fail } from "../core/errors.ts";
import type { Plans } from "../http/admin-plan.ts";
import { PLAN_POSTED, type PostedAnswer, type PostedRequest, raisePosted } from "./plan-posted.ts";

export interface PlansOptions {
  /** Absolute. */
  readonly root: string;
  readonly storePath: string;
  /** Longer than this none may take. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 60_000;
const HEAP_MB = 1_024;
/** Hooks come first by far; at 19 a plan would starve on a machine that is never idle. */
const NICENESS = 15;
/** What is told is bounded; more is no plan. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

export function createPlans({ root, storePath, deadlineMs = DEADLINE_MS }: PlansOptions): Plans & { close(): void } {
  let running: ChildProcess | undefined;
  return {
    async plan(asked) {
      if (running !== undefined) return fail("HK8124");
      const child = startChild();
      running = child;
      try {
        const answer = await exchange(child, { ...asked, root, storePath }, deadlineMs);
        return answer.ok ? answer.plan : raisePosted(answer);
      } finally {
        running = undefined;
      }
    },
    close: () => void running?.kill("SIGKILL"),
  };
}

function startChild(): ChildProcess {
  const own = isSea() ? [PLAN_POSTED] : [fileURLToPath(new URL("../hookrail.js", import.meta.url)), PLAN_POSTED];
  const child = spawn(process.execPath, own, {
    env: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` },
    // A crash report could quote a payload.
    stdio: ["pipe", "pipe", "ignore"],
  });
  try {
    if (child.pid !== undefined) setPriority(child.pid, NICENESS);
  } catch {
    // Not all systems let it be lowered: it then runs beside the engine as equals.
  }
  return child;
}

function exchange(child: ChildProcess, request: PostedRequest, deadlineMs: number): Promise<PostedAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, deadlineMs);
    child.stdout?.on("data", (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes > MAX_ANSWER_BYTES) child.kill("SIGKILL");
      else chunks.push(chunk);
    });
    // One that ends before it has read all leaves a broken pipe; how it ended says more.
    child.stdin?.on("error", () => {});
    child.on("error", () => {
      clearTimeout(timer);
      reject(failure("it could not be started"));
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (late) return reject(tooLong(deadlineMs));
      const answer = code === 0 ? parse(Buffer.concat(chunks).toString("utf8")) : undefined;
      if (answer === undefined)
        return reject(failure(signal === null ? `it ended with ${code}` : `it ended by ${signal}`));
      resolve(answer);
    });
    child.stdin?.end(JSON.stringify(request));
  });
}

function parse(text: string): PostedAnswer | undefined {
  try {
    const answer: PostedAnswer = JSON.parse(text);
    return answer;
  } catch {
    return undefined;
  }
}

const caught = (raise: () => never): unknown => {
  try {
    return raise();
  } catch (error) {
    return error;
  }
};
const tooLong = (ms: number) => caught(() => fail("HK8126", { seconds: ms / 1_000 }));
const failure = (problem: string) => caught(() => fail("HK8127", { problem }));
