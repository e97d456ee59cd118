/** `hookrail test`: tests, traces and generated tests of the pipelines, through the real engine on a virtual clock. */
import { watch, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Command } from "commander";
import type { PipelineModel } from "../config/revision.ts";
import { fail } from "../core/errors.ts";
import { didYouMean } from "../core/suggest.ts";
import { createEvaluator } from "../mapping/evaluate.ts";
import { loadRevision } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { printJson } from "./format.ts";
import { findConfig } from "./installation.ts";
import { sampleReader } from "./recorded.ts";
import { formatCase, formatSummary, junitXml, testDocument } from "./test-report.ts";
import { type CaseResult, runAll } from "./test-run.ts";
import { type Input, onAction, parseCount, type Verb } from "./verb.ts";
import { revisionWithoutSecrets } from "./without-secrets.ts";

export const testVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("test")
      .description("run the tests of the pipelines, their traces, and generated tests, on a virtual clock")
      .argument("[pipelines...]", "only these pipelines")
      .option("--only <text>", "only tests whose name has this text in it")
      .option("--no-generated", "no generated tests of partial payloads")
      .option("--coverage", "list what no test exercises")
      .option(
        "--seed <number>",
        "chooses the sample where a trace leads to too many states to follow all",
        parseCount,
        1,
      )
      .option("--junit <file>", "also write JUnit's XML")
      .option("--without-secrets", "also where values of `${NAME}` and `${file:…}` are not set")
      .option("--watch", "run again whenever a file changes")
      .option("--json", "machine output"),
    action(async (input) => {
      const configPath = findConfig(cli, globals());
      if (input.options["watch"] !== true) return runOnce(cli, configPath, input);
      return runAgainAndAgain(cli, configPath, () => runOnce(cli, configPath, input));
    }),
  );

async function runOnce(cli: Cli, configPath: string, { args, options }: Input): Promise<number> {
  const started = cli.clock.monotonic();
  const withoutSecrets = options["withoutSecrets"] === true;
  const revision = await (withoutSecrets ? revisionWithoutSecrets : loadRevision)(cli, configPath);
  const pipelines = choose(revision.pipelines, args);
  const json = options["json"] === true;
  const evaluator = createEvaluator({ deadlineMs: revision.limits.mappingTimeoutMs });
  const progress = createProgress(cli);
  const lineOf = ({ file, line }: CaseResult["position"]) => revision.files[file]?.split("\n")[line - 1];
  const run = await runAll(revision, {
    pipelines,
    only: typeof options["only"] === "string" ? options["only"] : "",
    generated: options["generated"] !== false,
    seed: Number(options["seed"]),
    deps: { evaluator, readSample: sampleReader(configPath) },
    monotonic: cli.clock.monotonic,
    onCase(result) {
      if (!json) progress.line(formatCase(cli, result, lineOf(result.position)));
      progress.count(result);
    },
  }).finally(async () => {
    progress.clear();
    await evaluator.close();
  });
  if (typeof options["junit"] === "string") writeFileSync(resolve(cli.cwd, options["junit"]), junitXml(run));
  if (json) printJson(cli, testDocument(run));
  else
    cli.out.write(
      formatSummary(cli, run, { ms: cli.clock.monotonic() - started, coverage: options["coverage"] === true }),
    );
  return run.cases.every((one) => one.passed) ? EXIT.ok : EXIT.findings;
}

function choose(pipelines: readonly PipelineModel[], names: readonly string[]): readonly PipelineModel[] {
  const known = pipelines.map((pipeline) => pipeline.name);
  for (const name of names) {
    if (known.includes(name)) continue;
    const hint = didYouMean(name, known);
    fail("HK8303", { pipeline: name }, hint === undefined ? {} : { hint });
  }
  return names.length === 0 ? pipelines : pipelines.filter((pipeline) => names.includes(pipeline.name));
}

/** On a terminal: how far it has come, in one line that goes away again. */
function createProgress(cli: Cli) {
  const { err } = cli;
  const clear = () => {
    if (err.tty) err.write("\r\u001b[K");
  };
  let count = 0;
  let failed = 0;
  return {
    clear,
    line(text: string) {
      if (text === "") return;
      clear();
      cli.out.write(text);
    },
    count(result: CaseResult) {
      count++;
      if (!result.passed) failed++;
      // A line for each of hundreds would be all the terminal does.
      if (err.tty && count % 20 === 0) err.write(`\r\u001b[K${err.color.dim(`${count} run, ${failed} failed`)}`);
    },
  };
}

/** Editors write in several steps: one run for a burst of changes. */
const settleMs = 150;

/** Until the process is told to stop. A broken config is told, and waited for. */
async function runAgainAndAgain(cli: Cli, configPath: string, run: () => Promise<number>): Promise<number> {
  let code: number = EXIT.ok;
  let changed = Promise.withResolvers<void>();
  let stopped = false;
  const watcher = watch(dirname(configPath), { recursive: true }, (_, name) => {
    if (name !== null && /\.(ya?ml|json|csv)$/.test(name) && !name.includes("node_modules")) changed.resolve();
  });
  cli.onStopSignal(() => {
    stopped = true;
    changed.resolve();
  });
  while (!stopped) {
    code = await run().catch((error: unknown) => {
      cli.err.write(`${error instanceof Error ? error.message : String(error)}\n`);
      return EXIT.findings;
    });
    cli.err.write(`${cli.err.color.dim("waiting for a change; stop with Ctrl+C")}\n`);
    await changed.promise;
    await new Promise<void>((resolve) => void cli.clock.after(settleMs, resolve));
    changed = Promise.withResolvers<void>();
  }
  watcher.close();
  return code;
}
