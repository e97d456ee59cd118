/** What one side made of one event in one pipeline, in the form in which two sides are compared. */
import { refKey } from "../core/record.ts";
import type { AttributeWrite, EntityRef, Json } from "../core/types.ts";
import type { Prepared } from "../flow/prepare.ts";
import type { ApplyCommit, NewDelivery } from "../store/store.ts";

export interface TurnWrite {
  readonly entity: EntityRef;
  readonly attribute: string;
  /** `connection action`, or `stored` for our own record of the entity. */
  readonly place: string;
  /** Null: blanked. */
  readonly value: Json;
}

/** A delivery beside the attributes it brings: an effect, or an upsert's fields that are no attributes. */
export interface TurnEffect {
  readonly connection: string;
  readonly action: string;
  readonly event: string;
  readonly kind: "effect" | "upsert";
  readonly entity: EntityRef;
  /** An upsert that brings no attribute: it only says that the entity is there, or its state. */
  readonly bare: boolean;
  /** What it says of the entity; attributes of an upsert are writes. */
  readonly attributes: Readonly<Record<string, Json>>;
  /** Its other fields. */
  readonly params: Readonly<Record<string, Json>>;
}

export type TurnStatus =
  | "applied"
  | "skipped"
  | "held"
  | "dead"
  | "duplicate"
  | "no_source"
  | "too_large"
  /** Its rule fetches, and what was fetched is not known. */
  | "needs_fetch";

export interface Turn {
  /** Seq in the plan. */
  readonly event: number;
  /** `source NAME` where the event did not get as far as a pipeline. */
  readonly pipeline: string;
  readonly status: TurnStatus;
  /** Reason of a skip, code of a dead letter. */
  readonly why?: string;
  /** `type/key` of each entity that it is about. */
  readonly refs: readonly EntityRef[];
  readonly version?: string;
  readonly writes: readonly TurnWrite[];
  readonly effects: readonly TurnEffect[];
}

/** Where a value goes that no sink is told of. */
export const STORED = "stored";

export function turnOf(
  commit: ApplyCommit,
  { prepared, version }: { readonly prepared: Prepared; readonly version: string | undefined },
): Turn {
  const { outcome } = commit;
  const why = outcome.status === "dead" ? outcome.dead.code : outcome.status === "skipped" ? outcome.reason : undefined;
  return {
    event: commit.eventSeq,
    pipeline: commit.pipeline,
    status: outcome.status,
    ...(why === undefined ? {} : { why }),
    refs: refsOf(commit, prepared),
    ...(version === undefined ? {} : { version }),
    writes: [...storedWrites(commit), ...commit.deliveries.flatMap(deliveredWrites)],
    effects: commit.deliveries.map(effectOf),
  };
}

/** By key as mapped; where the key is another id, the entity that was found. */
function refsOf(commit: ApplyCommit, prepared: Prepared): EntityRef[] {
  if (prepared.kind !== "mapped") return [];
  const detail = "detail" in commit.outcome ? commit.outcome.detail : undefined;
  const entities = detail?.["entities"];
  if (Array.isArray(entities)) return entities as unknown as EntityRef[];
  return prepared.mapped.writes.flatMap((write) =>
    write.key.kind === "id" ? [{ type: write.model.entity, key: write.key.value }] : [],
  );
}

function storedWrites(commit: ApplyCommit): TurnWrite[] {
  return commit.history
    .filter(({ result }) => result === "set" || result === "cleared" || result === "computed")
    .map(({ entity, attribute, after }) => ({ entity, attribute, place: STORED, value: after ?? null }));
}

const writtenValue = (write: AttributeWrite): Json => ("set" in write ? write.set : null);

function deliveredWrites(delivery: NewDelivery): TurnWrite[] {
  if (delivery.kind !== "upsert") return [];
  const { entity, connection, action } = delivery;
  return Object.entries(delivery.attributes).map(([attribute, write]) => ({
    entity,
    attribute,
    place: `${connection} ${action}`,
    value: writtenValue(write),
  }));
}

function effectOf(delivery: NewDelivery): TurnEffect {
  const { connection, action, kind, entity, params, attributes } = delivery;
  const sent = Object.entries(attributes).map(([name, write]) => [name, writtenValue(write)]);
  return {
    connection,
    action,
    kind,
    entity,
    event: delivery.eventName,
    bare: kind === "upsert" && sent.length === 0,
    attributes: kind === "effect" ? Object.fromEntries(sent) : {},
    params,
  };
}

export const effectKey = (effect: TurnEffect): string =>
  [effect.connection, effect.action, effect.kind === "effect" ? effect.event : "", refKey(effect.entity)].join("\n");
