/** `hookrail test`: the `tests:` of the pipelines, through the real engine on a virtual clock. */
import { Command } from "commander";
import type { PipelineModel } from "../config/revision.ts";
import type { TestModel } from "../config/test-model.ts";
import { fail } from "../core/errors.ts";
import { didYouMean } from "../core/suggest.ts";
import { createEvaluator } from "../mapping/evaluate.ts";
import { runTest, type TestResult } from "../testing/runner.ts";
import { loadRevision } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { formatMs, printJson } from "./format.ts";
import { findConfig } from "./installation.ts";
import { sampleReader } from "./recorded.ts";
import { onAction, type Verb } from "./verb.ts";

export const testVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("test")
      .description("run the tests of the pipelines through the real engine on a virtual clock")
      .argument("[pipelines...]", "only these pipelines")
      .option("--only <text>", "only tests whose name has this text in it")
      .option("--json", "machine output"),
    action(async ({ args, options }) => {
      const started = cli.clock.monotonic();
      const configPath = findConfig(cli, globals());
      const revision = await loadRevision(cli, configPath);
      const chosen = choose(revision.pipelines, args);
      const only = typeof options["only"] === "string" ? options["only"] : "";
      const evaluator = createEvaluator({ deadlineMs: revision.limits.mappingTimeoutMs });
      const results: TestResult[] = [];
      try {
        for (const { pipeline, test } of testsOf(chosen, only)) {
          const result = await runTest(revision, pipeline, test, { evaluator, readSample: sampleReader(configPath) });
          results.push(result);
          if (options["json"] !== true) cli.out.write(formatResult(cli, result));
        }
      } finally {
        await evaluator.close();
      }
      const failed = results.filter((result) => !result.passed).length;
      if (options["json"] === true)
        printJson(cli, { tests: results.map(resultDocument), passed: results.length - failed, failed });
      else
        cli.out.write(
          `${results.length - failed} passed, ${failed} failed   (${formatMs(cli.clock.monotonic() - started)})\n`,
        );
      return failed === 0 ? EXIT.ok : EXIT.findings;
    }),
  );

function choose(pipelines: readonly PipelineModel[], names: readonly string[]): readonly PipelineModel[] {
  const known = pipelines.map((pipeline) => pipeline.name);
  for (const name of names) {
    if (known.includes(name)) continue;
    const hint = didYouMean(name, known);
    fail("HK8303", { pipeline: name }, hint === undefined ? {} : { hint });
  }
  return names.length === 0 ? pipelines : pipelines.filter((pipeline) => names.includes(pipeline.name));
}

function testsOf(pipelines: readonly PipelineModel[], only: string): { pipeline: PipelineModel; test: TestModel }[] {
  return pipelines.flatMap((pipeline) =>
    pipeline.tests.filter((test) => test.name.includes(only)).map((test) => ({ pipeline, test })),
  );
}

function formatResult(cli: Cli, result: TestResult): string {
  const { color } = cli.out;
  const name = `${result.pipeline} / ${result.test.name}`;
  const orders = result.runs > 1 ? color.dim(` (${result.runs} orders)`) : "";
  if (result.passed) return `${color.green("ok")}    ${name}${orders}\n`;
  const { file, line } = result.test.position;
  const order = result.order === undefined ? "" : `      arrived in the order ${result.order.join(", ")}\n`;
  return `${color.red("FAIL")}  ${name}   ${color.dim(`${file}:${line}`)}\n${order}${result.differences.map((text) => `      ${text}\n`).join("")}`;
}

function resultDocument(result: TestResult) {
  return {
    pipeline: result.pipeline,
    name: result.test.name,
    at: `${result.test.position.file}:${result.test.position.line}`,
    passed: result.passed,
    orders: result.runs,
    differences: result.differences,
    ...(result.order === undefined ? {} : { order: result.order }),
  };
}
