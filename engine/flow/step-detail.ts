/** What a step was decided on, for `explain`: its place in the order, what stood there before, how long it was held. */
import { type EntityRecord, refKey } from "../core/record.ts";
import type { Json, JsonObject, Version } from "../core/types.ts";
import type { StepWrite } from "../ordering/step.ts";
import type { WorkItem } from "../store/store.ts";
import type { Prepared } from "./prepare.ts";

export interface DecidedOn {
  readonly prepared: Extract<Prepared, { kind: "mapped" }>;
  readonly writes: readonly StepWrite[];
  /** As they were, by `type/key`. */
  readonly entities: ReadonlyMap<string, EntityRecord>;
  readonly version: Version;
}

/** Small, since it is stored with each outcome. */
export function stepDetail(item: WorkItem, { prepared, writes, entities, version }: DecidedOn): JsonObject {
  const { heldSince, holdReason } = item;
  const contract = prepared.pipeline.contract?.version;
  return {
    order: placeOf(version),
    entities: writes.map(({ ref, version: own }) => ({
      type: ref.type,
      key: ref.key,
      ...(own === undefined ? {} : { order: placeOf(own) }),
      ...stoodBefore(entities.get(refKey(ref))),
    })),
    ...(contract === undefined ? {} : { contract }),
    ...(prepared.drift.length === 0 ? {} : { drift: prepared.drift }),
    ...(heldSince === undefined ? {} : { held: { since: heldSince, reason: holdReason ?? "" } }),
  };
}

const placeOf = ({ time, rank, clock }: Version): JsonObject => ({
  time,
  ...(rank === 0 ? {} : { rank }),
  ...(clock === undefined ? {} : { clock }),
});

/** Its state then, and the event that had written it. */
function stoodBefore(record: EntityRecord | undefined): { readonly before?: Json } {
  if (record === undefined) return {};
  const { state, stateVersion: version, tombstone } = record;
  return {
    before: {
      state,
      // A counter says no time.
      ...(version === undefined || version.clock?.startsWith("count:") === true
        ? {}
        : { time: version.time, source: version.source, seq: version.seq }),
      ...(tombstone === undefined ? {} : { deleted: true }),
    },
  };
}
