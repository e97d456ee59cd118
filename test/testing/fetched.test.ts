import { afterAll, describe, expect, it } from "vitest";
import { createEvaluator } from "../../engine/mapping/evaluate.ts";
import { runGenerated } from "../../engine/testing/generated.ts";
import { runTest } from "../../engine/testing/runner.ts";
import { proveTrace } from "../../engine/testing/traces.ts";
import { revisionOf } from "../support/revision.ts";

const evaluator = createEvaluator({});
afterAll(() => evaluator.close());
const readSample = () => expect.unreachable("no recorded events here");

const config = `
teams: { ops: {} }
seed: none
entities:
  customer:
    attributes:
      tier: { type: string, enum: [free, pro, team], owner: ops, protected: true }
      note: { type: string, owner: ops }
connections:
  crm: { sink: http, url: "https://api.example.com", rate: 5/s }
  out: { sink: file, path: out.ndjson }
`;

const pipeline = (tests: string, lowers = "") => `
pipeline: thin
owner: ops
source:
  path: /hooks/shop
  signature: { scheme: hmac, header: x-signature, prefix: "sha256=", encoding: hex }
  secrets: [test-secret]
  id: body:id
  type: body:type
  time: { from: body:at, unit: ms }
rules:
  - on: customer.changed
    fetch: { connection: crm, path: "/v1/customers/{customer}", not_found: skip }
${lowers}    write:
      customer: { key: $fetched.id, fields: { tier: $fetched.tier, note: $fetched.note } }
deliver:
  - { to: out }
${tests}`;

const ping = (id: string, customer = "c1") =>
  `{ type: customer.changed, body: { id: ${id}, type: customer.changed, at: 1796083200000, customer: ${customer} } }`;
const objects = `fetched: { crm: { /v1/customers/c1: { id: c1, tier: pro, note: hi }, /v1/customers/c2: null } }`;

const load = (tests: string, lowers?: string) =>
  revisionOf({ "config.yaml": config, "pipelines/thin.yaml": pipeline(tests, lowers) });

async function run(test: string) {
  const revision = await load(`tests:\n${test}`);
  const [thin] = revision.pipelines;
  const [first] = thin?.tests ?? [];
  if (thin === undefined || first === undefined) return expect.unreachable("no test");
  return (await runTest(revision, thin, first, { evaluator, readSample })).differences;
}

describe("tests of a rule that fetches", () => {
  it("say what each path gives, and go over no network", async () => {
    const differences = await run(`  - name: both
    ${objects}
    events: [${ping("e1")}, ${ping("e2", "c2")}]
    expect: { customer: { c1: { tier: pro, note: hi } }, outcomes: [delivered, skipped] }`);
    expect(differences).toEqual([]);
  });

  it("let an API fail first, on the test's clock", async () => {
    const differences = await run(`  - name: late
    ${objects}
    sinks: { crm: [503, timeout] }
    events: [${ping("e1")}]
    wait: 10m
    expect: { customer: { c1: { tier: pro } } }`);
    expect(differences).toEqual([]);
  });

  it("fail where nothing is declared, instead of passing on nothing", async () => {
    const differences = await run(`  - name: nothing
    events: [${ping("e1", "c9")}]
    expect: { outcomes: [delivered] }`);
    expect(differences.join()).toContain("dead_letter");
  });

  it("prove every order of arrival", async () => {
    const revision = await load(
      `traces:\n  - name: two\n    ${objects}\n    events: [${ping("e1")}, ${ping("e2")}, ${ping("e3", "c2")}]`,
    );
    const [thin] = revision.pipelines;
    const [trace] = thin?.traces ?? [];
    if (thin === undefined || trace === undefined) return expect.unreachable("no trace");
    const options = { evaluator, readSample, maxWorlds: 1_000, controls: 3, seed: 1 };
    const result = await proveTrace(revision, thin, trace, options);
    expect(result).toMatchObject({ passed: true, untaken: [] });
  });
});

describe("generated tests of a rule that fetches", () => {
  const tests = `tests:\n  - name: base\n    ${objects}\n    events: [${ping("e1")}]\n    expect: { customer: { c1: { tier: pro } } }`;

  it("take fields out of what is fetched, and find nothing", async () => {
    const revision = await load(tests);
    const [thin] = revision.pipelines;
    if (thin === undefined) return expect.unreachable("no pipeline");
    const { results, unreached } = await runGenerated(revision, thin, { evaluator, readSample });
    expect(unreached).toEqual([]);
    expect(results.filter((one) => !one.passed)).toEqual([]);
    expect(results.map(({ name }) => name)).toContain("rule 1, customer.changed: fetched tier is absent");
  });

  it("catch a rule that lowers when a fetched field is missing", async () => {
    const careless = pipeline(tests, "    lowers: [tier]\n").replace(
      "tier: $fetched.tier, note",
      'tier: \'$exists($fetched.tier) ? "pro" : "free"\', note',
    );
    const revision = await revisionOf({ "config.yaml": config, "pipelines/thin.yaml": careless });
    const [thin] = revision.pipelines;
    if (thin === undefined) return expect.unreachable("no pipeline");
    const { results } = await runGenerated(revision, thin, { evaluator, readSample });
    const failed = results.filter((one) => !one.passed).map(({ name, differences }) => `${name}: ${differences[0]}`);
    expect(failed.join("\n")).toMatch(/fetched tier is absent: customer\/c1\.tier: "pro" became "free"/);
  });
});
