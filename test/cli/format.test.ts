import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { chooseColors, type Output } from "../../engine/cli/context.ts";
import {
  formatMs,
  formatTable,
  formatTime,
  formatValue,
  plainText,
  safeJson,
  safeYaml,
} from "../../engine/cli/format.ts";

const output = (color: boolean): Output => ({
  write: () => {},
  tty: color,
  columns: 80,
  color: chooseColors(color, {}),
});

describe("formatMs", () => {
  test.each([
    [0, "0 ms"],
    [999, "999 ms"],
    [1_000, "1 s"],
    [1_250, "1.3 s"],
    [90_000, "1.5 min"],
    [7_200_000, "2 h"],
    [86_400_000 * 3, "3 d"],
    [-500, "-500 ms"],
  ])("%d ms is %s", (ms, text) => {
    expect(formatMs(ms)).toBe(text);
  });
});

describe("formatTime", () => {
  test("reads back as the same instant", () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(2000, 0, 1), max: new Date(2100, 0, 1), noInvalidDate: true }), (date) => {
        const text = formatTime(date.getTime(), true);
        expect(text).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/);
        // Local time: the hour that a clock change repeats is read as the first of the two.
        expect(formatTime(new Date(text.replace(" ", "T")).getTime(), true)).toBe(text);
      }),
    );
  });
});

describe("plainText", () => {
  test("stored text can not move the cursor or colour the terminal", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const codes = [...plainText(text)].map((c) => c.codePointAt(0) ?? 0);
        expect(codes.every((c) => c >= 32 && !(c >= 127 && c < 160))).toBe(true);
      }),
    );
    expect(plainText("\u001b[31mred")).toBe("\\u001b[31mred");
    const document = { a: "\u009b2J\u202e\u2028\u007f\u001b\n", b: ["é", "\u2066"] };
    expect(safeJson(document)).toBe('{"a":"\\u009b2J\\u202e\\u2028\\u007f\\u001b\\n","b":["é","\\u2066"]}');
    expect(JSON.parse(safeJson(document, 2))).toEqual(document);
    expect(parse(safeYaml(document))).toEqual(document);
    expect(safeYaml(document)).not.toMatch(/[\u007f-\u009f\u2028\u202e\u2066]/);
    expect(safeYaml({ a: "plain" })).toBe("a: plain\n");
    expect(plainText("Zoë, 日本")).toBe("Zoë, 日本");
  });
});

describe("formatValue", () => {
  test("tells absent from null and cuts what is long", () => {
    expect([formatValue(undefined), formatValue(null), formatValue("a"), formatValue({ a: [1] })]).toEqual([
      "absent",
      "null",
      '"a"',
      '{"a":[1]}',
    ]);
    expect(formatValue("x".repeat(200), 20)).toHaveLength(20);
  });
});

describe("formatTable", () => {
  test("lines columns up, with no colour and no space at the end of lines when piped", () => {
    const table = formatTable(
      output(false),
      ["A", "LONGER"],
      [
        ["value", "x"],
        ["v", "y"],
      ],
    );
    expect(table).toBe("A      LONGER\nvalue  x\nv      y\n");
  });
});

describe("chooseColors", () => {
  test("colours a terminal unless NO_COLOR is set, a pipe only when it is forced", () => {
    const on = (tty: boolean, env: Record<string, string>) => chooseColors(tty, env).isColorSupported;
    expect([
      on(true, {}),
      on(false, {}),
      on(true, { NO_COLOR: "1" }),
      on(true, { TERM: "dumb" }),
      on(false, { FORCE_COLOR: "1" }),
    ]).toEqual([true, false, false, false, true]);
  });
});
