/** A bound on waiting. */
import type { Clock } from "../core/clock.ts";

/** True when the work ended in time; it goes on either way. */
export function within(clock: Pick<Clock, "after">, ms: number, work: Promise<void>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => resolve(false));
    work.then(() => resolve(true), reject).finally(cancel);
  });
}
