import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../engine/core/types.ts";
import { removeAt, setAt } from "../../engine/provider/edit.ts";
import { valueAt } from "../../engine/provider/reading.ts";

const path = fc
  .array(fc.constantFrom("a", "b", "c d", "é"), { minLength: 1, maxLength: 4 })
  .map((keys) => keys.join("."));
const payload = fc
  .dictionary(fc.constantFrom("a", "b", "c d", "é"), fc.jsonValue({ maxDepth: 2 }))
  .map((value) => value as Json);

describe("setAt and removeAt", () => {
  it("what was set is there, what was removed is not, and the payload they were given is unchanged", () => {
    fc.assert(
      fc.property(payload, path, fc.jsonValue(), (before, at, value) => {
        const copy = structuredClone(before);
        let after: Json;
        try {
          after = setAt(before, at, value as Json);
        } catch {
          return; // Something on the way is no object: the error has its own test.
        }
        expect(valueAt(after, at)).toEqual(value);
        expect(valueAt(removeAt(after, at), at)).toBeUndefined();
        expect(before).toEqual(copy);
      }),
    );
  });

  it("removing from a list closes the gap", () => {
    expect(removeAt({ a: [1, 2, 3] }, "a[1]")).toEqual({ a: [1, 3] });
    expect(removeAt({ a: [{ b: 1 }] }, "a[0].b")).toEqual({ a: [{}] });
    expect(removeAt({ a: [1] }, "a[5]")).toEqual({ a: [1] });
    expect(removeAt({ a: null }, "a.b")).toEqual({ a: null });
  });

  it("a list grows at its end only", () => {
    expect(setAt({ a: [1] }, "a[1]", 2)).toEqual({ a: [1, 2] });
    expect(() => setAt({ a: [1] }, "a[3]", 2)).toThrow("a list of 1 has no place `3`");
    expect(() => setAt({ a: [1] }, "a.length", 2)).toThrow("no place `length`");
  });
});
