import { beforeAll, describe, expect, it } from "vitest";
import { brief, type Check, createCheck } from "../support.ts";

const contract = `contract: v1
provider: stripe
schema:
  invoice.*:
    type: object
    required: [data]
    properties:
      data:
        type: object
        required: [object]
        properties:
          object:
            type: object
            required: [customer, status]
            properties:
              customer: { type: string }
              status: { type: string, enum: [draft, open, paid] }
              due: { type: integer }
              lines:
                type: array
                items:
                  type: object
                  required: [kind]
                  properties: { kind: { type: string, enum: [seat, addon, credit] } }
  customer.updated:
    type: object
    required: [data]
    properties:
      data:
        type: object
        required: [object]
        properties: { object: { type: object, required: [id], properties: { id: { type: string }, plan: { type: string } } } }
`;

const config = (tables: string) => `teams:
  revenue-ops: {}
sources:
  stripe: { provider: stripe, path: /hooks/stripe, root: data.object, times: seconds, secrets: ["\${STRIPE_WHSEC}"] }
tables:
  statuses: ${tables}
entities:
  customer:
    attributes:
      tier: { type: string, enum: [free, pro], owner: revenue-ops }
      note: { type: string, owner: revenue-ops }
connections:
  out: { sink: file, path: out.ndjson }
seed: none
`;

const pipeline = (rule: string, deliver = "deliver:\n  - { to: out, entity: customer }\n") =>
  `pipeline: paid\nowner: revenue-ops\nsource: stripe\ncontract: v1\nrules:\n${rule}${deliver}`;

const rule = (row: string, more = "") =>
  `  - on: invoice.paid\n${more}    write:\n      customer:\n        key: customer\n        fields:\n${row
    .split("\n")
    .map((line) => `          ${line}\n`)
    .join("")}`;

let check: Check;
beforeAll(async () => {
  check = await createCheck(["file"]);
});

const told = (text: string, tables = "{ draft: free, open: free, paid: pro }") =>
  brief(
    check({
      "config.yaml": config(tables),
      "pipelines/paid.yaml": text,
      "pipelines/contracts/stripe/v1.yaml": contract,
    }),
  ).map((line) => line.split(" ").slice(0, 2).join(" "));

const use = rule("tier: { from: status, table: statuses }");

describe("a table and the values of its contract", () => {
  it("agree where each value has a row", () => expect(told(pipeline(use))).toEqual([]));

  it("tells a value without a row and a row without a value", () =>
    expect(told(pipeline(use), "{ draft: free, opened: free, paid: pro }").sort()).toEqual([
      "warning HK2051",
      "warning HK2052",
    ]));

  it("says nothing of rows that another rule may read", () =>
    expect(
      told(
        pipeline(`${use}  - on: customer.updated
    write:
      customer: { key: id, fields: { tier: { from: plan, table: statuses } } }
`),
        "{ draft: free, open: free, paid: pro, gold: pro }",
      ),
    ).toEqual([]));

  it.each([
    ["`when` keeps the others away", rule("tier: { from: status, table: statuses }", '    when: status != "open"\n')],
    [
      "`when` does so through `let`",
      rule(
        "tier: { from: $now_it_is, table: statuses }",
        '    when: status = "paid"\n    let: { now_it_is: status }\n',
      ),
    ],
    ["the expression itself does", rule('tier:\n  from: \'status = "open" ? "paid" : status\'\n  table: statuses')],
    ["an item is chosen by it", rule('tier:\n  from: lines[kind != "credit"][0].kind\n  table: statuses')],
    [
      "items are filtered by it",
      rule("tier:\n  from: '$filter(lines, function($l) { $l.kind != \"credit\" })[0].kind'\n  table: statuses"),
    ],
  ])("does not miss a row where %s", (_how, text) => {
    const found = told(pipeline(text), "{ draft: free, paid: pro, seat: free, addon: free }");
    expect(found.filter((line) => line.endsWith("HK2052"))).toEqual([]);
  });

  it("misses it in the items of a list", () =>
    expect(
      told(pipeline(rule("tier: { from: lines.kind, take: only, table: statuses }")), "{ seat: free, addon: pro }"),
    ).toEqual(["warning HK2052"]));
});

describe("a constant and the values of its contract", () => {
  it.each([
    ['status = "piad"', ["error HK2050"]],
    ['"opne" != status', ["error HK2050"]],
    ['status = "refunded"', ["warning HK2050"]],
    ['status in ["paid", "opne"]', ["error HK2050"]],
    ['$exists(lines[kind = "adon"])', ["error HK2050"]],
    ['status = "paid" or due > 1', []],
    ['customer = "anything"', []],
    // What a function makes of it is not one of them.
    ['$uppercase(status) = "PAID"', []],
  ])("%s: %j", (when, expected) =>
    expect(told(pipeline(rule("note: customer", `    when: '${when}'\n`)))).toEqual(expected),
  );

  it("is held to what it is written to", () => {
    expect(told(pipeline(rule('tier: \'due > 1 ? "pro" : "fre"\'')))).toEqual(["warning HK2053"]);
    expect(told(pipeline(rule("tier: status")))).toEqual(["error HK2053"]);
    expect(told(pipeline(rule('tier: \'due > 1 ? "pro" : "free"\'')))).toEqual([]);
  });
});

describe("expressions of `deliver:`", () => {
  const two = `${rule("note: customer")}  - on: customer.updated
    write:
      customer: { key: id, fields: { note: plan } }
`;
  const entry = (keys: string) => `deliver:\n  - { to: out, entity: customer, ${keys} }\n`;

  it.each([
    // Of a pipeline's own entries: what any of its rules has.
    ["when: plan = status", []],
    ["when: paln = status", ["error HK2040"]],
    ["when: status & plan", ["error HK2041"]],
    ["not_after: due", []],
    ["not_after: $exists(due)", ["error HK2041"]],
    ["when: $customer.teir = customer", ["error HK2040"]],
    ["when: $customer.tier = 'pro'", []],
    ["when: $customer.tier = 'prp'", ["error HK2050"]],
  ])("%s: %j", (keys, expected) => expect(told(pipeline(two, entry(keys)))).toEqual(expected));

  it("are read with the types of the rule they stand in", () =>
    expect(
      told(pipeline(`${two}    deliver:\n      - { to: out, entity: customer, name: own, when: status = "paid" }\n`)),
    ).toEqual(["warning HK2040"]));
});
