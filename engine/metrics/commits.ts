/** Times how long what changes the store waits for its durable commit. */
import type { Clock } from "../core/clock.ts";
import type { Store } from "../store/store.ts";

const TIMED = {
  accept: "accept",
  commitApply: "apply",
  markAttempt: "mark",
  settleDelivery: "settle",
} as const satisfies Partial<Record<keyof Store, string>>;

export type Operation = (typeof TIMED)[keyof typeof TIMED];

/** The same store; `observe` hears how long each of its changes took, in seconds, whether it went well or not. */
export function timeCommits(
  store: Store,
  clock: Pick<Clock, "monotonic">,
  observe: (operation: Operation, seconds: number) => void,
): Store {
  async function timed<T>(operation: Operation, change: Promise<T>): Promise<T> {
    const begun = clock.monotonic();
    try {
      return await change;
    } finally {
      observe(operation, (clock.monotonic() - begun) / 1_000);
    }
  }
  return {
    ...store,
    accept: (request) => timed(TIMED.accept, store.accept(request)),
    commitApply: (commit) => timed(TIMED.commitApply, store.commitApply(commit)),
    markAttempt: (mark) => timed(TIMED.markAttempt, store.markAttempt(mark)),
    settleDelivery: (settlement) => timed(TIMED.settleDelivery, store.settleDelivery(settlement)),
  };
}
