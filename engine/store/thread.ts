/** The writer in a thread of its own: fsync and checkpoints never hold up the event loop. Both ends of the wire are here. */
import { type MessagePort, Worker } from "node:worker_threads";
import { HookrailError } from "../core/errors.ts";
import { openConnection } from "./connection.ts";
import { createGroupRunner } from "./group.ts";
import { createHandlers } from "./handlers.ts";
import { createReserve } from "./reserve.ts";
import { type PackedGroup, packGroup, packOutcomes, unpackGroup, unpackOutcomes } from "./wire.ts";
import type { WriterTransport } from "./writer.ts";

/** What the thread is started with; plain data. */
export interface WriterStart {
  readonly path: string;
  readonly nativeBinding?: string | undefined;
  readonly busyTimeoutMs: number;
  readonly maxPages?: number | undefined;
  /** 0: no reserve. */
  readonly reserveBytes: number;
}

type Reply = { readonly kind: "ready" } | { readonly kind: "done"; readonly outcomes: string };

/** The thread's end. The file has been checked and migrated by then. */
export function serveWriter(port: MessagePort, start: WriterStart): void {
  const db = openConnection({ ...start, mode: "write" });
  const run = createGroupRunner(
    db,
    createHandlers(db),
    start.busyTimeoutMs,
    createReserve(db, start.path, start.reserveBytes),
  );
  const reply = (message: Reply) => port.postMessage(message);
  port.on("message", (group: PackedGroup | "close") => {
    if (group !== "close") {
      reply({ kind: "done", outcomes: packOutcomes(run(unpackGroup(group))) });
      return;
    }
    db.close();
    port.close();
  });
  reply({ kind: "ready" });
}

/** The engine's end; resolves once the thread has the file open. */
export async function startWriterThread(entry: URL | (() => Worker), start: WriterStart): Promise<WriterTransport> {
  const worker = entry instanceof URL ? new Worker(entry, { workerData: start }) : entry();
  let ended: HookrailError | undefined;
  // Answers come in the order of the questions; the first one says that the file is open.
  const ready = Promise.withResolvers<Reply>();
  const waiting: PromiseWithResolvers<Reply>[] = [ready];
  const end = (reason: string, cause?: unknown) => {
    ended ??= new HookrailError("HK4010", { reason }, { cause });
    for (const one of waiting.splice(0)) one.reject(ended);
  };
  worker.on("message", (message: Reply) => waiting.shift()?.resolve(message));
  worker.on("error", (error) => end("the writer failed", error));
  const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  void exited.then(() => end("the writer ended"));
  await ready.promise;
  return {
    async run(group) {
      if (ended !== undefined) throw ended;
      const packed = packGroup(group);
      worker.postMessage(packed, [packed.bodies]);
      const asked = Promise.withResolvers<Reply>();
      waiting.push(asked);
      const answer = await asked.promise;
      if (answer.kind !== "done")
        throw new HookrailError("HK9001", { what: "reply of the writer", value: answer.kind });
      return unpackOutcomes(answer.outcomes);
    },
    async close() {
      if (ended === undefined) worker.postMessage("close");
      await exited;
    },
  };
}
