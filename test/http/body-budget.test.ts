import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createBodyBudget } from "../../engine/http/body-budget.ts";

describe("createBodyBudget", () => {
  test("never hands out more than there is, and lets everyone in, in order", async () => {
    const step = fc.oneof(fc.record({ take: fc.integer({ min: 1, max: 200_000 }) }), fc.constant("give" as const));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const total = 100_000;
        const budget = createBodyBudget(total);
        const held: number[] = [];
        const order: number[] = [];
        const asked: Promise<void>[] = [];
        let count = 0;
        const take = (bytes: number) => {
          const n = count++;
          const share = budget.share(bytes);
          const enter = () => {
            order.push(n);
            held.push(share);
            expect(held.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(total);
          };
          const wait = budget.take(share);
          if (wait === undefined) enter();
          else asked.push(wait.then(enter));
        };
        const give = async () => {
          const share = held.shift();
          if (share !== undefined) budget.give(share);
          await Promise.resolve();
        };
        for (const one of steps) {
          if (one === "give") await give();
          else take(one.take);
        }
        while (order.length < count) await give();
        await Promise.all(asked);
        expect(order).toEqual([...order].sort((a, b) => a - b));
      }),
    );
  });

  test("small bodies take nothing, and none takes more than all", () => {
    const budget = createBodyBudget(1_000);
    expect([budget.share(0), budget.share(64 * 1024), budget.share(64 * 1024 + 1), budget.share(1e9)]).toEqual([
      0, 0, 1, 1_000,
    ]);
  });
});
