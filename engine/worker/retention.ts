/** Takes out of the store what retention lets go: bodies, and dedupe keys whose window has ended. A chunk at a time. */
import type { Clock } from "../core/clock.ts";
import type { Observer } from "../flow/observer.ts";
import type { Store } from "../store/store.ts";

export interface RetentionOptions {
  readonly store: Pick<Store, "purge">;
  readonly clock: Clock;
  readonly observer: Observer;
  /** How long bodies are kept, ms; asked anew for each round. */
  readonly bodiesMs: () => number;
}

const everyMs = 10 * 60_000;
/** Small, so that no commit of an event waits long behind one. */
const chunkRows = 200;
const betweenChunksMs = 20;

/** Starts the rounds; returns what ends them. */
export function startRetention({ store, clock, observer, bodiesMs }: RetentionOptions): () => void {
  let cancel = (): void => {};
  let ended = false;
  const again = (ms: number): void => {
    if (!ended) cancel = clock.after(ms, round);
  };
  function round(): void {
    const now = clock.now();
    store.purge({ bodiesBefore: now - bodiesMs(), now, limit: chunkRows }).then(
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
