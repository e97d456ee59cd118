import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPositions, spanOf } from "../../engine/config/position.ts";
import { createReporter } from "../../engine/config/report.ts";
import { parseYaml } from "../../engine/config/yaml.ts";

function read(text: string) {
  const positions = createPositions();
  const reporter = createReporter();
  const documents = parseYaml("a.yaml", text, { positions, reporter });
  return { documents, value: documents[0]?.value, positions, codes: reporter.diagnostics().map((d) => d.code) };
}

describe("parseYaml", () => {
  it("takes keys from the text, so that they are not numbers", () => {
    expect(read("0123: a\n06E12: b\n1.0: c\ntrue: d\n").value).toEqual({
      "0123": "a",
      "06E12": "b",
      "1.0": "c",
      true: "d",
    });
  });

  it("keeps the text of numbers JavaScript would round", () => {
    expect(read("a: 12345678901234567890\nb: 1e400\nc: 7\nd: 1.5\n").value).toEqual({
      a: "12345678901234567890",
      b: "1e400",
      c: 7,
      d: 1.5,
    });
  });

  it("leaves dates and `no` as text", () => {
    expect(read("a: 2027-01-31\nb: no\n").value).toEqual({ a: "2027-01-31", b: "no" });
  });

  it("reads several documents of one file, each with its own lines", () => {
    const { documents, positions } = read("a: 1\n---\nb: 2\n");
    expect(documents.map((document) => document.value)).toEqual([{ a: 1 }, { b: 2 }]);
    const second = documents[1]?.value as { b: number };
    expect(spanOf(positions.key(second, "b"))).toMatchObject({ line: 3, column: 1 });
  });

  it("refuses a second key of one name and keeps the first", () => {
    const { value, codes } = read("a: 1\na: 2\n");
    expect([value, codes]).toEqual([{ a: 1 }, ["HK1003"]]);
  });

  it.each([
    ["merge keys", "a: { x: 1 }\n<<: { b: 1 }\n"],
    ["the key __proto__", "__proto__: { polluted: true }\n"],
    ["keys that are lists", "[a, b]: 1\n"],
  ])("refuses %s", (_what, text) => {
    expect(read(text).codes).toContain("HK1004");
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it("copies what aliases name, within bounds", () => {
    expect(read("a: &x [1, 2]\nb: *x\n").value).toEqual({ a: [1, 2], b: [1, 2] });
  });

  it("stops at an alias bomb instead of growing it", () => {
    const bomb = Array.from({ length: 9 }, (_, i) =>
      i === 0
        ? "x0: &x0 [a, b, c]"
        : `x${i}: &x${i} [${Array(9)
            .fill(`*x${i - 1}`)
            .join(", ")}]`,
    ).join("\n");
    const { documents, codes } = read(bomb);
    expect([documents[0]?.sound, codes]).toEqual([false, ["HK1005"]]);
  });

  it.each([
    ["brackets", "[".repeat(100_000)],
    ["mappings in brackets", "{a: ".repeat(100_000)],
    ["indentation", Array.from({ length: 1200 }, (_, i) => `${" ".repeat(i)}a:`).join("\n")],
  ])("does not recurse into thousands of levels of %s", (_what, text) => {
    const { documents, codes } = read(text);
    expect(documents.every((document) => !document.sound)).toBe(true);
    expect(["HK1002", "HK1005"]).toContain(codes[0]);
  });

  it("refuses a file of more than 4 MiB unread", () => {
    expect(read(`# ${"x".repeat(4 * 1024 * 1024)}\n`).codes).toEqual(["HK1008"]);
  });

  it("never throws, whatever the text", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(..."ab:-[]{}#&*!|>'\"%@`?,<\n\t 01~".split("")), maxLength: 60 }),
        (text) => {
          expect(Array.isArray(read(text).documents)).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
