/** Talks to the thread of a SQLite file; starts it when it is first needed and again after it has died. */
import { Worker } from "node:worker_threads";
import { type Executor, SqlFailure } from "./executor.ts";
import type { ThreadReply, ThreadRequest } from "./sqlite-thread.ts";

interface Waiting {
  readonly resolve: (reply: ThreadReply) => void;
  readonly reject: (error: Error) => void;
}

type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;

/** An executor over a thread. */
export function createSqliteExecutor(path: string): Executor {
  const line = createLine(path);
  const checked = async (request: WithoutId<ThreadRequest>) => {
    const reply = await line.ask(request);
    if (!reply.result.ok) throw new SqlFailure(reply.result.code, reply.result.message);
    return { values: reply.values ?? [], applied: reply.result.applied };
  };
  return {
    run: async (statements) => void (await checked({ kind: "run", statements })),
    list: async (statement) => (await checked({ kind: "list", statement })).values,
    apply: async (program) => (await checked({ kind: "apply", program })).applied,
    close: () => line.close(),
  };
}

/** Asks a thread and matches its answers; the process may end while nothing is asked. */
function createLine(path: string) {
  const waiting = new Map<number, Waiting>();
  let thread: Worker | undefined;
  let next = 0;
  const start = (): Worker => {
    const started = startThread(path);
    started.on("message", (reply: ThreadReply) => {
      waiting.get(reply.id)?.resolve(reply);
      waiting.delete(reply.id);
      if (waiting.size === 0) started.unref();
    });
    const died = () => {
      // All who wait belong to the thread in use: an older one that ends late has nothing to say.
      if (thread !== started) return;
      thread = undefined;
      for (const { reject } of waiting.values())
        reject(new SqlFailure("SQLITE_THREAD", "the thread of the database ended"));
      waiting.clear();
    };
    return started.on("error", died).on("exit", died);
  };
  const ask = (request: WithoutId<ThreadRequest>): Promise<ThreadReply> =>
    new Promise((resolve, reject) => {
      const id = next++;
      thread ??= start();
      thread.ref();
      waiting.set(id, { resolve, reject });
      thread.postMessage({ ...request, id });
    });
  return {
    ask,
    async close() {
      if (thread === undefined) return;
      const ending = thread;
      const ended = new Promise<void>((resolve) => ending.once("exit", () => resolve()));
      await ask({ kind: "close" }).catch(() => {});
      // The last answer let go of the thread; its end is still to be waited for.
      ending.ref();
      await ended;
    },
  };
}

const startThread = (path: string) =>
  new Worker(new URL("./sqlite-thread.ts", import.meta.url), { workerData: { thread: "hookrail-sql", path } });
