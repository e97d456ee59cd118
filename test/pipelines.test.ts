import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { packageRoot } from "../engine/core/paths.ts";
import { createEvaluator } from "../engine/mapping/evaluate.ts";
import { runTest } from "../engine/testing/runner.ts";
import { exampleEnv } from "./support/example-env.ts";
import { loadRevision } from "./support/revision.ts";

const evaluator = createEvaluator({});
afterAll(() => evaluator.close());

const roots = {
  "the shipped installation": packageRoot,
  "the example language": join(packageRoot, "test/fixtures/language"),
};

for (const [name, root] of Object.entries(roots)) {
  const revision = await loadRevision({ root, env: exampleEnv });
  describe(name, () => {
    it("has tests in every pipeline, and a runbook that is there", () => {
      expect(revision.pipelines.filter((pipeline) => pipeline.tests.length === 0)).toEqual([]);
      if (root !== packageRoot) return;
      const missing = revision.pipelines.filter(
        (pipeline) => !existsSync(join(root, pipeline.runbook ?? "no runbook")),
      );
      expect(missing.map((pipeline) => pipeline.name)).toEqual([]);
    });

    for (const pipeline of revision.pipelines) {
      for (const test of pipeline.tests) {
        it(`${pipeline.name}: ${test.name}`, async () => {
          const result = await runTest(revision, pipeline, test, {
            evaluator,
            readSample: () => expect.unreachable("no recorded events here"),
          });
          expect({ differences: result.differences, order: result.order }).toEqual({
            differences: [],
            order: undefined,
          });
        });
      }
    }
  });
}
