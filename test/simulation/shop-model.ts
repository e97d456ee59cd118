/**
 * The shop's entities as the set of its events says they must be, read straight from the promises (docs/order-and-state.md)
 * and knowing nothing of the engine's code: sort by version, fold, done. No order of arrival comes into it but where
 * two events of one instant and rank fall to receipt.
 */
import type { Json, JsonObject } from "../../engine/core/types.ts";
import type { EntityRecord } from "../../engine/store/store.ts";
import type { Final } from "./scenario.ts";

interface Known {
  readonly type: string;
  readonly source: string;
  readonly time: number;
  readonly rank: number;
  readonly receipt: number;
  readonly data: JsonObject;
}

const ranks: Readonly<Record<string, number>> = { "order.placed": 1, "order.paid": 2, "order.shipped": 3 };
const tiers = ["free", "pro", "team"];
const states: Readonly<Record<string, string>> = {
  "order.placed": "new",
  "order.paid": "paid",
  "order.shipped": "shipped",
};

const inOrder = (a: Known, b: Known) => a.time - b.time || a.rank - b.rank || a.receipt - b.receipt;

function knownEvents(final: Final): Known[] {
  const known = final.stories
    .filter(({ event }) => final.planned.get(event.providerId)?.hopeless !== true)
    .map(({ event }): Known => {
      const body = JSON.parse(Buffer.from(event.body).toString("utf8")) as {
        at: number;
        type: string;
        data: JsonObject;
      };
      return {
        type: body.type,
        source: event.source,
        time: body.at,
        rank: ranks[body.type] ?? 0,
        receipt: event.seq,
        data: body.data,
      };
    });
  return known.sort(inOrder);
}

export function checkShop(final: Final): string[] {
  const known = knownEvents(final);
  const found = new Map(final.entities.map((record) => [`${record.type}/${record.key}`, record]));
  const orders = new Map(idsOf(known, "order.", "id").map((id) => [id, orderOf(known, id)]));
  const problems: string[] = [];
  for (const [id, order] of orders) {
    const record = found.get(`order/${id}`);
    problems.push(...compare(`order ${id}`, { state: order.state, total: order.total }, record));
  }
  for (const id of customersOf(known)) {
    const wanted = customerOf(
      known,
      id,
      [...orders.values()].filter((order) => order.customer === id),
    );
    const record = found.get(`customer/${id}`);
    const gone = record !== undefined && record.tombstone !== undefined;
    if (wanted === "deleted") {
      if (!gone) problems.push(`customer ${id}: must be deleted, is ${shown(record)}`);
    } else if (gone) problems.push(`customer ${id}: is deleted, must be ${JSON.stringify(wanted)}`);
    else problems.push(...compare(`customer ${id}`, wanted, record));
  }
  const expected = new Set([...orders.keys(), ...customersOf(known)]);
  for (const record of final.entities) if (!expected.has(record.key)) problems.push(`${record.key}: from no event`);
  return problems;
}

const idsOf = (known: readonly Known[], prefix: string, field: string): string[] => [
  ...new Set(known.filter((one) => one.type.startsWith(prefix)).map((one) => String(one.data[field]))),
];

function customersOf(known: readonly Known[]): string[] {
  return [
    ...new Set([
      ...idsOf(known, "customer.", "id"),
      ...idsOf(known, "contact.", "id"),
      ...idsOf(known, "order.", "customer"),
    ]),
  ];
}

interface Order {
  readonly customer: string;
  readonly state: string;
  readonly total: number;
}

function orderOf(known: readonly Known[], id: string): Order {
  const last = known.filter((one) => one.type.startsWith("order.") && one.data["id"] === id).at(-1) as Known;
  return {
    customer: String(last.data["customer"]),
    state: states[last.type] as string,
    total: Number(last.data["total"]),
  };
}

function customerOf(
  known: readonly Known[],
  id: string,
  orders: readonly Order[],
): Readonly<Record<string, Json>> | "deleted" {
  const mine = known.filter(
    (one) => (one.type.startsWith("order.") ? one.data["customer"] : one.data["id"]) === id && one.source === "shop",
  );
  const end = mine.findLastIndex((one) => one.type === "customer.deleted");
  const alive = mine.slice(end + 1);
  if (end !== -1 && alive.length === 0) return "deleted";
  const contacts = known.filter((one) => one.type === "contact.updated" && one.data["id"] === id);
  const changes = alive.filter((one) => one.type === "customer.changed");
  const values = (field: string, from = changes) => from.map((one) => one.data[field]).filter(isGiven);
  const bought = orders.filter((order) => order.state !== "new");
  const spend = bought.reduce((sum, order) => sum + order.total, 0);
  return {
    tier: tierOf(alive),
    // Protected, and false is lower than true: nothing here may lower it.
    consent: values("consent").includes(true) || (values("consent")[0] ?? null),
    seats:
      values("seats")
        .filter((value) => typeof value === "number")
        .at(-1) ?? null,
    note: noteOf(alive),
    first_seen: values("first_seen")[0] ?? null,
    score: values("score").length === 0 ? null : Math.max(...values("score").map(Number)),
    // The desk stands first in `writers:`; each clock has its own latest.
    region: values("region", contacts).at(-1) ?? values("region").at(-1) ?? null,
    spend,
    waiting: orders.length - bought.length,
    big: spend >= 100,
  };
}

const isGiven = (value: Json | undefined): value is Json =>
  value !== undefined && value !== null && (typeof value !== "string" || value.trim() !== "");

/** Never lower than it was, but by the one event that may. */
function tierOf(alive: readonly Known[]): Json {
  let tier = -1;
  for (const { type, data } of alive) {
    const next = isGiven(data["tier"]) ? tiers.indexOf(String(data["tier"])) : -1;
    if (next === -1 || !["customer.changed", "customer.downgraded"].includes(type)) continue;
    if (type === "customer.downgraded" || next > tier) tier = next;
  }
  return tiers[tier] ?? null;
}

/** The only field that an explicit null blanks. */
function noteOf(alive: readonly Known[]): Json {
  let note: Json = null;
  for (const { type, data } of alive) {
    if (type !== "customer.changed" && type !== "customer.noted") continue;
    if (data["note"] === null) note = null;
    else if (isGiven(data["note"])) note = data["note"];
  }
  return note;
}

function compare(name: string, wanted: Readonly<Record<string, Json>>, record: EntityRecord | undefined): string[] {
  if (record === undefined) return [`${name}: is not there`];
  return Object.entries(wanted).flatMap(([attribute, value]) => {
    const got = attribute === "state" ? record.state : (record.attributes[attribute]?.value ?? null);
    return got === value ? [] : [`${name}.${attribute}: must be ${shown(value)}, is ${shown(got)}`];
  });
}

const shown = (value: unknown): string => JSON.stringify(value) ?? "nothing";
