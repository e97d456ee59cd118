/** `hookrail plan`: what another revision of the config would write otherwise, over stored events or samples. Writes nothing. */
import { existsSync } from "node:fs";
import { Command, Option } from "commander";
import { createDiskReader } from "../config/files.ts";
import type { Revision } from "../config/revision.ts";
import { fail } from "../core/errors.ts";
import { createEvaluator } from "../mapping/evaluate.ts";
import { planDocument } from "../plan/json.ts";
import { makePlan, type Scenario } from "../plan/plan.ts";
import { hasChanges, type PlanReport } from "../plan/report.ts";
import { sampleScenarios } from "../plan/samples.ts";
import { createShown } from "../plan/shown.ts";
import { storedScenario } from "../plan/stored.ts";
import { renderMarkdown, renderPlan } from "../plan/text.ts";
import { openPastStore, type PastStore } from "../store/read-past.ts";
import { type Cli, EXIT } from "./context.ts";
import { printDiagnostics } from "./diagnostics.ts";
import { parseSince } from "./events.ts";
import { printJson } from "./format.ts";
import { findInstallation, type Installation } from "./installation.ts";
import { findAgainst, loadSide, type PlanSource } from "./plan-load.ts";
import { sampleReader } from "./recorded.ts";
import { type Input, onAction, parseCount, type Verb } from "./verb.ts";

export const planVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("plan")
      .description(
        "what this config would write otherwise than another revision of it, over the same events; writes nothing",
      )
      .requiredOption("--against <revision>", "a git revision, a folder with a config.yaml, or `running`")
      .option("--since <time>", "stored events received since: a duration such as 24h, or an ISO time")
      .option("--until <time>", "stored events received before: a duration ago, or an ISO time")
      .option("--last <count>", "of these the newest so many", parseCount, 1_000)
      .option("--samples", "sample events and those of the tests, even where events are stored")
      .addOption(
        new Option("--format <format>", "how it is told").choices(["pretty", "markdown", "json"]).default("pretty"),
      )
      .option("--json", "machine output, the same as --format json")
      .option("--exit-zero", "exit 0 also when there are changes"),
    action(async (input) => {
      const installation = findInstallation(cli, globals());
      const store = existsSync(installation.storePath) ? openPastStore(installation.storePath) : undefined;
      try {
        const report = await planOver(cli, installation, { store, input });
        if (typeof report === "number") return report;
        print(cli, report, input);
        return hasChanges(report) && input.options["exitZero"] !== true ? EXIT.changes : EXIT.ok;
      } finally {
        store?.close();
      }
    }),
  );

interface Planning {
  readonly store: PastStore | undefined;
  readonly input: Input;
}

async function planOver(
  cli: Cli,
  installation: Installation,
  { store, input: { options } }: Planning,
): Promise<PlanReport | number> {
  const { root, configPath } = installation;
  const against = findAgainst(cli, String(options["against"]), { root, running: await store?.running() });
  const here: PlanSource = { label: "this config", root, reader: createDiskReader(root) };
  const before = await load(cli, against);
  if (typeof before === "number") return before;
  const after = await load(cli, here);
  if (typeof after === "number") return after;
  const instants = ["since", "until"].filter((name) => options[name] !== undefined);
  const span = Object.fromEntries(instants.map((name) => [name, instantOf(cli, name, String(options[name]))]));
  const window = { ...span, last: Number(options["last"]) };
  const stored =
    store === undefined || options["samples"] === true ? undefined : storedScenario(store, window, cli.clock.now());
  const scenarios: readonly Scenario[] =
    stored === undefined ? sampleScenarios(after, sampleReader(configPath)) : [stored.scenario];
  if (stored === undefined && options["samples"] !== true)
    cli.err.write("no stored events: planned over samples and the events of tests\n");
  const evaluator = createEvaluator({ deadlineMs: after.limits.mappingTimeoutMs });
  const progress = createProgress(cli, stored?.count);
  try {
    const report = await makePlan({
      before,
      after,
      labels: { before: against.label, after: here.label },
      scenarios,
      basis: {
        kind: stored === undefined ? "samples" : "stored",
        ...(stored === undefined ? {} : { more: stored.more }),
      },
      shown: createShown({ before, after, key: Buffer.from(cli.randomHex(32), "hex") }),
      evaluator,
      ...(store === undefined ? {} : { rows: store.rows }),
      onProgress: progress.done,
    });
    return { ...report, basis: { ...report.basis, bodiesGone: stored?.bodiesGone() ?? 0 } };
  } finally {
    progress.clear();
    await evaluator.close();
  }
}

/** The revision, or the exit code after its faults were told. */
async function load(cli: Cli, source: PlanSource): Promise<Revision | number> {
  const loaded = await loadSide(cli, source);
  if (loaded.revision !== undefined) return loaded.revision;
  printDiagnostics(cli, cli.err, loaded);
  if (loaded.unreadable) return EXIT.config;
  const count = loaded.diagnostics.filter((one) => one.severity === "error").length;
  return fail("HK8122", { side: source.label, count });
}

function instantOf(cli: Cli, name: string, text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? parseSince(cli, text, `--${name}`) : at;
}

function print(cli: Cli, report: PlanReport, { options }: Input): void {
  const format = options["json"] === true ? "json" : options["format"];
  if (format === "json") printJson(cli, planDocument(report));
  else if (format === "markdown") cli.out.write(renderMarkdown(report));
  else cli.out.write(renderPlan(report, cli.out.color));
}

const BAR = 24;

/** On a terminal: a bar that goes away again. */
function createProgress({ err }: Cli, count: number | undefined) {
  let shown = -1;
  return {
    done(done: number) {
      const step = count === undefined ? -1 : Math.floor((done / count) * 100);
      if (!err.tty || step === shown) return;
      shown = step;
      const full = Math.round((step / 100) * BAR);
      err.write(`\r\u001b[K[${"#".repeat(full)}${" ".repeat(BAR - full)}] ${done} of ${count} events`);
    },
    clear() {
      if (err.tty) err.write("\r\u001b[K");
    },
  };
}
