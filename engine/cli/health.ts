/** Whether a running engine does its work, and whether it can take hooks now: what an orchestrator asks. */
import type { Clock } from "../core/clock.ts";
import type { Store } from "../store/store.ts";

export interface Health {
  /** Why nothing but a new start can help. */
  failing(): string | undefined;
  /** Why hooks can not be taken now. */
  notReady(): Promise<string | undefined>;
}

export interface HealthSources {
  readonly store: Pick<Store, "size" | "whenFull">;
  readonly clock: Pick<Clock, "monotonic">;
  /** `hooks` is empty until they are listened for. */
  readonly state: () => { readonly hooks: string; readonly draining: boolean };
  /** The store has said that it can promise nothing more. */
  readonly isFatal: () => boolean;
}

/** Where no reserve tells that there is room again, one try after this long does. */
const TRY_AGAIN_MS = 30_000;

/** A full disk is no failure: a new start finds it as full. It is a reason to send no hooks here. */
export function createHealth({ store, clock, state, isFatal }: HealthSources): Health {
  let fullAt: number | undefined;
  let hadReserve = false;
  store.whenFull?.(() => {
    fullAt = clock.monotonic();
  });

  async function isFull(): Promise<boolean> {
    const { reserveBytes } = await store.size();
    if (reserveBytes > 0) hadReserve = true;
    if (fullAt === undefined) return false;
    const back = hadReserve ? reserveBytes > 0 : clock.monotonic() - fullAt > TRY_AGAIN_MS;
    if (back) fullAt = undefined;
    return !back;
  }

  return {
    failing: () => (isFatal() ? "the store can promise nothing more" : undefined),
    async notReady() {
      const { hooks, draining } = state();
      if (isFatal()) return "the store can promise nothing more";
      if (draining) return "draining";
      if (hooks === "") return "starting";
      return (await isFull().catch(() => true)) ? "the disk is full" : undefined;
    },
  };
}
