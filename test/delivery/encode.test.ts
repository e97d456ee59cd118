import { describe, expect, it } from "vitest";
import type { Json } from "../../engine/core/types.ts";
import { type BodyGuard, checkBody, type EncodeOptions, encodeAttributes } from "../../engine/delivery/encode.ts";

const types: Readonly<Record<string, string>> = {
  paid_until: "time",
  seats: "integer",
  premium: "boolean",
  tags: "list",
};
const options = (over: Partial<EncodeOptions> = {}): EncodeOptions => ({
  clear: "null",
  types: {},
  names: {},
  typeOf: (name) => types[name],
  ...over,
});
const fields = (over: Partial<EncodeOptions>, writes: Parameters<typeof encodeAttributes>[0]) => {
  const encoded = encodeAttributes(writes, options(over));
  return encoded.ok ? encoded.encoded : encoded.violation;
};

describe("encodeAttributes", () => {
  it("spells a clear as the sink wants it", () => {
    const writes = { tier: { clear: true }, seats: { set: 0 } } as const;
    expect(fields({ clear: "null" }, writes)).toEqual({ fields: { tier: null, seats: 0 }, clear: ["tier"] });
    expect(fields({ clear: "empty" }, writes)).toEqual({ fields: { tier: "", seats: 0 }, clear: ["tier"] });
    expect(fields({ clear: "list" }, writes)).toEqual({ fields: { seats: 0 }, clear: ["tier"] });
    expect(fields({ clear: "none" }, writes)).toEqual({ path: "tier", what: expect.stringContaining("can not blank") });
  });

  it("writes values as the sink wants them; 0 and false are values", () => {
    const writes = { seats: { set: 0 }, premium: { set: false }, tags: { set: ["a"] } } as const;
    expect(fields({ types: { boolean: "text", number: "text", structured: "text" } }, writes)).toMatchObject({
      fields: { seats: "0", premium: "false", tags: '["a"]' },
    });
    expect(fields({}, writes)).toMatchObject({ fields: { seats: 0, premium: false, tags: ["a"] } });
  });

  it.each([
    ["iso", "2026-12-04T00:00:00.000Z"],
    ["epoch_seconds", 1_796_342_400],
    ["epoch_millis", 1_796_342_400_000],
    ["epoch_millis_text", "1796342400000"],
    ["iso_seconds", "2026-12-04T00:00:00Z"],
    ["date", "2026-12-04"],
  ] as const)("writes times as %s", (time, expected) => {
    expect(fields({ types: { time } }, { paid_until: { set: "2026-12-04T00:00:00.000Z" } })).toMatchObject({
      fields: { paid_until: expected },
    });
  });

  it.each([null, "", "  ", "undefined", "NaN", "[object Object]"])("refuses to set %j", (value) => {
    expect(fields({}, { tier: { set: value } })).toMatchObject({ path: "tier" });
  });

  it("refuses two attributes that would share a name there, and texts the sink would cut", () => {
    expect(fields({ names: { tier: "plan" } }, { tier: { set: "a" }, plan: { set: "b" } })).toMatchObject({
      path: "plan",
    });
    expect(fields({ maxValueBytes: 3 }, { tier: { set: "äöü" } })).toMatchObject({
      what: expect.stringContaining("3 bytes"),
    });
  });
});

describe("checkBody", () => {
  const guard = (over: Partial<BodyGuard> = {}): BodyGuard => ({
    encoded: { fields: { seats: 5, tier: null }, clear: ["tier"] },
    also: [],
    known: new Set(["tier", "seats", "premium"]),
    ...over,
  });
  const check = (body: Json, over: Partial<BodyGuard> = {}) => checkBody(body, guard(over))?.path;

  it("lets a cleared attribute be blank, and no other, however deep it lies", () => {
    expect(check({ a: { tier: null, seats: 5 } })).toBeUndefined();
    expect(check({ a: [{ premium: null }] })).toBe("a.0.premium");
    expect(check({ premium: "" })).toBe("premium");
    expect(check({ premium: " " })).toBe("premium");
    expect(check({ premium: "null" })).toBe("premium");
    expect(check({ comment: null })).toBeUndefined();
  });

  it.each(["undefined", "NaN", "[object Object]"])("finds the text %j anywhere", (text) =>
    expect(check({ x: ["ok", text] })).toBe("x.1"),
  );

  it("takes the text null for a value when that is what is written", () => {
    expect(check({ premium: "null" }, { encoded: { fields: { premium: "null" }, clear: [] } })).toBeUndefined();
  });

  it("finds attributes that are not part of the delivery, where the sink keeps them", () => {
    expect(check({ p: { seats: 5, premium: true } }, { attributesAt: "p" })).toBe("p.premium");
    expect(check({ seats: 5, stamp: 1 }, { attributesAt: "", also: ["stamp"] })).toBeUndefined();
    expect(check({ seats: 5, stamp: 1 }, { attributesAt: "" })).toBe("stamp");
    expect(check({ inputs: [{ p: { other: 1 } }] }, { attributesAt: "inputs.0.p" })).toBe("inputs.0.p.other");
  });
});
