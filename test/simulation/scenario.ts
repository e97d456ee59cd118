/** What one kind of simulated installation is: its revision, what happens to it, and what must have come of it. */
import type { Revision } from "../../engine/config/revision.ts";
import type { RawRequest } from "../../engine/core/types.ts";
import type { ConnectionModel } from "../../engine/delivery/model.ts";
import type { EntityRecord, EventStory } from "../../engine/store/store.ts";
import type { Dice } from "../support/sim-random.ts";
import type { Outage, SinkClass } from "../support/sim-sink.ts";

/** One event of a sender, and when it is sent. */
export interface Planned {
  /** Tells the event from all others; senders with ids use it. */
  readonly name: string;
  readonly type: string;
  /** Instants at which it is sent, whether or not it was answered before; unanswered ones are sent again. */
  readonly arrivals: readonly number[];
  /** `nth`: how often it was sent before. */
  request(now: number, nth: number): RawRequest;
  /** Must be refused with 401 and leave nothing. */
  readonly forged?: true;
  /** Ends as a dead letter, whatever the order of arrival. */
  readonly hopeless?: true;
}

export interface Operation {
  readonly at: number;
  readonly kind: "pause" | "resume" | "retry_dead" | "stop";
  readonly target?: { readonly kind: "pipeline" | "connection"; readonly name: string };
}

export interface Plan {
  readonly start: number;
  readonly events: readonly Planned[];
  readonly operations: readonly Operation[];
  readonly outages: readonly Outage[];
  /** After this nothing of the plan happens any more. */
  readonly end: number;
}

/** All that the final look may read. */
export interface Final {
  readonly revision: Revision;
  readonly stories: readonly EventStory[];
  readonly entities: readonly EntityRecord[];
  /** Names of planned events by the id the engine gave them. */
  readonly planned: ReadonlyMap<string, Planned>;
}

export interface Scenario {
  readonly name: string;
  readonly revision: Revision;
  plan(dice: Dice): Plan;
  classOf(connection: ConnectionModel): SinkClass;
  /** Event types whose rules may lower a protected attribute. */
  readonly lowering: ReadonlySet<string>;
  /** Attributes a connection must have as the entity has them, once all is quiet; `state` for the state. */
  mirrored(connection: string, entityType: string): readonly string[] | "all" | undefined;
  /** What an independent reading of the same events expects; one line a difference. */
  check(final: Final): string[];
}
