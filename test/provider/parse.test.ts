import { describe, expect, it } from "vitest";
import { parsePayload } from "../../engine/provider/parse.ts";
import { inlineOf, shipped } from "./support.ts";

const none = "signature: { scheme: none }";
const FORM = "application/x-www-form-urlencoded; charset=utf-8";
const parse = (
  recipe: ReturnType<typeof inlineOf>,
  body: string | Uint8Array,
  contentType = "application/json",
  itemIndex = 0,
) => parsePayload(recipe, { contentType, body: Buffer.from(body as string), itemIndex });

describe("parsePayload", () => {
  it("JSON keeps numbers exact and drops reserved keys", () => {
    expect(parse(shipped("stripe"), '{"id":12345678901234567890,"__proto__":1,"n":1.50}')).toEqual({
      ok: true,
      value: { id: "12345678901234567890", n: 1.5 },
    });
  });

  it.each([
    ["not UTF-8", Uint8Array.from([0x22, 0xff, 0x22]), "HK3010"],
    ["too deep", "[".repeat(65), "HK3011"],
    ["not JSON", '{"secret":"hunter2"', "HK3012"],
  ])("a body that is %s has a code, and a message without the body", (_, body, code) => {
    const parsed = parse(shipped("stripe"), body);
    expect(parsed).toMatchObject({ ok: false, code });
    expect(JSON.stringify(parsed)).not.toContain("hunter2");
  });

  it("a form becomes an object: repeats are lists, brackets are groups, nothing poses as a prototype", () => {
    const form =
      "a=1&b=x+y&b=%C3%A9&data[email]=a%40b&data[merges][NAME]=A&__proto__=1&constructor[prototype][x]=1&tags[]=p&tags[]=q&e";
    const parsed = parse(inlineOf(none), form, FORM);
    expect(parsed).toEqual({
      ok: true,
      value: {
        a: "1",
        b: ["x y", "é"],
        data: { email: "a@b", merges: { NAME: "A" } },
        constructor: { prototype: { x: "1" } },
        tags: ["p", "q"],
        e: "",
      },
    });
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  it("a form that is no object, and one that is not UTF-8, are faults", () => {
    expect(parse(inlineOf(none), "a=1&a[b]=2", FORM)).toMatchObject({ ok: false, code: "HK3012" });
    expect(parse(inlineOf(none), "a[b]=2&a=1", FORM)).toMatchObject({ ok: false, code: "HK3012" });
    expect(parse(inlineOf(none), `a${"[x]".repeat(70)}=1`, FORM)).toMatchObject({ ok: false, code: "HK3012" });
    expect(parse(inlineOf(none), Uint8Array.from([0x61, 0x3d, 0xff]), FORM)).toMatchObject({
      ok: false,
      code: "HK3010",
    });
  });

  it("a form of hundreds of thousands of fields, equal or all different, costs no more than it is long", () => {
    const equal = parse(inlineOf(none), "a=1&".repeat(300_000), FORM);
    expect(equal.ok && (equal.value as { a: string[] }).a.length).toBe(300_000);
    const different = parse(inlineOf(none), Array.from({ length: 100_000 }, (_, n) => `f${n}=1`).join("&"), FORM);
    expect(different.ok && Object.keys(different.value as object).length).toBe(100_000);
  });

  it("GitHub's form holds its payload as JSON", () => {
    expect(parse(shipped("github"), `payload=${encodeURIComponent('{"a":[1]}')}`, FORM)).toEqual({
      ok: true,
      value: { a: [1] },
    });
    expect(parse(shipped("github"), "payload=nonsense", FORM)).toMatchObject({ ok: false, code: "HK3012" });
  });

  it("one item of a batch is its own payload", () => {
    const batch = inlineOf(`{ ${none}, items: events }`);
    expect(parse(batch, '{"events":[{"a":1},2]}', "", 1)).toEqual({ ok: true, value: 2 });
    expect(parse(batch, '{"events":[{"a":1},2]}', "", 2)).toMatchObject({ ok: false, code: "HK3015" });
    const lines = inlineOf(`{ ${none}, body: json_lines }`);
    expect(parse(lines, '{"a":1}\n{"b":2}', "", 1)).toEqual({ ok: true, value: { b: 2 } });
  });
});
