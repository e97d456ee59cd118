/** `hookrail run`: the engine, until it is told to stop. Refuses to start on a config error. */
import { mkdirSync } from "node:fs";
import { dirname, relative } from "node:path";
import { Command } from "commander";
import type { Revision } from "../config/revision.ts";
import { errorMessage, fail } from "../core/errors.ts";
import type { Evaluator } from "../core/expression.ts";
import { createLog, type Log, openLogStream } from "../core/log.ts";
import { releaseLoadMemory } from "../core/memory.ts";
import { createEvaluator } from "../mapping/evaluate.ts";
import { compileExpression } from "../mapping/expression.ts";
import type { FloatingFailure } from "../plugin/floating.ts";
import { createBuild, withoutSeedReminder } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { printDiagnostics } from "./diagnostics.ts";
import { suggest } from "./format.ts";
import { findInstallation, type GlobalOptions, type Installation, socketPlace } from "./installation.ts";
import { type Serving, serve } from "./serve.ts";
import { createStopping } from "./stopping.ts";
import { type Input, onAction, type Verb } from "./verb.ts";

export const runVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("run")
      .description("run the engine: take hooks, apply, deliver")
      .option("--quiet", "no start-up summary")
      .option("--any-disk", "also on what looks like a network disk")
      .option("--without-wal", "though the -wal of an engine that crashed is gone"),
    action(({ options }) => run(cli, globals(), options)),
  );

async function run(cli: Cli, globals: GlobalOptions, options: Input["options"]): Promise<number> {
  const installation = findInstallation(cli, globals);
  // Sinks are opened, and so ask for the evaluator, only once the engine runs.
  const evaluator = createLateEvaluator();
  const build = createBuild(cli, installation.configPath, evaluator.get);
  const first = await build();
  const { loaded } = first;
  const told = await withoutSeedReminder(loaded, installation.storePath);
  if (told.diagnostics.length > 0) printDiagnostics(cli, cli.err, told);
  const { revision } = loaded;
  if (revision === undefined) return EXIT.config;
  const log = await openLog(cli, revision);
  cli.onPluginFailure((failure) => tellPluginFailure(log, failure));
  mkdirSync(dirname(installation.storePath), { recursive: true });
  let serving: Serving | undefined;
  const stopping = createStopping(cli, log, () => (serving?.revision() ?? revision).limits.drainMs);
  releaseLoadMemory();
  serving = await serve({
    revision,
    evaluator: evaluator.set(createEvaluator({ deadlineMs: revision.limits.mappingTimeoutMs })),
    version: cli.version,
    pid: cli.pid,
    storePath: installation.storePath,
    accept: { anyDisk: options["anyDisk"] === true, withoutWal: options["withoutWal"] === true },
    socketPath: installation.socketPath,
    socketPlace: socketPlace(),
    clock: cli.clock,
    ids: cli.ids,
    log,
    requestPrefix: cli.randomHex(4),
    randomHex: cli.randomHex,
    reload: {
      root: installation.root,
      first,
      build,
      evaluator,
      createEvaluator: warmEvaluator,
      onReloadSignal: cli.onReloadSignal,
    },
    onFatal: stopping.fatal,
  });
  if (options["quiet"] !== true) printSummary(cli, { revision, serving, installation });
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

/** An interpreter that has started: the first event of a new revision must not pay for it. */
async function warmEvaluator(revision: Revision): Promise<Evaluator> {
  const evaluator = createEvaluator({ deadlineMs: revision.limits.mappingTimeoutMs });
  const slow = compileExpression("$sort([2, 1])", { missingPolicy: false });
  if (slow.ok) await evaluator.evaluate(slow.expression, { input: null, variables: {}, receivedAt: 0 });
  return evaluator;
}

/** What its error says is not shown: it may quote a payload. */
function tellPluginFailure(log: Log, { kind, plugin, ...known }: FloatingFailure): void {
  const message = errorMessage("HK5440", { kind, plugin });
  log.repeating("error", `HK5440 ${plugin}`, message, { code: "HK5440", [kind]: plugin, ...known });
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
