/** What every store must keep: one suite, run over each implementation and mode. */
import type { VirtualClock } from "../../engine/core/clock.ts";
import type { Store } from "../../engine/store/store.ts";
import { alertContract } from "./store/alerts.ts";
import { applyContract } from "./store/apply.ts";
import { deliveryContract } from "./store/deliveries.ts";
import { editContract } from "./store/edits.ts";
import { intakeContract } from "./store/intake.ts";
import { laneContract } from "./store/lanes.ts";
import { operatorContract } from "./store/operators.ts";
import { retentionContract } from "./store/retention.ts";
import { storyContract } from "./store/stories.ts";

/** A store as a test gets it. */
export interface StoreUnderTest {
  readonly store: Store;
  readonly clock: VirtualClock;
  /** The same data in a new store, as after a restart; absent where nothing outlives the process. */
  readonly reopen?: () => Promise<StoreUnderTest>;
  /** Closes the store and removes what it left. */
  readonly dispose: () => Promise<void>;
}

export type OpenStore = () => Promise<StoreUnderTest>;

/** Runs the whole suite over one way to open a store. */
export function storeContract(name: string, open: OpenStore): void {
  intakeContract(name, open);
  applyContract(name, open);
  deliveryContract(name, open);
  laneContract(name, open);
  operatorContract(name, open);
  editContract(name, open);
  retentionContract(name, open);
  storyContract(name, open);
  alertContract(name, open);
}
