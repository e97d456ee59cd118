import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffDelay, nextAttempt, retryPlanFromSla } from "../../engine/core/backoff.ts";

const HOUR = 3_600_000;
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("retryPlanFromSla", () => {
  it.each([
    // lag, base, cap
    [60_000, 2_000, 300_000],
    [5 * 60_000, 10_000, 900_000],
    [1_000, 500, 30_000],
    [24 * HOUR, 60_000, 900_000],
  ])("a lag of %i ms gives base %i and cap %i", (lag, baseMs, capMs) => {
    expect(retryPlanFromSla(lag)).toEqual({ baseMs, capMs, horizonMs: 72 * HOUR });
  });

  it("ends within nine tenths of the time the sink remembers a key", () => {
    expect(retryPlanFromSla(60_000, 2 * HOUR).horizonMs).toBe(1.8 * HOUR);
    expect(retryPlanFromSla(60_000, 1000 * HOUR).horizonMs).toBe(72 * HOUR);
  });
});

describe("backoffDelay", () => {
  it("stays between a tenth of the base and the exponential ceiling", () => {
    fc.assert(
      fc.property(random, fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 1e7 }), (r, attempt, lag) => {
        const plan = retryPlanFromSla(lag);
        const delay = backoffDelay(plan, attempt, r);
        expect(delay).toBeGreaterThanOrEqual(Math.floor(plan.baseMs / 10));
        expect(delay).toBeLessThanOrEqual(Math.min(plan.capMs, plan.baseMs * 2 ** Math.min(attempt - 1, 40)));
      }),
    );
  });

  it("spreads over the whole range: full jitter", () => {
    const plan = { baseMs: 1_000, capMs: 60_000, horizonMs: HOUR };
    expect(backoffDelay(plan, 3, 0)).toBe(100);
    expect(backoffDelay(plan, 3, 0.5)).toBe(2_000);
    expect(backoffDelay(plan, 3, 0.999_999)).toBe(4_000);
  });
});

describe("nextAttempt", () => {
  const plan = { baseMs: 1_000, capMs: 60_000, horizonMs: HOUR };
  const failed = { attempt: 1, horizonFrom: 0, now: 0, random: 0.5 };

  it("waits at least as long as the sink asks for, an hour at most", () => {
    expect(nextAttempt(plan, { ...failed, retryAfterMs: 120_000 })).toEqual({ retry: true, at: 120_000 });
    expect(nextAttempt(plan, { ...failed, retryAfterMs: 1e12 })).toEqual({ retry: true, at: HOUR });
  });

  it("does not go faster because the sink asks for nothing or nonsense", () => {
    expect(nextAttempt(plan, { ...failed, retryAfterMs: -5 })).toEqual({ retry: true, at: 500 });
    expect(nextAttempt(plan, { ...failed, retryAfterMs: 0 })).toEqual({ retry: true, at: 500 });
  });

  it("gives up rather than begin a wait that ends after the horizon", () => {
    expect(nextAttempt(plan, { ...failed, attempt: 9, now: HOUR - 10 })).toEqual({ retry: false });
  });

  it("follows a declared schedule and ends with it", () => {
    const scheduled = { ...plan, scheduleMs: [5_000, 10_000] };
    expect(nextAttempt(scheduled, { ...failed, attempt: 1 })).toEqual({ retry: true, at: 5_000 });
    expect(nextAttempt(scheduled, { ...failed, attempt: 2 })).toEqual({ retry: true, at: 10_000 });
    expect(nextAttempt(scheduled, { ...failed, attempt: 3 })).toEqual({ retry: false });
  });

  it("always ends: no plan retries after its horizon", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.25, max: 0.99, noNaN: true }), fc.integer({ min: 1_000, max: 1e7 }), (r, lag) => {
        const own = retryPlanFromSla(lag);
        let now = 0;
        let attempts = 1;
        for (; attempts < 100_000; attempts++) {
          const next = nextAttempt(own, { attempt: attempts, horizonFrom: 0, now, random: r });
          if (!next.retry) break;
          expect(next.at).toBeGreaterThan(now);
          now = next.at;
        }
        expect(now).toBeLessThanOrEqual(own.horizonMs);
        expect(attempts).toBeLessThan(100_000);
      }),
      { numRuns: 20 },
    );
  });
});
