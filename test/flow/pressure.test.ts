import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPressure } from "../../engine/flow/pressure.ts";

/** A store that answers `perMs` requests in a millisecond, one after the other, under `offered` a millisecond. */
function run({ perMs, offered, ms }: { perMs: number; offered: number; ms: number }) {
  const pressure = createPressure();
  const queue: { at: number; leave: (now: number) => void }[] = [];
  const waits: number[] = [];
  let refused = 0;
  let [due, room] = [0, 0];
  for (let now = 0; now < ms; now++) {
    for (due += offered; due >= 1; due--) {
      if (pressure.full(now)) refused++;
      else queue.push({ at: now, leave: pressure.enter(now) });
    }
    for (room = Math.min(room + perMs, perMs + 1); room >= 1; room--) {
      const next = queue.shift();
      if (next === undefined) continue;
      next.leave(now);
      // The first seconds are spent finding out.
      if (now > ms / 2) waits.push(now - next.at);
    }
  }
  return { refused, waits: waits.sort((a, b) => a - b), served: waits.length };
}

describe("the store's queue", () => {
  it("refuses nobody while the store keeps up", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.05, max: 10, noNaN: true }), (perMs) => {
        expect(run({ perMs, offered: perMs * 0.9, ms: 4_000 }).refused).toBe(0);
      }),
      { numRuns: 20 },
    );
  });

  it("under three times of what the store can do keeps the store at work and what it took below a second", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.5, max: 10, noNaN: true }), (perMs) => {
        const { waits, served, refused } = run({ perMs, offered: perMs * 3, ms: 20_000 });
        expect(waits[Math.floor(waits.length * 0.99)]).toBeLessThan(600);
        expect(served).toBeGreaterThan(perMs * 10_000 * 0.97);
        expect(refused).toBeGreaterThan(0);
      }),
      { numRuns: 20 },
    );
  });

  it("is closed while the store says nothing, and open again with its first answer", () => {
    const pressure = createPressure();
    const leaves = Array.from({ length: 100 }, () => pressure.enter(0));
    expect([pressure.full(900), pressure.full(1_100), pressure.overfull(1_100)]).toEqual([false, true, false]);
    for (const leave of leaves.slice(0, 50)) leave(1_200);
    expect(pressure.full(1_200)).toBe(false);
  });
});
