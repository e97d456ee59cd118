import type { ErrorEntries } from "../errors.ts";

/** 130x: channels, alert rules, error budgets, maintenance windows. */
export const configAlertErrors = {
  HK1300: {
    title: "A channel without a way, or with several",
    message: "channel `{name}` must say one way to go, and says {count}",
    help: "A channel is one of: `slack` (an incoming webhook's URL), `pagerduty` (an integration key), `webhook` (any URL), `file`, `log: true`, or `to` (a connection). For a second way declare a second channel, and name it as `fallback` or in the rule's `to`.",
    wrong: 'channels:\n  ops: { slack: "${SLACK_URL}", pagerduty: "${PD_KEY}" }',
    right: 'channels:\n  ops:   { slack: "${SLACK_URL}", fallback: pager }\n  pager: { pagerduty: "${PD_KEY}" }',
  },
  HK1301: {
    title: "Fallbacks in a circle",
    message: "the fallback of channel `{name}` leads back to it: {way}",
    help: "When no channel of a chain can be reached, the alert is kept and tried again on the last one. A circle has no last one.",
    wrong: "channels:\n  a: { log: true, fallback: b }\n  b: { log: true, fallback: a }",
    right: 'channels:\n  a: { slack: "${SLACK_URL}", fallback: b }\n  b: { log: true }',
  },
  HK1302: {
    title: "Windows of an error budget that do not fit",
    message: "{problem}",
    help: "A burn rule looks at two windows: the long one says that it matters, the short one that it still goes on. So `short` is shorter than `long`, and `long` no longer than the budget's `window`.",
    wrong: "burn: [{ rate: 14.4, long: 5m, short: 1h }]",
    right: "burn: [{ rate: 14.4, long: 1h, short: 5m }]",
  },
  HK1303: {
    title: "A maintenance window that has no time",
    message: "{problem}",
    help: "A window is either one stretch of time (`from` and `until`, as instants) or comes again (`at` and `for`, on all days or on `days`, in `zone`).",
    wrong: 'maintenance: [{ match: connection=crm, reason: backup, at: "02:00" }]',
    right: 'maintenance: [{ match: connection=crm, reason: backup, days: sun, at: "02:00", for: 1h }]',
  },
  HK1304: {
    title: "A channel's address that is none",
    message: "the address of channel `{name}` is no http or https URL",
    help: "Slack and webhook channels post to a URL. Often the variable it comes from holds something else, such as the channel's name; the value is not shown, since it may be a secret.",
    wrong: 'channels:\n  ops: { webhook: "alerts.example.com" }',
    right: 'channels:\n  ops: { webhook: "https://alerts.example.com/hookrail" }',
  },
  HK1305: {
    title: "A bound of another kind",
    message: "`above` of `{on}` is {expected}",
    help: "What is watched has a unit: `lag`, `held`, `silence`, `breaker_open`, `connection_paused` and `signature_key` are lengths of time, `failure_rate` and `duplicates` are shares, and the others are numbers.",
    wrong: "alerts:\n  slow: { on: lag, above: 5% }",
    right: "alerts:\n  slow: { on: lag, above: 5m }",
  },
  HK1306: {
    title: "A team that hears of nothing",
    message: "team `{team}` owns {pipelines} and has no channel: its alerts go to the log only",
    help: "Channels are declared, so somebody is meant to be told. Give the team `alerts` (and `page`), or set `alerting.default` for all teams without one.",
    wrong: "teams:\n  billing: {}",
    right: "teams:\n  billing: { alerts: slack-billing, page: pager }",
  },
  HK1307: {
    title: "A pattern that can't be read",
    message: "`{text}` is no pattern of alerts",
    help: "A pattern is one or more `key=value`, parted by spaces, and all of them must hold. Keys are pipeline, connection, source, team, kind and severity; a `*` stands for anything. A value without a key matches any of them, and `*` alone matches every alert.",
    wrong: 'match: "pipelines: paid"',
    right: 'match: "pipeline=paid-* severity=alert"',
  },
} as const satisfies ErrorEntries;
