import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { EntityRecord } from "../../engine/core/record.ts";
import { openPastStore } from "../../engine/store/read-past.ts";
import { shop } from "../plan/support.ts";
import { openBench, start } from "../worker/support.ts";

/**
 * What `plan` needs to be right: values, state, ids and parent. Versions may be those of the event that set the value, and
 * a blank is the same as nothing: one that came before any value is not in the history.
 */
const seen = (record: EntityRecord | undefined) =>
  record && {
    ids: record.ids,
    state: record.state,
    parent: record.parent,
    values: Object.fromEntries(
      Object.entries(record.attributes).flatMap(([name, { value }]) => (value === null ? [] : [[name, value]])),
    ),
  };

it("gives every entity as it stood before any event, whatever came after", async () => {
  const value = fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined });
  const event = fc.record({
    isCustomer: fc.boolean(),
    at: fc.integer({ min: start - 9_000, max: start + 9_000 }),
    id: fc.constantFrom("c1", "c2"),
    seats: value,
    note: fc.constantFrom(undefined, null, "a", "b"),
    email: fc.constantFrom(undefined, "x", "y"),
    plan: fc.constantFrom("free", "pro", "team"),
    state: fc.constantFrom("trial", "active", "canceled"),
  });
  const refs = ["c1", "c2"].map((key) => ({ type: "customer", key }));
  refs.push(...["c1", "c2"].map((key) => ({ type: "subscription", key: `s-${key}` })));
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 2, maxLength: 10 }), async (events) => {
      const bench = await openBench(shop);
      try {
        const stood: Awaited<ReturnType<typeof look>>[] = [];
        const look = async () =>
          Promise.all(refs.map(async (ref) => seen(await bench.engine.store.entity(ref.type, ref.key))));
        for (const [n, { isCustomer, at, ...data }] of events.entries()) {
          stood.push(await look());
          bench.clock.set(start + n * 1_000);
          const type = isCustomer ? "customer.changed" : "subscription.changed";
          await bench.send({
            id: `e${n}`,
            type,
            at,
            data: JSON.parse(JSON.stringify({ ...data, sub: `s-${data.id}` })),
          });
        }
        const past = openPastStore(join(bench.root, "hookrail.db"));
        const { events: seqs } = past.window({ last: 100 });
        for (const [n, seq] of seqs.entries()) {
          const before = past.before(seq);
          const then = await Promise.all(refs.map(async (ref) => seen(await before.entity(ref))));
          expect([n, then]).toEqual([n, stood[n]]);
        }
        past.close();
      } finally {
        await bench.close();
      }
    }),
    { numRuns: 12 },
  );
});
