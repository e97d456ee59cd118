/** Holds the wall clock against the monotonic one, so that a jump is told: signed times and windows are judged by the wall clock. */
import type { Clock } from "../core/clock.ts";
import type { Observer } from "../flow/observer.ts";

const everyMs = 10_000;
/** What no slewing by NTP comes to in ten seconds (500 ppm at most, which is 5 ms), and no signature's tolerance minds. */
const MIN_JUMP_MS = 2_000;

/** Starts looking; returns what ends it. Each jump is told once, with its size; negative: the clock was set back. */
export function startClockWatch({
  clock,
  observer,
}: {
  readonly clock: Clock;
  readonly observer: Pick<Observer, "clockJumped">;
}): () => void {
  const offset = () => clock.now() - clock.monotonic();
  let known = offset();
  let cancel = clock.after(everyMs, look);
  function look(): void {
    const found = offset();
    const byMs = Math.round(found - known);
    if (Math.abs(byMs) >= MIN_JUMP_MS) observer.clockJumped?.({ byMs });
    // Slewing adds up to no jump.
    known = found;
    cancel = clock.after(everyMs, look);
  }
  return () => cancel();
}
