/** Reads of the store that take the longer the more waits there: never more than a hundredth of the time is spent on them. */
import type { Clock } from "../core/clock.ts";

/** What took 30 ms is read again after 3 s. */
const REST = 100;
const MAX_REST_MS = 30_000;

/** The same answer again until the read has rested; those who ask while it reads share one read. */
export function readSparingly<T>(read: () => Promise<T>, clock: Pick<Clock, "monotonic">): () => Promise<T> {
  let last: Promise<T> | undefined;
  let restUntil = Number.NEGATIVE_INFINITY;
  return () => {
    const begun = clock.monotonic();
    if (last !== undefined && begun < restUntil) return last;
    restUntil = Number.POSITIVE_INFINITY;
    const reading = read();
    last = reading;
    const rest = (): void => {
      const now = clock.monotonic();
      restUntil = now + Math.min(MAX_REST_MS, (now - begun) * REST);
    };
    reading.then(rest, () => {
      last = undefined;
    });
    return reading;
  };
}
