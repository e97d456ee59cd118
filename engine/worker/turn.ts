/** What the apply loop asks about one turn: what it wakes, what it is locked by, how a fault ends it. */
import { errorMessage } from "../core/errors.ts";
import type { EntityRef } from "../core/types.ts";
import type { Applied } from "../flow/apply.ts";
import type { ApplyDeps, Prepared } from "../flow/prepare.ts";
import { waitingForId } from "../flow/resolve.ts";
import type { WorkItem } from "../store/store.ts";

/** What held work may be waiting for, that this step has changed. */
export function namesOf(applied: Applied): EntityRef[] {
  return applied.changed.flatMap((one) => [
    { type: one.type, key: one.key },
    ...Object.entries(one.ids).map(([name, value]) => waitingForId(one.type, name, value)),
  ]);
}

/** The log has the fault; the dead letter names only the place, since a message could carry payload. */
export function faultOf(item: WorkItem, error: unknown, deps: ApplyDeps): Extract<Prepared, { kind: "dead" }> {
  const where = `applying ${item.event.type} in ${item.pipeline}`;
  deps.observer.fault({ where, error });
  return { kind: "dead", code: "HK9002", message: errorMessage("HK9002", { where }) };
}

/** The names under which a work item's entities are locked. */
export function lockKeys(prepared: Prepared, item: WorkItem): string[] {
  if (prepared.kind !== "mapped") return [`work/${item.seq}`];
  return prepared.mapped.writes.flatMap((write) =>
    write.key.kind === "id" ? [`${write.model.entity}/${write.key.value}`] : [],
  );
}
