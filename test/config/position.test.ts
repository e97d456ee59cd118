import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPositions, markWithin, spanOf } from "../../engine/config/position.ts";
import { createReporter } from "../../engine/config/report.ts";
import { parseYaml } from "../../engine/config/yaml.ts";

/** The source text under a stretch of the value of `a`. */
function under(yaml: string, part: string): string {
  const positions = createPositions();
  const [document] = parseYaml("a.yaml", yaml, { positions, reporter: createReporter() });
  const holder = document?.value as { a: string };
  const mark = markWithin(positions.value(holder, "a"), holder.a.indexOf(part), part.length);
  return yaml.slice(mark.start, mark.end);
}

describe("markWithin", () => {
  it.each([
    ["plain", "a: x.y + foo.bar\n"],
    ["single quotes", "a: 'it''s + foo.bar'\n"],
    ["double quotes", 'a: "\\"x\\" & \\u0041 & foo.bar"\n'],
    ["a literal block", "a: |\n  first\n    second and\n  foo.bar > 1\n"],
    ["a folded block", "a: >\n  first\n  and foo.bar > 1\n"],
    ["plain text over two lines", "a: first and\n  foo.bar > 1\n"],
  ])("finds a token in %s", (_style, yaml) => {
    expect(under(yaml, "foo.bar")).toBe("foo.bar");
  });

  it("covers the whole escape of an escaped character", () => {
    expect(under('a: "x \\" y"\n', '"')).toMatch(/^\\/);
  });

  it("finds every token of any quoted text", () => {
    const word = fc.stringMatching(/^[a-z]{3,6}$/);
    const noise = fc.string({ unit: fc.constantFrom(..."'\"\\ .:#{}[]é\t".split("")), maxLength: 8 });
    fc.assert(
      fc.property(noise, word, noise, fc.boolean(), (before, token, after, single) => {
        const text = `${before}QQ${token}${after}`;
        const yaml = single ? `a: '${text.replaceAll("'", "''")}'\n` : `a: ${JSON.stringify(text)}\n`;
        expect(under(yaml, `QQ${token}`)).toBe(`QQ${token}`);
      }),
      { numRuns: 500 },
    );
  });
});

describe("spanOf", () => {
  it("counts lines and columns from 1 and cuts a mark of several lines at the end of its first", () => {
    const positions = createPositions();
    const [document] = parseYaml("a.yaml", "a:\n  b: 1\n  c: 2\n", { positions, reporter: createReporter() });
    const a = Object(Reflect.get(Object(document?.value), "a"));
    expect(spanOf(positions.of(a))).toEqual({ file: "a.yaml", line: 2, column: 3, endLine: 2, endColumn: 7 });
    expect(spanOf(positions.value(a, "c"))).toMatchObject({ line: 3, column: 6, endColumn: 7 });
  });
});
