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
    const gate = createGate({ rate: { count: 2, perMs: 1_000 }, breaker }, clock);
    expect([gate.tryAcquire().ok, gate.tryAcquire().ok]).toEqual([true, true]);
    expect(gate.tryAcquire()).toEqual({ ok: false, retryAt: 11_000, why: "rate" });
    clock.advance(1_000);
    expect(gate.tryAcquire().ok).toBe(true);
  });

  it("opens after failures in a row, lets one probe go, and closes when it is answered", () => {
    const clock = createVirtualClock(0);
    const gate = createGate({ breaker }, clock);
    for (const outcome of ["retry", "unknown", "retry"] as const) gate.report({ outcome });
    expect(gate.tryAcquire()).toEqual({ ok: false, retryAt: 1_000, why: "breaker" });
    clock.advance(1_000);
    expect(gate.tryAcquire().ok).toBe(true);
    expect(gate.tryAcquire()).toMatchObject({ ok: false, why: "breaker" });
    gate.report({ outcome: "delivered" });
    expect([gate.tryAcquire().ok, gate.tryAcquire().ok]).toEqual([true, true]);
  });

  it("waits twice as long after each failed probe, up to a bound", () => {
    const clock = createVirtualClock(0);
    const gate = createGate({ breaker }, clock);
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
    const gate = createGate({ breaker }, clock);
    for (let i = 0; i < 3; i++) gate.report({ outcome: "retry" });
    clock.advance(1_000);
    expect(gate.tryAcquire().ok).toBe(true);
    clock.advance(1_000);
    expect(gate.tryAcquire().ok).toBe(true);
  });

  it("counts refusals and throttles as answers: the sink works", () => {
    const clock = createVirtualClock(0);
    const gate = createGate({ breaker }, clock);
    for (let i = 0; i < 10; i++) gate.report({ outcome: "rejected" });
    for (let i = 0; i < 10; i++) gate.report({ outcome: "retry", throttledUntil: 0 });
    expect(gate.breaker()).toBe("closed");
  });

  it("leaves a throttling sink alone until the time it named", () => {
    const clock = createVirtualClock(0);
    const gate = createGate({ breaker }, clock);
    gate.report({ outcome: "retry", throttledUntil: 5_000 });
    expect(gate.tryAcquire()).toEqual({ ok: false, retryAt: 5_000, why: "throttled" });
    clock.advance(5_000);
    expect(gate.tryAcquire().ok).toBe(true);
  });

  it("burns no attempt in two hours of outage beyond the probes", () => {
    const clock = createVirtualClock(0);
    const gate = createGate({ breaker: { failures: 5, openMs: 30_000, maxOpenMs: 300_000 } }, clock);
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
    const gate = createGate({ breaker: { ...breaker, failures: 0 } }, createVirtualClock(0));
    for (let i = 0; i < 50; i++) gate.report({ outcome: "retry" });
    expect(gate.tryAcquire().ok).toBe(true);
  });
});
