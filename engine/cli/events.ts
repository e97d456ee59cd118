/** `hookrail events`: what came in, newest first, and what became of it. */
import { Command, Option } from "commander";
import { parseDuration } from "../core/duration.ts";
import { fail } from "../core/errors.ts";
import { eventDocument } from "../http/documents.ts";
import type { EventFilter, EventOutcome, EventSummary } from "../store/store.ts";
import type { Cli, Colors } from "./context.ts";
import { EXIT } from "./context.ts";
import { formatMs, formatTable, formatTime, plainText, printJson, suggest } from "./format.ts";
import { findPlace } from "./installation.ts";
import { withView } from "./stored.ts";
import { type Input, onAction, parseCount, type Verb } from "./verb.ts";

export const OUTCOMES = [
  "accepted",
  "held",
  "pending",
  "delivered",
  "skipped",
  "dead_letter",
  "discarded",
] as const satisfies readonly EventOutcome[];

export const eventsVerb: Verb = (cli, action, globals) => {
  const command = new Command("events")
    .description("list what came in, newest first, and what became of it")
    .option("--source <name>", "only of this source")
    .option("--pipeline <name>", "only with work in this pipeline")
    .option("--type <type>", "only of this event type")
    .addOption(new Option("--outcome <outcome>", "only with this outcome").choices(OUTCOMES))
    .option("--since <duration>", "only received within this time, e.g. 15m or 24h")
    .option("-n, --limit <count>", "at most this many", parseCount, 20)
    .option("--json", "machine output");
  return onAction(
    command,
    action(async (input) => {
      const events = await withView(cli, findPlace(cli, globals()), (view) => view.events(toFilter(cli, input)));
      if (input.options["json"] === true) printJson(cli, { events: events.map(eventDocument) });
      else printEvents(cli, events);
      return EXIT.ok;
    }),
  );
};

function toFilter(cli: Cli, { options }: Input): EventFilter {
  const named = ["source", "pipeline", "type", "outcome", "limit"].filter((name) => options[name] !== undefined);
  return {
    ...Object.fromEntries(named.map((name) => [name, options[name]])),
    ...(options["since"] === undefined ? {} : { since: parseSince(cli, String(options["since"])) }),
  };
}

/** The instant a duration ago. */
export function parseSince(cli: Cli, text: string, option = "--since"): number {
  const parsed = parseDuration(text);
  if (!parsed.ok) return fail("HK8009", { option, expected: parsed.expected, got: text });
  return cli.clock.now() - parsed.value;
}

function printEvents(cli: Cli, events: readonly EventSummary[]): void {
  if (events.length === 0) {
    cli.err.write("no such events yet\n");
    suggest(cli, "send stripe/invoice.paid");
    return;
  }
  const { color } = cli.out;
  const rows = events.map((event) => [
    formatTime(event.receivedAt),
    event.id,
    plainText(event.source),
    plainText(event.type),
    colorOutcome(event.outcome, color),
    event.pipelines
      .map((one) => {
        const outcome = one.outcome === event.outcome ? [] : [words(one.outcome)];
        const told = [...outcome, ...(one.supersededBy === undefined ? [] : [`superseded by ${one.supersededBy}`])];
        return told.length === 0 ? one.pipeline : `${one.pipeline} (${told.join(", ")})`;
      })
      .join(", ") || "-",
    event.lagMs === undefined ? "-" : formatMs(event.lagMs),
  ]);
  cli.out.write(formatTable(cli.out, ["TIME", "ID", "SOURCE", "TYPE", "OUTCOME", "PIPELINES", "LAG"], rows));
  suggest(cli, `explain ${events[0]?.id ?? ""}`);
}

const words = (outcome: string) => outcome.replaceAll("_", " ");

/** An outcome in words; the colour repeats what the word says and adds nothing. */
export function colorOutcome(outcome: EventOutcome, color: Colors): string {
  const text = words(outcome);
  if (outcome === "delivered") return color.green(text);
  if (outcome === "dead_letter") return color.red(text);
  return outcome === "skipped" || outcome === "discarded" ? color.dim(text) : color.yellow(text);
}
