/** Holds the senders' signed times against our clock: a clock that drifts is told before its tolerance refuses what is genuine. */
import type { Clock } from "../core/clock.ts";
import type { ClockSkew, Observer } from "./observer.ts";

/** The last requests of a source that count: a few that come late (retries, a busy network) move no median. */
export const SKEW_WINDOW = 20;
/** Far above what a delivery takes, and a fifth of the usual tolerance of five minutes. */
const LIMIT_MS = 60_000;
/** A source that was quiet for longer says nothing about our clock now. */
const RECENT_MS = 3_600_000;

export interface SkewSample {
  readonly source: string;
  /** Receipt minus the signed time, ms; negative: the sender's clock is ahead of ours. */
  readonly skewMs: number;
  /** The smaller of what the recipe allows in the past and in the future, ms. */
  readonly toleranceMs: number;
  /** When it was received, ms since the epoch. */
  readonly at: number;
}

type Lean = -1 | 0 | 1;

interface Seen {
  /** A ring of the last skews. */
  readonly skews: number[];
  next: number;
  lean: Lean;
  at: number;
}

export interface SkewWatch {
  /** What is to be told now. A cause is told once, and again only after it had gone. */
  see(sample: SkewSample): ClockSkew | undefined;
  /** Our clock was set: what was measured by it says nothing any more. */
  forget(): void;
}

export function createSkewWatch(): SkewWatch {
  const seen = new Map<string, Seen>();
  let oursTold: Lean = 0;

  /** Those that can be judged: enough requests, and not long ago. */
  const judged = (at: number) =>
    [...seen].filter(([, one]) => one.skews.length === SKEW_WINDOW && Math.abs(at - one.at) <= RECENT_MS);

  return {
    see({ source, skewMs, toleranceMs, at }) {
      const one = seen.get(source) ?? { skews: [], next: 0, lean: 0, at };
      seen.set(source, one);
      one.skews[one.next] = skewMs;
      one.next = (one.next + 1) % SKEW_WINDOW;
      one.at = at;
      const limitMs = Math.min(LIMIT_MS, toleranceMs / 2);
      // Most requests end here: what is near moves no median away.
      if (one.skews.length < SKEW_WINDOW || (one.lean === 0 && Math.abs(skewMs) <= limitMs)) return undefined;
      const medianMs = medianOf(one.skews);
      const lean = leanOf(medianMs, limitMs, one.lean);
      if (lean === one.lean) return undefined;
      one.lean = lean;
      if (![...seen.values()].some((other) => other.lean === oursTold)) oursTold = 0;
      if (lean === 0) return undefined;
      const all = judged(at);
      const finding = { medianMs, limitMs, requests: SKEW_WINDOW };
      if (all.length < 2 || all.some(([, other]) => other.lean !== lean))
        return { ...finding, cause: "one_source", sources: [source] };
      if (oursTold === lean) return undefined;
      oursTold = lean;
      return { ...finding, cause: "all_sources", sources: all.map(([name]) => name).sort() };
    },
    forget() {
      seen.clear();
      oursTold = 0;
    },
  };
}

/** The median, ms; of an even number the mean of the two in the middle. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] as number) + (sorted[Math.floor(half)] as number)) / 2;
}

/** It ends at half of where it began, so that what lies at the limit is not told again and again. */
function leanOf(medianMs: number, limitMs: number, was: Lean): Lean {
  const side = Math.sign(medianMs) as Lean;
  if (Math.abs(medianMs) > limitMs) return side;
  return side === was && Math.abs(medianMs) > limitMs / 2 ? was : 0;
}

/**
 * Passes every fact on, and adds `clockSkewed`. Only requests that brought something new count: one that is sent again
 * may carry the time it was first signed.
 */
export function withSkewWatch(to: Observer, clock: Pick<Clock, "now">): Observer {
  const watch = createSkewWatch();
  return {
    ...to,
    ingested(fact) {
      to.ingested(fact);
      const { source, signedTime } = fact;
      if (source === undefined || signedTime === undefined || fact.kinds?.includes("new") !== true) return;
      const finding = watch.see({ source, ...signedTime, at: clock.now() });
      if (finding !== undefined) to.clockSkewed?.(finding);
    },
    clockJumped(fact) {
      watch.forget();
      to.clockJumped?.(fact);
    },
  };
}
