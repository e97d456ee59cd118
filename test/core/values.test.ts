import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "../../engine/core/types.ts";
import {
  compareValues,
  formatTime,
  isBlank,
  parseIso,
  readValue,
  sameJson,
  type Times,
  type ValueModel,
} from "../../engine/core/values.ts";

/** The value, or what was expected. */
function read(model: ValueModel, value: Json, times: Times = "iso"): Json {
  const reading = readValue(model, value, { times });
  return reading.ok ? reading.value : `expected ${reading.expected}`;
}

describe("readValue", () => {
  test.each<[ValueModel, Json, Json]>([
    [{ type: "integer" }, 5, 5],
    [{ type: "integer" }, -0, 0],
    [{ type: "integer" }, 1.5, "expected an integer"],
    [{ type: "integer" }, "5", "expected an integer"],
    [{ type: "integer" }, "9007199254740993", "expected an integer"],
    [{ type: "integer" }, 2 ** 53, "expected an integer"],
    [{ type: "integer" }, true, "expected an integer"],
    [{ type: "integer", minimum: 0 }, -1, "expected at least 0"],
    [{ type: "integer", maximum: 9 }, 10, "expected at most 9"],
    [{ type: "number" }, 1.5, 1.5],
    [{ type: "number" }, "1.5", "expected a number"],
    [{ type: "boolean" }, false, false],
    [{ type: "boolean" }, "false", "expected true or false"],
    [{ type: "boolean" }, 0, "expected true or false"],
    [{ type: "string" }, " kept as it is ", " kept as it is "],
    [{ type: "string" }, 5, "expected text"],
    [{ type: "string", enum: ["free", "pro"] }, "pro", "pro"],
    [{ type: "string", enum: ["free", "pro"] }, "Pro", "expected one of free, pro"],
    [{ type: "integer", enum: [1, 2] }, 3, "expected one of 1, 2"],
    [{ type: "string", maxLength: 2 }, "😀😀", "😀😀"],
    [{ type: "string", maxLength: 2 }, "abc", "expected at most 2 characters"],
    [{ type: "string", pattern: "^cus_" }, "cus_1", "cus_1"],
    [{ type: "string", pattern: "^cus_" }, "sub_1", "expected text that matches ^cus_"],
    [{ type: "string", format: "email" }, "ada@example.com", "ada@example.com"],
    [{ type: "string", format: "email" }, "ada@", "expected an e-mail address"],
    [{ type: "string", format: "email" }, `${"a".repeat(400)}@example.com`, "expected an e-mail address"],
    [{ type: "string", format: "uri" }, "https://example.com/x", "https://example.com/x"],
    [{ type: "string", format: "uri" }, "example", "expected a URI"],
    [{ type: "string", format: "date" }, "2026-12-04", "2026-12-04"],
    [{ type: "string", format: "date" }, "2026-02-30", "expected a date (2026-12-04)"],
    [
      { type: "string", format: "uuid" },
      "2f1c7e0a-6f3b-4b0e-9c55-0d2f0a5c9d11",
      "2f1c7e0a-6f3b-4b0e-9c55-0d2f0a5c9d11",
    ],
    [{ type: "list" }, [], []],
    [{ type: "list" }, {}, "expected a list"],
    [{ type: "object" }, {}, {}],
    [{ type: "object" }, [], "expected an object"],
    [{ type: "object" }, null, "expected an object"],
  ])("%j reads %j as %j", (model, value, expected) => {
    expect(read(model, value)).toEqual(expected);
  });

  const ISO = "an ISO 8601 time with its zone (2026-12-04T00:00:00Z)";
  test.each<[Times, Json, Json]>([
    ["seconds", 1796342400, "2026-12-04T00:00:00.000Z"],
    ["seconds", 1796342400.5, "2026-12-04T00:00:00.500Z"],
    ["millis", 1796342400000, "2026-12-04T00:00:00.000Z"],
    ["seconds", 1796342400000, "expected a time in seconds since 1970, before the year 10000"],
    ["seconds", -1, "expected a time in seconds since 1970, before the year 10000"],
    ["iso", 1796342400, "expected an ISO 8601 time (2026-12-04T00:00:00Z)"],
    ["iso", "2026-12-04T02:30:00+02:30", "2026-12-04T00:00:00.000Z"],
    ["iso", "2026-12-04T00:00:00.123456789Z", "2026-12-04T00:00:00.123Z"],
    ["iso", "2026-12-04", "2026-12-04T00:00:00.000Z"],
    ["seconds", "2026-12-04T00:00:00Z", "2026-12-04T00:00:00.000Z"],
    ["iso", "2026-12-04T00:00:00", `expected ${ISO}`],
    ["iso", "2026-02-30T00:00:00Z", `expected ${ISO}`],
    ["iso", "2026-12-04T24:00:00Z", `expected ${ISO}`],
    ["iso", "2026-13-04T00:00:00Z", `expected ${ISO}`],
    ["iso", "1796342400", `expected ${ISO}`],
    ["iso", "tomorrow", `expected ${ISO}`],
    ["millis", true, "expected a time in millis since 1970, or ISO 8601"],
  ])("a time in %s reads %j as %j", (times, value, expected) => {
    expect(read({ type: "time" }, value, times)).toEqual(expected);
  });

  test("a canonical time is read as itself", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253402300799999 }), (instant) => {
        expect(parseIso(formatTime(instant))).toBe(instant);
        expect(read({ type: "time" }, formatTime(instant))).toBe(formatTime(instant));
      }),
    );
  });

  test("what is accepted is accepted again, unchanged", () => {
    const models = fc.constantFrom<ValueModel>(
      { type: "integer" },
      { type: "number" },
      { type: "string" },
      { type: "boolean" },
      { type: "time" },
      { type: "list" },
      { type: "object" },
    );
    fc.assert(
      fc.property(
        models,
        fc.jsonValue(),
        fc.constantFrom<Times[]>("seconds", "millis", "iso"),
        (model, value, times) => {
          const first = readValue(model, value as Json, { times });
          if (first.ok) expect(readValue(model, first.value, { times })).toEqual(first);
        },
      ),
    );
  });
});

describe("compareValues", () => {
  test.each<[ValueModel, Json, Json, number | undefined]>([
    [{ type: "string", enum: ["free", "pro", "team"] }, "team", "free", 1],
    [{ type: "string", enum: ["free", "pro", "team"] }, "free", "pro", -1],
    [{ type: "string", enum: ["free", "pro"] }, "free", "gold", undefined],
    [{ type: "integer" }, 10, 9, 1],
    [{ type: "integer", enum: [3, 1] }, 3, 1, -1],
    [{ type: "boolean" }, false, true, -1],
    [{ type: "time" }, "2026-12-04T00:00:00.000Z", "2026-12-03T00:00:00.000Z", 1],
    [{ type: "time" }, "2026-12-04T00:00:00.000Z", "2026-12-04T00:00:00.000Z", 0],
    [{ type: "string" }, "a", "b", undefined],
    [{ type: "list" }, [1], [2], undefined],
    [{ type: "integer" }, 1, null, undefined],
  ])("%j: %j against %j is %j", (model, a, b, expected) => {
    const order = compareValues(model, a, b);
    expect(order === undefined ? undefined : Math.sign(order)).toBe(expected);
  });
});

test('isBlank: "" and white space', () => {
  expect(["", " ", "\t\n", "x", 0, null, undefined].map((value) => isBlank(value))).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

test("sameJson: the order of keys does not matter, that of elements does", () => {
  expect(sameJson({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 })).toBe(true);
  expect(sameJson([1, 2], [2, 1])).toBe(false);
  expect(sameJson({ a: 1 }, { a: 1, b: 2 })).toBe(false);
  expect(sameJson([], {})).toBe(false);
  expect(sameJson(null, undefined)).toBe(false);
});
