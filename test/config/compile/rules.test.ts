import { beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_HOLD } from "../../../engine/config/compile/rules.ts";
import type { RuleModel } from "../../../engine/mapping/model.ts";
import { baseConfig, brief, type Check, createCheck, pipelineOf } from "../support.ts";

let check: Check;
beforeAll(async () => {
  check = await createCheck();
});

const load = (parts: Parameters<typeof pipelineOf>[0]) =>
  check({ "config.yaml": baseConfig, "pipelines/a.yaml": pipelineOf(parts) });
function rule(parts: Parameters<typeof pipelineOf>[0]): RuleModel {
  const loaded = load(parts);
  const found = loaded.revision?.pipelines[0]?.rules[0];
  if (found === undefined) throw new Error(brief(loaded).join("; "));
  return found;
}
const customer = (text: string) => ({ write: `      customer: ${text}\n` });

describe("keys", () => {
  it("are the entity's first id, and reject the event when missing", () => {
    const [write] = rule(customer("{ key: customer }")).writes;
    expect(write).toMatchObject({
      key: { kind: "id", idName: "stripe_id", row: { missing: { kind: "reject" }, invalid: "reject" } },
      unknown: "create",
    });
  });

  it("by another id wait for whoever has it, since nothing can be made from it", () => {
    const [write] = rule(customer("{ key: { crm_id: customer } }")).writes;
    expect(write).toMatchObject({ key: { kind: "id", idName: "crm_id" }, unknown: "hold" });
  });

  it("may be the parent of a child that the rule writes", () => {
    const writes = rule({
      write: "      subscription: { key: id }\n      customer: { key: { parent_of: subscription }, unknown: reject }\n",
    }).writes;
    expect(writes[1]).toMatchObject({ key: { kind: "parent_of", childType: "subscription" }, unknown: "reject" });
  });

  it("may be looked up and transformed like any row", () => {
    const [write] = rule(
      customer("{ key: { stripe_id: { from: customer, missing: reject } }, link: { crm_id: metadata.crm } }"),
    ).writes;
    expect(write?.links).toMatchObject([{ name: "crm_id", missing: { kind: "keep" }, source: { kind: "expression" } }]);
  });
});

describe("rows", () => {
  const field = (text: string, entity = "customer", attribute = "note") =>
    rule({ write: `      ${entity}:\n        key: id\n        fields:\n          ${attribute}: ${text}\n` }).writes[0]
      ?.fields[0];

  it("keep when missing and ignore refused values, unless the attribute is protected", () => {
    expect(field("number")).toMatchObject({
      missing: { kind: "keep" },
      onNull: "missing",
      invalid: "keep",
      owner: "finance",
    });
    expect(field("plan", "subscription", "plan")).toMatchObject({ invalid: "reject", owner: "revenue-ops" });
  });

  it("take every policy the author may write", () => {
    expect(field("{ from: number, missing: reject }")?.missing).toEqual({ kind: "reject" });
    expect(field("{ from: number, missing: { initial: none } }")?.missing).toEqual({ kind: "initial", value: "none" });
    expect(field("{ from: number, missing: { value: none } }")?.missing).toEqual({ kind: "value", value: "none" });
    expect(field("{ from: number, on_null: clear, invalid: reject }")).toMatchObject({
      onNull: "clear",
      invalid: "reject",
    });
  });

  it("read from one expression, the first of several, or a constant", () => {
    expect(field("{ from: number }")?.source).toMatchObject({ kind: "expression", expression: { source: "number" } });
    expect(field("{ first: [a.b, c] }")?.source).toMatchObject({
      kind: "first",
      expressions: [{ source: "a.b" }, { source: "c" }],
    });
    expect(field("{ value: fixed }")?.source).toEqual({ kind: "value", value: "fixed" });
  });

  it("with take judge every element", () => {
    const row = field("{ from: lines.data.plan, take: highest }", "subscription", "plan");
    expect(row?.source.kind === "expression" && row.source.expression.inputs.every((input) => input.every)).toBe(true);
  });

  it("know where their expression begins", () => {
    const row = field('"a.b"');
    expect(row?.source.kind === "expression" && row.source.expression.position).toEqual({
      file: "pipelines/a.yaml",
      line: 10,
      column: 18,
    });
  });

  it("say what is wrong with an expression under its own token", () => {
    expect(brief(load(customer('{ key: id, fields: { note: "$lowercas(number) & $lin.x" } }')))).toEqual([
      "error HK2002 7:45",
      "error HK2003 7:65",
    ]);
  });
});

describe("states", () => {
  it("are literals, or rows whose values are declared", () => {
    expect(rule({ write: "      subscription: { key: id, state: active }\n" }).writes[0]?.state).toMatchObject({
      name: "state",
      source: { kind: "value", value: "active" },
    });
    expect(
      brief(load({ write: "      subscription: { key: id, state: { from: plan, table: plans.plan } }\n" })),
    ).toEqual(["error HK1080 8:24", "error HK1080 9:25"]);
  });
});

describe("holds", () => {
  it("come from the rule, else the pipeline, else the default", () => {
    expect(rule({}).hold).toEqual({ ...DEFAULT_HOLD, windowMs: 900_000 });
    expect(rule({ head: "hold: { window: 1h }\n" }).hold).toEqual({ ...DEFAULT_HOLD, windowMs: 3_600_000 });
  });
});

describe("let", () => {
  it("names are read as variables by what comes after, in order", () => {
    const text = `pipeline: p\nowner: finance\nsource: stripe\nrules:\n  - on: x\n    let: { a: $b.c, b: d }\n    write: { customer: { key: $a } }\n`;
    expect(brief(check({ "config.yaml": baseConfig, "pipelines/a.yaml": text }))).toEqual(["error HK2003 6:15"]);
  });
});
