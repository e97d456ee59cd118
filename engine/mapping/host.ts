/**
 * The process the interpreter's threads live in. V8 can not always end a thread that takes too much memory: some
 * allocations end the whole process instead. This one may; the engine starts another.
 */
import { createPool } from "./pool.ts";
import type { FromHost, PoolAnswer, ToHost } from "./protocol.ts";

/** Answers what its parent asks over the channel; ends with it. */
function serveHost(): void {
  const say = (message: FromHost): void => void process.send?.(message);
  let pool: ReturnType<typeof createPool> | undefined;
  process.on("message", (message: ToHost) => {
    if ("start" in message) {
      pool = createPool({
        url: new URL("./worker.ts", import.meta.url),
        ...message.start,
        clock: { after: (ms, fn) => cancellable(setTimeout(fn, ms)) },
      });
      say({ ready: true });
      return;
    }
    void pool?.run(message.work).then((answer: PoolAnswer) => say({ id: message.id, answer }));
  });
  process.on("disconnect", () => process.exit());
}

const cancellable = (timer: NodeJS.Timeout) => () => clearTimeout(timer);

if (process.send !== undefined) serveHost();
