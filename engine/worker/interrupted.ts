/** At the start: what a crash cut off becomes an unknown outcome, and is told as one. */
import type { Revision } from "../config/revision.ts";
import type { Clock } from "../core/clock.ts";
import type { Observer } from "../flow/observer.ts";
import type { Store } from "../store/store.ts";
import { sinkPatience } from "./patience.ts";

export interface InterruptedDeps {
  readonly store: Pick<Store, "recoverInterrupted">;
  readonly clock: Clock;
  readonly observer: Pick<Observer, "attempted">;
}

/** Recovers them; each waits until its sink must have ended. */
export async function recoverInterrupted(
  revision: Pick<Revision, "connections">,
  { store, clock, observer }: InterruptedDeps,
): Promise<void> {
  const now = clock.now();
  for (const record of await store.recoverInterrupted(now, sinkPatience(revision)))
    observer.attempted({
      delivery: record.id,
      event: record.event.id,
      pipeline: record.pipeline,
      connection: record.connection,
      action: record.action,
      source: record.event.source,
      type: record.event.type,
      entity: record.entity,
      attempt: record.attempts,
      outcome: record.status,
      detail: "interrupted: the engine ended before the answer",
      lagMs: now - record.event.receivedAt,
      nextAt: record.nextAt,
    });
}
