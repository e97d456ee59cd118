/**
 * How many requests may wait for the store at one time, found out by how long they wait: a store that commits slowly,
 * or a busy machine, gets a shorter queue, so that what is taken is answered in time and the rest is told at once.
 */

export interface Pressure {
  /** Verified requests that wait for their commit. */
  readonly waiting: number;
  /** No more should be read now. `monotonic`, ms. */
  full(now: number): boolean;
  /** No more may be handed over, though they have been read already. */
  overfull(now: number): boolean;
  /** A request is handed to the store; call what is returned when it has answered. */
  enter(now: number): (now: number) => void;
}

/** Answers that take longer than this make the queue shorter. Senders give up after 3 s (Slack) to 30 s. */
const TARGET_MS = 250;
/** The store has said nothing for as long: whoever came now would wait behind all of it. */
const STALLED_MS = 1_000;
const LEAST = 64;
const MOST = 8_192;
const START = 512;
/** How fast the queue grows again: with each answer in time, as long as the queue is used. */
const STEP = 0.1;
const CUT = 0.8;

/** One for each engine. */
export function createPressure(): Pressure {
  const since = new Set<{ readonly at: number }>();
  let limit = START;
  let cutAt = Number.NEGATIVE_INFINITY;

  /** Commits go in order: the first in the set has waited longest. */
  function stalled(now: number): boolean {
    const [oldest] = since;
    return oldest !== undefined && since.size >= LEAST && now - oldest.at > STALLED_MS;
  }

  return {
    get waiting() {
      return since.size;
    },
    full: (now) => since.size >= limit || stalled(now),
    overfull: (now) => since.size >= 2 * limit || (since.size >= limit && stalled(now)),
    enter(now) {
      const entry = { at: now };
      since.add(entry);
      return (then) => {
        const used = since.size;
        since.delete(entry);
        const waited = then - entry.at;
        if (waited <= TARGET_MS) {
          if (used >= limit / 2) limit = Math.min(MOST, limit + STEP);
        } else if (entry.at >= cutAt) {
          // Those that entered before the cut waited in the longer queue: they are no reason for another.
          limit = Math.max(LEAST, Math.min(limit, used) * CUT);
          cutAt = then;
        }
      };
    },
  };
}
