import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { createRepeatLimit } from "../../engine/core/repeat-limit.ts";

describe("createRepeatLimit", () => {
  test("every line is either admitted or counted in a summary", () => {
    const steps = fc.array(fc.record({ cause: fc.constantFrom("a", "b", "c"), wait: fc.nat(40) }), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (all) => {
        const clock = createVirtualClock(0);
        let admitted = 0;
        let summed = 0;
        const limit = createRepeatLimit({
          clock,
          summary: (_cause, hidden) => (summed += hidden),
          perWindow: 2,
          windowMs: 100,
          maxCauses: 2,
        });
        for (const { cause, wait } of all) {
          clock.advance(wait);
          if (limit.admit(cause)) admitted++;
        }
        limit.flush();
        expect(admitted + summed).toBe(all.length);
      }),
    );
  });

  test("a new window begins when the last one has ended", () => {
    const clock = createVirtualClock(0);
    const limit = createRepeatLimit({ clock, summary: () => {}, perWindow: 1, windowMs: 100 });
    expect([limit.admit("a"), limit.admit("a")]).toEqual([true, false]);
    clock.advance(100);
    expect(limit.admit("a")).toBe(true);
  });
});
