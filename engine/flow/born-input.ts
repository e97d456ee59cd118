/** What the birth of deliveries is decided from, and the fault that it may come to. */
import type { PipelineModel } from "../config/revision.ts";
import type { Evaluator, Scope } from "../core/expression.ts";
import type { Ids } from "../core/ids.ts";
import type { DeliverModel, RetryPlan } from "../delivery/model.ts";
import type { Touched } from "../ordering/step.ts";
import type { Store, StoredEvent } from "../store/store.ts";

export interface BornInput {
  readonly pipeline: PipelineModel;
  readonly deliver: readonly DeliverModel[];
  readonly event: StoredEvent;
  readonly touched: readonly Touched[];
  /** Payload, `let` variables and the entities as they are after the step, for the deliveries of one entity. */
  readonly scopeOf: (touched: Touched) => Scope;
  readonly evaluator: Evaluator;
  readonly store: Pick<Store, "acknowledged" | "openUpserts" | "onceMarked">;
  readonly retryPlan: (connection: string) => RetryPlan;
  /** False: what is pending may have been sent. */
  readonly marksAttempts: (connection: string) => boolean;
  readonly ids: Ids;
  readonly now: number;
}

/** One entity's turn, with its own scope. */
export interface Considered extends BornInput {
  readonly scope: Scope;
}

/** A condition that could not be judged: the event is a dead letter, never a silent skip. */
export interface BornFault {
  readonly code: string;
  readonly message: string;
}
