/** What becomes of each commit: few are refused, and a few are the last thing an engine does. */
import type { Dice } from "../support/sim-random.ts";
import type { Changing, Fate } from "../support/sim-store.ts";

const maxCrashes = 5;

export function createFates(dice: Dice, calm: boolean): { next(call: Changing): Fate; end(): void } {
  const made = new Map<string, number>();
  let over = calm;
  let crashes = 0;
  return {
    next(call) {
      const nth = (made.get(call) ?? 0) + 1;
      made.set(call, nth);
      if (over) return "commit";
      const roll = dice.roll("fate", call, nth);
      if (crashes < maxCrashes && roll < 0.012) {
        crashes++;
        return roll < 0.006 ? "die_before" : "die_after";
      }
      if (roll < 0.02) return "refuse";
      return call === "accept" && roll < 0.04 ? "commit_and_refuse" : "commit";
    },
    end() {
      over = true;
    },
  };
}
