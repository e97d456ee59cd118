/** What is wrong with the flow: budgets that burn, dead letters, what is held, connections that are stopped. */
import { formatDuration } from "../core/duration.ts";
import { type Finding, findingOf, isDeclared, pipelinesOf, pipelinesTo, ruleIn, type World } from "./finding.ts";
import { type Burn, causeOf } from "./slo.ts";
import { about, percent, plural, roughly } from "./words.ts";

export function flowFindings(world: World): readonly Finding[] {
  return [
    ...world.budgets.flatMap((budget) => burning(world, budget)),
    ...pausedConnections(world),
    ...openBreakers(world),
    ...deadLetters(world),
    ...held(world),
    ...world.revision.pipelines.flatMap(({ name }) => rates(world, name)),
  ];
}

function burning(world: World, budget: World["budgets"][number]): readonly Finding[] {
  const { pipeline, objective } = budget;
  const rule = ruleIn(world, "budget_burn", { pipelines: [pipeline] });
  const worst = worstOf(budget.burns.filter((burn) => burn.firing && burn.rate >= (rule?.above ?? 0)));
  if (rule === undefined || worst === undefined) return [];
  const sum = world.series.sum(pipeline, world.now - worst.longMs);
  const connection = causeOf(sum);
  const left = budget.left < 0 ? "none is left" : `${percent(budget.left)} of it is left`;
  return [
    findingOf(rule, {
      // A page that has become a ticket is over as a page.
      of: `${pipeline} ${rule.severity ?? worst.severity}`,
      severity: worst.severity,
      cause: connection === undefined ? `pipeline:${pipeline}` : `connection:${connection}`,
      pipelines: [pipeline],
      text:
        `${pipeline}: ${sum.bad} of ${plural(sum.good + sum.bad, "event")} in the last ${formatDuration(worst.longMs)} took longer than ` +
        `${formatDuration(budget.lagMs)}${connection === undefined ? "" : `, waiting for ${connection}`}; ` +
        `the error budget (${percent(objective)} over ${formatDuration(budget.windowMs)}) burns ${about(worst.long)} times too fast, ${left}`,
      type: ["hookrail status", `hookrail events --pipeline ${pipeline} --outcome pending`],
    }),
  ];
}

function worstOf(firing: readonly Burn[]): Burn | undefined {
  const rank = (burn: Burn) => (burn.severity === "page" ? 1_000_000 : 0) + burn.rate;
  return [...firing].sort((a, b) => rank(b) - rank(a))[0];
}

function pausedConnections(world: World): readonly Finding[] {
  const { now, pauses, revision, mask } = world;
  return pauses.flatMap(({ kind, name, since, by, reason }) => {
    const pipelines = kind === "connection" ? pipelinesTo(revision, name) : [name];
    const rule = ruleIn(world, "connection_paused", { pipelines });
    const byEngine = by === "engine";
    // A person knows, until it is forgotten.
    if (rule === undefined || (!byEngine && now - since <= rule.above)) return [];
    const why = reason === "" ? "" : `: ${mask(reason)}`;
    const text = byEngine
      ? `${name} refuses our credentials, so it is paused and its deliveries wait${why}`
      : `${kind} ${name} has been paused by ${by} for ${formatDuration(roughly(now - since))}, and its work waits${why}`;
    const seen = {
      of: `${kind}:${name}`,
      severity: byEngine ? ("page" as const) : ("alert" as const),
      cause: `${kind}:${name}`,
      pipelines,
      text,
      type: ["hookrail status", `hookrail resume ${kind} ${name}`],
    };
    return [findingOf(rule, seen, !isDeclared(rule, world))];
  });
}

function openBreakers(world: World): readonly Finding[] {
  return [...world.openBreakers].flatMap(([connection, since]) => {
    const pipelines = pipelinesTo(world.revision, connection);
    const rule = ruleIn(world, "breaker_open", { pipelines });
    if (rule === undefined || world.now - since < rule.above) return [];
    return [
      findingOf(rule, {
        of: connection,
        cause: `connection:${connection}`,
        pipelines,
        text: `${connection} has not answered well for ${formatDuration(roughly(world.now - since))}; its deliveries are kept and tried again`,
        type: ["hookrail status", "hookrail events --outcome pending"],
      }),
    ];
  });
}

function deadLetters(world: World): readonly Finding[] {
  const [unread, placed] = [
    world.facts.dead.filter(({ pipeline }) => pipeline === ""),
    world.facts.dead.filter(({ pipeline }) => pipeline !== ""),
  ];
  const groups = Map.groupBy(placed, ({ pipeline, connection }) => JSON.stringify([pipeline, connection]));
  return [
    ...[...groups.values()].flatMap((rows) => deadOfPipeline(world, rows)),
    ...[...Map.groupBy(unread, ({ source }) => source)].flatMap(([source, rows]) => unreadable(world, source, rows)),
    ...expiredHolds(world),
  ];
}

type DeadRows = World["facts"]["dead"];

const openIn = (rows: DeadRows): number => rows.reduce((sum, { open }) => sum + open, 0);
const codesIn = (rows: DeadRows): readonly string[] => [...new Set(rows.map(({ code }) => code))].sort();
const ageOf = (rows: DeadRows, now: number): string =>
  formatDuration(roughly(now - Math.min(...rows.map(({ oldestAt }) => oldestAt))));
const explainAll = (codes: readonly string[]) => codes.slice(0, 2).map((code) => `hookrail explain ${code}`);

function deadOfPipeline(world: World, rows: DeadRows): readonly Finding[] {
  const { pipeline = "", connection = "" } = rows[0] ?? {};
  const rule = ruleIn(world, "dead_letter", { pipelines: [pipeline] });
  const open = openIn(rows);
  if (rule === undefined || open <= rule.above) return [];
  const codes = codesIn(rows);
  const where = connection === "" ? "" : ` at ${connection}`;
  return [
    findingOf(rule, {
      of: `${pipeline} ${connection}`,
      cause: connection === "" ? `pipeline:${pipeline}` : `connection:${connection}`,
      pipelines: [pipeline],
      text: `${pipeline}: ${plural(open, "dead letter")}${where} (${codes.join(", ")}), the oldest for ${ageOf(rows, world.now)}`,
      type: [`hookrail dead list --pipeline ${pipeline}`, ...explainAll(codes)],
      size: open,
    }),
  ];
}

/** No pipeline has seen them: all that listen to their source miss them. A rule for one of those does not speak for the rest. */
function unreadable(world: World, source: string, rows: DeadRows): readonly Finding[] {
  const rule = ruleIn(world, "dead_letter", { sources: [source] });
  const open = openIn(rows);
  if (rule === undefined || open <= rule.above) return [];
  const codes = codesIn(rows);
  return [
    findingOf(rule, {
      of: `source ${source}`,
      cause: `source:${source}`,
      pipelines: pipelinesOf(world.revision, source),
      text: `${source}: ${plural(open, "event")} could not be read (${codes.join(", ")}), the oldest for ${ageOf(rows, world.now)}`,
      type: ["hookrail dead list", ...explainAll(codes)],
      size: open,
    }),
  ];
}

function expiredHolds(world: World): readonly Finding[] {
  const rows = world.facts.dead.filter(({ code }) => code === "HK6004");
  return rows.flatMap(({ pipeline, open }) => {
    const rule = ruleIn(world, "hold_expired", { pipelines: [pipeline] });
    if (rule === undefined || open <= rule.above) return [];
    return [
      findingOf(rule, {
        of: pipeline,
        cause: `pipeline:${pipeline}`,
        pipelines: [pipeline],
        text: `${pipeline}: ${plural(open, "event")} waited in vain for what was to come first`,
        type: [`hookrail dead list --pipeline ${pipeline}`, "hookrail explain HK6004"],
        size: open,
      }),
    ];
  });
}

/** A hold is meant to last; one near the end of its window tells that what it waits for does not come. */
function held(world: World): readonly Finding[] {
  const { facts, now, revision } = world;
  return facts.held.flatMap(({ pipeline, held: count, oldestAt }) => {
    const rule = ruleIn(world, "held", { pipelines: [pipeline] });
    const windowMs = revision.pipelines.find((one) => one.name === pipeline)?.hold.windowMs;
    if (rule === undefined || windowMs === undefined) return [];
    if (now - oldestAt <= (rule.above === 0 ? 0.8 * windowMs : rule.above)) return [];
    return [
      findingOf(rule, {
        of: pipeline,
        cause: `pipeline:${pipeline}`,
        pipelines: [pipeline],
        text: `${pipeline}: ${plural(count, "event")} on hold, the oldest for ${formatDuration(roughly(now - oldestAt))} of ${formatDuration(windowMs)}`,
        type: [`hookrail events --pipeline ${pipeline} --outcome held`],
        size: count,
      }),
    ];
  });
}

const FIVE_MINUTES = 300_000;
const HOUR = 3_600_000;

/** Of one pipeline, from what was counted in memory. */
function rates(world: World, pipeline: string): readonly Finding[] {
  const { recent, now } = world;
  const common = { of: pipeline, cause: `pipeline:${pipeline}`, pipelines: [pipeline] };
  const found: (Finding | undefined)[] = [];
  const rule = (kind: Parameters<typeof ruleIn>[1]) => ruleIn(world, kind, { pipelines: [pipeline] });
  const count = (what: string, spanMs: number) => recent.sum(`${what} ${pipeline}`, spanMs, now);

  const lag = rule("lag");
  const p95 = recent.quantile(`lag ${pipeline}`, 0.95, { spanMs: FIVE_MINUTES, least: 5, now });
  if (lag !== undefined && p95 !== undefined && p95 > lag.above)
    found.push(
      findingOf(lag, {
        ...common,
        text: `${pipeline}: one in twenty events took longer than ${formatDuration(roughly(p95))} in the last 5m`,
        type: ["hookrail status", `hookrail events --pipeline ${pipeline}`],
      }),
    );
  const failing = rule("failure_rate");
  const [attempts, failed] = [count("attempts", FIVE_MINUTES), count("failed", FIVE_MINUTES)];
  if (failing !== undefined && attempts >= 10 && failed / attempts > failing.above)
    found.push(
      findingOf(failing, {
        ...common,
        text: `${pipeline}: ${percent(failed / attempts)} of ${attempts} attempts failed in the last 5m`,
        type: ["hookrail status", `hookrail events --pipeline ${pipeline} --outcome pending`],
      }),
    );
  const retrying = rule("retries");
  const retries = count("retries", FIVE_MINUTES);
  if (retrying !== undefined && retries > retrying.above)
    found.push(
      findingOf(retrying, {
        ...common,
        text: `${pipeline}: ${retries} attempts in the last 5m are to be made again`,
        type: ["hookrail status", `hookrail events --pipeline ${pipeline} --outcome pending`],
        size: retries,
      }),
    );
  const drift = rule("drift");
  const drifted = count("drift", HOUR);
  if (drift !== undefined && drifted > drift.above)
    found.push(
      findingOf(drift, {
        ...common,
        text: `${pipeline}: ${plural(drifted, "event")} in the last hour broke the contract, where no rule reads`,
        type: [`hookrail events --pipeline ${pipeline} --since 1h`, "hookrail explain EVENT"],
        size: drifted,
      }),
    );
  const protecting = rule("refused");
  const refused = count("refused", HOUR);
  if (protecting !== undefined && refused > protecting.above)
    found.push(
      findingOf(protecting, {
        ...common,
        text: `${pipeline}: ${plural(refused, "protected value")} would have been lowered or blanked in the last hour, and ${refused === 1 ? "was" : "were"} kept`,
        type: [`hookrail events --pipeline ${pipeline} --since 1h`, "hookrail explain EVENT"],
        size: refused,
      }),
    );
  return found.filter((one) => one !== undefined);
}
