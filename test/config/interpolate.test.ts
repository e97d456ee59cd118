import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasReference, interpolate, parseEnvFile, type ReferenceSource } from "../../engine/config/interpolate.ts";

const source: ReferenceSource = {
  variable: (name) => ({ TOKEN: "t0ken", EMPTY: "", NESTED: "${TOKEN}" })[name],
  file: (path) => (path === "/run/secrets/x" ? { ok: true, text: "from file\n" } : { ok: false, reason: "ENOENT" }),
};
const plain = (text: string) => interpolate(text, source, false);

describe("interpolate", () => {
  it.each([
    ["${TOKEN}", "t0ken"],
    ["Bearer ${TOKEN}!", "Bearer t0ken!"],
    ["${file:/run/secrets/x}", "from file"],
    ["$${TOKEN}", "${TOKEN}"],
    ["$TOKEN and $5", "$TOKEN and $5"],
    ["${EMPTY}", ""],
  ])("makes of %s", (text, expected) => {
    expect(plain(text)).toMatchObject({ text: expected, faults: [] });
  });

  it("does not look into what it put in", () => {
    expect(plain("${NESTED}").text).toBe("${TOKEN}");
  });

  it.each([
    ["${UNSET}", "HK1020"],
    ["${my-token}", "HK1021"],
    ["${TOKEN:-x}", "HK1021"],
    ["${TOKEN", "HK1021"],
    ["${}", "HK1021"],
    ["${file:}", "HK1021"],
    ["${file:/nowhere}", "HK1023"],
  ])("says of %s what is wrong, and never leaves it as it is", (text, code) => {
    const result = plain(text);
    expect(result.faults.map((fault) => fault.code)).toEqual([code]);
    expect(result.text).not.toContain("${");
  });

  it("refuses an empty secret, which a plain setting may be", () => {
    expect(interpolate("${EMPTY}", source, true).faults.map((fault) => fault.code)).toEqual(["HK1025"]);
  });

  it("says where in the text a fault is", () => {
    const text = "a ${TOKEN} b ${UNSET}";
    expect(plain(text).faults[0]?.offset).toBe(text.indexOf("${UNSET}"));
  });

  it("changes nothing where there is no reference", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.includes("${"));
        expect(plain(text)).toEqual({ text, references: 0, faults: [] });
      }),
    );
  });
});

describe("hasReference", () => {
  it("sees references and passes over escaped ones", () => {
    expect([hasReference("a ${X}"), hasReference("a $${X}"), hasReference("$x{y: z}")]).toEqual([true, false, false]);
  });
});

describe("parseEnvFile", () => {
  it("reads names, quotes and comments, and tells the lines it can not read", () => {
    const { values, faultyLines } = parseEnvFile(
      "# a comment\nA=1\nexport B = \"two words\"\nC='x # y'\nD=x # y\n\nno name here\n",
    );
    expect(Object.fromEntries(values)).toEqual({ A: "1", B: "two words", C: "x # y", D: "x" });
    expect(faultyLines).toEqual([7]);
  });
});
