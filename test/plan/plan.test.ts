import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { PlanReport } from "../../engine/plan/report.ts";
import { type Bench, openBench, start, type TestedEvent } from "../worker/support.ts";
import { changed, customer, planOver, shop, subscription } from "./support.ts";

let benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches) await bench.close();
  benches = [];
});

async function benchWith(events: readonly Omit<TestedEvent, "id">[], config = shop): Promise<Bench> {
  const bench = await openBench(config);
  benches.push(bench);
  for (const [n, event] of events.entries()) {
    bench.clock.set(start + n * 1_000);
    await bench.send({ id: `e${n}`, at: start + n * 1_000 - 500, ...event });
  }
  return bench;
}

const attributesOf = (report: PlanReport) =>
  report.pipelines.flatMap((one) => one.attributes.map((change) => `${change.entity}.${change.attribute}`));

const life = [
  customer("c1", { seats: 3, note: "first", email: "ada@example.com" }),
  subscription("s1", { id: "c1", plan: "pro", amount: 100, state: "trial", seats: 3 }),
  subscription("s1", { id: "c1", plan: "pro", amount: 100, state: "active", seats: 4 }),
  customer("c2", { seats: 1, note: "second", email: "bob@example.com" }),
  subscription("s2", { id: "c2", plan: "team", amount: 900, state: "active", seats: 9 }),
  subscription("s1", { id: "c1", plan: "team", amount: 900, state: "active", seats: 5 }),
];

describe("makePlan", () => {
  it("finds nothing between a revision and itself, wherever the window begins", async () => {
    const bench = await benchWith(life);
    for (let last = 1; last <= life.length; last++) {
      const report = await planOver(bench, { before: shop, after: shop }, { last });
      expect([last, report.basis.events, report.basis.more]).toEqual([last, last, life.length - last]);
      expect([report.pipelines, report.breaking]).toEqual([[], []]);
      expect(report.unchanged).toBeGreaterThan(0);
    }
  });

  it("finds nothing between a revision and itself, whatever came in", async () => {
    const text = fc.constantFrom("a", "b", "");
    const event = fc.oneof(
      fc.record({
        type: fc.constant("customer.changed"),
        at: fc.integer({ min: start - 20_000, max: start + 20_000 }),
        data: fc.record(
          { id: fc.constantFrom("c1", "c2"), seats: fc.option(fc.integer({ min: 0, max: 3 })), note: fc.option(text) },
          { requiredKeys: ["id"] },
        ),
      }),
      fc.record({
        type: fc.constant("subscription.changed"),
        at: fc.integer({ min: start - 20_000, max: start + 20_000 }),
        data: fc.record(
          {
            sub: fc.constantFrom("s1", "s2"),
            id: fc.constantFrom("c1", "c2"),
            plan: fc.constantFrom("free", "pro", "team", "odd"),
            amount: fc.integer({ min: 0, max: 3 }),
            state: fc.constantFrom("trial", "active", "canceled"),
          },
          { requiredKeys: ["sub", "id", "state"] },
        ),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 14 }), fc.nat(13), async (events, skip) => {
        const bench = await benchWith(events as unknown as Omit<TestedEvent, "id">[]);
        const report = await planOver(
          bench,
          { before: shop, after: shop },
          { last: Math.max(1, events.length - skip) },
        );
        expect([report.pipelines, report.breaking]).toEqual([[], []]);
      }),
      { numRuns: 8 },
    );
  });

  it("shows exactly the attribute whose mapping row has changed, with counts and what was and would be", async () => {
    const bench = await benchWith(life);
    const after = changed(shop, "amount: amount", "amount: amount + 1");
    const report = await planOver(bench, { before: shop, after });
    expect(attributesOf(report)).toEqual(["subscription.amount"]);
    const [change] = report.pipelines[0]?.attributes ?? [];
    expect(change).toMatchObject({ appear: 0, change: 3, vanish: 0, places: ["crm upsert"] });
    expect(change?.examples[0]).toMatchObject({ entity: "subscription/s1", before: "100", after: "101" });
    expect(report.breaking).toEqual([]);
    expect(report.pipelines[0]).toMatchObject({ pipeline: "orders", kind: "changed", outcomes: [] });
    // The effect tells the amount too, and nothing else of it is different.
    expect(report.pipelines[0]?.effects).toMatchObject([
      { event: "activated", change: 1, examples: [{ before: "amount 100", after: "amount 101" }] },
    ]);
  });

  it("starts both sides from what stood before the window, so that nothing looks stale or new", async () => {
    const bench = await benchWith(life);
    const after = changed(shop, "note: { from: note, on_null: clear }", "note: { value: noted }");
    // The last event is about the subscription: the customer's note is not touched.
    expect((await planOver(bench, { before: shop, after }, { last: 1 })).pipelines).toEqual([]);
    const amount = changed(shop, "amount: amount", "amount: $number($string(amount) & '0')");
    const report = await planOver(bench, { before: shop, after: amount }, { last: 1 });
    expect(report.pipelines[0]?.attributes).toMatchObject([
      { attribute: "amount", change: 1, examples: [{ before: "900", after: "9000" }] },
    ]);
  });

  it("follows a value into what is computed from it", async () => {
    const bench = await benchWith(life);
    const report = await planOver(bench, {
      before: shop,
      after: changed(shop, "plan: plan,", "plan: { value: pro },"),
    });
    expect(attributesOf(report)).toEqual(["customer.tier", "subscription.plan"]);
  });

  it("masks sensitive values, and lets two that differ look different", async () => {
    const bench = await benchWith(life);
    const report = await planOver(bench, {
      before: shop,
      after: changed(shop, "email: email } }", "email: $uppercase(email) } }"),
    });
    const text = JSON.stringify(report);
    expect(text).not.toMatch(/example\.com/i);
    expect(attributesOf(report)).toContain("customer.email");
    const [example] = report.pipelines[0]?.attributes.find((one) => one.attribute === "email")?.examples ?? [];
    expect(example?.before).toMatch(/^\[hidden #[0-9a-f]{8}\]$/);
    expect(example?.after).toMatch(/^\[hidden #[0-9a-f]{8}\]$/);
    expect(example?.after).not.toBe(example?.before);
    expect(example?.entity).toMatch(/^customer\/\[hidden/);
  });

  it("masks a sensitive value also where the change puts it into an attribute that is not", async () => {
    const bench = await benchWith(life);
    const report = await planOver(bench, {
      before: shop,
      after: changed(shop, "note: { from: note, on_null: clear }", "note: \"'mail ' & email\""),
    });
    const [note] = report.pipelines[0]?.attributes.filter((one) => one.attribute === "note") ?? [];
    expect(note).toMatchObject({ change: 2, examples: [{ before: '"first"' }, { before: '"second"' }] });
    expect(note?.examples.map((one) => one.after)).toEqual([
      expect.stringMatching(/^\[hidden #/),
      expect.stringMatching(/^\[hidden #/),
    ]);
    expect(JSON.stringify(report)).not.toMatch(/example\.com/i);
  });

  it("tells effects that come and go", async () => {
    const bench = await benchWith(life);
    const gone = await planOver(bench, {
      before: shop,
      after: changed(shop, "on_enter: active,", "on_enter: canceled,"),
    });
    expect(gone.pipelines[0]?.effects).toMatchObject([
      { connection: "mail", action: "track", event: "activated", appear: 0, vanish: 1, change: 0 },
    ]);
    // In the window's past it has fired: with `once` it does not again, on either side.
    const later = await planOver(
      bench,
      { before: shop, after: changed(shop, "once: true", "once: true, from: [trial]") },
      { last: 1 },
    );
    expect(later.pipelines).toEqual([]);
  });

  it("tells events that are dead, skipped or held on one side only", async () => {
    const bench = await benchWith(life);
    const dead = await planOver(bench, {
      before: shop,
      after: changed(shop, "seats: seats, note", "seats: { from: nothing, missing: reject }, note"),
    });
    expect(dead.pipelines[0]?.outcomes).toMatchObject([
      { before: "applied", after: expect.stringMatching(/^dead letter \(HK\d{4}\)$/), count: 2 },
    ]);
    const skipped = await planOver(bench, {
      before: shop,
      after: changed(shop, "on: customer.changed", "on: customer.changed\n    when: seats > 1"),
    });
    expect(skipped.pipelines[0]?.outcomes).toMatchObject([
      { before: "applied", after: "skipped (not_selected)", count: 1 },
    ]);
    const held = await planOver(bench, {
      before: shop,
      after: changed(
        shop,
        "customer: { key: id, fields: { seats: seats } }",
        "customer: { key: $event.nobody, unknown: hold, fields: { seats: seats } }",
      ),
    });
    expect(held.pipelines[0]?.outcomes[0]?.count).toBe(4);
  });

  it("marks what strands state as breaking, with counts", async () => {
    const bench = await benchWith(life);
    const plan = async (from: string, to: string) => {
      const report = await planOver(bench, { before: shop, after: changed(shop, from, to) });
      return report.breaking.map(({ kind, what, events, rows }) => ({ kind, what, events, rows }));
    };
    expect(await plan("path: /hooks/shop", "path: /hooks/store")).toMatchObject([
      { kind: "source_path", what: "orders: /hooks/shop -> /hooks/store", events: 6 },
    ]);
    expect(await plan("id: body:id", "id: body:data.id")).toMatchObject([{ kind: "dedupe_key", events: 6 }]);
    expect(await plan("time: { from: body:at, unit: ms }", "time: { from: body:at, unit: s }")).toMatchObject([
      { kind: "ordering_key", events: 6 },
    ]);
    expect(await plan("subscription: { key: sub,", "subscription: { key: sub & '-x',")).toMatchObject([
      { kind: "entity_key", what: "orders: subscription", events: 4 },
    ]);
    const withoutNote = changed(shop, "note: { from: note, on_null: clear }, ", "");
    const removed = changed(withoutNote, "      note: { type: string, owner: ops, clearable: true }\n", "");
    const { breaking } = await planOver(bench, { before: shop, after: removed });
    expect(breaking).toMatchObject([{ kind: "removed", what: "attribute customer.note", rows: ["2 entities"] }]);
  });
});
