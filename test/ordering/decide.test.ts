import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StepWrite } from "../../engine/ordering/step.ts";
import { at, attribute, createWorld, customer, entity, models, subscription, tiers, write } from "./support.ts";

const subscribe = (key: string, plan: string, state = "active") => [
  write("subscription", key, { state, set: { plan } }),
  write("customer", "cus_1"),
];

describe("decide", () => {
  it("creates the entities, links child to parent and rolls the tier up", async () => {
    const world = createWorld();
    const decision = await world.step(at(1, 1), subscribe("sub_1", "team"));
    expect(decision.kind).toBe("apply");
    expect(world.values({ type: "customer", key: "cus_1" })).toEqual({ tier: "team" });
    expect(world.get("subscription", "sub_1")?.parent).toEqual({ type: "customer", key: "cus_1" });
  });

  it("takes the highest of several subscriptions, so that one cancel does not end them all", async () => {
    const world = createWorld();
    await world.step(at(1, 1), subscribe("sub_1", "pro"));
    await world.step(at(2, 2), subscribe("sub_2", "team"));
    await world.step(at(3, 3), subscribe("sub_2", "team", "canceled"), { lowers: new Set(["tier"]) });
    expect(world.values({ type: "customer", key: "cus_1" })).toEqual({ tier: "pro" });
  });

  it("keeps a rolled-up protected value that would fall without permission, and says it was refused", async () => {
    const world = createWorld();
    await world.step(at(1, 1), subscribe("sub_1", "team"));
    const decision = await world.step(at(2, 2), subscribe("sub_1", "team", "canceled"));
    expect(decision).toMatchObject({
      kind: "apply",
      history: expect.arrayContaining([expect.objectContaining({ attribute: "tier", result: "refused" })]),
    });
    expect(world.values({ type: "customer", key: "cus_1" })).toEqual({ tier: "team" });
  });

  it("does not fall back to `none` while a counting child has no value", async () => {
    const world = createWorld();
    await world.step(at(1, 1), [write("subscription", "sub_1", { state: "active" }), write("customer", "cus_1")]);
    expect(world.values({ type: "customer", key: "cus_1" })).toEqual({});
  });

  it("still writes what is older when an event comes late, and skips it only when nothing is left", async () => {
    const world = createWorld();
    await world.step(at(5, 1), [write("subscription", "sub_1", { set: { seats: 7 } }), write("customer", "cus_1")]);
    const late = await world.step(at(4, 2), [
      write("subscription", "sub_1", { state: "active", set: { plan: "pro", seats: 3 } }),
      write("customer", "cus_1"),
    ]);
    expect(late.kind).toBe("apply");
    expect(world.values({ type: "subscription", key: "sub_1" })).toEqual({ seats: 7, plan: "pro" });
    const useless = await world.step(at(3, 3), [write("subscription", "sub_1", { set: { seats: 1 } })]);
    expect(useless).toMatchObject({ kind: "skip", reason: "stale", supersededBy: 1 });
  });

  it("remembers a blank that came first, so that an older value does not undo it", async () => {
    const blank = { fields: [{ attribute: "note", clear: true as const, mapping: "p.yaml:1" }] };
    const world = createWorld();
    await world.step(at(5, 1), [write("customer", "cus_1", blank)]);
    expect(world.values({ type: "customer", key: "cus_1" })).toMatchObject({ note: null });
    const late = await world.step(at(4, 2), [write("customer", "cus_1", { set: { note: "call back" } })]);
    expect(late).toMatchObject({ kind: "skip", reason: "stale", supersededBy: 1 });
    expect(world.values({ type: "customer", key: "cus_1" })).toMatchObject({ note: null });
  });

  it("moves nothing for a version far ahead of receipt", async () => {
    const world = createWorld();
    const decision = await world.step(at(2_000_000, 1), subscribe("sub_1", "team"));
    expect(decision).toMatchObject({ kind: "dead", code: "HK6001" });
    expect(world.records.size).toBe(0);
  });

  it("holds for an entity that must be known, and refuses one that must not be guessed", async () => {
    const world = createWorld();
    const held = await world.step(at(1, 1), [write("customer", "cus_9", { unknown: "hold" })]);
    expect(held).toMatchObject({ kind: "hold", waitsFor: [{ type: "customer", key: "cus_9" }] });
    expect(await world.step(at(1, 1), [write("customer", "cus_9", { unknown: "reject" })])).toMatchObject({
      kind: "dead",
      code: "HK6002",
    });
  });

  it("holds a move that is not allowed yet and forces it only when told", async () => {
    const transitions = new Map([
      ["none", new Set(["active"])],
      ["active", new Set(["canceled"])],
    ]);
    const machine = new Map([
      ["subscription", { ...subscription, transitions }],
      ["customer", customer],
    ]);
    const world = createWorld(machine);
    await world.step(at(1, 1), [write("subscription", "s", { state: "none" })]);
    expect(await world.step(at(2, 2), [write("subscription", "s", { state: "canceled" })])).toMatchObject({
      kind: "hold",
    });
    expect(world.get("subscription", "s")?.state).toBe("none");
    const forced = await world.step(at(2, 2), [write("subscription", "s", { state: "canceled" })], { force: true });
    expect(forced).toMatchObject({
      kind: "apply",
      history: [expect.objectContaining({ attribute: "state", note: "forced" })],
    });
  });

  it("accepts any first state, and treats the current state as no transition", async () => {
    const transitions = new Map([["active", new Set(["canceled"])]]);
    const world = createWorld(
      new Map([
        ["subscription", { ...subscription, transitions }],
        ["customer", customer],
      ]),
    );
    const first = await world.step(at(1, 1), [write("subscription", "s", { state: "active" })]);
    expect(first).toMatchObject({ kind: "apply", touched: [{ entered: { from: "unknown", to: "active" } }] });
    const again = await world.step(at(2, 2), [write("subscription", "s", { state: "active" })]);
    expect(again.kind === "apply" && again.touched[0]?.entered).toBeUndefined();
    expect(world.get("subscription", "s")?.stateVersion).toEqual(at(2, 2));
  });

  it("erases an entity with its children and never lets a later event bring it back", async () => {
    const world = createWorld();
    await world.step(at(1, 1), subscribe("sub_1", "team"));
    const erased = await world.step(at(2, 2), [write("customer", "cus_1", { delete: "erase" })]);
    expect(erased.kind).toBe("apply");
    expect(world.values({ type: "customer", key: "cus_1" })).toEqual({});
    expect(world.get("subscription", "sub_1")?.tombstone).toMatchObject({ erased: true });
    expect(await world.step(at(9, 3), subscribe("sub_1", "team"))).toMatchObject({ kind: "skip", reason: "tombstone" });
  });

  it("lets a later event revive what was deleted but not erased, and no earlier one", async () => {
    const world = createWorld();
    await world.step(at(5, 1), [write("customer", "cus_1", { delete: "tombstone" })]);
    expect(await world.step(at(4, 2), [write("customer", "cus_1", { set: { note: "late" } })])).toMatchObject({
      kind: "skip",
      reason: "tombstone",
    });
    expect((await world.step(at(6, 3), [write("customer", "cus_1", { set: { note: "back" } })])).kind).toBe("apply");
    expect(world.values({ type: "customer", key: "cus_1" })).toMatchObject({ note: "back" });
  });

  it("refuses an id that belongs to another entity", async () => {
    const world = createWorld();
    const clash: StepWrite = write("customer", "cus_2", {
      links: [{ idName: "clerk_id", value: "user_1", owner: "cus_1" }],
    });
    expect(await world.step(at(1, 1), [clash])).toMatchObject({ kind: "dead", code: "HK6003" });
  });

  it("uses an initial value only where nothing is stored", async () => {
    const world = createWorld();
    const initial = write("customer", "c", {
      fields: [{ attribute: "branch", initial: "self_serve", mapping: "p:1" }],
    });
    await world.step(at(1, 1), [initial]);
    await world.step(at(2, 2), [
      write("customer", "c", { fields: [{ attribute: "branch", initial: "other", mapping: "p:1" }] }),
    ]);
    expect(world.values({ type: "customer", key: "c" })).toMatchObject({ branch: "self_serve" });
  });

  it("ends in one state for every order of arrival, with a duplicate in each place", async () => {
    const moves = fc.record({
      time: fc.integer({ min: 1, max: 4 }),
      rank: fc.integer({ min: 0, max: 2 }),
      plan: fc.constantFrom(...tiers),
      state: fc.constantFrom("active", "canceled"),
      key: fc.constantFrom("sub_1", "sub_2"),
    });
    const traces = fc.uniqueArray(moves, {
      selector: (one) => `${one.time}.${one.rank}.${one.key}`,
      minLength: 2,
      maxLength: 5,
    });
    const lowers = new Set(["tier", "plan"]);
    async function finish(
      events: readonly { index: number; time: number; rank: number; plan: string; state: string; key: string }[],
    ) {
      const world = createWorld();
      for (const event of events)
        await world.step(at(event.time, event.index, event.rank), subscribe(event.key, event.plan, event.state), {
          lowers,
        });
      const values = [...world.records.values()].map((record) => [
        record.type,
        record.key,
        record.state,
        world.values(record),
      ]);
      return JSON.stringify(values.sort());
    }
    await fc.assert(
      fc.asyncProperty(
        traces.chain((trace) =>
          fc.tuple(
            fc.constant(trace),
            fc.shuffledSubarray([...trace.keys(), ...trace.keys()], { minLength: trace.length * 2 }),
          ),
        ),
        async ([trace, order]) => {
          const numbered = trace.map((event, index) => ({ ...event, index }));
          expect(await finish(order.map((index) => numbered[index] as (typeof numbered)[number]))).toBe(
            await finish(numbered),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it("changes nothing when the same event is applied twice", async () => {
    const world = createWorld();
    await world.step(at(1, 1), subscribe("sub_1", "team"));
    const before = world.values({ type: "customer", key: "cus_1" });
    const again = await world.step(at(1, 1), subscribe("sub_1", "team"));
    expect(again.kind === "apply" && again.touched.every((one) => one.changed.size === 0)).toBe(true);
    expect(world.values({ type: "customer", key: "cus_1" })).toEqual(before);
  });

  it("counts members instead of adding them up", async () => {
    const account = entity(
      "account",
      [
        attribute("used", {
          type: "integer",
          rollup: { childType: "member", take: "count", inStates: new Set(["in"]), none: { value: 0 } },
        }),
      ],
      { children: ["member"] },
    );
    const member = entity("member", [], { parent: "account", states: ["none", "in", "gone"] });
    const world = createWorld(new Map([["account", account], ["member", member], ...models]));
    const join = (key: string, state: string) => [write("member", key, { state }), write("account", "org_1")];
    await world.step(at(1, 1), join("m1", "in"));
    await world.step(at(1, 1), join("m1", "in"));
    await world.step(at(2, 2), join("m2", "in"));
    await world.step(at(3, 3), join("m1", "gone"));
    expect(world.values({ type: "account", key: "org_1" })).toEqual({ used: 1 });
  });
});
