/** `hookrail replay`: gives stored events another turn. Without `--yes` it says what that would do, and does nothing. */
import { existsSync } from "node:fs";
import { Command, Option } from "commander";
import { fail } from "../core/errors.ts";
import { maxReplayPart, type ReplayFilter, type ReplayPlan, type Replays } from "../flow/replay.ts";
import { createRoutes } from "../flow/routes.ts";
import { SHOW_ALL, sensitivityOf } from "../http/documents.ts";
import { openSqliteReader } from "../store/sqlite.ts";
import { loadRevision } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { OUTCOMES, parseSince } from "./events.ts";
import { suggest } from "./format.ts";
import { findPlace, type Installation } from "./installation.ts";
import { planElsewhere, planStored, withReplays } from "./replay-hands.ts";
import { printPlan, writeLine } from "./replay-report.ts";
import { type Input, onAction, parseCount, type Verb } from "./verb.ts";

export const replayVerb: Verb = (cli, action, globals) => {
  const command = new Command("replay")
    .description("give stored events another turn; says what it would do, and does it with --yes")
    .argument("[event...]", "ids, ours or the provider's; without them those that the options choose")
    .option("--source <name>", "only of this source")
    .option("--pipeline <name>", "only in this pipeline")
    .option("--type <type>", "only of this event type")
    .addOption(new Option("--status <status>", "only with this outcome").choices(OUTCOMES))
    .option("--since <time>", "only received since: a duration such as 24h, or an ISO time")
    .option("--until <time>", "only received before: a duration ago, or an ISO time")
    .option("-n, --limit <count>", "at most this many events, the newest", parseCount, 1_000)
    .option("--effects", "repeat effects (track, post, …) too")
    .option("--reason <text>", "why, for the audit", "")
    .option("--yes", "do it")
    .option("--json", "machine output, one JSON document a line");
  return onAction(
    command,
    action(async (input) => {
      const place = findPlace(cli, globals());
      const filter = toFilter(cli, input);
      const { plan, sensitive, routes } = await planAt(cli, place, filter);
      printPlan(cli, plan, { json: input.options["json"] === true, sensitive });
      if (plan.turns.length === 0) return EXIT.ok;
      if (input.options["yes"] !== true) {
        suggest(cli, `replay … --yes${input.options["effects"] === true ? " --effects" : ""}`);
        return EXIT.ok;
      }
      const work = (hands: Omit<Running, "input">) => run(cli, plan, { ...hands, input });
      return withReplays(cli, place, { ...(routes !== undefined && { routes }), work });
    }),
  );
};

function toFilter(cli: Cli, { args, options }: Input): ReplayFilter {
  const named = ["source", "pipeline", "type"].filter((name) => options[name] !== undefined);
  const instants = ["since", "until"].filter((name) => options[name] !== undefined);
  const chosen = named.length + instants.length + (options["status"] === undefined ? 0 : 1);
  if (args.length === 0 && chosen === 0) fail("HK8077");
  return {
    ...(args.length === 0 ? {} : { events: args }),
    ...Object.fromEntries(named.map((name) => [name, options[name]])),
    ...Object.fromEntries(instants.map((name) => [name, instantOf(cli, name, String(options[name]))])),
    ...(options["status"] === undefined ? {} : { outcome: String(options["status"]) }),
    limit: Number(options["limit"]),
  };
}

function instantOf(cli: Cli, name: string, text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? parseSince(cli, text, `--${name}`) : at;
}

/** By the config and the store here, or by those of the engine that `--url` names. */
async function planAt(cli: Cli, place: Installation, filter: ReplayFilter) {
  if (place.remote !== undefined) return { plan: await planElsewhere(cli, place, filter), sensitive: SHOW_ALL };
  if (!existsSync(place.storePath)) fail("HK8002", { path: place.storePath });
  const revision = await loadRevision(cli, place.configPath);
  const routes = createRoutes(revision);
  const reader = await openSqliteReader(place.storePath);
  try {
    const plan = await planStored(filter, { reader, routes, clock: cli.clock });
    return { plan, sensitive: sensitivityOf(revision.entities), routes };
  } finally {
    await reader.close();
  }
}

interface Running {
  readonly replays: Replays;
  readonly through: "engine" | "store";
  readonly input: Input;
}

/** A look at what is still to come this often, and not for ever: a paused pipeline keeps its turns. */
const lookMs = 200;
const patienceMs = 10_000;

/** Part by part: the next is handed over when most of the one before is done, so that ending this command ends the replay. */
async function run(cli: Cli, plan: ReplayPlan, { replays, through, input }: Running): Promise<number> {
  const { pipeline, effects = false, reason = "", json } = input.options;
  const by = { actor: cli.user, reason: String(reason) };
  const total = { queued: 0, busy: 0, gone: 0 };
  for (let start = 0; start < plan.events.length; start += maxReplayPart) {
    const events = plan.events.slice(start, start + maxReplayPart);
    const part = {
      events,
      effects: effects === true,
      ...(pipeline === undefined ? {} : { pipeline: String(pipeline) }),
    };
    const done = await replays.replay(part, by);
    for (const name of ["queued", "busy", "gone"] as const) total[name] += done[name];
    const left = through === "store" ? 0 : await waitUntil(cli, replays, maxReplayPart / 2);
    writeLine(cli, json === true, { events: start + events.length, of: plan.events.length, ...total, pending: left });
  }
  const pending = through === "store" ? total.queued : await waitUntil(cli, replays, 0);
  writeLine(cli, json === true, { done: true, ...total, pending, through });
  return EXIT.ok;
}

async function waitUntil(cli: Cli, replays: Replays, limit: number): Promise<number> {
  let pending = await replays.pending();
  for (let waited = 0; pending > limit && waited < patienceMs; waited += lookMs) {
    await new Promise<void>((resolve) => setTimeout(resolve, lookMs));
    const now = await replays.pending();
    if (now < pending) waited = 0;
    pending = now;
    if (cli.err.tty) cli.err.write(`\r${pending} turns to come `);
  }
  if (cli.err.tty) cli.err.write("\r");
  return pending;
}
