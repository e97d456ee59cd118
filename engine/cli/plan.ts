/** `hookrail plan`: what another revision of the config would write otherwise, over stored events or samples. Writes nothing. */
import { existsSync } from "node:fs";
import { Command, Option } from "commander";
import { createDiskReader } from "../config/files.ts";
import { createEvaluator } from "../mapping/evaluate.ts";
import { planDocument } from "../plan/json.ts";
import { makePlan } from "../plan/plan.ts";
import { hasChanges, type PlanReport } from "../plan/report.ts";
import { createShown } from "../plan/shown.ts";
import { renderMarkdown, renderPlan } from "../plan/text.ts";
import { openPastStore, type PastStore } from "../store/read-past.ts";
import { type Cli, EXIT } from "./context.ts";
import { printJson } from "./format.ts";
import type { Installation } from "./installation.ts";
import { findEvents } from "./plan-events.ts";
import { findAgainst, loadOrTell, type PlanSource } from "./plan-load.ts";
import { isRemote, planPlace, planRemote } from "./plan-remote.ts";
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
      .option("--last <count>", "of these the newest so many; default 1000", parseCount)
      .addOption(
        new Option("--corpus <folder>", "the events of a corpus that `hookrail record --corpus` has written").conflicts(
          ["samples", "since", "until", "last"],
        ),
      )
      .addOption(
        new Option(
          "--remote [url]",
          "over the events of a running engine: at this admin address or that of --url, else here",
        ).conflicts(["samples", "corpus"]),
      )
      .option("--samples", "sample events and those of the tests, even where events are stored")
      .addOption(
        new Option("--format <format>", "how it is told").choices(["pretty", "markdown", "json"]).default("pretty"),
      )
      .option("--json", "machine output, the same as --format json")
      .option("--exit-zero", "exit 0 also when there are changes"),
    action(async (input) => {
      const { options } = input;
      const place = planPlace(cli, globals(), options);
      const report = isRemote(globals(), options)
        ? await planRemote(cli, place, { here: sourceHere(place), options })
        : await planHere(cli, place, input);
      if (typeof report === "number") return report;
      print(cli, report, input);
      return hasChanges(report) && options["exitZero"] !== true ? EXIT.changes : EXIT.ok;
    }),
  );

const sourceHere = ({ root }: Installation): PlanSource => ({
  label: "this config",
  root,
  reader: createDiskReader(root),
});

async function planHere(cli: Cli, installation: Installation, input: Input): Promise<PlanReport | number> {
  const store = existsSync(installation.storePath) ? openPastStore(installation.storePath) : undefined;
  try {
    return await planOver(cli, installation, { store, input });
  } finally {
    store?.close();
  }
}

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
  const here = sourceHere(installation);
  const before = await loadOrTell(cli, against);
  if (typeof before === "number") return before;
  const after = await loadOrTell(cli, here);
  if (typeof after === "number") return after;
  const over = findEvents(cli, { before, after, store, configPath, options });
  const evaluator = createEvaluator({ deadlineMs: after.limits.mappingTimeoutMs });
  const progress = createProgress(cli, over.count);
  try {
    const report = await makePlan({
      before,
      after,
      labels: { before: against.label, after: here.label },
      scenarios: over.scenarios,
      basis: { kind: over.kind, more: over.more ?? 0 },
      shown: createShown({ before, after, key: Buffer.from(cli.randomHex(32), "hex") }),
      evaluator,
      ...(store === undefined || over.kind === "corpus" ? {} : { rows: store.rows }),
      onProgress: progress.done,
    });
    return { ...report, basis: { ...report.basis, bodiesGone: over.bodiesGone?.() ?? 0 } };
  } finally {
    progress.clear();
    await evaluator.close();
  }
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
