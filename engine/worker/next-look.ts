/** When the engine looks again by itself: at the next instant at which something falls due, and every half minute at least. */
import type { Clock } from "../core/clock.ts";
import { nextTurn } from "./pace.ts";

export interface NextLookDeps {
  readonly clock: Clock;
  /** The earliest instant at which something is due; undefined: nothing is known. */
  readonly nextDue: () => Promise<number | undefined>;
  readonly look: () => void;
  readonly isOn: () => boolean;
}

export interface NextLook {
  /** Something has changed: the next look is planned anew. */
  plan(): void;
  cancel(): void;
}

/** A look at the clock at least this often, so that a missed timer is no lost event. */
const maxSleepMs = 30_000;

export function createNextLook({ clock, nextDue, look, isOn }: NextLookDeps): NextLook {
  let cancelTimer = (): void => {};
  let planning = false;
  /** Since the question that is under way was asked: its answer may be of before, so another one follows. */
  let changed = false;
  function plan(): void {
    changed = true;
    if (planning || !isOn()) return;
    planning = true;
    const asked = clock.now();
    // Deliveries end in bursts: one question for all that end in this turn.
    void nextTurn()
      .then(() => {
        changed = false;
        return nextDue();
      })
      .catch(() => undefined)
      .then((due) => {
        planning = false;
        if (!isOn()) return;
        if (changed) return plan();
        cancelTimer();
        // What was due and not taken waits for a slot, and that slot's progress wakes it: no busy loop.
        const wait = due === undefined || due <= asked ? maxSleepMs : Math.min(due - clock.now(), maxSleepMs);
        cancelTimer = clock.after(Math.max(0, wait), () => {
          look();
          plan();
        });
      });
  }
  return { plan, cancel: () => cancelTimer() };
}
