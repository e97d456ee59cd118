import { describe, expect, test } from "vitest";
import { parseLineage } from "../../engine/cli/explain.ts";
import { parseAt, parseSet } from "../../engine/cli/send.ts";
import { createVirtualClock } from "../../engine/core/clock.ts";

const NOW = Date.UTC(2026, 10, 24);
const cli = { clock: createVirtualClock(NOW) };

describe("parseSet", () => {
  test.each([
    ["seats=5", ["seats", 5]],
    ['plan="pro"', ["plan", "pro"]],
    ["note=some text = more", ["note", "some text = more"]],
    ["gone=null", ["gone", null]],
    ["list=[1,2]", ["list", [1, 2]]],
    ["empty=", ["empty", ""]],
  ])("%s", (text, pair) => {
    expect(parseSet(text)).toEqual(pair);
  });

  test("text without a path is refused", () => {
    for (const text of ["seats", "=5", ""]) expect(() => parseSet(text)).toThrow("expected path=value");
  });
});

describe("parseAt", () => {
  test.each([
    [undefined, NOW],
    ["+1m", NOW + 60_000],
    ["-2h", NOW - 7_200_000],
    ["2026-01-02T03:04:05Z", Date.UTC(2026, 0, 2, 3, 4, 5)],
  ])("%s", (text, instant) => {
    expect(parseAt(cli, text)).toBe(instant);
  });

  test("what is neither a shift nor an instant is refused", () => {
    for (const text of ["+1", "soon", "+1 minute", ""])
      expect(() => parseAt(cli, text)).toThrow("+1m, -2h or an ISO time");
  });
});

describe("parseLineage", () => {
  test("takes keys with dots, colons and at signs, and leaves event ids alone", () => {
    expect(parseLineage("customer:cus_1.tier")).toEqual({ type: "customer", key: "cus_1", attribute: "tier" });
    expect(parseLineage("lead:ada@example.com.company")).toEqual({
      type: "lead",
      key: "ada@example.com",
      attribute: "company",
    });
    expect(parseLineage("account:a:b.c.seats_used")).toEqual({
      type: "account",
      key: "a:b.c",
      attribute: "seats_used",
    });
    expect(parseLineage("evt_01a20c6471d67ee8")).toBeUndefined();
    expect(parseLineage("customer:cus_1")).toBeUndefined();
  });
});
