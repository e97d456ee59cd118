/** What a replay would do, and how it goes, for people and as JSON lines. */
import type { ForeseenTurn, LeftOut, ReplayPlan, Verdict } from "../flow/replay.ts";
import { shownEntity, turnDocument } from "../http/admin-replay.ts";
import type { Sensitivity } from "../http/documents.ts";
import type { Cli } from "./context.ts";
import { FORMAT_VERSION, formatTable, plainText, safeJson } from "./format.ts";

const VERDICTS: Readonly<Record<Verdict, string>> = {
  changes: "changes",
  no_change: "changes nothing",
  stale: "stale",
  held: "is held",
  skipped: "is skipped",
  fetch: "asks for an object first",
  dead: "dead letter",
};

const LEFT_OUT: Readonly<Record<LeftOut["why"], string>> = {
  body_purged: "their bodies are no longer kept",
  in_progress: "they are being worked on",
  no_pipeline: "no pipeline listens to them",
};

const SHOWN = 20;

interface View {
  readonly json: boolean;
  readonly sensitive: Sensitivity;
}

/** One JSON document a line, or text for people. */
export function printPlan(cli: Cli, plan: ReplayPlan, view: View): void {
  const entities = new Set(plan.turns.flatMap((turn) => turn.entities));
  const verdicts = countBy(plan.turns, (turn) => turn.verdict);
  if (view.json) {
    for (const turn of plan.turns) printLine(cli, { turn: turnDocument(turn, view.sensitive) });
    for (const one of plan.leftOut) printLine(cli, { left_out: one });
    const { events, turns, more } = plan;
    printLine(cli, {
      plan: { events: events.length, turns: turns.length, entities: entities.size, verdicts, more },
    });
    return;
  }
  const { color } = cli.out;
  const counts = `${plan.events.length} events, ${plan.turns.length} turns, ${entities.size} entities`;
  cli.out.write(`${color.bold(counts)}${plan.more ? "; more match: --limit lets in the newest only" : ""}\n`);
  const groups = Object.entries(
    countBy(plan.turns, ({ pipeline, type, verdict }) => [pipeline, type, verdict].join("\n")),
  );
  if (groups.length > 0) {
    const rows = groups.map(([group, count]) => {
      const [pipeline = "", type = "", verdict = ""] = group.split("\n");
      return [pipeline, plainText(type), VERDICTS[verdict as Verdict], String(count)];
    });
    cli.out.write(`\n${formatTable(cli.out, ["PIPELINE", "TYPE", "NOW", "EVENTS"], rows)}`);
  }
  printTurns(cli, plan.turns, view.sensitive);
  for (const [why, count] of Object.entries(countBy(plan.leftOut, (one) => one.why)))
    cli.out.write(`${color.yellow("left out")} ${count}: ${LEFT_OUT[why as LeftOut["why"]]}\n`);
}

/** Those that do something, or that came too late. */
function printTurns(cli: Cli, turns: readonly ForeseenTurn[], sensitive: Sensitivity): void {
  const telling = turns.filter(({ verdict }) => verdict !== "no_change" && verdict !== "skipped");
  if (telling.length === 0) return;
  const rows = telling
    .slice(0, SHOWN)
    .map((turn) => [
      turn.event,
      turn.pipeline,
      turn.entities.map((name) => plainText(shownEntity(name, sensitive))).join(", ") || "-",
      VERDICTS[turn.verdict],
      turn.supersededBy ?? (turn.changes.join(", ") || plainText(sensitive.text(turn.reason ?? ""))),
    ]);
  cli.out.write(`\n${formatTable(cli.out, ["EVENT", "PIPELINE", "ENTITIES", "NOW", "WHAT"], rows)}`);
  if (telling.length > SHOWN) cli.out.write(`… and ${telling.length - SHOWN} more (--json lists all)\n`);
}

export interface Progress {
  readonly events?: number;
  readonly of?: number;
  readonly queued: number;
  readonly busy: number;
  readonly gone: number;
  readonly pending: number;
  readonly done?: true;
  readonly through?: "engine" | "store";
}

/** How it goes: data as JSON lines, else messages on stderr and the end on stdout. */
export function writeLine(cli: Cli, json: boolean, progress: Progress): void {
  if (json) {
    printLine(cli, { [progress.done === true ? "done" : "progress"]: progress });
    return;
  }
  if (progress.done !== true) {
    cli.err.write(`${progress.events} of ${progress.of} events handed over, ${progress.pending} turns to come\n`);
    return;
  }
  const left = progress.busy + progress.gone === 0 ? "" : `; ${progress.busy} in progress, ${progress.gone} gone since`;
  const when =
    progress.pending === 0
      ? "all done"
      : progress.through === "store"
        ? "done when the engine starts"
        : `${progress.pending} still wait: for a paused pipeline, or for deliveries`;
  cli.out.write(`${progress.queued} turns given${left}: ${when}\n`);
}

function printLine(cli: Cli, document: object): void {
  cli.out.write(`${safeJson({ format_version: FORMAT_VERSION, ...document })}\n`);
}

function countBy<T>(list: readonly T[], name: (one: T) => string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const one of list) counts[name(one)] = (counts[name(one)] ?? 0) + 1;
  return counts;
}
