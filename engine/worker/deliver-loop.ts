/** Sends what is due for one connection: bounded concurrency, one in flight per lane (connection, entity), held back by rate, breaker and pause. */
import PQueue from "p-queue";
import type { Clock } from "../core/clock.ts";
import { refKey } from "../core/record.ts";
import type { DeliverDeps } from "../flow/deliver.ts";
import { attemptBatch } from "../flow/deliver-batch.ts";
import type { OpenSink } from "../plugin/index.ts";
import type { DeliveryRecord, Store } from "../store/store.ts";
import { groupDue } from "./batches.ts";
import type { Link } from "./link.ts";
import type { Pace } from "./pace.ts";
import { storeRetryMs } from "./passing.ts";

export interface DeliverLoopOptions {
  /** Its name. */
  readonly connection: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly pace: Pace;
  readonly isPaused: () => boolean;
  /** Asked anew at each look: attempts under way keep the link they began with. `undefined`: it is no longer declared. */
  readonly link: () => Link | undefined;
  readonly deps: (link: Link, sink: OpenSink) => DeliverDeps;
  /** A slot has become free or a pause has begun: look again. */
  readonly onProgress: () => void;
}

export interface DeliverLoop {
  readonly connection: string;
  /** Starts what is due and may go; how many were started. Does not wait for them. */
  startDue(): Promise<number>;
  /** When to look again if nothing else happens, ms since the epoch. */
  nextAt(): Promise<number | undefined>;
  /** Resolves when nothing is in flight. */
  idle(): Promise<void>;
}

/** How many are looked at to find ones that share a request. */
const MOST_IN_A_LOOK = 500;
const nobody = { lanes: new Set<string>(), until: undefined };

/** After a sink could not be opened. */
const sinkRetryMs = 5_000;

export function createDeliverLoop(options: DeliverLoopOptions): DeliverLoop {
  const { connection, store, clock } = options;
  const queue = new PQueue();
  /** Lanes in flight, as `type/key`. */
  const busy = new Set<string>();
  let heldBackUntil = 0;
  /** Lanes whose delivery waits for others to share its request, and until when, as the last look found them. */
  let waiting: { readonly lanes: ReadonlySet<string>; readonly until: number | undefined } = nobody;
  /** What `heldBackUntil` was learnt from: another link may go at once. */
  let lastLink: Link | undefined;
  let starting = false;

  async function startDue(): Promise<number> {
    // One look at a time: two would both see the same delivery as free.
    if (starting || options.isPaused()) return 0;
    const link = options.link();
    if (link === undefined) return 0;
    if (link !== lastLink) {
      lastLink = link;
      heldBackUntil = 0;
      queue.concurrency = link.connection.concurrency;
    }
    starting = true;
    try {
      // Nothing is queued ahead: what waits here would have to be passed over at each look for what is due.
      const room = Math.min(options.pace.slice(), queue.concurrency - queue.size - queue.pending);
      if (room <= 0 || clock.now() < heldBackUntil) return 0;
      const sink = await link.sink();
      if (sink === undefined) {
        heldBackUntil = clock.now() + sinkRetryMs;
        return 0;
      }
      const most = sink.batches === undefined ? room : Math.max(room, MOST_IN_A_LOOK);
      const due = await store.dueDeliveries(connection, clock.now(), most, busy);
      // Replaced or paused meanwhile: the next look is another one's.
      if (options.link() !== link || options.isPaused()) return 0;
      const { groups, waitUntil, ...grouped } = groupDue(due, sink.batches, clock.now());
      waiting = { lanes: grouped.waiting, until: waitUntil };
      let started = 0;
      for (const group of groups.slice(0, room)) {
        const permit = link.gate.tryAcquire();
        if (!permit.ok) {
          heldBackUntil = permit.retryAt;
          break;
        }
        start(group, link, options.deps(link, sink));
        started++;
      }
      return started;
    } finally {
      starting = false;
    }
  }

  function start(group: readonly DeliveryRecord[], link: Link, deps: DeliverDeps): void {
    const lanes = group.map(({ entity }) => refKey(entity));
    const ended = link.use();
    for (const lane of lanes) busy.add(lane);
    void queue.add(async () => {
      try {
        const result = await attemptBatch(group, deps);
        link.gate.report(result);
      } catch (error) {
        // The store could not promise: the deliveries stay as they were and are due again.
        deps.observer.fault({ where: `delivery ${group.map(({ id }) => id).join(", ")}`, error });
        heldBackUntil = clock.now() + storeRetryMs;
      } finally {
        for (const lane of lanes) busy.delete(lane);
        ended();
        options.onProgress();
      }
    });
  }

  return {
    connection,
    startDue,
    async nextAt() {
      if (options.isPaused() || options.link() === undefined) return undefined;
      const due = await store.nextDue(connection, waiting.lanes.size === 0 ? busy : busy.union(waiting.lanes));
      const next = Math.min(due ?? Number.POSITIVE_INFINITY, waiting.until ?? Number.POSITIVE_INFINITY);
      return next === Number.POSITIVE_INFINITY ? undefined : Math.max(next, heldBackUntil);
    },
    idle: () => queue.onIdle(),
  };
}
