import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileJsonPaths, splitPath } from "../../engine/core/json-paths.ts";
import { scanJson } from "../../engine/core/json-scan.ts";

const scan = (text: string | Uint8Array, ...paths: string[]) =>
  scanJson(Buffer.from(text as string), { maxDepth: 64, paths: compileJsonPaths(paths), numbers: true });
const at = (text: string, path: string) => scan(text, path).values.get(path);

/** What JSON.parse sees at a path. */
function seen(json: unknown, path: string): unknown {
  let here = json;
  for (const key of splitPath(path)) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string, unknown>)[key];
  }
  return here;
}

describe("scanJson", () => {
  it("finds at any path what JSON.parse finds there, however the text is spaced and escaped", () => {
    const key = fc.constantFrom("a", "b", "é", "id", "");
    const leaf = fc.oneof(fc.string({ unit: "binary" }), fc.integer(), fc.boolean(), fc.constant(null));
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.dictionary(key, tie("value"), { maxKeys: 4 }),
        fc.array(tie("value"), { maxLength: 4 }),
      ),
    })).value;
    const path = fc.array(fc.constantFrom("a", "b", "é", "id", "0", "1"), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        json,
        fc.array(path, { minLength: 1, maxLength: 4 }),
        fc.constantFrom(0, 1),
        fc.boolean(),
        (value, keys, spaces, escaped) => {
          const plain = JSON.stringify(value, null, spaces);
          const text = escaped ? plain.replaceAll("é", "\\u00e9").replaceAll('"id"', '"\\u0069d"') : plain;
          const paths = keys.map((parts) => parts.join("."));
          const found = scan(text, ...paths);
          expect(found).toMatchObject({ malformed: false, tooDeep: false, duplicates: [] });
          for (const wanted of paths) {
            const expected = seen(JSON.parse(text), wanted);
            const got = found.values.get(wanted);
            if (expected === undefined) expect(got).toBeUndefined();
            else if (expected === null) expect(got?.type).toBe("null");
            else if (typeof expected === "object") expect(got?.type).toBe(Array.isArray(expected) ? "array" : "object");
            else expect(got).toEqual({ type: typeof expected, text: String(expected) });
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("gives numbers as they are written", () => {
    expect(at('{"id":12345678901234567890}', "id")).toEqual({ type: "number", text: "12345678901234567890" });
    expect(at('{"id":1.0}', "id")).toEqual({ type: "number", text: "1.0" });
  });

  it("names watched keys that stand twice, and only those", () => {
    expect(scan('{"id":1,"x":{"id":2},"id":3}', "id").duplicates).toEqual(["id"]);
    expect(scan('{"id":1,"\\u0069d":2}', "id").duplicates).toEqual(["id"]);
    expect(scan('{"a":{"b":1},"a":{"c":2}}', "a.b").duplicates).toEqual(["a"]);
    expect(scan('{"id":1,"x":1,"x":2}', "id").duplicates).toEqual([]);
  });

  it("counts depth outside of strings only, and stops at the bound", () => {
    expect(scan(`{"a":"${"[".repeat(100)}\\"]"}`)).toMatchObject({ tooDeep: false, malformed: false });
    expect(scan(`${"[".repeat(65)}${"]".repeat(65)}`).tooDeep).toBe(true);
    expect(scan(`${'{"a":'.repeat(65)}1${"}".repeat(65)}`, "a.a").tooDeep).toBe(true);
  });

  it("sees numbers that may be rounded, wherever they are", () => {
    expect(scan('{"a":[1,2.5,{"b":123456789012345}],"c":"1e400"}').longNumbers).toEqual([]);
    expect(scan('{"a":[1,{"b":1234567890123456}]}').longNumbers).toEqual([13, 29]);
    expect(scan('{"a":1e4}', "a").longNumbers).toEqual([5, 8]);
  });

  it("ends on any bytes at all, and never throws", () => {
    const fragment = fc.constantFrom(
      '"',
      "\\",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      "1",
      "e",
      "-",
      " ",
      "\\u",
      "id",
      '"id":',
      "é",
      "\ud800",
    );
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 40 }), (parts) => void scan(parts.join(""), "id", "a.b", "x[0]")),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void scan(bytes, "id")),
      { numRuns: 1000 },
    );
  });
});
