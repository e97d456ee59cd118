import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chooseColors } from "../../engine/cli/context.ts";
import { createEvaluator } from "../../engine/mapping/evaluate.ts";
import { makePlan } from "../../engine/plan/plan.ts";
import { sampleScenarios } from "../../engine/plan/samples.ts";
import { createShown } from "../../engine/plan/shown.ts";
import { renderPlan } from "../../engine/plan/text.ts";
import { type ObjectApi, openObjectApi } from "../support/object-api.ts";
import { revisionOf } from "../support/revision.ts";
import { type Bench, files, openBench, start } from "../worker/support.ts";
import { changed, type Files, planOver } from "./support.ts";

let api: ObjectApi;
let bench: Bench;

const rule = `  - on: customer.changed
    fetch: { connection: crm, path: "/v1/customers/{id}" }
    write:
      customer:
        key: $fetched.id
        fields: { seats: $fetched.seats, note: $fetched.note }`;

const config = (extra = ""): Files =>
  files({
    connections: `crm: { sink: http, url: "${api.url}", allow_private: true, auth: { kind: bearer, token: secret-token } }
out: { sink: file, path: ./out.ndjson }`,
    deliver: "- { to: out }",
    rule,
    extra,
  });

beforeEach(async () => {
  api = await openObjectApi();
  bench = await openBench(config());
  await bench.engine.start();
  for (const [n, seats] of [5, 6, 7].entries()) {
    bench.clock.set(start + n * 10_000);
    api.put("/v1/customers/c1", { id: "c1", seats, note: "a" });
    await bench.send({ id: `e${n}`, data: { id: "c1" } });
  }
});
afterEach(async () => {
  await bench.close();
  await api.close();
});

describe("rules that fetch", () => {
  it("see in a plan what was fetched for the event when it came, and nobody is asked", async () => {
    const asked = api.seen.length;
    api.put("/v1/customers/c1", { id: "c1", seats: 99 });
    for (let last = 1; last <= 3; last++) {
      const after = changed(config(), "seats: $fetched.seats", "seats: $fetched.seats + 100");
      const report = await planOver(bench, { before: config(), after }, { last });
      const [seats, ...others] = report.pipelines.flatMap((one) => one.attributes);
      expect([last, seats?.attribute, seats?.change, others]).toEqual([last, "seats", last, []]);
      const first = 8 - last;
      expect(seats?.examples[0]).toMatchObject({ before: `${first}`, after: `${first + 100}` });
      expect(report.basis.notFetched).toBe(0);
    }
    expect((await planOver(bench, { before: config(), after: config() })).pipelines).toEqual([]);
    expect(api.seen).toHaveLength(asked);
  });

  it("are told as waiting where they would fetch something else", async () => {
    const after = changed(config(), "/v1/customers/{id}", "/v2/customers/{id}");
    const report = await planOver(bench, { before: config(), after });
    expect(report.basis.notFetched).toBe(3);
    expect(report.pipelines[0]?.outcomes).toMatchObject([
      { before: "applied", after: "not known: it fetches what nobody has fetched", count: 3 },
    ]);
    const text = renderPlan(report, chooseColors(false, {}));
    expect(text).toContain("3 need an object that was never fetched");
    expect(api.seen).toHaveLength(3);
  });

  it("find it under a new name of the connection, and of the pipeline", async () => {
    const renamed = {
      "config.yaml": `${config()["config.yaml"]?.replace("  crm:", "  hub:")}moved: { connections: { crm: hub }, pipelines: { orders: shop }, sources: { orders: shop } }\n`,
      "pipelines/orders.yaml": `${config()["pipelines/orders.yaml"]?.replace("connection: crm", "connection: hub").replace("pipeline: orders", "pipeline: shop")}`,
    };
    const report = await planOver(bench, { before: config(), after: renamed });
    expect([report.basis.notFetched, report.pipelines]).toEqual([0, []]);
  });

  it("get from the events of tests what these declare", async () => {
    const tests = `tests:
  - name: fetched
    events:
      - { body: { id: e1, type: customer.changed, at: 1796083200000, data: { id: c1 } } }
    fetched: { crm: { /v1/customers/c1: { id: c1, seats: 4 } } }
    expect: { customer: { c1: { seats: 4 } } }
`;
    const before = await revisionOf(config(tests));
    const after = await revisionOf(changed(config(tests), "seats: $fetched.seats", "seats: $fetched.seats * 2"));
    const evaluator = createEvaluator();
    try {
      const report = await makePlan({
        before,
        after,
        labels: { before: "a", after: "b" },
        scenarios: sampleScenarios(after, () => {
          throw new Error("no file is read");
        }),
        basis: { kind: "samples" },
        shown: createShown({ before, after, key: Buffer.from("key") }),
        evaluator,
      });
      expect(report.basis).toMatchObject({ events: 1, notFetched: 0 });
      expect(report.pipelines[0]?.attributes[0]?.examples[0]).toMatchObject({ before: "4", after: "8" });
    } finally {
      await evaluator.close();
    }
  });
});
