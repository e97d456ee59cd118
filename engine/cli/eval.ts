/** `hookrail eval`: an expression on a payload, as the engine would evaluate it; without one, line by line. */
import { Command } from "commander";
import { fail } from "../core/errors.ts";
import type { Evaluator } from "../core/expression.ts";
import { createEvaluator } from "../mapping/evaluate.ts";
import { compileExpression } from "../mapping/expression.ts";
import { loadRevision } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { judge } from "./eval/judge.ts";
import { runRepl, type Session } from "./eval/repl.ts";
import { saveTest } from "./eval/save.ts";
import { renderLine, renderVerdict, type Told, verdictDocument } from "./eval/show.ts";
import { findPayload, type Payload, payloadsOfLines, pipelineOf, placeSubject } from "./eval/subject.ts";
import { printJson, safeJson } from "./format.ts";
import { findInstallation, type GlobalOptions } from "./installation.ts";
import { collect, type Input, onAction, parseCount, type Verb } from "./verb.ts";

export const evalVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("eval")
      .description("try an expression on a payload: its value, its type, what it read and what was missing")
      .argument("[expression]", "JSONata; without one, line by line")
      .option("--sample <sample>", "on a sample event, e.g. stripe/invoice.paid")
      .option("--event <id>", "on a stored event")
      .option("--file <file>", "on a payload in a file, or a recorded request with `headers` and `body`")
      .option("--set <path=value>", "change a value of the sample, below the source's root; repeatable", collect)
      .option("--remove <path>", "leave a value of the sample out; repeatable", collect)
      .option("--pipeline <name>", "as in a rule of this pipeline: below its root, with its `let:` names")
      .option(
        "--rule <rule>",
        "which: its place from 1, its name, or an event type; else the first that takes the event",
      )
      .option("--item <place>", "with a rule that has `each:`: which of its items, from 1", parseCount)
      .option("--save-test <name>", "keep the payload and what the rule writes as a test of the pipeline")
      .option("--show-sensitive", "also show what feeds sensitive attributes")
      .option("--json", "machine output, one document for each payload"),
    action((input) => run(cli, globals(), input)),
  );

async function run(cli: Cli, globals: GlobalOptions, input: Input): Promise<number> {
  const installation = findInstallation(cli, globals);
  const revision = await loadRevision(cli, installation.configPath);
  const evaluator = createEvaluator({ deadlineMs: revision.limits.mappingTimeoutMs });
  try {
    return await evaluate({ cli, installation, revision, evaluator, options: input.options }, input.args[0]);
  } finally {
    await evaluator.close();
  }
}

interface Evaluation {
  readonly cli: Cli;
  readonly installation: ReturnType<typeof findInstallation>;
  readonly revision: Awaited<ReturnType<typeof loadRevision>>;
  readonly evaluator: Evaluator;
  readonly options: Input["options"];
}

async function evaluate(evaluation: Evaluation, expression: string | undefined): Promise<number> {
  const named = await findPayload(evaluation, evaluation.options);
  if (expression === undefined) return startRepl(evaluation, named ?? nothing(evaluation));
  if (named !== undefined) return one(evaluation, expression, named);
  const { cli, options } = evaluation;
  if (!readsPayload(expression)) return one(evaluation, expression, nothing(evaluation));
  const lines = cli.stdin?.tty === true ? [] : payloadsOfLines(await cli.readStdin(), evaluation, options);
  if (lines.length === 0) return fail("HK8154", { expression });
  if (lines.length === 1 && lines[0] !== undefined) return one(evaluation, expression, lines[0]);
  let code: number = EXIT.ok;
  for (const payload of lines) {
    const told = await tell(evaluation, expression, payload);
    if (options["json"] === true) printJson(cli, verdictDocument(told));
    else cli.out.write(renderLine(told));
    if (told.verdict.faults.length > 0) code = EXIT.findings;
  }
  return code;
}

/** An expression that reads nothing, such as `1 + 1`, needs no payload; one that does not parse is told as such. */
function readsPayload(expression: string): boolean {
  const compiled = compileExpression(expression, { variables: ["event"] });
  if (compiled.ok) return compiled.expression.inputs.length > 0;
  // Names of a rule, and reads that only `needs:` shows.
  return compiled.faults.every((fault) => fault.code === "HK2003" || fault.code === "HK2006");
}

function nothing({ cli, revision, options }: Evaluation): Payload {
  const source = pipelineOf(revision, options)?.source;
  return { label: "nothing", whole: {}, source, type: undefined, receivedAt: cli.clock.now(), stored: false };
}

async function tell(evaluation: Evaluation, expression: string, payload: Payload): Promise<Told> {
  const subject = await placeSubject(payload, evaluation);
  const verdict = await judge(expression, subject, { ...evaluation, monotonic: evaluation.cli.clock.monotonic });
  return { expression, subject, verdict, reveal: evaluation.options["showSensitive"] === true };
}

async function one(evaluation: Evaluation, expression: string, payload: Payload): Promise<number> {
  const { cli, options } = evaluation;
  const told = await tell(evaluation, expression, payload);
  if (options["json"] === true) printJson(cli, verdictDocument(told));
  else cli.out.write(renderVerdict(cli, cli.out, told));
  if (told.verdict.faults.length > 0) return EXIT.findings;
  const name = options["saveTest"];
  if (typeof name === "string") cli.err.write(`saved in ${await saveTest(name, told, evaluation)}\n`);
  return EXIT.ok;
}

async function startRepl(evaluation: Evaluation, payload: Payload): Promise<number> {
  const { cli, options } = evaluation;
  const judging = { ...evaluation, monotonic: cli.clock.monotonic };
  const reveal = options["showSensitive"] === true;
  const session: Session = {
    judge: (expression, subject) => judge(expression, subject, judging),
    render: (expression, subject, verdict) => {
      const told = { expression, subject, verdict, reveal };
      return options["json"] === true ? `${safeJson(verdictDocument(told))}\n` : renderVerdict(cli, cli.out, told);
    },
    payload: (wanted) =>
      findPayload(evaluation, { ...options, sample: undefined, event: undefined, file: undefined, ...wanted }),
    place: (one) => placeSubject(one, evaluation),
    save: (name, expression, subject) => saveTest(name, { expression, subject }, evaluation),
  };
  return runRepl(cli, await placeSubject(payload, evaluation), session);
}
