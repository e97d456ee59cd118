/** Takes out of the store what `retention:` lets go, and dedupe keys whose window has ended. A chunk at a time. */
import type { Revision } from "../config/revision.ts";
import type { Clock } from "../core/clock.ts";
import type { Observer } from "../flow/observer.ts";
import type { PurgeRequest, Store } from "../store/store.ts";

export interface RetentionOptions {
  readonly store: Pick<Store, "purge">;
  readonly clock: Clock;
  readonly observer: Observer;
  /** How long things are kept; asked anew for each round. */
  readonly terms: () => Revision["retention"];
}

const everyMs = 10 * 60_000;
/** Small, so that no commit of an event waits long behind one. */
const chunkRows = 200;
const betweenChunksMs = 20;

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
  const again = (ms: number): void => {
    if (!ended) cancel = clock.after(ms, round);
  };
  function round(): void {
    const now = clock.now();
    store.purge({ ...purgeBefore(terms(), now), now, limit: chunkRows }).then(
      ({ more }) => again(more ? betweenChunksMs : everyMs),
      (error: unknown) => {
        observer.fault({ where: "retention", error });
        again(everyMs);
      },
    );
  }
  again(everyMs);
  return () => {
    ended = true;
    cancel();
  };
}
