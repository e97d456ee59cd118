/** What happens to the shop: events in any order, twice, forged, partial or hopeless; pauses, stops, outages. */
import { createHmac } from "node:crypto";
import type { Json, JsonObject, RawRequest } from "../../engine/core/types.ts";
import type { Dice } from "../support/sim-random.ts";
import type { Operation, Plan, Planned } from "./scenario.ts";
import { secret } from "./shop-config.ts";

const start = Date.UTC(2026, 11, 1);
const minute = 60_000;
const chaos = 25 * minute;
const tiers = ["free", "pro", "team"] as const;

interface Draft {
  readonly type: string;
  readonly data: JsonObject;
  /** The same id with another body, sent at every second time. */
  readonly other?: JsonObject;
  readonly path?: string;
  readonly flaw?: "forged" | "far_ahead" | "hopeless";
}

export function planShop(dice: Dice): Plan {
  const drafts = draftEvents(dice);
  const at = happenings(dice, drafts);
  const events = drafts.map((draft, index) => planEvent(dice, draft, { index, at: at[index] as number }));
  return { start, events, operations: planOperations(dice), outages: planOutages(dice), end: start + chaos };
}

/** Whole seconds, many of them equal: what is earlier is then for the ranks to say, or receipt. */
function happenings(dice: Dice, drafts: readonly Draft[]): number[] {
  let now = start - 10 * minute;
  return drafts.map((_, index) => {
    if (!dice.chance(0.3, "tie", index)) now += 1_000 * dice.int(1, 15, "gap", index);
    return now;
  });
}

function draftEvents(dice: Dice): Draft[] {
  const drafts: { order: number; draft: Draft }[] = [];
  const put = (draft: Draft, order: number) => void drafts.push({ order, draft });
  const customers = dice.int(2, 4, "customers");
  for (let c = 1; c <= customers; c++) {
    const id = `cus_${c}`;
    const deleted = dice.chance(0.35, "deleted", c);
    put({ type: "customer.changed", data: { ...fieldsOf(dice, c, 0), id } }, dice.roll("first", c));
    const changes = dice.int(1, 5, "changes", c);
    for (let n = 1; n <= changes; n++) put(changeOf(dice, id, [c, n]), dice.roll("order", c, n));
    // Anywhere in its life, now and then twice. Between two clocks the order of arrival says what a deletion takes: no contacts then.
    if (deleted)
      for (let n = 0; n < dice.int(1, 2, "deletions", c); n++)
        put({ type: "customer.deleted", data: { id } }, dice.roll("deletion", c, n) * 1.2);
    else
      for (let n = 0; n < dice.int(0, 2, "contacts", c); n++)
        put(
          { type: "contact.updated", data: { id, region: `desk_${n}` }, path: "/hooks/desk" },
          dice.roll("contact", c, n),
        );
    for (let n = 1; n <= dice.int(0, 2, "orders", c); n++) putOrder(dice, put, { id: `ord_${c}_${n}`, customer: id });
  }
  return drafts.sort((a, b) => a.order - b.order).map(({ draft }) => draft);
}

type About = readonly [number, number];

function changeOf(dice: Dice, id: string, about: About): Draft {
  const data: JsonObject = { ...fieldsOf(dice, ...about), id };
  const kind = dice.roll("kind", ...about);
  if (kind < 0.12) return { type: "customer.downgraded", data: { id, tier: dice.pick(tiers, "lower", ...about) } };
  if (kind < 0.2) return { type: "customer.noted", data: { id, note: noteOf(dice, about) } };
  if (kind < 0.25) return { type: "customer.changed", data: { ...data, tier: "gold" }, flaw: "hopeless" };
  if (kind < 0.3) return { type: "customer.changed", data: { tier: "team", seats: 1 }, flaw: "hopeless" };
  if (kind < 0.35) return { type: "customer.changed", data: { ...data, seats: 999 }, flaw: "forged" };
  if (kind < 0.4) return { type: "customer.changed", data: { ...data, seats: 998 }, flaw: "far_ahead" };
  if (kind < 0.47) return { type: "customer.changed", data, other: { ...data, seats: 997, tier: "team" } };
  return { type: "customer.changed", data };
}

/** Only some fields, as refunds and credits have them; now and then null, empty or of the wrong type. */
function fieldsOf(dice: Dice, c: number, n: number): JsonObject {
  const fields: Record<string, Json> = {};
  const maybe = (name: string, value: Json) => {
    if (dice.chance(0.55, "has", name, c, n))
      fields[name] = name !== "note" && dice.chance(0.12, "null", name, c, n) ? null : value;
  };
  maybe("tier", dice.pick(tiers, "tier", c, n));
  maybe("consent", dice.chance(0.5, "consent", c, n));
  maybe("seats", dice.chance(0.1, "odd", c, n) ? "many" : dice.int(0, 9, "seats", c, n));
  maybe("note", noteOf(dice, [c, n]) ?? "");
  maybe("first_seen", `place_${n}`);
  maybe("score", dice.int(1, 100, "score", c, n));
  maybe("region", `shop_${n}`);
  return fields;
}

function noteOf(dice: Dice, [c, n]: About): Json {
  return dice.pick(["a", "b", "c", "", " "], "note", c, n);
}

function putOrder(
  dice: Dice,
  put: (draft: Draft, order: number) => void,
  order: { readonly id: string; readonly customer: string },
): void {
  const steps = ["order.placed", "order.paid", "order.shipped"].slice(0, dice.int(1, 3, "steps", order.id));
  // Along the life of the shop, one step after the other; equal seconds are for the ranks.
  const from = dice.roll("from", order.id);
  steps.forEach((type, index) => {
    const total = dice.int(10, 90, "total", order.id, dice.chance(0.3, "corrected", order.id, index) ? index : "same");
    put({ type, data: { ...order, total } }, from + (1 - from) * (index / 3));
  });
}

function planEvent(dice: Dice, draft: Draft, { index, at }: { index: number; at: number }): Planned {
  const name = `e${index}`;
  const first = start + dice.int(0, chaos - 6 * minute, "arrival", index);
  const arrivals = [first];
  // At once, as a sender with two lines does; or soon after.
  if (dice.chance(0.15, "twice", index)) arrivals.push(first);
  if (dice.chance(0.3, "again", index)) arrivals.push(first + dice.int(0, 90_000, "soon", index));
  if (dice.chance(0.25, "late", index)) arrivals.push(start + dice.int(0, chaos, "much later", index));
  // The far future is measured from the first time it is sent.
  const happened = draft.flaw === "far_ahead" ? Math.max(...arrivals) + 20 * minute : at;
  return {
    name,
    type: draft.type,
    arrivals,
    request: (now, nth) => {
      const data = draft.other !== undefined && nth % 2 === 1 ? draft.other : draft.data;
      const body = Buffer.from(JSON.stringify({ id: name, type: draft.type, at: happened, data }));
      return signed(body, { now, path: draft.path ?? "/hooks/shop", forged: draft.flaw === "forged" });
    },
    ...(draft.flaw === "forged" ? { forged: true } : {}),
    ...(draft.flaw === "far_ahead" || draft.flaw === "hopeless" ? { hopeless: true } : {}),
  };
}

function signed(body: Buffer, at: { now: number; path: string; forged: boolean }): RawRequest {
  const key = at.forged ? "another-secret" : secret;
  const headers = {
    "content-type": "application/json",
    "x-signature": `sha256=${createHmac("sha256", key).update(body).digest("hex")}`,
  };
  return {
    method: "POST",
    target: at.path,
    path: at.path,
    query: "",
    headers,
    rawHeaders: Object.entries(headers).flat(),
    body,
    remoteAddress: "127.0.0.1",
    receivedAt: at.now,
  };
}

function planOperations(dice: Dice): Operation[] {
  const operations: Operation[] = [];
  const targets = [
    { kind: "pipeline", name: "accounts" },
    { kind: "pipeline", name: "orders" },
    { kind: "connection", name: "crm" },
    { kind: "connection", name: "chat" },
  ] as const;
  for (let n = 0; n < dice.int(0, 3, "pauses"); n++) {
    const target = dice.pick(targets, "paused", n);
    const at = start + dice.int(0, chaos, "pause", n);
    operations.push({ at, kind: "pause", target });
    operations.push({ at: at + dice.int(1_000, 8 * minute, "resume", n), kind: "resume", target });
  }
  for (let n = 0; n < dice.int(0, 4, "retries"); n++)
    operations.push({ at: start + dice.int(minute, chaos, "retry", n), kind: "retry_dead" });
  for (let n = 0; n < dice.int(0, 1, "stops"); n++)
    operations.push({ at: start + dice.int(minute, chaos, "stop", n), kind: "stop" });
  return operations;
}

function planOutages(dice: Dice): Plan["outages"] {
  return Array.from({ length: dice.int(0, 3, "outages") }, (_, n) => {
    const from = start + dice.int(0, chaos, "outage", n);
    return {
      connection: dice.pick(["db", "crm", "chat"], "out", n),
      from,
      to: from + dice.int(10_000, 9 * minute, "outage length", n),
    };
  });
}
