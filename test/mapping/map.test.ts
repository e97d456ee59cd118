import { afterAll, describe, expect, test } from "vitest";
import type { Json } from "../../engine/core/types.ts";
import { createEvaluator } from "../../engine/mapping/evaluate.ts";
import { mapEvent } from "../../engine/mapping/map.ts";
import type { Mapped } from "../../engine/mapping/model.ts";
import { attribute, entity, type RuleText, rule } from "./support/models.ts";

const evaluator = createEvaluator();
afterAll(() => evaluator.close());

const entities = new Map([
  [
    "subscription",
    entity(
      "subscription",
      {
        plan: attribute("string", { enum: ["free", "pro", "team"], protected: true }),
        seats: attribute("integer", { minimum: 0, protected: true }),
        paid_until: attribute("time"),
        note: attribute("string"),
      },
      ["trialing", "active", "canceled"],
    ),
  ],
  ["customer", entity("customer", { email: attribute("string", { format: "email" }) })],
]);

const map = (rules: readonly RuleText[], type: string, input: Json) =>
  mapEvent({
    rules: rules.map(rule),
    type,
    scope: { input, variables: { event: { data: input } }, receivedAt: 0 },
    times: "seconds",
    entities,
    evaluator,
  });

/** What a mapped event says, short. */
function told(mapped: Mapped) {
  if (mapped.kind === "dead") return `${mapped.code}: ${mapped.message}`;
  if (mapped.kind === "skipped") return mapped.reason;
  if (mapped.kind === "fetch") return mapped.request;
  return Object.fromEntries(
    mapped.writes.map((write) => [
      `${write.model.entity} ${write.key.kind === "id" ? write.key.value : ""}`,
      {
        ...(write.state === undefined ? {} : { state: write.state }),
        ...write.links,
        ...Object.fromEntries(
          write.fields.map(({ row, result }) => [row.name, "value" in result ? result.value : result.kind]),
        ),
      },
    ]),
  );
}

const invoice: Json = {
  amount_paid: 4900,
  billing_reason: "subscription_cycle",
  customer: "cus_1",
  parent: { subscription_details: { subscription: "sub_1" } },
  lines: {
    data: [
      { quantity: 5, price: "p_old", proration: true, period: { end: 1764547200 } },
      { quantity: 7, price: "p_team", proration: false, period: { end: 1767225600 } },
    ],
  },
};

const plans = {
  name: "plans",
  rows: new Map<string, Json>([
    ["p_team", "team"],
    ["p_old", "pro"],
  ]),
};

const paid: RuleText = {
  on: ["invoice.paid"],
  when: 'amount_paid > 0 and billing_reason != "manual"',
  let: { line: "lines.data[proration = false][-1]", price: "$line.price" },
  write: {
    subscription: {
      key: "parent.subscription_details.subscription",
      state: { value: "active" },
      fields: {
        plan: { from: "$price", table: plans, invalid: "reject" },
        seats: { from: "$line.quantity", invalid: "reject" },
        paid_until: "$line.period.end",
      },
    },
    customer: { key: "customer", links: { clerk_id: "metadata.clerk", stripe: "customer" } },
  },
};

describe("mapEvent", () => {
  test("maps an invoice at once, with nothing that waits", () => {
    const mapped = map([paid], "invoice.paid", invoice);
    expect(mapped).not.toBeInstanceOf(Promise);
    expect(told(mapped as Mapped)).toEqual({
      "subscription sub_1": { state: "active", plan: "team", seats: 7, paid_until: "2026-01-01T00:00:00.000Z" },
      "customer cus_1": { stripe: "cus_1" },
    });
  });

  test("only the first rule that matches is used; a `when` that is false passes the event on", async () => {
    const rules: RuleText[] = [
      { on: ["a"], when: "n > 10", write: { customer: { key: "'big'" } } },
      { on: ["a", "b"], when: "n > 5", write: { customer: { key: "'middle'" } } },
      { on: ["a"], write: { customer: { key: "'any'" } } },
    ];
    expect(told(await map(rules, "a", { n: 11 }))).toEqual({ "customer big": {} });
    expect(told(await map(rules, "a", { n: 7 }))).toEqual({ "customer middle": {} });
    expect(told(await map(rules, "a", { n: 1 }))).toEqual({ "customer any": {} });
    expect(told(await map(rules, "b", { n: 1 }))).toBe("not_selected");
    expect(told(await map(rules, "c", { n: 1 }))).toBe("no_rule");
  });

  test("a type pattern matches any rest", async () => {
    const rules: RuleText[] = [{ on: ["customer.subscription.*"], write: { customer: { key: "id" } } }];
    expect(told(await map(rules, "customer.subscription.updated", { id: "x" }))).toEqual({ "customer x": {} });
    expect(told(await map(rules, "customer.created", { id: "x" }))).toBe("no_rule");
  });

  test("a `when` with a missing input is a dead letter, never a silent skip", async () => {
    for (const change of [{ amount_paid: null }, { billing_reason: "" }]) {
      expect(told(await map([paid], "invoice.paid", { ...(invoice as object), ...change }))).toMatch(
        /^HK2024: `when` of rule 1 can not be decided: /,
      );
    }
    const { amount_paid: _, ...without } = invoice as { amount_paid: number };
    expect(told(await map([paid], "invoice.paid", without as Json))).toBe(
      "HK2024: `when` of rule 1 can not be decided: `amount_paid` is absent",
    );
  });

  test("a `when` that is neither true nor false is a dead letter", async () => {
    const rules: RuleText[] = [{ on: ["a"], when: "live", write: { customer: { key: "id" } } }];
    expect(told(await map(rules, "a", { live: "false", id: "x" }))).toBe(
      "HK2025: `when` of rule 1 gave a string, expected true or false",
    );
    expect(told(await map([{ on: ["a"], when: "n > 1" }], "a", { n: "x" }))).toMatch(/^HK2010: `when` of rule 1: /);
  });

  test("missing lines keep every attribute that is read from them", async () => {
    const { lines: _, ...without } = invoice as { lines: Json };
    expect(told(await map([paid], "invoice.paid", without as Json))).toMatchObject({
      "subscription sub_1": { plan: "keep", seats: "keep", paid_until: "keep" },
    });
  });

  test("a let whose inputs are missing is missing, whatever its expression makes of them", async () => {
    const rules: RuleText[] = [
      {
        on: ["a"],
        let: { premium: 'plan = "team"', label: "'plan ' & plan", count: "$count(items)" },
        write: {
          subscription: { key: "id", fields: { plan: "$premium ? 'team' : 'free'", note: "$label", seats: "$count" } },
        },
      },
    ];
    expect(told(await map(rules, "a", { id: "s" }))).toEqual({
      "subscription s": { plan: "keep", note: "keep", seats: "keep" },
    });
    expect(told(await map(rules, "a", { id: "s", plan: "team", items: [1, 2] }))).toEqual({
      "subscription s": { plan: "team", note: "plan team", seats: 2 },
    });
  });

  test("a let that is null upstream is null, so that on_null may see it", async () => {
    const model = entity("subscription", { note: attribute("string", { clearable: true }) });
    const made = rule({
      on: ["a"],
      let: { n: "note" },
      write: { subscription: { fields: { note: { from: "$n", onNull: "clear" } } } },
    });
    const mapped = await mapEvent({
      rules: [made],
      type: "a",
      scope: { input: { id: "s", note: null }, variables: {}, receivedAt: 0 },
      times: "iso",
      entities: new Map([["subscription", model]]),
      evaluator,
    });
    expect(told(mapped)).toEqual({ "subscription s": { note: "clear" } });
  });

  test("a missing key is a dead letter; a missing link is left out", async () => {
    expect(told(await map([paid], "invoice.paid", { ...(invoice as object), customer: null }))).toBe(
      "HK2020: key: `customer` is null",
    );
    expect(told(await map([paid], "invoice.paid", invoice))).not.toHaveProperty(["customer cus_1", "clerk_id"]);
  });

  test("a state must be declared", async () => {
    const rules: RuleText[] = [{ on: ["a"], write: { subscription: { key: "id", state: "status" } } }];
    expect(told(await map(rules, "a", { id: "s", status: "active" }))).toEqual({
      "subscription s": { state: "active" },
    });
    expect(told(await map(rules, "a", { id: "s", status: "on fire" }))).toBe(
      "HK2023: `on fire` is not one of the states of subscription: trialing, active, canceled",
    );
    expect(told(await map(rules, "a", { id: "s" }))).toEqual({ "subscription s": {} });
  });

  test("a value that a protected attribute refuses kills the event; the row is named", async () => {
    const data = [{ quantity: "seven", price: "p_team", proration: false, period: { end: 1 } }];
    const mapped = await map([paid], "invoice.paid", { ...(invoice as object), lines: { data } });
    expect(mapped).toMatchObject({ kind: "dead", code: "HK2022", row: { name: "seats" }, rule: { index: 0 } });
  });

  test("what was kept is noted for whoever counts", async () => {
    const rules: RuleText[] = [
      { on: ["a"], write: { subscription: { key: "id", fields: { note: "note", paid_until: "until" } } } },
    ];
    const mapped = await map(rules, "a", { id: "s", until: "soon" });
    expect(mapped.kind === "mapped" && mapped.notes.map(({ kind, attribute }) => [kind, attribute])).toEqual([
      ["missing_kept", "note"],
      ["invalid_kept", "paid_until"],
    ]);
  });

  test("slow expressions of all rows come to the same answer as fast ones would", async () => {
    const slow = (source: string) => `(${source})^($)[0]`;
    const rules: RuleText[] = [
      {
        on: ["a"],
        let: { l: slow("x.y") },
        write: {
          subscription: {
            key: slow("id"),
            state: slow("status"),
            fields: { plan: slow("$l"), note: slow("missing"), seats: "n" },
          },
        },
      },
    ];
    expect(told(await map(rules, "a", { id: "s", status: "active", x: { y: "pro" }, n: 3 }))).toEqual({
      "subscription s": { state: "active", plan: "pro", note: "keep", seats: 3 },
    });
  });

  test("the whole body is $event", async () => {
    const rules: RuleText[] = [{ on: ["a"], write: { customer: { key: "$event.data.id" } } }];
    expect(told(await map(rules, "a", { id: "x" }))).toEqual({ "customer x": {} });
  });

  test("one event gives one answer, each time", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => map([paid], "invoice.paid", invoice)));
    expect(new Set(answers.map((answer) => JSON.stringify(told(answer)))).size).toBe(1);
  });
});
