import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { didYouMean, editDistance, nearest } from "../../engine/core/suggest.ts";

describe("nearest", () => {
  it.each([
    ["prot", ["port", "host"], "port"],
    ["revenue_ops", ["revenue-ops", "finance"], "revenue-ops"],
    ["clerk", ["clerk_id", "stripe_id"], "clerk_id"],
    ["teir", ["tier", "seats"], "tier"],
    ["zzz", ["port", "host"], undefined],
    ["x", ["a", "b"], "a"],
  ])("takes for %s of %j", (name, candidates, expected) => {
    expect(nearest(name, candidates)).toBe(expected);
  });
});

describe("didYouMean", () => {
  it("asks, or says nothing", () => {
    expect([didYouMean("prot", ["port"]), didYouMean("prot", [])]).toEqual(["did you mean `port`?", undefined]);
  });
});

describe("editDistance", () => {
  it("is zero for equal texts, symmetric, and at most the longer length", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
        const distance = editDistance(a, b);
        expect(distance === 0).toBe(a === b);
        expect(editDistance(b, a)).toBe(distance);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});
