/**
 * The interpreter at arm's length: a process of its own, started when the first expression needs it. Whatever an
 * expression does there, it ends at most that process; the batch it was about gets a failure, the others go on.
 */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { isSea } from "node:sea";
import { fileURLToPath } from "node:url";
import type { Pool } from "./pool.ts";
import { type BatchWork, CHILD_FLAG, type FromHost, type PoolAnswer } from "./protocol.ts";

export interface IsolateOptions {
  /** The module that serves the batches (host.ts). */
  readonly url: URL;
  readonly threads: number;
  /** Processor time one batch may take, ms. */
  readonly deadlineMs: number;
}

interface Job {
  readonly id: number;
  readonly work: BatchWork;
  readonly settle: (answer: PoolAnswer) => void;
  /** Processes it was in when they ended. */
  deaths: number;
}

/** A batch is tried again once: the process may have ended by what an earlier one left behind in it. */
const maxDeaths = 2;

interface Host {
  readonly child: ChildProcess;
  ready: boolean;
  /** Sent and not answered: at most one a thread, so that a death points at few. */
  readonly under: Map<number, Job>;
}

/** Of the process's own thread, which only passes messages on; the interpreter's have limits of their own (pool.ts). */
const HOST_HEAP_MB = 256;

const stopping: PoolAnswer = { kind: "died", index: 0, problem: "the engine is stopping" };

/** A pool whose threads live in another process. */
export function createIsolatedPool(options: IsolateOptions): Pool {
  const queue: Job[] = [];
  let host: Host | undefined;
  let nextId = 1;
  let closed = false;

  function start(): Host {
    const child = startChild(options.url);
    const started: Host = { child, ready: false, under: new Map() };
    child.on("message", (message: FromHost) => {
      if ("ready" in message) started.ready = true;
      else finish(started, message.id, message.answer);
      pump();
    });
    child.on("error", () => lose(started, "it could not be started"));
    child.on("exit", (code, signal) =>
      lose(started, signal === null ? `it ended with ${code}` : `it ended by ${signal}`),
    );
    child.send({ start: { threads: options.threads, deadlineMs: options.deadlineMs } });
    return started;
  }

  function finish(from: Host, id: number, answer: PoolAnswer): void {
    const job = from.under.get(id);
    from.under.delete(id);
    if (from.under.size === 0) hold(from.child, false);
    job?.settle(answer);
    // What was stopped may still be taking memory in there: nobody else is sent into that process.
    if (answer.kind !== "done") retire(from);
  }

  function retire(old: Host): void {
    if (host !== old) return;
    host = undefined;
    queue.unshift(...old.under.values());
    old.child.kill("SIGKILL");
  }

  /** The process is gone. One that never got ready takes the first waiting batch with it, so that failing starts end. */
  function lose(lost: Host, how: string): void {
    if (host !== lost) return;
    host = undefined;
    const problem = `the interpreter's process: ${how}, for want of memory most likely`;
    const lostJobs = [...lost.under.values(), ...(lost.ready ? [] : queue.splice(0, 1))];
    const again = lostJobs.filter((job) => ++job.deaths < maxDeaths);
    queue.unshift(...again);
    for (const job of lostJobs) if (!again.includes(job)) job.settle({ kind: "died", index: 0, problem });
    pump();
  }

  function pump(): void {
    if (queue.length === 0 || closed) return;
    host ??= start();
    // A process that is starting is waited for, and waits keep this one alive.
    hold(host.child, true);
    while (host.ready && host.under.size < options.threads) {
      const job = queue.shift();
      if (job === undefined) return;
      host.under.set(job.id, job);
      host.child.send({ id: job.id, work: job.work });
    }
  }

  return {
    run(work) {
      if (closed) return Promise.resolve(stopping);
      return new Promise((settle) => {
        queue.push({ id: nextId++, work, settle, deaths: 0 });
        pump();
      });
    },
    async close() {
      closed = true;
      const last = host;
      host = undefined;
      for (const job of [...(last?.under.values() ?? []), ...queue.splice(0)]) job.settle(stopping);
      if (last === undefined || last.child.exitCode !== null || last.child.signalCode !== null) return;
      hold(last.child, true);
      const ended = new Promise((resolve) => last.child.once("exit", resolve));
      last.child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Nothing of the environment and nothing of the streams: a crash report there could quote a payload. */
function startChild(url: URL): ChildProcess {
  const options = { env: {}, stdio: ["ignore", "ignore", "ignore", "ipc"], serialization: "advanced" } as const;
  // The single binary runs its own code only; it knows this flag.
  if (isSea()) return spawn(process.execPath, [CHILD_FLAG, url.href], { ...options, stdio: [...options.stdio] });
  return fork(fileURLToPath(url), {
    ...options,
    stdio: [...options.stdio],
    execArgv: [`--max-old-space-size=${HOST_HEAP_MB}`],
  });
}

/** An idle process does not keep this one alive. */
function hold(child: ChildProcess, on: boolean): void {
  if (on) {
    child.ref();
    child.channel?.ref();
  } else {
    child.unref();
    child.channel?.unref();
  }
}
