/**
 * Sends what is told to a collector, beside the work and never in its way: a bounded queue, one request at a time, a few
 * tries. What does not fit or is not taken is dropped and counted.
 */
import type { Clock } from "../core/clock.ts";

/** What a collector said: `later` with a wait where it gave one. */
export type Posted =
  | { readonly kind: "taken"; readonly refused?: number }
  | { readonly kind: "later"; readonly why: string; readonly afterMs?: number }
  | { readonly kind: "refused"; readonly why: string };

export interface ExporterOptions<T> {
  readonly clock: Pick<Clock, "after">;
  readonly post: (items: readonly T[]) => Promise<Posted>;
  readonly onDone: (outcome: "sent" | "dropped", items: number) => void;
  readonly onTrouble: (why: string) => void;
  readonly maxQueue?: number;
  readonly maxBatch?: number;
  readonly everyMs?: number;
}

export interface Exporter<T> {
  add(items: readonly T[]): void;
  /** Sends what is queued, one try for each request; resolves when it is sent or dropped. */
  close(): Promise<void>;
}

const MAX_TRIES = 5;
const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 30_000;

export function createExporter<T>(options: ExporterOptions<T>): Exporter<T> {
  const { clock, post, onDone, onTrouble, maxQueue = 4_096, maxBatch = 512, everyMs = 2_000 } = options;
  let queue: T[] = [];
  let sending: Promise<void> | undefined;
  let cancel: (() => void) | undefined;
  let closing = false;

  function schedule(): void {
    if (closing || sending !== undefined || queue.length === 0) return;
    if (queue.length >= maxBatch) start();
    else cancel ??= clock.after(everyMs, start);
  }

  function start(): void {
    cancel?.();
    cancel = undefined;
    if (sending !== undefined) return;
    const batch = queue.slice(0, maxBatch);
    queue = queue.slice(maxBatch);
    sending = send(batch).finally(() => {
      sending = undefined;
      schedule();
    });
  }

  async function send(batch: readonly T[]): Promise<void> {
    if (batch.length === 0) return;
    for (let attempt = 1; ; attempt++) {
      const posted = await post(batch).catch((): Posted => ({ kind: "refused", why: "the request could not be made" }));
      if (posted.kind === "taken") {
        const { refused = 0 } = posted;
        if (refused > 0) onDone("dropped", Math.min(refused, batch.length));
        if (refused < batch.length) onDone("sent", batch.length - refused);
        return;
      }
      onTrouble(posted.why);
      if (posted.kind === "refused" || attempt >= MAX_TRIES || closing) return onDone("dropped", batch.length);
      const back = Math.min(MAX_WAIT_MS, posted.afterMs ?? FIRST_WAIT_MS * 2 ** (attempt - 1));
      await pause(back);
    }
  }

  let endPause = (): void => {};
  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const stop = clock.after(ms, resolve);
      endPause = () => {
        stop();
        resolve();
      };
    });
  }

  return {
    add(items) {
      const room = closing ? 0 : Math.max(0, maxQueue - queue.length);
      if (items.length > room) onDone("dropped", items.length - room);
      queue.push(...items.slice(0, room));
      schedule();
    },
    async close() {
      closing = true;
      cancel?.();
      endPause();
      await sending;
      while (queue.length > 0) {
        const batch = queue.slice(0, maxBatch);
        queue = queue.slice(maxBatch);
        await send(batch);
      }
    },
  };
}
