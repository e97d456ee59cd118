import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AttributeWrite } from "../../engine/core/types.ts";
import type { BatchPlan, SinkBatches } from "../../engine/plugin/index.ts";
import type { DeliveryRecord } from "../../engine/store/store.ts";
import { groupDue } from "../../engine/worker/batches.ts";

const NOW = 1_000_000;

interface Due {
  readonly key: string;
  readonly action?: string;
  readonly attempts?: number;
  readonly nextAt?: number;
  readonly names?: readonly string[];
}

/** As far as grouping looks at it. */
function record({ key, action = "upsert", attempts = 0, nextAt = NOW, names = ["tier"] }: Due): DeliveryRecord {
  const attributes: Record<string, AttributeWrite> = Object.fromEntries(names.map((name) => [name, { set: 1 }]));
  const known: Partial<DeliveryRecord> = {
    entity: { type: "customer", key },
    action,
    kind: "upsert",
    attempts,
    nextAt,
    attributes,
  };
  return known as DeliveryRecord;
}

function batches(plan: Partial<BatchPlan> = {}): SinkBatches {
  return {
    planOf: (action) => (action === "alone" ? undefined : { maxItems: 4, flushMs: 0, byKeySet: true, ...plan }),
    choose: (requests) => requests.map((_, index) => index),
    send: async () => [],
  };
}

const keysOf = (groups: readonly (readonly DeliveryRecord[])[]) =>
  groups.map((group) => group.map(({ entity }) => entity.key).join(""));

describe("groupDue", () => {
  it("puts what is due together, up to the most that one request takes", () => {
    const due = [..."abcdefghij"].map((key) => record({ key }));
    expect(keysOf(groupDue(due, batches(), NOW).groups)).toEqual(["abcd", "efgh", "ij"]);
  });

  it("leaves each alone where the sink, or the action, takes no lists", () => {
    const due = [..."abc"].map((key) => record({ key, action: "alone" }));
    expect(keysOf(groupDue(due, undefined, NOW).groups)).toEqual(["a", "b", "c"]);
    expect(keysOf(groupDue(due, batches(), NOW).groups)).toEqual(["a", "b", "c"]);
  });

  it("mixes no two sets of attributes, unless the sink reads each item alone", () => {
    const due = [
      record({ key: "a", names: ["tier"] }),
      record({ key: "b", names: ["flag"] }),
      record({ key: "c", names: ["tier"] }),
    ];
    expect(keysOf(groupDue(due, batches(), NOW).groups)).toEqual(["ac", "b"]);
    expect(keysOf(groupDue(due, batches({ byKeySet: false }), NOW).groups)).toEqual(["abc"]);
  });

  it("sends what has failed in ever smaller parts, in the end alone", () => {
    const sizes = [0, 1, 2].map((attempts) => {
      const due = Array.from({ length: 32 }, (_, n) => record({ key: `${n}`, attempts }));
      return groupDue(due, batches({ maxItems: 16 }), NOW).groups[0]?.length;
    });
    expect(sizes).toEqual([16, 4, 1]);
  });

  it("lets an incomplete request wait for others, and a full one not", () => {
    const plan = { flushMs: 200 };
    const due = [..."abcde"].map((key, n) => record({ key, nextAt: NOW - 10 + n }));
    const grouped = groupDue(due, batches(plan), NOW);
    expect(keysOf(grouped.groups)).toEqual(["abcd"]);
    expect([...grouped.waiting]).toEqual(["customer/e"]);
    expect(grouped.waitUntil).toBe(NOW - 10 + 4 + 200);
    expect(keysOf(groupDue(due.slice(4), batches(plan), grouped.waitUntil ?? 0).groups)).toEqual(["e"]);
  });

  it("loses none, sends none twice, and never exceeds what a request takes", () => {
    const due = fc.uniqueArray(
      fc.record({
        key: fc.string({ minLength: 1, maxLength: 4 }),
        action: fc.constantFrom("upsert", "other", "alone"),
        attempts: fc.integer({ min: 0, max: 4 }),
        nextAt: fc.integer({ min: NOW - 400, max: NOW }),
        names: fc.subarray(["tier", "flag", "seats"]),
      }),
      { selector: ({ key }) => key, maxLength: 40 },
    );
    fc.assert(
      fc.property(due, fc.integer({ min: 2, max: 9 }), fc.integer({ min: 0, max: 500 }), (all, maxItems, flushMs) => {
        const { groups, waiting } = groupDue(all.map(record), batches({ maxItems, flushMs }), NOW);
        const going = groups.flat().map(({ entity }) => entity.key);
        const held = [...waiting].map((lane) => lane.slice("customer/".length));
        expect([...going, ...held].sort()).toEqual(all.map(({ key }) => key).sort());
        for (const group of groups) expect(group.length).toBeLessThanOrEqual(maxItems);
        if (flushMs === 0) expect(held).toEqual([]);
      }),
    );
  });
});
