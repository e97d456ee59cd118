import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codeSpan, csv, csvCell, html } from "../../engine/site/escape.ts";

describe("csvCell", () => {
  test.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1+1", "|cmd"])(
    "%j is text to a spreadsheet",
    (text) => {
      expect(csvCell(text).startsWith(`"'`)).toBe(true);
    },
  );

  test("leaves other text as it is", () => {
    expect(csvCell("amount - fee")).toBe('"amount - fee"');
    expect(csvCell('say "hi", twice')).toBe('"say ""hi"", twice"');
  });

  test("no cell starts as a formula, and every row comes back whole", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.string({ unit: "grapheme" }), { minLength: 3, maxLength: 3 }), { minLength: 1 }),
        (rows) => {
          const back: string[][] = parse(csv(rows), { relax_column_count: false, skip_empty_lines: false });
          expect(back).toHaveLength(rows.length);
          back.forEach((cells, y) => {
            cells.forEach((cell, x) => {
              expect(cell).not.toMatch(/^\s*[=+\-@|]/);
              expect([rows[y]?.[x], `'${rows[y]?.[x]}`]).toContain(cell);
            });
          });
        },
      ),
    );
  });
});

test("html lets no markup through", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(html(text)).not.toMatch(/[<>"']|&(?![a-z#0-9]+;)/);
    }),
  );
});

test("a code span holds its text whatever backticks and bars it has", () => {
  expect(codeSpan("a | b")).toBe("`a \\| b`");
  expect(codeSpan("a `b` ``c``")).toBe("``` a `b` ``c`` ```");
});
