/** Takes out of the store what `retention:` lets go, and dedupe keys whose window has ended. A chunk at a time. */
import type { Revision } from "../config/revision.ts";
import type { Clock } from "../core/clock.ts";
import { HookrailError } from "../core/errors.ts";
import type { Observer } from "../flow/observer.ts";
import type { PurgeRequest, Store } from "../store/store.ts";

export interface RetentionOptions {
  readonly store: Pick<Store, "purge" | "whenFull">;
  readonly clock: Clock;
  readonly observer: Observer;
  /** How long things are kept; asked anew for each round. */
  readonly terms: () => Revision["retention"];
}

const everyMs = 10 * 60_000;
/** Small, so that no commit of an event waits long behind one. */
const chunkRows = 200;
const betweenChunksMs = 20;
/** On a full disk there may be no room in the WAL for what many rows change. */
const fewerRows = (rows: number): number => Math.max(1, Math.floor(rows / 4));
/** How soon after a round another one, while the disk is full: what is done meanwhile may go with the next. */
const whileFullMs = 1_000;

/** Up to when things go; what has no term is kept for ever. */
export function purgeBefore(terms: Revision["retention"], now: number): Omit<PurgeRequest, "now" | "limit"> {
  return {
    bodiesBefore: now - terms.bodiesMs,
    eventsBefore: now - Math.max(terms.eventsMs, terms.bodiesMs),
    deadLettersBefore: now - terms.deadLettersMs,
    ...(terms.historyMs === undefined ? {} : { historyBefore: now - terms.historyMs }),
    ...(terms.auditMs === undefined ? {} : { auditBefore: now - terms.auditMs }),
  };
}

/** Starts the rounds; returns what ends them. */
export function startRetention({ store, clock, observer, terms }: RetentionOptions): () => void {
  let cancel = (): void => {};
  let ended = false;
  let under = false;
  let rows = chunkRows;
  let endedAt = Number.NEGATIVE_INFINITY;
  const again = (ms: number): void => {
    under = ms === betweenChunksMs;
    endedAt = clock.monotonic();
    if (!ended) cancel = clock.after(ms, round);
  };
  function round(): void {
    under = true;
    const now = clock.now();
    store.purge({ ...purgeBefore(terms(), now), now, limit: rows }).then(
      ({ more }) => {
        rows = Math.min(chunkRows, rows * 2);
        again(more ? betweenChunksMs : everyMs);
      },
      (error: unknown) => {
        if (rows > 1 && error instanceof HookrailError && error.code === "HK4008") {
          rows = fewerRows(rows);
          return again(betweenChunksMs);
        }
        observer.fault({ where: "retention", error });
        again(everyMs);
      },
    );
  }
  cancel = clock.after(everyMs, round);
  store.whenFull?.(() => {
    if (ended || under || clock.monotonic() - endedAt < whileFullMs) return;
    cancel();
    round();
  });
  return () => {
    ended = true;
    cancel();
  };
}
