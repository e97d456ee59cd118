/**
 * An upsert that is tried again, and that another one has come before: since it was a dead letter, or since an older
 * dead letter was sent again. Its request is of the past, so it is made anew from what the entity has now.
 */
import { hash } from "node:crypto";
import { canonicalJson } from "../core/canonical.ts";
import { placeOf } from "../core/place.ts";
import type { EntityRecord } from "../core/record.ts";
import type { AttributeWrite, Json } from "../core/types.ts";
import { sameJson } from "../core/values.ts";
import { unknownState } from "../ordering/state.ts";
import type { DeliveryRecord, Store } from "../store/store.ts";
import { acknowledgedState } from "./born-upsert.ts";

/** `same`: it is repeated as it was, under its key. `remade`: it has no frozen request yet. */
export type Redone =
  | { readonly kind: "same" | "remade"; readonly record: DeliveryRecord }
  | { readonly kind: "superseded"; readonly note: string };

/** Says whether a delivery is still what is to be sent. Costs nothing for what was never tried. */
export async function overtaken(
  record: DeliveryRecord,
  store: Pick<Store, "lastTried" | "entity" | "openUpserts" | "acknowledged" | "event">,
): Promise<Redone> {
  if (record.kind !== "upsert" || (record.attempts === 0 && record.frozen === undefined))
    return { kind: "same", record };
  const entity = await store.entity(record.entity.type, record.entity.key);
  const { tombstone } = entity ?? {};
  if (tombstone !== undefined) {
    const what = tombstone.mergedInto === undefined ? "was deleted" : "turned out to be another one";
    return { kind: "superseded", note: `the entity ${what} since` };
  }
  if ((await store.lastTried(record.connection, record.entity)) === record.seq) return { kind: "same", record };
  const known = await store.acknowledged(record.connection, record.entity, placeOf(record));
  const attributes = differing(record, entity, known);
  const state = stateNow(record, entity);
  const stateMoved = state !== undefined && known[acknowledgedState] !== state;
  if (Object.keys(attributes).length === 0 && !stateMoved) {
    return { kind: "superseded", note: await supersededBy(record, entity, store) };
  }
  const { frozen: _frozen, state: _state, ...rest } = record;
  const behind = (await store.openUpserts(record.entity)).filter(
    (one) => one.connection === record.connection && one.id !== record.id,
  );
  const made = {
    ...rest,
    attributes,
    ...(state === undefined ? {} : { state }),
    // Not above what waits behind it: a sink that guards versions would take that for old.
    entityVersion: Math.min(
      entity?.changes ?? record.entityVersion,
      ...behind.map((one) => Math.max(one.entityVersion, record.entityVersion)),
    ),
    // From the former key: the sink may know that one, with other values behind it.
    idempotencyKey: hash("sha256", canonicalJson([record.idempotencyKey, attributes, state ?? null]), "hex").slice(
      0,
      40,
    ),
  };
  return { kind: "remade", record: made };
}

/** Of its attributes: those that the sink is not known to have as the entity has them now. What the entity does not know any more stays as it is. */
function differing(
  record: DeliveryRecord,
  entity: EntityRecord | undefined,
  known: Readonly<Record<string, Json>>,
): Record<string, AttributeWrite> {
  const attributes: Record<string, AttributeWrite> = {};
  for (const name of Object.keys(record.attributes)) {
    const value = entity?.attributes[name]?.value;
    if (value === undefined || (name in known && sameJson(value, known[name]))) continue;
    attributes[name] = value === null ? { clear: true } : { set: value };
  }
  return attributes;
}

function stateNow(record: DeliveryRecord, entity: EntityRecord | undefined): string | undefined {
  return record.state === undefined || entity === undefined || entity.state === unknownState ? undefined : entity.state;
}

/** Names the event of the newest of its values. */
async function supersededBy(
  record: DeliveryRecord,
  entity: EntityRecord | undefined,
  store: Pick<Store, "event">,
): Promise<string> {
  const seqs = Object.keys(record.attributes).flatMap((name) => entity?.attributes[name]?.version?.seq ?? []);
  const newest = Math.max(record.event.seq, entity?.stateVersion?.seq ?? 0, ...seqs);
  const by = newest === record.event.seq ? undefined : await store.event(newest);
  return by === undefined
    ? "newer values have been sent since"
    : `newer values have been sent since: superseded by ${by.id}`;
}
