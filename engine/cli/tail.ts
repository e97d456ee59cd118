/** `hookrail tail`: what the running engine does, line by line as it happens. */
import { Command } from "commander";
import { fail } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/types.ts";
import { STAGES } from "../flow/live.ts";
import { type Cli, type Colors, EXIT } from "./context.ts";
import { FORMAT_VERSION, formatMs, formatTime, plainText, safeJson } from "./format.ts";
import { findPlace, type Installation } from "./installation.ts";
import { followLive, type LiveEnd } from "./live-client.ts";
import { collect, type Input, onAction, parseCount, type Verb } from "./verb.ts";

export const tailVerb: Verb = (cli, action, globals) => {
  const command = new Command("tail")
    .description("follow what the running engine does, as it happens")
    .option("--stage <stage>", `only at this stage (${STAGES.join(", ")}); repeatable`, collect)
    .option("--source <name>", "only of this source")
    .option("--type <type>", "only of this event type; `customer.*` for all that begin so")
    .option("--pipeline <name>", "only of this pipeline")
    .option("--connection <name>", "only of this connection")
    .option("--entity <entity>", "only of this entity: customer, or customer:cus_1")
    .option("--outcome <outcome>", "only with this outcome: duplicate, stale, retrying, …")
    .option("-n, --last <count>", "first the newest so many that the engine still knows", parseCount)
    .option("--no-follow", "end there")
    .option("--all", "every one: without it at most 50 a second, dead letters always")
    .option("--json", "one JSON document a line");
  return onAction(
    command,
    action(async (input) => follow(cli, input, findPlace(cli, globals()))),
  );
};

const FILTERS = ["source", "type", "pipeline", "connection", "entity", "outcome", "last"] as const;

async function follow(cli: Cli, { options }: Input, place: Installation) {
  const query = new URLSearchParams();
  for (const name of FILTERS) if (options[name] !== undefined) query.set(name, String(options[name]));
  for (const stage of (options["stage"] as readonly string[] | undefined) ?? []) query.append("stage", stage);
  if (options["all"] === true) query.set("all", "1");
  if (options["follow"] === false) {
    query.set("follow", "0");
    if (options["last"] === undefined) query.set("last", "20");
  }
  const stop = new AbortController();
  cli.onStopSignal(() => stop.abort());
  const print = options["json"] === true ? jsonLine : textLine;
  const count = { shown: 0, left: 0 };
  let why = "the engine stops";
  const end = await followLive(cli, place, {
    query,
    stop: stop.signal,
    hear(event, data) {
      if (event === "hello" && options["follow"] !== false) cli.err.write(`following; Ctrl-C ends it\n`);
      if (event === "fact") {
        count.shown++;
        cli.out.write(print(cli, data));
      }
      if (event === "end") why = String(data["why"]);
      if (event === "sampled") {
        const left = Number(data["of"]) - Number(data["shown"]);
        count.left += left;
        cli.err.write(`showing ${number(data["shown"])} of ${number(data["of"])} of this second; --all shows more\n`);
      }
    },
  });
  if (count.left > 0) cli.err.write(`shown in all: ${number(count.shown)} of ${number(count.shown + count.left)}\n`);
  return endOf(cli, end, { where: place.remote?.url ?? place.socketPath, follows: options["follow"] !== false, why });
}

const number = (value: Json | undefined) => Number(value).toLocaleString("en-US");

function endOf(
  cli: Cli,
  end: LiveEnd,
  { where, follows, why }: { readonly where: string; readonly follows: boolean; readonly why: string },
): number {
  switch (end.kind) {
    case "no_engine":
      return fail("HK8140", { where });
    case "unreachable":
      return fail("HK8210", { url: where, problem: end.code });
    case "refused":
      if (end.status === 401) return fail("HK8213", { url: where, message: end.message });
      if (end.status === 403) return fail("HK8214", { url: where, message: end.message });
      return fail("HK8011", { status: end.status, message: end.message });
    case "lost":
      return fail("HK8141");
    case "ended":
      if (follows) cli.err.write(why === "the engine stops" ? "the engine has stopped\n" : `${plainText(why)}\n`);
      return EXIT.ok;
    case "stopped":
      return EXIT.ok;
  }
}

function jsonLine(_cli: Cli, fact: JsonObject): string {
  return `${safeJson({ format_version: FORMAT_VERSION, ...fact })}\n`;
}

/** The time, the stage, which event, and what became of it: what differs most between lines stands last. */
function textLine({ out: { color } }: Cli, fact: JsonObject): string {
  const text = (name: string) => {
    const value = fact[name];
    return value === null || value === undefined ? "" : plainText(String(value));
  };
  const stage = text("stage");
  const entities = Array.isArray(fact["entities"]) ? fact["entities"].map((one) => plainText(String(one))) : [];
  const where = [
    text("pipeline"),
    ...(text("connection") === "" ? [] : [`-> ${text("connection")} ${text("action")}`]),
  ];
  const told = [
    `${text("source")} ${text("type")}`.trim(),
    where.filter((one) => one !== "").join(" "),
    entities.join(", "),
    text("outcome") === stage ? "" : text("outcome").replaceAll("_", " "),
    stage === "applied" ? deliveriesOf(Number(fact["deliveries"])) : "",
    text("http_status"),
    text("attempt") > "1" ? `attempt ${text("attempt")}` : "",
    text("code"),
    text("reason") === text("outcome") ? "" : text("reason"),
    stage === "delivered" ? "" : text("detail"),
    fact["next_try"] === null ? "" : `next try ${formatTime(Date.parse(text("next_try")))}`,
    fact["lag_ms"] === null ? "" : formatMs(Number(fact["lag_ms"])),
  ].filter((one) => one !== "");
  const time = formatTime(Date.parse(text("at")), true).slice(11);
  return `${color.dim(time)}  ${paint(stage, color)}  ${color.dim(text("event") || "-")}  ${told.join("  ")}\n`;
}

const deliveriesOf = (count: number) =>
  count === 0 ? "nothing to send" : `${count} deliver${count === 1 ? "y" : "ies"}`;

function paint(stage: string, color: Colors): string {
  const text = stage.padEnd(9);
  if (stage === "dead" || stage === "refused") return color.red(text);
  if (stage === "delivered" || stage === "applied") return color.green(text);
  return stage === "received" ? text : color.yellow(text);
}
