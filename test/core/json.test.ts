import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeUtf8, isExactNumber, MAX_JSON_DEPTH, parseJson } from "../../engine/core/json.ts";

const parse = (text: string | Uint8Array) => parseJson(typeof text === "string" ? Buffer.from(text) : text);
const value = (text: string) => {
  const parsed = parse(text);
  return parsed.ok ? parsed.value : parsed;
};

describe("parseJson", () => {
  it("gives what JSON.parse gives for ordinary JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (json) => {
        const text = JSON.stringify(json);
        // Numbers that print with an exponent or too many digits are the next tests' business.
        fc.pre(!/"__proto__"|_jsonata_|[eE][+-]?\d|\d{16}/.test(text));
        expect(value(text)).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["9007199254740991", 9007199254740991],
    ["9007199254740993", "9007199254740993"],
    ["-9007199254740993", "-9007199254740993"],
    ["9007199254740994", "9007199254740994"],
    ["12345678901234567890", "12345678901234567890"],
    ["1e400", "1e400"],
    ["-1e400", "-1e400"],
    ["1e-400", "1e-400"],
    ["1e21", "1e21"],
    ["1e5", 100000],
    ["1.5E-3", 0.0015],
    ["0.1", 0.1],
    ["19.99", 19.99],
    ["1.0", 1],
    ["0.10000000000000000555", "0.10000000000000000555"],
    ["123456789.123456789", "123456789.123456789"],
    ["1234567890.12345", 1234567890.12345],
    ["0.000000000000000000001", 1e-21],
    ["-0", -0],
    ["0e999", 0],
  ])("reads the number %s without rounding", (text, expected) => {
    expect(value(`{"a":[${text}]}`)).toEqual({ a: [expected] });
  });

  it("never changes the digits of a number, whatever they are", () => {
    const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,25})(\.\d{1,25})?([eE][+-]?\d{1,3})?$/);
    fc.assert(
      fc.property(digits, (text) => {
        const read = value(`[${text}]`);
        const [number] = read as [number | string];
        if (typeof number === "string") expect(number).toBe(text);
        else expect(isExactNumber(text) && Object.is(number, Number(text))).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it("drops keys that pose as prototypes or functions, also when they are spelled with escapes, at any depth", () => {
    const evil =
      '{"a":{"__proto__":{"admin":true},"x":1},"b":[{"_jsonata_function":true,"_jsonata_lambda":1}],"\\u005f_proto__":2,"__pr\\u006fto__":3,"_JSONATA_":4}';
    const read = value(evil);
    expect(read).toEqual({ a: { x: 1 }, b: [{}], _JSONATA_: 4 });
    expect(Object.getPrototypeOf((read as { a: object }).a)).toBe(Object.prototype);
    expect("admin" in {}).toBe(false);
  });

  it("reads megabytes of numbers without stalling on the few that are too long", () => {
    const count = 1_000_000;
    const read = value(`[${"1,".repeat(count)}1e400,"é",12345678901234567890]`) as unknown[];
    expect(read.length).toBe(count + 3);
    expect(read.slice(-3)).toEqual(["1e400", "é", "12345678901234567890"]);
  });

  it("takes exactly the texts that JSON.parse takes", () => {
    const token = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"a"',
      "1e400",
      "12345678901234567890",
      "-",
      "1",
      " ",
      "\n",
      "true",
      ".",
      "e",
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 12 }), (tokens) => {
        const text = tokens.join("");
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        expect(parse(text).ok, text).toBe(valid);
      }),
      { numRuns: 5_000 },
    );
  });

  it("refuses what only looks like a number", () => {
    for (const text of [
      "[01234567890123456789]",
      "[1234567890123456.]",
      "[1e]",
      "[-1e5e5]",
      "[0x12345678901234567890]",
      "{12345678901234567890:1}",
      "{12345678901234567890 \n:1}",
    ]) {
      expect(value(text), text).toMatchObject({ ok: false, reason: "syntax" });
    }
  });

  it("keeps the last of equal keys, as every other reader does", () => {
    expect(value('{"a":1,"a":2}')).toEqual({ a: 2 });
    expect(value('{"a":1,"a":12345678901234567890}')).toEqual({ a: "12345678901234567890" });
  });

  it("strips one byte order mark, and refuses bytes that are not UTF-8", () => {
    expect(value("\ufeff[1]")).toEqual([1]);
    expect(value("\ufeff[1e400]")).toEqual(["1e400"]);
    expect(value("\ufeff\ufeff[1]")).toMatchObject({ ok: false, reason: "syntax" });
    for (const bytes of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0xaf, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0xff, 0xfe, 0x5b, 0x00],
    ]) {
      expect(parse(Uint8Array.from(bytes))).toMatchObject({ ok: false, reason: "encoding" });
      expect(decodeUtf8(Uint8Array.from(bytes))).toBeUndefined();
    }
  });

  it("reads escaped half surrogates and NUL as they are", () => {
    expect(value('["\\ud800","\\u0000"]')).toEqual(["\ud800", "\u0000"]);
  });

  it(`parses ${MAX_JSON_DEPTH} levels and refuses one more before parsing it, even a million`, () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    expect(parse(nested(MAX_JSON_DEPTH))).toMatchObject({ ok: true });
    expect(parse(nested(MAX_JSON_DEPTH + 1))).toMatchObject({ ok: false, reason: "depth" });
    expect(parse("[".repeat(1_000_000))).toMatchObject({ ok: false, reason: "depth" });
    expect(parse('{"a":'.repeat(1_000_000))).toMatchObject({ ok: false, reason: "depth" });
    expect(parse(`{"a":"${"[".repeat(1000)}"}`)).toMatchObject({ ok: true });
  });

  it.each([
    "",
    " ",
    "{",
    "[1,]",
    '{"a":1,}',
    "NaN",
    "[Infinity]",
    "'a'",
    "{a:1}",
    "01",
    "1.",
    ".5",
    "+1",
    "[1]x",
    '"\t"',
    "// x\n1",
    "[1 2]",
    "tru",
    '"\\x"',
    "[\u00a01]",
  ])("refuses %j, and its message says where without showing the body", (text) => {
    const parsed = parse(text);
    expect(parsed).toMatchObject({ ok: false, reason: "syntax" });
    if (!parsed.ok) expect(parsed.message).toMatch(/^not valid JSON( at character \d+|: it ends too early)$/);
  });
});
