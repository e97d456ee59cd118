/** Who hears of trouble, compiled: channels, alert rules, error budgets, maintenance windows. */
import { parseAlertPattern } from "../../core/alert-pattern.ts";
import { parseDuration } from "../../core/duration.ts";
import { Secret } from "../../core/secret.ts";
import { parseIso } from "../../core/values.ts";
import type { AlertingModel, AlertModel, BurnModel, ChannelModel, MaintenanceModel } from "../operations.ts";
import { positionOf } from "../position.ts";
import type { AlertKind } from "../schema/alerts.schema.ts";
import type { ConfigYaml } from "../schema/config.schema.ts";
import { type CompileContext, checkName, checkNames, durationOr, listOf } from "./context.ts";

type ChannelYaml = NonNullable<ConfigYaml["channels"]>[string];
type AlertingYaml = NonNullable<ConfigYaml["alerting"]>;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The SRE workbook's four, each with a window that ends it: 2 % of the budget in an hour, 5 % in six, 10 % in a day, 10 % in three. */
export const DEFAULT_BURN: readonly BurnModel[] = [
  { rate: 14.4, longMs: HOUR, shortMs: 5 * MINUTE, severity: "page" },
  { rate: 6, longMs: 6 * HOUR, shortMs: 30 * MINUTE, severity: "page" },
  { rate: 3, longMs: DAY, shortMs: 2 * HOUR, severity: "alert" },
  { rate: 1, longMs: 3 * DAY, shortMs: 6 * HOUR, severity: "alert" },
];

export function compileAlerting(context: CompileContext): {
  readonly channels: ReadonlyMap<string, ChannelModel>;
  readonly alerts: readonly AlertModel[];
  readonly alerting: AlertingModel;
} {
  const channels = compileChannels(context);
  return { channels, alerts: compileAlerts(context), alerting: compileModel(context) };
}

const WAYS = ["slack", "pagerduty", "webhook", "file", "log", "to"] as const;

function compileChannels(context: CompileContext): ReadonlyMap<string, ChannelModel> {
  const { config, positions, reporter } = context;
  const channels = config.channels ?? {};
  const names = Object.keys(channels);
  // Teams may name channels before any is declared.
  if (config.channels !== undefined) {
    for (const team of Object.values(config.teams ?? {}))
      for (const key of ["alerts", "page"] as const)
        if (team[key] !== undefined)
          checkName(context, "channel", team[key], { names, mark: positions.value(team, key) });
    remindOfTeams(context);
  }
  const compiled = new Map<string, ChannelModel>();
  for (const [name, channel] of Object.entries(channels)) {
    const ways = WAYS.filter((way) => channel[way] !== undefined);
    if (ways.length !== 1) {
      reporter.report("HK1300", positions.key(channels, name), { name, count: ways.length });
      continue;
    }
    if (channel.fallback !== undefined)
      checkName(context, "channel", channel.fallback, { names, mark: positions.value(channel, "fallback") });
    const way = circleOf(name, channels);
    if (way !== undefined) reporter.report("HK1301", positions.value(channel, "fallback"), { name, way });
    compiled.set(name, {
      name,
      via: viaOf(context, name, channel),
      allowPrivate: channel.allow_private ?? false,
      ...(channel.fallback === undefined || way !== undefined ? {} : { fallback: channel.fallback }),
    });
  }
  return compiled;
}

function viaOf(context: CompileContext, name: string, channel: ChannelYaml): ChannelModel["via"] {
  const { positions, reporter, faulty, config } = context;
  const urlAt = (key: "slack" | "webhook" | "url"): string => {
    const text = channel[key] ?? "";
    const isUrl = /^https?:\/\/[^\s@]+$/.test(text) && URL.canParse(text);
    if (!isUrl && text !== "" && !faulty.has(channel, key))
      reporter.report("HK1304", positions.value(channel, key), { name });
    return text;
  };
  if (channel.slack !== undefined) return { kind: "slack", url: new Secret(urlAt("slack")) };
  if (channel.pagerduty !== undefined) {
    const own = `https://events${channel.region === "eu" ? ".eu" : ""}.pagerduty.com/v2/enqueue`;
    const url = channel.url === undefined ? own : urlAt("url");
    return { kind: "pagerduty", routingKey: new Secret(channel.pagerduty), url };
  }
  if (channel.webhook !== undefined) {
    const { signing_secret: secret } = channel;
    return {
      kind: "webhook",
      url: new Secret(urlAt("webhook")),
      ...(secret === undefined ? {} : { signingSecret: new Secret(secret) }),
    };
  }
  if (channel.file !== undefined) return { kind: "file", path: channel.file };
  if (channel.to === undefined) return { kind: "log" };
  const names = Object.keys(config.connections ?? {});
  checkName(context, "connection", channel.to, { names, mark: positions.value(channel, "to") });
  return {
    kind: "connection",
    connection: channel.to,
    ...(channel.action === undefined ? {} : { action: channel.action }),
    params: channel.params ?? {},
  };
}

/** The way back to a channel over fallbacks, if there is one. */
function circleOf(name: string, channels: Readonly<Record<string, ChannelYaml>>): string | undefined {
  const way = [name];
  for (let next = channels[name]?.fallback; next !== undefined; next = channels[next]?.fallback) {
    way.push(next);
    if (next === name) return way.join(" -> ");
    if (way.length > Object.keys(channels).length) return undefined;
  }
  return undefined;
}

function remindOfTeams(context: CompileContext): void {
  const { config, positions, reporter, pipelines } = context;
  if (config.alerting?.default !== undefined) return;
  for (const [team, { alerts, page }] of Object.entries(config.teams ?? {})) {
    const owned = pipelines.filter((one) => one.owner === team).map((one) => one.pipeline);
    if (alerts !== undefined || page !== undefined || owned.length === 0) continue;
    const mark = positions.key(config.teams as object, team);
    reporter.report("HK1306", mark, { team, pipelines: owned.join(", ") }, { severity: "warning" });
  }
}

/** What `above` of a kind is. */
const UNITS: Readonly<Record<AlertKind, "number" | "share" | "duration">> = {
  budget_burn: "number",
  lag: "duration",
  failure_rate: "share",
  dead_letter: "number",
  hold_expired: "number",
  held: "duration",
  retries: "number",
  duplicates: "share",
  rejected: "number",
  signature_key: "duration",
  drift: "number",
  connection_paused: "duration",
  breaker_open: "duration",
  refused: "number",
  silence: "duration",
  store_full: "number",
  clock_skew: "number",
  reload_failed: "number",
};
const EXPECTED = {
  number: "a number such as 10",
  share: "a percentage such as 5%",
  duration: "a duration such as 5m",
} as const;

function compileAlerts(context: CompileContext): readonly AlertModel[] {
  const { config, positions } = context;
  return Object.entries(config.alerts ?? {}).map(([name, alert]) => {
    channelName(context, alert, "to");
    const { pipelines = [], sources = [], severity } = alert;
    const pipelineNames = context.pipelines.map((pipeline) => pipeline.pipeline);
    checkNames(context, "pipeline", pipelines, pipelineNames);
    checkNames(context, "source", sources, Object.keys(config.sources ?? {}));
    const above = boundOf(context, alert);
    const forMs = parseDuration(alert.for);
    const repeat = parseDuration(alert.repeat);
    return {
      name,
      on: alert.on,
      ...(above === undefined ? {} : { above }),
      ...(forMs.ok ? { forMs: forMs.value } : {}),
      pipelines,
      sources,
      ...(severity === undefined ? {} : { severity }),
      ...(alert.to === undefined ? {} : { to: alert.to }),
      ...(repeat.ok ? { repeatMs: repeat.value } : {}),
      ...(alert.runbook === undefined ? {} : { runbook: alert.runbook }),
      position: positionOf(positions.of(alert)),
    };
  });
}

function channelName<K extends string>(context: CompileContext, holder: { readonly [P in K]?: string }, key: K): void {
  const name = holder[key];
  if (name === undefined) return;
  const names = Object.keys(context.config.channels ?? {});
  checkName(context, "channel", name, { names, mark: context.positions.value(holder, key) });
}

function boundOf(context: CompileContext, alert: NonNullable<ConfigYaml["alerts"]>[string]): number | undefined {
  const { above, on } = alert;
  if (above === undefined) return undefined;
  const duration = parseDuration(above);
  const found = typeof above === "number" ? "number" : duration.ok ? "duration" : "share";
  const unit = UNITS[on] ?? found;
  if (found !== unit)
    context.reporter.report("HK1305", context.positions.value(alert, "above"), { on, expected: EXPECTED[unit] });
  if (typeof above === "number") return above;
  return duration.ok ? duration.value : Number(above.replace("%", "")) / 100;
}

function compileModel(context: CompileContext): AlertingModel {
  const yaml: AlertingYaml = context.config.alerting ?? {};
  channelName(context, yaml, "default");
  channelName(context, yaml, "page");
  const windowMs = durationOr(yaml.budget?.window, 30 * DAY);
  return {
    ...(yaml.default === undefined ? {} : { default: yaml.default }),
    ...(yaml.page === undefined ? {} : { page: yaml.page }),
    budget: {
      windowMs,
      minEvents: yaml.budget?.min_events ?? 3,
      minLate: yaml.budget?.min_late ?? 3,
      burn: compileBurn(context, yaml.budget?.burn, windowMs),
    },
    waitMs: durationOr(yaml.wait, 30_000),
    updateMs: durationOr(yaml.update, 5 * MINUTE),
    repeatMs: durationOr(yaml.repeat, 4 * HOUR),
    clearMs: durationOr(yaml.clear, 2 * MINUTE),
    learnSilence: yaml.learn_silence ?? true,
    maintenance: (yaml.maintenance ?? []).flatMap((one) => compileMaintenance(context, one)),
  };
}

type BurnYaml = NonNullable<NonNullable<AlertingYaml["budget"]>["burn"]>;

function compileBurn(context: CompileContext, yaml: BurnYaml | undefined, windowMs: number): readonly BurnModel[] {
  if (yaml === undefined) return DEFAULT_BURN.filter((burn) => burn.longMs <= windowMs);
  return yaml.map((burn) => {
    const longMs = durationOr(burn.long, HOUR);
    const shortMs = durationOr(burn.short, longMs / 12);
    const problem = (text: string, key: "long" | "short") =>
      context.reporter.report("HK1302", context.positions.value(burn, key), { problem: text });
    if (shortMs >= longMs) problem(`\`short\` (${burn.short}) is not shorter than \`long\` (${burn.long})`, "short");
    if (longMs > windowMs) problem(`\`long\` (${burn.long}) is longer than the budget's window`, "long");
    return { rate: burn.rate, longMs, shortMs, severity: burn.severity ?? "page" };
  });
}

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

function compileMaintenance(
  context: CompileContext,
  yaml: NonNullable<AlertingYaml["maintenance"]>[number],
): readonly MaintenanceModel[] {
  const { positions, reporter } = context;
  const { match, reason } = yaml;
  if (parseAlertPattern(match) === undefined)
    reporter.report("HK1307", positions.value(yaml, "match"), { text: match });
  const bad = (problem: string, key?: "from" | "until" | "zone"): readonly MaintenanceModel[] => {
    reporter.report("HK1303", key === undefined ? positions.of(yaml) : positions.value(yaml, key), { problem });
    return [];
  };
  const once = yaml.from !== undefined && yaml.until !== undefined;
  const again = yaml.at !== undefined && yaml.for !== undefined;
  if (once === again || (once && (yaml.at ?? yaml.for ?? yaml.days) !== undefined))
    return bad("a window has `from` and `until`, or `at` and `for`");
  if (once) {
    const [from, until] = [parseIso(yaml.from ?? ""), parseIso(yaml.until ?? "")];
    if (from === undefined) return bad(`\`${yaml.from}\` is no instant such as 2026-12-24T22:00:00Z`, "from");
    if (until === undefined) return bad(`\`${yaml.until}\` is no instant such as 2026-12-24T22:00:00Z`, "until");
    if (until <= from) return bad("`until` does not lie after `from`", "until");
    return [{ match, reason, when: { from, until } }];
  }
  const zone = yaml.zone ?? "UTC";
  if (!isZone(zone)) return bad(`\`${zone}\` is no time zone such as Europe/Berlin`, "zone");
  const [hours = 0, minutes = 0] = (yaml.at ?? "").split(":").map(Number);
  const days = listOf(yaml.days).map((day) => DAYS.indexOf(day));
  return [{ match, reason, when: { days, at: hours * 60 + minutes, forMs: durationOr(yaml.for, HOUR), zone } }];
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
