/** The clock of a simulation: it moves only when nothing is left to do at its instant, and then to the next timer. */
import type { Clock } from "../../engine/core/clock.ts";

export interface SimClock extends Clock {
  /** When the next timer falls due, ms since the epoch. */
  next(): number | undefined;
  /** Moves to an instant; timers that fall due run in the order of their time, then of their making. */
  moveTo(instant: number): void;
}

interface Timer {
  readonly at: number;
  readonly fn: () => void;
}

export function createSimClock(start: number): SimClock {
  let now = start;
  /** In the order they were made: of equal times the first made runs first. */
  const timers = new Set<Timer>();
  function earliest(): Timer | undefined {
    let found: Timer | undefined;
    for (const timer of timers) if (found === undefined || timer.at < found.at) found = timer;
    return found;
  }
  return {
    now: () => now,
    monotonic: () => now - start,
    after(ms, fn) {
      const timer = { at: now + Math.max(0, ms), fn };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    next: () => earliest()?.at,
    moveTo(instant) {
      for (let timer = earliest(); timer !== undefined && timer.at <= instant; timer = earliest()) {
        timers.delete(timer);
        now = Math.max(now, timer.at);
        timer.fn();
      }
      now = Math.max(now, instant);
    },
  };
}

/** The clock as one life of an engine sees it: what it set dies with it. */
export function mortalClock(clock: Clock, isDead: () => boolean): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms, fn) =>
      clock.after(ms, () => {
        if (!isDead()) fn();
      }),
  };
}
