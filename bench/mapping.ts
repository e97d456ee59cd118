/** Mapping speed: the fast path against the interpreter, twelve fields of one invoice. Prints microseconds and ratios, the ratios again as a last line of JSON. */
import jsonata from "jsonata";
import type { Scope } from "../engine/core/expression.ts";
import type { Json } from "../engine/core/types.ts";
import { createEvaluator } from "../engine/mapping/evaluate.ts";
import { compileExpression } from "../engine/mapping/expression.ts";

const FIELDS: Readonly<Record<string, string>> = {
  id: "id",
  customer: "customer",
  subscription: "parent.subscription_details.subscription",
  amount: "amount_paid / 100",
  currency: "$uppercase(currency)",
  paid: "amount_paid > 0 and billing_reason != 'manual'",
  seats: "lines.data[-1].quantity",
  price: "lines.data[1].pricing.price_details.price",
  email: "$lowercase(customer_email)",
  label: "number & ' ' & status",
  until: "lines.data[-1].period.end",
  reason: "billing_reason = 'subscription_create' ? 'new' : 'renewal'",
};

const line = (proration: boolean, price: string): Json => ({
  id: `il_${price}`,
  amount: 4900,
  quantity: 5,
  parent: { subscription_item_details: { proration } },
  period: { start: 1764547200, end: 1767225600 },
  pricing: { price_details: { price, product: "prod_1" } },
});

const invoice: Json = {
  id: "in_1",
  customer: "cus_1",
  customer_email: "Ada@Example.com",
  number: "A-0001",
  status: "paid",
  currency: "eur",
  amount_paid: 4900,
  billing_reason: "subscription_cycle",
  parent: { subscription_details: { subscription: "sub_1", metadata: {} } },
  lines: { data: [line(true, "price_pro_month"), line(false, "price_team_month")], has_more: false },
};

const scope: Scope = { input: invoice, variables: {}, receivedAt: 1764547200000 };
const ROUNDS = 5;

/** Microseconds of one run: the median of a few rounds. */
async function measure(count: number, run: () => unknown): Promise<number> {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      const result = run();
      if (result instanceof Promise) await result;
    }
    rounds.push(((performance.now() - start) * 1000) / count);
  }
  return rounds.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN;
}

function compiled(source: string) {
  const result = compileExpression(source);
  if (!result.ok || result.expression.program === undefined) throw new Error(`not in the compiled subset: ${source}`);
  return result.expression;
}

const object = `{${Object.entries(FIELDS)
  .map(([name, source]) => `"${name}": ${source}`)
  .join(", ")}}`;
const interpreter = jsonata(object, { timeout: 250, stack: 500, sequence: 100_000 });
const separate = Object.values(FIELDS).map((source) =>
  jsonata(source, { timeout: 250, stack: 500, sequence: 100_000 }),
);
const program = compiled(object).program;
const expressions = Object.values(FIELDS).map(compiled);
const evaluator = createEvaluator();

const rows = {
  "interpreter, one object of 12 fields": await measure(2_000, () => interpreter.evaluate(invoice)),
  "fast path, one object of 12 fields": await measure(50_000, () => program?.(scope)),
  "interpreter, 12 expressions": await measure(2_000, async () => {
    for (const expression of separate) await expression.evaluate(invoice);
  }),
  "evaluator, 12 expressions with their inputs read and judged": await measure(50_000, () =>
    evaluator.answer(expressions, scope),
  ),
};
for (const [name, us] of Object.entries(rows)) console.log(`${us.toFixed(2).padStart(9)} us  ${name}`);
const [slow, fast, slow12, fast12] = Object.values(rows) as [number, number, number, number];
console.log(
  `${(slow / fast).toFixed(0).padStart(9)} x   object; ${(slow12 / fast12).toFixed(0)} x   expressions with readings`,
);
console.log(JSON.stringify({ object: slow / fast, expressions: slow12 / fast12 }));
await evaluator.close();
