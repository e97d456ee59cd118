/** A rate limit over a sliding window: never more than `count` permits in any stretch of `perMs`. */
import type { Rate } from "../core/duration.ts";

/** Mutable; one for each connection. */
export interface RateLimit {
  /** When a permit can be had: `now` or later, ms since the epoch. Takes nothing. */
  nextAt(now: number): number;
  /** Takes a permit; only after `nextAt(now) <= now`. */
  take(now: number): void;
}

/** More permits than this are not remembered one by one: the window is cut into equal parts instead. */
const MAX_REMEMBERED = 4096;

/** Remembers the instants of the last `count` permits. */
export function createRateLimit(rate: Rate): RateLimit {
  const parts = Math.ceil(rate.count / MAX_REMEMBERED);
  const count = Math.floor(rate.count / parts);
  const perMs = rate.perMs / parts;
  const taken = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
  let next = 0;
  return {
    nextAt(now) {
      const oldest = taken[next] ?? Number.NEGATIVE_INFINITY;
      // A clock that was set back must not stop the connection for as long as it was ahead.
      if (oldest > now) taken.fill(Number.NEGATIVE_INFINITY);
      return oldest > now ? now : Math.max(now, Math.ceil(oldest + perMs));
    },
    take(now) {
      taken[next] = now;
      next = (next + 1) % count;
    },
  };
}
