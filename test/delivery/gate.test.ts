import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { createGate } from "../../engine/delivery/gate.ts";
import { createRateLimit } from "../../engine/delivery/rate.ts";

const breaker = { failures: 3, openMs: 1_000, maxOpenMs: 8_000 };

describe("the rate limit", () => {
  it("gives never more than its count in any window, whatever the pattern of asking", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 1_000 }),
        fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 200 }),
        (count, perMs, gaps) => {
          const limit = createRateLimit({ count, perMs });
          const taken: number[] = [];
          let now = 1_000;
          for (const gap of gaps) {
            now += gap;
            if (limit.nextAt(now) > now) continue;
            limit.take(now);
            taken.push(now);
          }
          for (const [index, at] of taken.entries()) {
            expect(taken.slice(index).filter((other) => other < at + perMs).length).toBeLessThanOrEqual(count);
          }
        },
      ),
    );
  });

  it("is kept exactly when one waits until it says", () => {
    const limit = createRateLimit({ count: 10, perMs: 1_000 });
    let now = 0;
    for (let i = 0; i < 100; i++) {
      now = limit.nextAt(now);
      limit.take(now);
    }
    expect(now).toBe(9_000);
  });

  it("does not stop for a clock that was set back", () => {
    const limit = createRateLimit({ count: 1, perMs: 1_000 });
    limit.take(1_000_000);
    expect(limit.nextAt(5_000)).toBe(5_000);
  });

  it("keeps large counts in bounded memory", () => {
    const limit = createRateLimit({ count: 1_000_000, perMs: 60_000 });
    let now = 0;
    for (let i = 0; i < 10_000; i++) {
      now = limit.nextAt(now);
      limit.take(now);
    }
    expect(now).toBeGreaterThan(0);
    expect(now).toBeLessThan(1_000);
  });
});

describe("createGate", () => {
  it("says when to come back instead of holding a slot", () => {
    const clock = createVirtualClock(10_000);
    const gate = createGate({ rates: [{ count: 2, perMs: 1_000 }], breaker }, clock);
    expect([gate.tryAcquire().ok, gate.tryAcquire().ok]).toEqual([true, true]);
    expect(gate.tryAcquire()).toEqual({ ok: false, retryAt: 11_000, why: "rate" });
    clock.advance(1_000);
    expect(gate.tryAcquire().ok).toBe(true);
  });

  it("opens after failures in a row, lets one probe go, and closes when it is answered", () => {
    const clock = createVirtualClock(0);
    const gate = createGate({ rates: [], breaker }, clock);
    for (const outcome of ["retry", "unknown", "retry"] as const) gate.report({ outcome });
    expect(gate.tryAcquire()).toEqual({ ok: false, retryAt: 1_000, why: "breaker" });
    clock.advance(1_000);
    expect(gate.tryAcquire().ok).toBe(true);
    expect(gate.tryAcquire()).toMatchObject({ ok: false, why: "breaker" });
    gate.report({ outcome: "delivered" });
    expect(gate.breaker()).toBe("closed");
    clock.advance(10_000);
    expect([gate.tryAcquire().ok, gate.tryAcquire().ok]).toEqual([true, true]);
  });

  it("drains slowly at first when the sink is back, then faster, then without a bound of its own", () => {
    const clock = createVirtualClock(0);
    const gate = createGate({ rates: [], breaker }, clock);
    for (let i = 0; i < 3; i++) gate.report({ outcome: "retry" });
    clock.advance(1_000);
    gate.tryAcquire();
    gate.report({ outcome: "delivered" });
    const bySecond: number[] = [];
    for (let second = 0; second < 5; second++) {
      const end = clock.now() + 1_000;
      let gone = 0;
      while (clock.now() < end) {
        const permit = gate.tryAcquire();
        if (permit.ok) gone++;
        else if (permit.why === "returning") clock.set(Math.min(end, permit.retryAt));
        else throw new Error(permit.why);
      }
      bySecond.push(gone);
    }
    expect(bySecond).toEqual([4, 10, 20, 40, 77]);
    clock.advance(1_000);
    for (let i = 0; i < 1_000; i++) expect(gate.tryAcquire().ok).toBe(true);
  });

  it("probes again at once when a probe was superseded before it was sent", () => {
    const clock = createVirtualClock(0);
    const gate = createGate({ rates: [], breaker }, clock);
    for (let i = 0; i < 3; i++) gate.report({ outcome: "retry" });
    clock.advance(1_000);
    expect(gate.tryAcquire().ok).toBe(true);
    gate.report({ outcome: "superseded" });
    expect(gate.tryAcquire().ok).toBe(true);
  });

  it("keeps every limit of the sink, not only the first", () => {
    const clock = createVirtualClock(0);
    const rates = [
      { count: 5, perMs: 1_000 },
      { count: 8, perMs: 60_000 },
    ];
    const gate = createGate({ rates, breaker }, clock);
    const taken: number[] = [];
    while (clock.now() < 70_000) {
      const permit = gate.tryAcquire();
      if (permit.ok) taken.push(clock.now());
      else clock.set(permit.retryAt);
    }
    expect(taken).toEqual([
      0, 0, 0, 0, 0, 1_000, 1_000, 1_000, 60_000, 60_000, 60_000, 60_000, 60_000, 61_000, 61_000, 61_000,
    ]);
  });

  it("waits twice as long after each failed probe, up to a bound", () => {
    const clock = createVirtualClock(0);
    const gate = createGate({ rates: [], breaker }, clock);
    for (let i = 0; i < 3; i++) gate.report({ outcome: "retry" });
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      const permit = gate.tryAcquire();
      if (permit.ok) throw new Error("expected to be refused");
      waits.push(permit.retryAt - clock.now());
      clock.set(permit.retryAt);
      expect(gate.tryAcquire().ok).toBe(true);
      gate.report({ outcome: "retry" });
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  });

  it("is not stuck when a probe is never heard of again", () => {
    const clock = createVirtualClock(0);
    const gate = createGate({ rates: [], breaker }, clock);
    for (let i = 0; i < 3; i++) gate.report({ outcome: "retry" });
    clock.advance(1_000);
    expect(gate.tryAcquire().ok).toBe(true);
    clock.advance(1_000);
    expect(gate.tryAcquire().ok).toBe(true);
  });

  it("counts refusals and throttles as answers: the sink works", () => {
    const clock = createVirtualClock(0);
    const gate = createGate({ rates: [], breaker }, clock);
    for (let i = 0; i < 10; i++) gate.report({ outcome: "rejected" });
    for (let i = 0; i < 10; i++) gate.report({ outcome: "retry", throttledUntil: 0 });
    expect(gate.breaker()).toBe("closed");
  });

  it("leaves a throttling sink alone until the time it named", () => {
    const clock = createVirtualClock(0);
    const gate = createGate({ rates: [], breaker }, clock);
    gate.report({ outcome: "retry", throttledUntil: 5_000 });
    expect(gate.tryAcquire()).toEqual({ ok: false, retryAt: 5_000, why: "throttled" });
    clock.advance(5_000);
    expect(gate.tryAcquire().ok).toBe(true);
  });

  it("burns no attempt in two hours of outage beyond the probes", () => {
    const clock = createVirtualClock(0);
    const gate = createGate({ rates: [], breaker: { failures: 5, openMs: 30_000, maxOpenMs: 300_000 } }, clock);
    let attempts = 0;
    while (clock.now() < 7_200_000) {
      const permit = gate.tryAcquire();
      if (!permit.ok) {
        clock.set(permit.retryAt);
        continue;
      }
      attempts++;
      clock.advance(10);
      gate.report({ outcome: "retry" });
    }
    expect(attempts).toBeLessThan(40);
  });

  it("never opens when it is switched off", () => {
    const gate = createGate({ rates: [], breaker: { ...breaker, failures: 0 } }, createVirtualClock(0));
    for (let i = 0; i < 50; i++) gate.report({ outcome: "retry" });
    expect(gate.tryAcquire().ok).toBe(true);
  });
});
