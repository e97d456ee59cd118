import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { parseAllDocuments, stringify } from "yaml";
import { type FormatOptions, formatYaml } from "../../engine/config/format-yaml.ts";
import { schemaOf } from "../../engine/config/schema/editor.ts";
import { packageRoot } from "../../engine/core/paths.ts";

const plain: FormatOptions = { schemaOf: () => undefined };
const pipelines: FormatOptions = { schemaOf: () => schemaOf("pipeline") };
const format = (text: string, options = plain) => {
  const result = formatYaml(text, options);
  return result.ok ? result.text : expect.unreachable(result.problem);
};
const values = (text: string) =>
  parseAllDocuments(text, { logLevel: "silent" }).map((document) => JSON.stringify(document.toJS()));
const comments = (text: string) => text.match(/#[^\n]*?(?=\s*$)/gm) ?? [];

describe("formatYaml", () => {
  test.each([
    [
      "deep and shallow indentation",
      "a:\n    b:\n        c: 1\n    d: 2\ne:\n f: 3\n",
      "a:\n  b:\n    c: 1\n  d: 2\ne:\n  f: 3\n",
    ],
    ["lists stand further in than their key", "a:\n- x\n- y: 1\n  z: 2\n", "a:\n  - x\n  - y: 1\n    z: 2\n"],
    ["a list in a list", "a:\n- - 1\n  - 2\n-\n    b: 1\n", "a:\n  - - 1\n    - 2\n  -\n    b: 1\n"],
    [
      "comments go with what they stand before",
      "a:\n    # of b\n    b: 1   # behind\n# of c\nc: 2\n",
      "a:\n  # of b\n  b: 1   # behind\n# of c\nc: 2\n",
    ],
    ["a comment at the end of a block stays in it", "a:\n    b: 1\n    # end\nc: 2\n", "a:\n  b: 1\n  # end\nc: 2\n"],
    [
      "block texts keep their inner shape",
      "a:\n    b: |\n        x\n          y  \n\n        z\n    c: 1\n",
      "a:\n  b: |\n      x\n        y  \n\n      z\n  c: 1\n",
    ],
    [
      "mappings over several lines move whole",
      "a:\n    b: { c: 1,\n         d: 2 }\n",
      "a:\n  b: { c: 1,\n       d: 2 }\n",
    ],
    ["spaces and empty lines", "\n\na: 1  \n\n\n\nb: 2\t\n\n\n", "a: 1\n\nb: 2\n"],
    ["line ends of Windows, and none at the end", "a: 1\r\nb: 2", "a: 1\nb: 2\n"],
    ["several documents", "a:\n    b: 1\n---\nc:\n    d: 2\n", "a:\n  b: 1\n---\nc:\n  d: 2\n"],
    [
      "alignment within a line is the author's",
      "a:   { x: 1 }\nbcd: { x: 2 }   # why\n",
      "a:   { x: 1 }\nbcd: { x: 2 }   # why\n",
    ],
    ["an empty file", "", ""],
  ])("%s", (_, text, wanted) => {
    expect(format(text)).toBe(wanted);
    expect(format(wanted)).toBe(wanted);
  });

  it("gives an expression with brackets or commas a line of its own", () => {
    const row = (text: string) =>
      `pipeline: p\nrules:\n  - on: x\n    write:\n      customer:\n        key: id\n        fields:\n${text}`;
    const text = row(
      `          plan:  { from: "lines.data[0].plan", table: plans }\n          seats: { from: quantity, missing: reject }\n`,
    );
    const wanted = row(
      `          plan:\n            from: lines.data[0].plan\n            table: plans\n          seats: { from: quantity, missing: reject }\n`,
    );
    expect(format(text, pipelines)).toBe(wanted);
    expect(format(wanted, pipelines)).toBe(wanted);
    const quoted = row(`          plan: { from: '{"a": b}', missing: keep }\n`);
    expect(format(quoted, pipelines)).toBe(
      row(`          plan:\n            from: '{"a": b}'\n            missing: keep\n`),
    );
    const commented = row(`          plan: { from: "a[0]" }   # why\n`);
    expect(format(commented, pipelines)).toBe(commented);
  });

  it("refuses what is no YAML, with the line", () => {
    expect(formatYaml("a: 1\nb: [\n", plain)).toMatchObject({ ok: false, line: expect.any(Number) });
    expect(formatYaml("a: {x: 1]\n", plain)).toMatchObject({ ok: false });
  });

  it("sorts the keys of the top on request, with their comments", () => {
    const options = { ...plain, orderOf: (keys: readonly string[]) => keys.toSorted() };
    const text = "# head\nc: 3\n# of a\na:\n  x: 1\n\n# of b\nb: 2   # behind\n---\nz: 1\ny: 2\n";
    const wanted = "# head\n# of a\na:\n  x: 1\n\n# of b\nb: 2   # behind\nc: 3\n---\ny: 2\nz: 1\n";
    expect(format(text, options)).toBe(wanted);
    expect(format(wanted, options)).toBe(wanted);
  });

  it("leaves every file of the product's own YAML what it means, and is done after one time", () => {
    const files = ["pipelines", "plugins", "docs", "test/fixtures"].flatMap((folder) =>
      readdirSync(join(packageRoot, folder), { recursive: true, encoding: "utf8" })
        .filter((name) => /\.ya?ml$/.test(name))
        .map((name) => join(packageRoot, folder, name)),
    );
    expect(files.length).toBeGreaterThan(100);
    let judged = 0;
    for (const file of files) {
      const text = readFileSync(file, "utf8");
      const result = formatYaml(text, pipelines);
      if (!result.ok) continue;
      judged++;
      expect(values(result.text), file).toEqual(values(text));
      expect(comments(result.text), file).toEqual(comments(text));
      expect(format(result.text, pipelines), file).toBe(result.text);
    }
    expect(judged / files.length).toBeGreaterThan(0.95);
  });

  it("keeps meaning and comments of any YAML, is done after one time, and undoes any indentation", () => {
    const key = fc.stringMatching(/^[a-z][a-z0-9_]{0,6}$/);
    const scalar = fc.oneof(
      fc.string({ unit: "grapheme-ascii" }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom(
        "a\nb\n",
        "x  \n y\n\n",
        "# no comment",
        "0123",
        "- x",
        "a: b",
        "{ x }",
        "[1]",
        " lead",
        "trail ",
      ),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4, depthSize: "small" }, scalar, tie("list"), tie("map")),
      list: fc.array(tie("value"), { maxLength: 4 }),
      map: fc.dictionary(key, tie("value"), { maxKeys: 4 }),
    }));
    const layout = fc.record({
      indent: fc.integer({ min: 1, max: 7 }),
      indentSeq: fc.boolean(),
      lineWidth: fc.constantFrom(0, 20, 80),
      collectionStyle: fc.constantFrom("any" as const, "block" as const, "flow" as const),
      defaultStringType: fc.constantFrom(
        "PLAIN" as const,
        "QUOTE_DOUBLE" as const,
        "BLOCK_LITERAL" as const,
        "BLOCK_FOLDED" as const,
      ),
    });
    fc.assert(
      fc.property(fc.dictionary(key, value, { minKeys: 1, maxKeys: 4 }), layout, (data, how) => {
        const text = `# head\n${stringify(data, how)}# end\n`;
        // The library writes some empty lists as what it can not read.
        fc.pre(parseAllDocuments(text, { logLevel: "silent" }).every(({ errors }) => errors.length === 0));
        const once = format(text);
        expect(values(once)).toEqual(values(text));
        expect(comments(once)).toEqual(comments(text));
        expect(format(once)).toBe(once);
      }),
      { numRuns: 500 },
    );
  });
});
