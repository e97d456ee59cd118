/**
 * A store whose settlements are not given up: an attempt that was sent must be recorded, or its delivery would stay
 * `sending` and block its lane until a restart.
 */
import type { Clock } from "../core/clock.ts";
import type { Observer } from "../flow/observer.ts";
import type { Store } from "../store/store.ts";
import { isPassing, storeRetryMs } from "./passing.ts";

export interface SettleDeps {
  readonly clock: Clock;
  readonly observer: Observer;
  /** The engine ends: what is not recorded now is found at the next start and becomes `unknown`. */
  readonly isStopping: () => boolean;
}

/** The same store; `settleDelivery` is tried again until it holds, a fault comes that will not pass, or the engine stops. */
export function withPatientSettling(store: Store, { clock, observer, isStopping }: SettleDeps): Store {
  return {
    ...store,
    async settleDelivery(settlement) {
      for (;;) {
        try {
          return await store.settleDelivery(settlement);
        } catch (error) {
          if (!isPassing(error) || isStopping()) throw error;
          observer.fault({ where: `settling ${settlement.delivery}`, error });
          await new Promise<void>((resolve) => void clock.after(storeRetryMs, resolve));
        }
      }
    },
  };
}
