/** `hookrail run`: the engine, until it is told to stop. Refuses to start on a config error. */
import { mkdirSync } from "node:fs";
import { dirname, relative } from "node:path";
import { Command } from "commander";
import type { Revision } from "../config/revision.ts";
import { fail } from "../core/errors.ts";
import type { Evaluator } from "../core/expression.ts";
import { createLog, type Log, openLogStream } from "../core/log.ts";
import { releaseStartMemory } from "../core/memory.ts";
import { createEvaluator } from "../mapping/evaluate.ts";
import { loadInstallation, withoutSeedReminder } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { printDiagnostics } from "./diagnostics.ts";
import { suggest } from "./format.ts";
import { findInstallation, type GlobalOptions, type Installation, socketPlace } from "./installation.ts";
import { type Serving, serve } from "./serve.ts";
import { createStopping } from "./stopping.ts";
import { onAction, type Verb } from "./verb.ts";

export const runVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("run")
      .description("run the engine: take hooks, apply, deliver")
      .option("--quiet", "no start-up summary"),
    action(({ options }) => run(cli, globals(), options["quiet"] === true)),
  );

async function run(cli: Cli, globals: GlobalOptions, quiet: boolean): Promise<number> {
  const installation = findInstallation(cli, globals);
  // Sinks are opened, and so ask for the evaluator, only once the engine runs.
  const evaluator = createLateEvaluator();
  const loaded = await loadInstallation(cli, installation.configPath, { evaluator: evaluator.get });
  const told = await withoutSeedReminder(loaded, installation.storePath);
  if (told.diagnostics.length > 0) printDiagnostics(cli, cli.err, told);
  const { revision } = loaded;
  if (revision === undefined) return EXIT.config;
  const log = await openLog(cli, revision);
  mkdirSync(dirname(installation.storePath), { recursive: true });
  const stopping = createStopping(cli, log, revision.limits.drainMs);
  releaseStartMemory();
  const serving = await serve({
    revision,
    evaluator: evaluator.set(createEvaluator({ deadlineMs: revision.limits.mappingTimeoutMs })),
    version: cli.version,
    pid: cli.pid,
    storePath: installation.storePath,
    socketPath: installation.socketPath,
    socketPlace: socketPlace(),
    clock: cli.clock,
    ids: cli.ids,
    log,
    requestPrefix: cli.randomHex(4),
    onFatal: stopping.fatal,
  });
  if (!quiet) printSummary(cli, { revision, serving, installation });
  const pipelines = revision.pipelines.map((one) => one.name);
  log.info("listening", {
    hooks: serving.hooks,
    admin: serving.admin,
    revision: revision.hash.slice(0, 12),
    pipelines,
  });
  stopping.started(serving);
  const code = await stopping.ended;
  log.info("stopped");
  log.flush();
  return code;
}

/** The config says how long expressions may take, and its sinks evaluate some: each needs the other first. */
function createLateEvaluator() {
  let evaluator: Evaluator | undefined;
  return {
    get: (): Evaluator => evaluator ?? fail("HK9001", { what: "evaluation before the start", value: "a sink" }),
    set(made: Evaluator): Evaluator {
      evaluator = made;
      return made;
    },
  };
}

async function openLog(cli: Cli, revision: Revision): Promise<Log> {
  const { format, level } = revision.log;
  const readable = format === "pretty" || (format === "auto" && cli.out.tty);
  const stream = await openLogStream({ fd: 1, readable, color: cli.out.color.isColorSupported });
  return createLog({ stream, clock: cli.clock, level });
}

interface Started {
  readonly revision: Revision;
  readonly serving: Serving;
  readonly installation: Installation;
}

/** Where it listens, which pipelines run, and the next command to try. */
function printSummary(cli: Cli, { revision, serving, installation }: Started): void {
  const { color } = cli.err;
  const line = (name: string, text: string) => cli.err.write(`  ${color.dim(name.padEnd(9))} ${text}\n`);
  cli.err.write(
    `${color.bold("hookrail")} ${cli.version}, ${revision.environment}, revision ${revision.hash.slice(0, 12)}\n`,
  );
  line("hooks", serving.hooks);
  line("admin", serving.admin);
  line("store", relative(cli.cwd, installation.storePath));
  const width = Math.max(0, ...revision.pipelines.map((one) => one.name.length));
  for (const [index, one] of revision.pipelines.entries()) {
    const targets = [...new Set(one.deliver.flat().map((entry) => entry.connection))].join(", ");
    line(
      index === 0 ? "pipelines" : "",
      `${one.name.padEnd(width)}  ${one.source.provider} at ${one.source.path}${targets === "" ? "" : ` -> ${targets}`}${one.enabled ? "" : " (off)"}`,
    );
  }
  const samples = revision.pipelines.flatMap((one) => sampleFor(one));
  const sample = samples.find((one) => one === "stripe/invoice.paid") ?? samples[0];
  suggest(cli, ...(sample === undefined ? ["send --list"] : [`send ${sample}`]));
}

/** A sample that one of the pipeline's rules takes. */
function sampleFor(pipeline: Revision["pipelines"][number]): string[] {
  const types = pipeline.rules.flatMap((rule) => rule.on);
  return [...pipeline.source.recipe.samples.keys()]
    .filter((name) => types.includes(name))
    .map((name) => `${pipeline.source.provider}/${name}`);
}
