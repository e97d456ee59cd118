import fc from "fast-check";
import jsonata from "jsonata";
import { describe, expect, test } from "vitest";
import { compileExpression } from "../../engine/mapping/expression.ts";
import { parseJsonata } from "../../engine/mapping/parse.ts";
import { printNode } from "../../engine/mapping/print.ts";
import { expression, payload } from "./support/arbitraries.ts";

/** The inputs as text: the path, and what else holds for it. */
function inputs(source: string, options: { every?: boolean; needs?: string[] } = {}): string[] {
  const compiled = compileExpression(source, { variables: ["line", "price", "event", "min"], ...options });
  if (!compiled.ok) throw new Error(compiled.faults.map((fault) => fault.message).join("; "));
  return compiled.expression.inputs.map((input) =>
    [input.path, input.every ? "every" : "", input.optional ? "optional" : "", input.nullable ? "nullable" : ""]
      .filter((part) => part !== "")
      .join(" "),
  );
}

describe("the inputs of an expression", () => {
  test.each([
    ["a path is one input", "parent.subscription_details.subscription", ["parent.subscription_details.subscription"]],
    [
      "each path of an expression is one",
      'amount_paid > 0 and billing_reason != "manual"',
      ["amount_paid", "billing_reason"],
    ],
    [
      "a path with predicates is judged whole",
      "lines.data[parent.proration = false][-1].quantity",
      ["lines.data[parent.proration = false][-1].quantity"],
    ],
    ["a path behind a variable starts at the variable", "$line.pricing.price", ["$line.pricing.price"]],
    ["a variable alone is an input", "$price", ["$price"]],
    [
      "an absolute read inside a predicate is an input too",
      "items[amount > $min].id",
      ["$min", "items[amount > $min].id"],
    ],
    ["a group is judged by what it groups", "answers{field.ref: $}", ["answers"]],
    ["inside an aggregate every element counts", "$sum(items.data.quantity)", ["items.data.quantity every"]],
    [
      "a product inside an aggregate names both factors",
      "$sum(items.(quantity * price))",
      ["items.quantity every", "items.price every"],
    ],
    ["$exists makes its path optional", "$exists(discount)", ["discount optional"]],
    ["an optional path that is also used is needed", "$exists(discount) ? discount : 0", ["discount"]],
    ["a comparison with null takes null for a value", "cancel_at != null", ["cancel_at nullable"]],
    ['a comparison with "" takes "" for a value', '"" = name', ["name nullable"]],
    ["both branches of a condition are needed", "status = 'a' ? x : y", ["status", "x", "y"]],
    [
      "a lambda's parameter stands for the list's elements",
      "$map(items, function($i){ $i.quantity })",
      ["items", "items.quantity"],
    ],
    [
      "a fold needs each element",
      "$reduce(items, function($sum_, $i){ $sum_ + $i.quantity }, 0)",
      ["items every", "items.quantity every"],
    ],
    ["a filter's test is like a predicate", "$filter(items, function($i){ $i.type = 'a' })", ["items"]],
    [
      "a name bound to a path is followed",
      "( $l := lines[0]; $l.quantity * $l.price )",
      ["lines[0].quantity", "lines[0].price"],
    ],
    [
      "a predicate on a bound name applies to the whole",
      "( $l := a.lines; $l[0].quantity )",
      ["(a.lines)[0].quantity"],
    ],
    ["a name bound to a computed value is judged by its parts", "( $t := a + b; $t * 2 )", ["a", "b", "(a + b)"]],
    ["a function applied to a path reads the path", "customer.$lowercase(email)", ["customer.email"]],
    ["a function without arguments reads its context", "customer.email.$lowercase()", ["customer.email"]],
    ["a chained call reads what it is given", "items.quantity ~> $sum()", ["items.quantity every"]],
    ["a literal $lookup is a path", '$lookup(metadata, "plan")', ["metadata.plan"]],
    ["a sorted path is judged whole", "items^(>price)[0].id", ["items^(>price)[0].id"]],
    ["constants read nothing", '"pro"', []],
    ["objects and lists read their members", '{"a": x, "b": [y, z]}', ["x", "y", "z"]],
    ["a name that needs backticks keeps them", "hidden.`utm-source`", ["hidden.`utm-source`"]],
  ])("%s: %s", (_title, source, expected) => {
    expect(inputs(source)).toEqual(expected);
  });

  test("take: makes every element count", () => {
    expect(inputs("items.data.price.id", { every: true })).toEqual(["items.data.price.id every"]);
  });

  test("needs: names the inputs of an expression that reads dynamically", () => {
    expect(inputs("$sum(amounts.*)", { needs: ["amounts.net", "amounts.tax"] })).toEqual([
      "amounts every",
      "amounts.net",
      "amounts.tax",
    ]);
  });
});

describe("printNode", () => {
  test("what it prints means what was parsed", async () => {
    await fc.assert(
      fc.asyncProperty(expression, payload, async (source, input) => {
        const parsed = parseJsonata(source);
        if (!parsed.ok) throw new Error(source);
        const outcome = async (text: string) => {
          try {
            return (
              JSON.stringify(
                await jsonata(text).evaluate(structuredClone(input), { v: [1, { a: 2 }], w: { a: { b: "x" } } }),
              ) ?? "nothing"
            );
          } catch {
            return "fails";
          }
        };
        expect(await outcome(printNode(parsed.ast))).toBe(await outcome(source));
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    "$map(items, function($i, $n)<nn:n>{ $i * 2 })",
    'a ~> |b|{"c": 1}, "d"|',
    "items@$i.tags#$n.{ 'x': $i, 'n': $n }",
    "a.b.%.c",
    "/ab+c/i",
    "$f(?, 2)",
    "items^(<a, >b).c",
    "a.**.b",
    "x[]",
    "[1..3]",
    "a.`b c`[0]",
  ])("%s survives", (source) => {
    const parsed = parseJsonata(source);
    const printed = parsed.ok ? printNode(parsed.ast) : "";
    const again = parseJsonata(printed);
    expect(again.ok && printNode(again.ast)).toBe(printed);
    expect(printed.replace(/[\s()"'<]/g, "")).toBe(source.replace(/[\s()"'<]/g, ""));
  });
});
