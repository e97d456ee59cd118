/**
 * Every order of arrival, with any one event twice, of the traces of all machines that ship ends in one state. The
 * orders are explored over the apply step; a sample of them runs through the whole engine and SQLite, and must come to
 * the same: HOOKRAIL_FAULT_FACTOR makes that sample larger.
 */
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../engine/core/paths.ts";
import { createEvaluator } from "../../engine/mapping/evaluate.ts";
import { describePair, proveTrace } from "../../engine/testing/traces.ts";
import { exampleEnv } from "../support/example-env.ts";
import { report } from "../support/report.ts";
import { loadRevision } from "../support/revision.ts";
import { faultFactor, runSeed } from "../support/seeded.ts";

const factor = faultFactor();
const seed = runSeed();
const counts = {
  traces: 0,
  orders: 0,
  "orders with one event twice": 0,
  "apply steps": 0,
  "orders through the engine": 0,
};
const evaluator = createEvaluator({});
afterAll(async () => {
  report("every order of arrival", counts);
  await evaluator.close();
});

const roots = { shipped: packageRoot, language: join(packageRoot, "test/fixtures/language") };

for (const [name, root] of Object.entries(roots)) {
  const revision = await loadRevision({ root, env: exampleEnv });
  describe(`the ${name} machines`, () => {
    it("each have a trace", () => {
      const without = revision.pipelines.filter((pipeline) => pipeline.traces.length === 0);
      expect(without.map((pipeline) => pipeline.name)).toEqual([]);
    });

    for (const pipeline of revision.pipelines) {
      for (const trace of pipeline.traces) {
        it(`${pipeline.name}: ${trace.name}`, { timeout: 30_000 * factor }, async () => {
          const result = await proveTrace(revision, pipeline, trace, {
            evaluator,
            readSample: () => expect.unreachable("no recorded events here"),
            maxWorlds: 5_000,
            controls: Math.ceil(3 * factor),
            seed,
          });
          counts.traces++;
          counts.orders += result.orders;
          counts["orders with one event twice"] += result.withOneTwice;
          counts["apply steps"] += result.steps;
          counts["orders through the engine"] += result.controls;
          expect(result.untaken).toEqual([]);
          expect(result.pair === undefined ? [] : describePair(result.pair, trace)).toEqual([]);
          expect(result).toMatchObject({ passed: true, controls: Math.ceil(3 * factor) });
          expect(result).not.toHaveProperty("sampledBy");
        });
      }
    }
  });
}
