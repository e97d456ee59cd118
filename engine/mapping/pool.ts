/**
 * The interpreter's threads: each runs one batch at a time and is killed at the deadline. A thread that was killed
 * or died is replaced; the batch it had gets a failure, the batches behind it do not.
 */
import { Worker } from "node:worker_threads";
import type { Clock } from "../core/clock.ts";
import type { Batch, BatchWork, FromWorker, PoolAnswer } from "./protocol.ts";

export interface PoolOptions {
  readonly url: URL;
  readonly threads: number;
  /**
   * Processor time one batch may take, ms. On a machine that is busy elsewhere the wall clock says nothing of the
   * expression, and killing it would turn a good event into a dead letter; wall time is bounded by `WALL_FACTOR`.
   */
  readonly deadlineMs: number;
  /** For the deadline only. */
  readonly clock: Pick<Clock, "after">;
}

export interface Pool {
  run(work: BatchWork): Promise<PoolAnswer>;
  close(): Promise<void>;
}

interface Job {
  readonly batch: Batch;
  readonly settle: (answer: PoolAnswer) => void;
}

interface Thread {
  readonly worker: Worker;
  /** False until it has loaded the interpreter: the deadline does not count that. */
  ready: boolean;
  job: Job | undefined;
  cancelDeadline: () => void;
}

/** Memory one evaluation may take; the largest payloads are a few MB. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 };

/** Wall time a batch may take, in deadlines. */
export const WALL_FACTOR = 8;

/** Starts threads when they are first needed. */
export function createPool(options: PoolOptions): Pool {
  const threads = new Set<Thread>();
  const queue: Job[] = [];
  let nextId = 1;
  let closed = false;

  const spawn = (): void => {
    const worker = new Worker(options.url, {
      workerData: { timeoutMs: options.deadlineMs * WALL_FACTOR },
      resourceLimits: RESOURCE_LIMITS,
      env: {},
      execArgv: [],
    });
    const thread: Thread = { worker, ready: false, job: undefined, cancelDeadline: () => {} };
    threads.add(thread);
    worker.on("message", (message: FromWorker) => {
      if ("ready" in message) thread.ready = true;
      else if (thread.job?.batch.id === message.id) finish(thread, { kind: "done", outcomes: message.outcomes });
      pump();
    });
    worker.on("error", (error) => lose(thread, error instanceof Error ? error.message : String(error)));
    worker.on("exit", () => lose(thread, "it exited"));
  };

  const finish = (thread: Thread, answer: PoolAnswer): void => {
    const { job } = thread;
    thread.cancelDeadline();
    thread.job = undefined;
    // An idle thread does not keep the process alive.
    thread.worker.unref();
    job?.settle(answer);
  };

  /** The thread is gone. One that never got ready takes the first waiting batch with it, so that failing starts end. */
  const lose = (thread: Thread, problem: string): void => {
    if (!threads.delete(thread)) return;
    const job = thread.job ?? (thread.ready ? undefined : queue.shift());
    thread.job = job;
    finish(thread, { kind: "died", index: job === undefined ? 0 : progressOf(job), problem });
    pump();
  };

  const kill = (thread: Thread, job: Job): void => {
    if (thread.job !== job) return;
    threads.delete(thread);
    finish(thread, { kind: "killed", index: progressOf(job) });
    void thread.worker.terminate();
    if (!closed) spawn();
  };

  /** Waits until the processor time of the batch is used up, or the wall time is. */
  const watch = (thread: Thread, job: Job, wall: { readonly waitMs: number; readonly leftMs: number }): void => {
    const waitMs = Math.min(wall.waitMs, wall.leftMs);
    thread.cancelDeadline = options.clock.after(waitMs, () => void look(thread, job, wall.leftMs - waitMs));
  };

  const look = async (thread: Thread, job: Job, leftMs: number): Promise<void> => {
    // An answer that is already here wins: messages are taken before the immediate runs.
    await new Promise((resume) => setImmediate(resume));
    if (thread.job !== job) return;
    const usedMs = leftMs <= 0 ? undefined : await cpuOf(thread, job);
    if (usedMs === undefined || usedMs >= options.deadlineMs) kill(thread, job);
    else if (thread.job === job) watch(thread, job, { waitMs: Math.max(20, options.deadlineMs - usedMs), leftMs });
  };

  /** Processor time the batch has had, ms; nothing where the thread is too busy to be asked. */
  const cpuOf = (thread: Thread, job: Job): Promise<number | undefined> =>
    new Promise((resolve) => {
      const cancel = options.clock.after(options.deadlineMs, () => resolve(undefined));
      const done = (usedMs: number | undefined) => {
        cancel();
        resolve(usedMs);
      };
      thread.worker.cpuUsage().then(
        (usage) => done((usage.user + usage.system) / 1000 - startCpuMs(job)),
        () => done(undefined),
      );
    });

  const assign = (thread: Thread, job: Job): void => {
    thread.job = job;
    thread.worker.ref();
    watch(thread, job, { waitMs: options.deadlineMs, leftMs: options.deadlineMs * WALL_FACTOR });
    try {
      thread.worker.postMessage(job.batch);
    } catch (error) {
      // Too deep to be copied, though parsing bounds that.
      finish(thread, { kind: "died", index: 0, problem: error instanceof Error ? error.message : String(error) });
    }
  };

  const pump = (): void => {
    while (queue.length > 0 && !closed) {
      const idle = [...threads].find((thread) => thread.ready && thread.job === undefined);
      const job = idle === undefined ? undefined : queue.shift();
      if (idle === undefined || job === undefined) break;
      assign(idle, job);
    }
    const starting = [...threads].filter((thread) => !thread.ready).length;
    if (queue.length > starting && threads.size < options.threads && !closed) spawn();
  };

  return {
    run(work) {
      if (closed) return Promise.resolve({ kind: "died", index: 0, problem: "the engine is stopping" });
      return new Promise((settle) => {
        queue.push({ batch: { ...work, id: nextId++, progress: new SharedArrayBuffer(8) }, settle });
        pump();
      });
    },
    async close() {
      closed = true;
      const stopping = [...threads];
      threads.clear();
      for (const job of [...stopping.flatMap((thread) => thread.job ?? []), ...queue.splice(0)]) {
        job.settle({ kind: "died", index: 0, problem: "the engine is stopping" });
      }
      for (const thread of stopping) thread.cancelDeadline();
      await Promise.all(stopping.map((thread) => thread.worker.terminate()));
    },
  };
}

function startCpuMs(job: Job): number {
  return Atomics.load(new Int32Array(job.batch.progress), 1);
}

function progressOf(job: Job): number {
  return Atomics.load(new Int32Array(job.batch.progress), 0);
}
