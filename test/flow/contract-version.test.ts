/** Events of a version that no contract declares: `shown_by` and `unknown_version`. */
import { afterAll, describe, expect, it } from "vitest";
import { createEvaluator } from "../../engine/mapping/evaluate.ts";
import { parseShownBy, shownVersion } from "../../engine/mapping/shown-version.ts";
import { runTest } from "../../engine/testing/runner.ts";
import { revisionOf } from "../support/revision.ts";

const evaluator = createEvaluator({});
afterAll(() => evaluator.close());

const contract = (version: string, shown: string) => `
contract: ${version}
provider: stripe
shown_by: { from: body:data.object.api_version, equals: "${shown}" }
schema: { invoice.paid: { type: object } }
`;

const files = (asked: string, outcomes: string) => ({
  "config.yaml": `
teams: { ops: {} }
seed: none
entities: { lead: { attributes: { name: { type: string, owner: ops } } } }
sources: { stripe: { provider: stripe, path: /hooks/stripe, times: seconds, secrets: ["$\{SECRET}"] } }
connections: { out: { sink: file, path: ./out.ndjson } }
`,
  "pipelines/contracts/stripe/v1.yaml": contract("v1", "1"),
  "pipelines/contracts/stripe/v2.yaml": contract("v2", "2"),
  "pipelines/leads.yaml": `
pipeline: leads
owner: ops
source: stripe
contract: ${asked}
rules:
  - on: invoice.paid
    write: { lead: { key: customer, fields: { name: currency } } }
deliver: [{ to: out }]
tests:
  - name: three versions, and one that says nothing
    events:
      - { sample: invoice.paid, set: { api_version: "1", currency: eur } }
      - { sample: invoice.paid, at: +1m, set: { api_version: "2", currency: usd } }
      - { sample: invoice.paid, at: +2m, set: { api_version: 3, currency: chf } }
      - { sample: invoice.paid, at: +3m, remove: [api_version], set: { currency: gbp } }
    expect:
      outcomes: ${outcomes}
      lead: { cus_1: { name: ${outcomes.includes("dead") ? "usd" : "gbp"} } }
`,
});

async function differences(asked: string, outcomes: string): Promise<readonly string[]> {
  const revision = await revisionOf(files(asked, outcomes), { env: { SECRET: "shh" } });
  const [pipeline] = revision.pipelines;
  const [test] = pipeline?.tests ?? [];
  if (pipeline === undefined || test === undefined) return ["no test"];
  return (await runTest(revision, pipeline, test, { evaluator, readSample: () => expect.unreachable() })).differences;
}

describe("unknown_version", () => {
  it("reject: what no contract of the provider declares is a dead letter, also what says nothing", async () => {
    expect(
      await differences("{ version: v1, unknown_version: reject }", "[delivered, delivered, dead_letter, dead_letter]"),
    ).toEqual([]);
  });

  it.each(["v1", "{ version: v1, unknown_version: accept }"])("%s: they go on", async (asked) => {
    expect(await differences(asked, "[delivered, delivered, delivered, delivered]")).toEqual([]);
  });
});

describe("shownVersion", () => {
  const known = new Set(["2026-10"]);
  const payload = { meta: { api: { version: "2026-10" } } };

  it("is read of a body's path or of a header", () => {
    const body = { from: parseShownBy("body:meta.api.version"), known, unknown: "reject" } as const;
    const header = { from: parseShownBy("header:X-Api-Version"), known, unknown: "reject" } as const;
    if (body.from === undefined || header.from === undefined) throw new TypeError("not read");
    const ask = (gate: { readonly from: NonNullable<ReturnType<typeof parseShownBy>> }, headers = {}) =>
      shownVersion({ ...gate, known, unknown: "reject" }, { payload, headers });
    expect(ask({ from: body.from })).toEqual({ kind: "known" });
    expect(ask({ from: header.from }, { "x-api-version": "2026-10" })).toEqual({ kind: "known" });
    expect(ask({ from: header.from }, { "x-api-version": "2026-07" })).toEqual({ kind: "unknown", shown: "2026-07" });
    expect(ask({ from: header.from })).toEqual({ kind: "unknown", shown: undefined });
  });

  it("is not read of anything else", () => {
    expect([parseShownBy("api_version"), parseShownBy("query:v"), parseShownBy("body:")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
