import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createDiskReader } from "../engine/config/files.ts";
import { packageRoot } from "../engine/core/paths.ts";
import { createEvaluator } from "../engine/mapping/evaluate.ts";
import { runTest } from "../engine/testing/runner.ts";
import { createCheck } from "./config/support.ts";
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

const check = await createCheck();

describe.each(["", "docs/examples"])("the sample installation in %s on production", (folder) => {
  it("lacks what only its owners have: a channel for each team, and contracts of their senders", () => {
    const root = join(packageRoot, folder);
    const disk = createDiskReader(root);
    const reader = {
      ...disk,
      read(path: string) {
        const file = disk.read(path);
        if (path !== "config.yaml" || !file.ok) return file;
        return { ...file, text: file.text.replace(/^environment: dev$/m, "environment: production") };
      },
    };
    const exists = (path: string) => existsSync(join(root, path));
    const { diagnostics, revision } = check({}, { root, reader, env: exampleEnv, exists });
    expect(revision?.environment).toBe("production");
    expect(diagnostics.filter(({ code }) => code !== "HK1244" && code !== "HK1246")).toEqual([]);
    expect(diagnostics.some(({ code }) => code === "HK1244")).toBe(true);
  });
});
