/** Versions: which of two events of one source's clock is later. */
import type { Version } from "../core/types.ts";

/** True when the two can be compared: one source, and the same of its clocks. */
export function isSameClock(a: Version, b: Version): boolean {
  return a.source === b.source && a.clock === b.clock;
}

/**
 * Negative when `a` is older. `undefined` across sources: their clocks say nothing about each other.
 * Equal times (Stripe's clock has whole seconds) fall to the rank of the event types, then to receipt.
 */
export function compareVersions(a: Version, b: Version): number | undefined {
  if (!isSameClock(a, b)) return undefined;
  return a.time - b.time || a.rank - b.rank || a.seq - b.seq;
}

/** True when both are of one clock and `a` is older than `b`. */
export function isOlder(a: Version, b: Version): boolean {
  const order = compareVersions(a, b);
  return order !== undefined && order < 0;
}

/** A version so far ahead of receipt moves nothing: it would make every honest event after it stale. */
export function isFarAhead(version: Version, receivedAt: number, maxAheadMs: number): boolean {
  // A counter says nothing about time.
  if (version.clock?.startsWith("count:") === true) return false;
  return version.time > receivedAt + maxAheadMs;
}
