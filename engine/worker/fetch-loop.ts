/** Makes the GETs that are due over one connection: bounded like its deliveries, one at a time for each path. */
import type { Clock } from "../core/clock.ts";
import { attemptFetch, type FetchDeps } from "../flow/fetch.ts";
import type { OpenSink } from "../plugin/index.ts";
import type { FetchTask, Store } from "../store/store.ts";
import type { DeliverLoop } from "./deliver-loop.ts";
import type { Link } from "./link.ts";
import { createOpenWork } from "./open-work.ts";
import { storeRetryMs } from "./passing.ts";

export interface FetchLoopOptions {
  /** Its name. */
  readonly connection: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly isPaused: () => boolean;
  /** Asked anew at each look. `undefined`: it is no longer declared. */
  readonly link: () => Link | undefined;
  readonly deps: (link: Link, sink: OpenSink) => FetchDeps;
  /** Work that can go on. */
  readonly onReady: (seqs: readonly number[]) => void;
  /** A slot has become free or a pause has begun: look again. */
  readonly onProgress: () => void;
}

/** After a connection could not be opened. */
const openRetryMs = 5_000;

export function createFetchLoop(options: FetchLoopOptions): DeliverLoop {
  const { connection, store, clock } = options;
  /** Requests under way. Two at once of one path could end in the wrong order. */
  const busy = new Set<string>();
  const open = createOpenWork();
  let heldBackUntil = 0;
  let lastLink: Link | undefined;
  let starting = false;

  async function startDue(): Promise<number> {
    if (starting || options.isPaused()) return 0;
    const link = options.link();
    if (link === undefined) return 0;
    if (link !== lastLink) heldBackUntil = 0;
    lastLink = link;
    starting = true;
    try {
      const limit = link.connection.concurrency - busy.size;
      if (limit <= 0 || clock.now() < heldBackUntil) return 0;
      const [first] = await store.dueFetches(connection, clock.now(), { limit: 1, busy });
      if (first === undefined) return 0;
      const sink = await link.sink();
      if (sink === undefined) {
        heldBackUntil = clock.now() + openRetryMs;
        return 0;
      }
      const due = await store.dueFetches(connection, clock.now(), { limit, busy });
      if (options.link() !== link || options.isPaused()) return 0;
      let started = 0;
      for (const task of due) {
        const permit = link.gate.tryAcquire();
        if (!permit.ok) {
          heldBackUntil = permit.retryAt;
          break;
        }
        start(task, link, options.deps(link, sink));
        started++;
      }
      return started;
    } finally {
      starting = false;
    }
  }

  function start(task: FetchTask, link: Link, deps: FetchDeps): void {
    busy.add(task.request);
    const ended = link.use();
    open.track(
      (async () => {
        try {
          const { ready, ...result } = await attemptFetch(task, deps);
          link.gate.report(result);
          if (ready.length > 0) options.onReady(ready);
        } catch (error) {
          // The store could not promise: the turns wait as before, and are due again.
          deps.apply.observer.fault({ where: `fetch over ${connection}`, error });
          link.gate.report({ outcome: "superseded" });
          heldBackUntil = clock.now() + storeRetryMs;
        } finally {
          busy.delete(task.request);
          ended();
          options.onProgress();
        }
      })(),
    );
  }

  return {
    connection,
    startDue,
    async nextAt() {
      if (options.isPaused() || options.link() === undefined) return undefined;
      const due = await store.nextFetch(connection, busy);
      return due === undefined ? undefined : Math.max(due, heldBackUntil);
    },
    idle: () => open.idle(),
  };
}
