import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { type ClockSkew, type Observer, silentObserver } from "../../engine/flow/observer.ts";
import { createSkewWatch, medianOf, SKEW_WINDOW, withSkewWatch } from "../../engine/flow/skew-watch.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function watching(toleranceMs = 5 * MINUTE) {
  const watch = createSkewWatch();
  let at = 0;
  return {
    forget: watch.forget,
    wait(ms: number): void {
      at += ms;
    },
    /** What is told while these come, one a second. */
    see: (source: string, skews: readonly number[]): ClockSkew[] =>
      skews
        .map((skewMs) => {
          at += 1_000;
          return watch.see({ source, skewMs, toleranceMs, at });
        })
        .filter((finding) => finding !== undefined),
  };
}
const times = (n: number, skewMs: number): number[] => Array.from({ length: n }, () => skewMs);

describe("medianOf", () => {
  it("has as many values at or below it as at or above it, in any order", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1e9, max: 1e9 }), { minLength: 1 }), (values) => {
        const median = medianOf(values);
        const half = values.length / 2;
        expect(values.filter((value) => value <= median).length).toBeGreaterThanOrEqual(half);
        expect(values.filter((value) => value >= median).length).toBeGreaterThanOrEqual(half);
      }),
    );
    expect(medianOf([4, 1])).toBe(2.5);
  });
});

describe("the signed times of one source", () => {
  it.each([90_000, -90_000])("that lie %i ms from our clock are told once, when there are enough of them", (skewMs) => {
    const { see } = watching();
    expect(see("shop", times(SKEW_WINDOW - 1, skewMs))).toEqual([]);
    expect(see("shop", times(200, skewMs))).toEqual([
      { cause: "one_source", sources: ["shop"], medianMs: skewMs, limitMs: MINUTE, requests: SKEW_WINDOW },
    ]);
  });

  it("at a minute are not told, above it they are; half of a short tolerance is the limit where it is less", () => {
    expect(watching().see("shop", times(50, MINUTE))).toEqual([]);
    expect(watching().see("shop", times(50, MINUTE + 1))).toHaveLength(1);
    expect(watching(30_000).see("shop", times(50, 15_000))).toEqual([]);
    expect(watching(30_000).see("shop", times(50, -15_001))).toMatchObject([{ limitMs: 15_000 }]);
  });

  it("are told again only after they had come well inside, or went to the other side", () => {
    const { see } = watching();
    expect(see("shop", times(SKEW_WINDOW, 61_000))).toHaveLength(1);
    expect(see("shop", times(SKEW_WINDOW, 59_000))).toEqual([]);
    expect(see("shop", times(SKEW_WINDOW, 61_000))).toEqual([]);
    expect(see("shop", times(SKEW_WINDOW, 1_000))).toEqual([]);
    expect(see("shop", times(SKEW_WINDOW, 61_000))).toHaveLength(1);
    expect(see("shop", times(SKEW_WINDOW, -61_000))).toHaveLength(1);
  });

  it("are no finding while fewer than half of any twenty in a row are far off, however far", () => {
    const near = fc.integer({ min: -MINUTE, max: MINUTE });
    const far = fc.integer({ min: -9 * HOUR, max: 9 * HOUR });
    const part = fc.tuple(
      fc.array(near, { minLength: SKEW_WINDOW / 2 + 1, maxLength: SKEW_WINDOW / 2 + 1 }),
      fc.array(far, { minLength: SKEW_WINDOW / 2 - 1, maxLength: SKEW_WINDOW / 2 - 1 }),
    );
    fc.assert(
      fc.property(part, fc.integer({ min: 1, max: 10 }), ([near, far], rounds) => {
        const { see } = watching();
        for (let n = 0; n < rounds; n++) expect(see("shop", [...near, ...far])).toEqual([]);
      }),
    );
  });

  it("are judged by what the median is: never told twice in a row for one side without having come back", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -300_000, max: 300_000 }), { maxLength: 300 }), (skews) => {
        const { see } = watching();
        let told = 0;
        skews.forEach((skew, n) => {
          const last = skews.slice(Math.max(0, n + 1 - SKEW_WINDOW), n + 1);
          const median = medianOf(last);
          if (Math.abs(median) <= MINUTE / 2 || Math.sign(median) !== told) told = 0;
          const expected = last.length === SKEW_WINDOW && Math.abs(median) > MINUTE && told === 0;
          if (expected) told = Math.sign(median);
          expect(see("shop", [skew]).map(({ medianMs }) => medianMs)).toEqual(expected ? [median] : []);
        });
      }),
    );
  });
});

describe("the signed times of several sources", () => {
  it("that all lean the same way are our clock, told once for all of them", () => {
    const { see } = watching();
    expect(see("a", times(SKEW_WINDOW, 90_000))).toMatchObject([{ cause: "one_source", sources: ["a"] }]);
    expect(see("b", times(SKEW_WINDOW, 70_000))).toMatchObject([{ cause: "all_sources", sources: ["a", "b"] }]);
    expect(see("c", times(SKEW_WINDOW, 80_000))).toEqual([]);
    // It went and came back.
    for (const source of ["a", "b", "c"]) expect(see(source, times(SKEW_WINDOW, 0))).toEqual([]);
    expect(see("a", times(SKEW_WINDOW, 90_000))).toMatchObject([{ cause: "one_source" }]);
    for (const source of ["b", "c"]) expect(see(source, times(3, 0))).toEqual([]);
    expect(see("b", times(SKEW_WINDOW, 90_000))).toMatchObject([{ cause: "one_source", sources: ["b"] }]);
    expect(see("c", times(SKEW_WINDOW, 90_000))).toMatchObject([{ cause: "all_sources", sources: ["a", "b", "c"] }]);
  });

  it("are each sender's own where one is right, or leans the other way", () => {
    for (const other of [0, -90_000]) {
      const { see } = watching();
      see("right", times(SKEW_WINDOW, other));
      for (const source of ["a", "b"])
        expect(see(source, times(SKEW_WINDOW, 90_000))).toMatchObject([{ cause: "one_source", sources: [source] }]);
    }
  });

  it("do not count a source that was silent for an hour", () => {
    const { see, wait } = watching();
    see("silent", times(SKEW_WINDOW, 0));
    wait(HOUR);
    see("a", times(SKEW_WINDOW, -90_000));
    expect(see("b", times(SKEW_WINDOW, -90_000))).toMatchObject([{ cause: "all_sources", sources: ["a", "b"] }]);
  });

  it("are forgotten when our clock was set: what they were measured by is gone", () => {
    const { see, forget } = watching();
    see("a", times(SKEW_WINDOW - 1, 90_000));
    forget();
    expect(see("a", times(SKEW_WINDOW - 1, 90_000))).toEqual([]);
    expect(see("a", [90_000])).toHaveLength(1);
  });
});

describe("withSkewWatch", () => {
  const fact = {
    source: "shop",
    outcome: "accepted" as const,
    status: 202,
    events: [],
    remoteAddress: "",
    signedTime: { skewMs: 90_000, toleranceMs: 300_000 },
  };
  const open = () => {
    const told: unknown[] = [];
    let passed = 0;
    const to: Observer = {
      ...silentObserver,
      ingested: () => void passed++,
      clockSkewed: (one) => void told.push(one.cause),
      clockJumped: ({ byMs }) => void told.push(byMs),
    };
    return { observer: withSkewWatch(to, createVirtualClock(0)), told, passed: () => passed };
  };

  it("passes every fact on, and counts only requests that are new and whose signature has a time", () => {
    const { observer, told, passed } = open();
    const { signedTime: _, ...unsigned } = fact;
    for (let n = 0; n < 50; n++) {
      observer.ingested({ ...fact, kinds: ["duplicate"] });
      observer.ingested({ ...unsigned, kinds: ["new"] });
    }
    expect(told).toEqual([]);
    for (let n = 0; n < 50; n++) observer.ingested({ ...fact, kinds: ["new"] });
    expect(told).toEqual(["one_source"]);
    expect(passed()).toBe(150);
  });

  it("begins anew after a jump of our clock", () => {
    const { observer, told } = open();
    for (let n = 0; n < 19; n++) observer.ingested({ ...fact, kinds: ["new"] });
    observer.clockJumped?.({ byMs: 5_000 });
    for (let n = 0; n < 19; n++) observer.ingested({ ...fact, kinds: ["new"] });
    expect(told).toEqual([5_000]);
  });
});
