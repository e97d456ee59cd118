import { describe, expect, it } from "vitest";
import type { Json } from "../../engine/core/types.ts";
import { rollUp } from "../../engine/ordering/rollup.ts";

const active = (...values: (Json | undefined)[]) => values.map((value) => ({ state: "active", value }));

describe("a rollup whose children have no value", () => {
  const lowest = { childType: "subscription", take: "lowest", inStates: new Set(["active"]), none: "clear" } as const;

  it.each([
    ["none counts", [{ state: "canceled", value: 7 }], { kind: "clear" }],
    ["all that count were cleared on purpose", active(null, null), { kind: "clear" }],
    ["one was cleared, of another nothing is known", active(null, undefined), { kind: "keep" }],
    ["nothing is known of any", active(undefined), { kind: "keep" }],
    ["one was cleared, another has a value", active(null, 7), { kind: "value", value: 7 }],
  ])("%s", (_, children, result) => {
    expect(rollUp(lowest, undefined, children)).toEqual(result);
  });

  it("says what `none` says", () => {
    const sum = { childType: "charge", take: "sum", none: { value: 0 } } as const;
    expect(rollUp(sum, undefined, active(null))).toEqual({ kind: "value", value: 0 });
    expect(rollUp({ ...lowest, none: { value: "free" } }, undefined, active(null))).toEqual({
      kind: "value",
      value: "free",
    });
  });
});
