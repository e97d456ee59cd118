/** What an upsert is to carry: the difference to what its place has, and what still waits for that place. */
import { everyPlaceOf, placeOf } from "../core/place.ts";
import type { AttributeWrite, Json, JsonObject } from "../core/types.ts";
import { sameJson } from "../core/values.ts";
import { isExpression } from "../delivery/deliver.ts";
import type { DeliverModel } from "../delivery/model.ts";
import { unknownState } from "../ordering/state.ts";
import type { Touched } from "../ordering/step.ts";
import type { MergedUpsert, NewDelivery, OpenUpsert } from "../store/store.ts";
import type { Considered } from "./born-input.ts";

/** The name under which a connection's acknowledged state is kept beside its attributes; no attribute may have it. */
export const acknowledgedState = "state";

/** The difference to what the connection last acknowledged; `undefined` when there is none, the state included. */
export async function upsertAttributes(
  input: Considered,
  entry: DeliverModel,
  at: { readonly touched: Touched; readonly open: readonly OpenUpsert[]; readonly params: JsonObject },
): Promise<Record<string, AttributeWrite> | undefined> {
  const { after } = at.touched;
  const known: Record<string, Json> = {
    ...(await input.store.acknowledged(entry.connection, after, placesOf(entry, at.params))),
  };
  // What waits, is on the wire or may have arrived changes what is there: what was acknowledged before is no measure.
  for (const { attributes } of at.open) for (const name of Object.keys(attributes)) delete known[name];
  if (at.open.length > 0) delete known[acknowledgedState];
  const wanted = entry.onChange ?? entry.fields;
  const difference: Record<string, AttributeWrite> = {};
  for (const name of wanted ?? Object.keys(after.attributes)) {
    const value = after.attributes[name]?.value;
    if (value === undefined || sameJson(value, known[name])) continue;
    difference[name] = value === null ? { clear: true } : { set: value };
  }
  const stateMoved = wanted === undefined && after.state !== unknownState && known[acknowledgedState] !== after.state;
  const firstWrite = wanted === undefined && Object.keys(known).length === 0;
  return Object.keys(difference).length > 0 || stateMoved || firstWrite ? difference : undefined;
}

/** `on_change` asks for the attributes alone: a field that differs from event to event is no change of theirs. */
function placesOf(entry: DeliverModel, params: JsonObject): string {
  const varies = Object.values(entry.params).some(isExpression);
  return entry.onChange !== undefined && varies
    ? everyPlaceOf(entry.action)
    : placeOf({ action: entry.action, params });
}

/** Upserts of this connection that are not settled yet, wherever they stand. */
export async function openFor(
  input: Considered,
  entry: DeliverModel,
  touched: Touched,
): Promise<readonly OpenUpsert[]> {
  const open = [...(await input.store.openUpserts(touched.after))];
  // What still waits under the key of one that turned out to be this entity is taken over, if it never set out.
  for (const key of touched.absorbed ?? []) {
    const theirs = await input.store.openUpserts({ type: touched.after.type, key });
    open.push(...theirs.filter((one) => one.mergeable));
  }
  return open.filter((one) => one.connection === entry.connection);
}

/** Pending upserts of one place merge: the new one carries their attributes too, as they stand now, and they become `merged`. */
export function takeOver(
  delivery: NewDelivery,
  touched: Touched,
  { open, isSure }: { readonly open: readonly OpenUpsert[]; readonly isSure: boolean },
): { delivery: NewDelivery; merged: MergedUpsert[] } {
  const place = placeOf(delivery);
  const pending = open.filter((one) => one.mergeable && placeOf(one) === place);
  if (pending.length === 0) return { delivery, merged: [] };
  const attributes = { ...delivery.attributes };
  for (const one of pending) {
    for (const [name, write] of Object.entries(one.attributes)) {
      const value = touched.after.attributes[name]?.value;
      attributes[name] ??= value === undefined ? write : value === null ? { clear: true } : { set: value };
    }
  }
  return {
    delivery: { ...delivery, attributes },
    merged: pending.map((one) => ({
      delivery: one.id,
      into: delivery.id,
      ...(isSure ? {} : { forgotten: [...Object.keys(one.attributes), acknowledgedState] }),
    })),
  };
}
