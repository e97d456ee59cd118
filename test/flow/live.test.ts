import { describe, expect, test } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import type { DeliveryId, EventId } from "../../engine/core/types.ts";
import { createLive, type LiveFact, passes } from "../../engine/flow/live.ts";

const event = (n: number) => `evt_${n}` as EventId;
const applied = (n: number) => ({
  event: event(n),
  source: "stripe",
  type: "invoice.paid",
  pipeline: "paid",
  status: "applied" as const,
  deliveries: 2,
  lagMs: 5,
  entities: [{ type: "customer", key: `cus_${n}` }],
});
const attempted = (outcome: string) => ({
  delivery: "dlv_1" as DeliveryId,
  event: event(1),
  pipeline: "paid",
  connection: "crm",
  action: "upsert",
  source: "stripe",
  type: "invoice.paid",
  attempt: 1,
  outcome,
  detail: "",
  lagMs: 1,
});
const ingested = (outcome: "accepted" | "duplicate" | "unauthorized", events: readonly EventId[]) => ({
  source: "stripe",
  outcome,
  status: 202,
  events,
  kinds: events.map(() => (outcome === "duplicate" ? ("duplicate" as const) : ("new" as const))),
  types: events.map(() => "invoice.paid"),
  remoteAddress: "127.0.0.1",
});

function open() {
  const live = createLive({ clock: createVirtualClock(1_000), name: "a" });
  const heard: LiveFact[] = [];
  const end = live.listen({ hear: (fact) => heard.push(fact), end: () => {} });
  return { live, heard, end };
}

describe("live facts", () => {
  test("say at which stage an event is, in order, one for each event of a batch", () => {
    const { live, heard } = open();
    live.observer.ingested(ingested("accepted", [event(1), event(2)]));
    live.observer.ingested(ingested("duplicate", [event(1)]));
    live.observer.ingested(ingested("unauthorized", []));
    live.observer.applied(applied(1));
    live.observer.applied({ ...applied(2), status: "skipped", reason: "stale" });
    for (const outcome of ["retrying", "delivered", "dead"]) live.observer.attempted(attempted(outcome));
    expect(heard.map(({ seq, stage, outcome }) => [seq, stage, outcome])).toEqual([
      [1, "received", "accepted"],
      [2, "received", "accepted"],
      [3, "received", "duplicate"],
      [4, "refused", "unauthorized"],
      [5, "applied", "applied"],
      [6, "skipped", "stale"],
      [7, "attempted", "retrying"],
      [8, "delivered", "delivered"],
      [9, "dead", "dead"],
    ]);
    expect(heard[0]).toMatchObject({ at: 1_000, event: "evt_1", source: "stripe", type: "invoice.paid" });
  });

  test("are known for a while to those who come back; refused requests push none of them out", () => {
    const { live, end } = open();
    end();
    live.observer.applied(applied(1));
    for (let n = 0; n < 5_000; n++) live.observer.ingested(ingested("unauthorized", []));
    live.observer.applied(applied(2));
    expect(live.since(0)).toMatchObject({ facts: [{ event: "evt_1" }, { event: "evt_2" }], missed: false });
    expect(live.since(1).facts.map((fact) => fact.event)).toEqual(["evt_2"]);
    for (let n = 3; n < 3_003; n++) live.observer.applied(applied(n));
    const { facts, missed } = live.since(1);
    expect([facts.length, missed, facts[0]?.event, facts.at(-1)?.event]).toEqual([2_000, true, "evt_1003", "evt_3002"]);
    expect(live.since(2_500)).toMatchObject({ missed: false });
  });

  test("pass by stage, source, type, pipeline, connection, outcome and entity; refused ones only where they are asked for", () => {
    const { live, heard } = open();
    live.observer.applied(applied(1));
    live.observer.ingested(ingested("unauthorized", []));
    live.observer.attempted(attempted("retrying"));
    const [first, refused, tried] = heard as [LiveFact, LiveFact, LiveFact];
    expect(passes(first, {})).toBe(true);
    expect(passes(refused, {})).toBe(false);
    expect(passes(refused, { stages: new Set(["refused"]) })).toBe(true);
    expect(passes(first, { type: "invoice.*" })).toBe(true);
    expect(passes(refused, { stages: new Set(["refused"]), type: "invoice.*" })).toBe(false);
    expect(passes(first, { entity: { type: "customer" } })).toBe(true);
    expect(passes(first, { entity: { type: "customer", key: "cus_1" } })).toBe(true);
    expect(passes(first, { entity: { type: "customer", key: "cus_2" } })).toBe(false);
    for (const filter of [{ source: "github" }, { pipeline: "other" }, { connection: "crm" }, { outcome: "dead" }])
      expect(passes(first, filter)).toBe(false);
    expect(passes(tried, { connection: "crm", outcome: "retrying", pipeline: "paid" })).toBe(true);
  });

  test("end for all who listen when the engine stops", () => {
    const { live } = open();
    let ended = 0;
    live.listen({ hear: () => {}, end: () => void ended++ });
    live.close();
    expect([ended, live.listeners]).toEqual([1, 0]);
  });
});
