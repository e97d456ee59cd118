/** The one source of time. Everything that needs the time takes a `Clock`. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  /** Monotonic milliseconds, for durations. */
  monotonic(): number;
  /** Runs `fn` once after `ms`; returns a function that cancels it. */
  after(ms: number, fn: () => void): () => void;
}

/** The machine's clock. `after` timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fn) {
    // setTimeout counts in 31 bits; a longer wait is cut and the caller looks again.
    const timer = setTimeout(fn, Math.min(ms, 2 ** 31 - 1));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** A clock that stands still until it is moved; due `after` callbacks run in time order as it moves. */
export interface VirtualClock extends Clock {
  /** Moves to an instant (ms since the epoch) and runs what falls due; going back only changes the reading. */
  set(now: number): void;
  advance(ms: number): void;
}

export function createVirtualClock(start: number): VirtualClock {
  let now = start;
  let order = 0;
  let timers: { at: number; order: number; fn: () => void }[] = [];
  const clock: VirtualClock = {
    now: () => now,
    monotonic: () => now - start,
    after(ms, fn) {
      const timer = { at: now + Math.max(0, ms), order: order++, fn };
      timers.push(timer);
      return () => {
        timers = timers.filter((t) => t !== timer);
      };
    },
    set(target) {
      for (;;) {
        const due = timers.filter((t) => t.at <= target).sort((a, b) => a.at - b.at || a.order - b.order)[0];
        if (due === undefined) break;
        timers = timers.filter((t) => t !== due);
        now = Math.max(now, due.at);
        due.fn();
      }
      now = target;
    },
    advance: (ms) => clock.set(now + ms),
  };
  return clock;
}
