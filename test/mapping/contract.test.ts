import { describe, expect, test } from "vitest";
import type { Json } from "../../engine/core/types.ts";
import { checkContract, compileContract } from "../../engine/mapping/contract.ts";

function contract(schema: Readonly<Record<string, Json>>) {
  const compiled = compileContract({ provider: "stripe", version: "2026-01-01", schema });
  if (!compiled.ok) throw new Error(compiled.faults.map((fault) => fault.message).join("; "));
  return compiled.contract;
}

const invoice = contract({
  "invoice.paid": {
    type: "object",
    required: ["data"],
    properties: {
      data: {
        type: "object",
        required: ["amount", "lines"],
        properties: {
          amount: { type: "integer" },
          memo: { type: "string", format: "email" },
          lines: {
            type: "array",
            items: {
              type: "object",
              required: ["price"],
              properties: { price: { type: "string" }, note: { type: "string" } },
            },
          },
        },
      },
    },
  },
  "invoice.*": { type: "object", required: ["kind"] },
});

const reads = ["data.amount", "data.lines[proration = false][-1].price"];
const payload = (data: Json) => ({ data });

describe("checkContract", () => {
  test("a payload that keeps it is ok", () => {
    expect(checkContract(invoice, "invoice.paid", payload({ amount: 1, lines: [{ price: "p" }] }), reads)).toEqual({
      kind: "ok",
    });
  });

  test("a violation where the rule reads breaks it", () => {
    const check = checkContract(invoice, "invoice.paid", payload({ amount: "1", lines: [{ price: "p" }, {}] }), reads);
    expect(check.kind === "broken" && check.violations.map(({ path }) => path)).toEqual([
      "data.amount",
      "data.lines[1].price",
    ]);
    expect(check.kind === "broken" && check.violations.map(({ expected }) => expected)).toEqual([
      "must be integer",
      "must be there",
    ]);
  });

  test("a violation elsewhere is drift", () => {
    const check = checkContract(
      invoice,
      "invoice.paid",
      payload({ amount: 1, memo: 5, lines: [{ price: "p", note: 1 }] }),
      reads,
    );
    expect(check.kind === "drift" && check.violations.map(({ path }) => path)).toEqual([
      "data.memo",
      "data.lines[0].note",
    ]);
  });

  test("a violation above what is read breaks it", () => {
    expect(checkContract(invoice, "invoice.paid", { data: null }, reads).kind).toBe("broken");
    expect(checkContract(invoice, "invoice.paid", {}, reads).kind).toBe("broken");
  });

  test("a name that only starts alike is another path", () => {
    expect(
      checkContract(invoice, "invoice.paid", payload({ amount: 1, lines: [{ price: 5 }] }), [
        "data.amount",
        "data.lines.pricey",
      ]).kind,
    ).toBe("drift");
  });

  test("an exact type wins over a pattern; a type without a schema is ok", () => {
    expect(checkContract(invoice, "invoice.voided", {}, []).kind).toBe("drift");
    expect(checkContract(invoice, "charge.refunded", {}, []).kind).toBe("ok");
  });

  test("names in backticks are read as names", () => {
    const made = contract({ a: { properties: { "utm-source": { type: "string" } } } });
    expect(checkContract(made, "a", { "utm-source": 1 }, ["`utm-source`"]).kind).toBe("broken");
  });

  test.each([
    "(data.lines)[0].price",
    '$event.data.lines[note = "a]b"].price',
    "data.lines^(>note)[0].price",
    "data.lines{note: price}",
    "( $n := 1; data.lines[$n].price )",
    "data.lines.$sum(price)",
  ])("%s is seen to read the broken price", (path) => {
    const read = path.replace("$event.", "");
    expect(checkContract(invoice, "invoice.paid", payload({ amount: 1, lines: [{ price: 5 }] }), [read]).kind).toBe(
      "broken",
    );
  });

  test("messages hold no value of the payload", () => {
    const made = contract({ a: { properties: { s: { type: "string", maxLength: 3, pattern: "^x" } } } });
    expect(JSON.stringify(checkContract(made, "a", { s: "secret-value" }, ["s"]))).not.toContain("secret-value");
  });
});

describe("compileContract", () => {
  test("takes draft 07 and 2020-12 by $schema", () => {
    const draft7 = contract({
      a: { $schema: "http://json-schema.org/draft-07/schema#", items: [{ type: "string" }], additionalItems: false },
    });
    expect(checkContract(draft7, "a", ["x", 1], []).kind).toBe("drift");
    const draft2020 = contract({
      a: { $schema: "https://json-schema.org/draft/2020-12/schema", prefixItems: [{ type: "string" }], items: false },
    });
    expect(checkContract(draft2020, "a", ["x", 1], []).kind).toBe("drift");
  });

  test("names the type whose schema does not compile, and why", () => {
    const compiled = compileContract({
      provider: "p",
      version: "1",
      schema: { good: { type: "object" }, bad: { type: "strnig" }, worse: { $ref: "https://example.com/x.json" } },
    });
    expect(compiled.ok ? [] : compiled.faults.map(({ code, type }) => [code, type])).toEqual([
      ["HK7001", "bad"],
      ["HK7001", "worse"],
    ]);
  });
});
