/** `config.yaml`, the part about who hears of trouble: channels, alert rules, error budgets, maintenance windows. */
import { Type } from "typebox";
import { closed, durationText, flag, keyed, nameRef, oneOf, oneOrMany, secretText, text } from "../../core/schema.ts";

const maybe = Type.Optional;

export const channelSchema = closed(
  {
    slack: maybe(secretText("URL of a Slack incoming webhook.", { examples: ["${SLACK_WEBHOOK_URL}"] })),
    pagerduty: maybe(
      secretText("Integration key of a PagerDuty service (Events API v2).", { examples: ["${PAGERDUTY_KEY}"] }),
    ),
    region: maybe(oneOf(["us", "eu"], "PagerDuty's service region. Default: us.")),
    webhook: maybe(secretText("Any URL: it gets the alert as JSON.", { "x-secret": false })),
    signing_secret: maybe(
      secretText("With `webhook`: signs as Standard Webhooks does, `whsec_…`.", { examples: ["${ALERT_WHSEC}"] }),
    ),
    url: maybe(text("With `pagerduty`: another address than PagerDuty's own, for a proxy or a test.")),
    file: maybe(text("A file of JSON lines, relative to config.yaml.", { "x-path": true })),
    log: maybe(Type.Literal(true, { description: "The engine's own log.", "x-expects": "true" })),
    to: maybe(nameRef("A connection that carries it.")),
    action: maybe(nameRef("With `to`: its action; the sink's default when absent.")),
    params: maybe(
      keyed(
        Type.Unsafe<string | number | boolean>({ type: ["string", "number", "boolean"] }),
        "With `to`: fields of the action, e.g. `channel`.",
      ),
    ),
    allow_private: maybe(flag("It may be at a private or loopback address. Default: false.")),
    fallback: maybe(nameRef("The channel that is told instead when this one can not be reached.")),
  },
  { description: "Where an alert goes: one of `slack`, `pagerduty`, `webhook`, `file`, `log` and `to`." },
);

/** What an alert rule can watch. */
export const ALERT_KINDS = [
  "budget_burn",
  "lag",
  "failure_rate",
  "dead_letter",
  "hold_expired",
  "held",
  "retries",
  "duplicates",
  "rejected",
  "signature_key",
  "drift",
  "connection_paused",
  "breaker_open",
  "refused",
  "silence",
  "store_full",
  "clock_skew",
  "reload_failed",
] as const;

export type AlertKind = (typeof ALERT_KINDS)[number];

export const alertSchema = closed(
  {
    on: oneOf(ALERT_KINDS, "What is watched; docs/alerts.md tells of each."),
    above: maybe(
      Type.Union(
        [Type.Number(), durationText("A length of time."), Type.String({ pattern: "^\\d{1,3}(\\.\\d+)?%$" })],
        {
          description: "The bound; each kind has its own default.",
          "x-expects": "a number, a duration such as 5m, or a percentage",
        },
      ),
    ),
    for: maybe(durationText("How long it must last before anybody is told. Default: at once.")),
    pipelines: maybe(Type.Array(nameRef("A pipeline."), { description: "Default: all." })),
    sources: maybe(Type.Array(nameRef("A source."), { description: "Default: all." })),
    severity: maybe(
      oneOf(
        ["alert", "page", "off"],
        "alert: the owner team's `alerts`; page: its `page`; off: shown and recorded, and nobody is told.",
      ),
    ),
    to: maybe(nameRef("A channel, instead of the owner team's.")),
    repeat: maybe(durationText("Told again after this long. Default: 4h.")),
    runbook: maybe(text("Instead of the pipeline's.")),
  },
  { description: "One alert rule, instead of the built-in one of its kind for what it names." },
);

const burnSchema = closed(
  {
    rate: Type.Number({
      exclusiveMinimum: 0,
      description: "How many times faster than allowed the budget is spent; 1 spends it exactly in its window.",
      "x-expects": "a number above 0",
    }),
    long: durationText("The window that must burn."),
    short: durationText("The window that must still burn: it ends the alert soon after the trouble."),
    severity: maybe(oneOf(["alert", "page"], "Default: page.")),
  },
  { description: "Tells when the budget burns at this rate over both windows." },
);

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

const maintenanceSchema = closed(
  {
    match: text(
      "What is silent, e.g. `connection=crm` or `pipeline=paid-*`; several are parted by spaces and all hold.",
    ),
    reason: text("Why."),
    from: maybe(text("An instant, e.g. 2026-12-24T22:00:00Z; with `until`.")),
    until: maybe(text("An instant; with `from`.")),
    days: maybe(
      oneOrMany(oneOf(DAYS, "A day of the week."), "Days on which it begins. Default, with `at`: every day."),
    ),
    at: maybe(
      text("When it begins, e.g. 02:30; with `for`.", {
        pattern: "^([01]\\d|2[0-3]):[0-5]\\d$",
        "x-expects": "a time of day such as 02:30",
      }),
    ),
    for: maybe(durationText("How long it lasts; with `at`.")),
    zone: maybe(text("Time zone of `at`, e.g. Europe/Berlin. Default: UTC.")),
  },
  { description: "A time in which nobody is told of what matches: `from` and `until`, or `at` and `for`." },
);

export const alertingSchema = closed(
  {
    default: maybe(nameRef("Channel for what no team owns, and for teams without a channel. Default: the log.")),
    page: maybe(nameRef("The same, for what wakes someone. Default: `default`.")),
    budget: maybe(
      closed(
        {
          window: maybe(durationText("The time the budget of an `sla` is for. Default: 30d.")),
          min_events: maybe(
            Type.Integer({
              minimum: 1,
              description:
                "Fewer events than this in a rule's long window say nothing. Default: 3, as many as have to be late.",
            }),
          ),
          min_late: maybe(
            Type.Integer({ minimum: 1, description: "Fewer late events than this say nothing. Default: 3." }),
          ),
          burn: maybe(
            Type.Array(burnSchema, {
              minItems: 1,
              description:
                "Default: 14.4 over 1h and 5m, 6 over 6h and 30m (page); 3 over 1d and 2h, 1 over 3d and 6h (alert).",
            }),
          ),
        },
        { description: "Error budgets: what `sla.objective` leaves." },
      ),
    ),
    wait: maybe(
      durationText("How long a new alert waits for others of the same cause, so that they are one. Default: 30s."),
    ),
    update: maybe(durationText("How soon an open alert may tell of more pipelines. Default: 5m.")),
    repeat: maybe(durationText("Told again after this long while it lasts. Default: 4h.")),
    clear: maybe(durationText("How long it must be well before an alert is resolved. Default: 2m.")),
    learn_silence: maybe(
      flag("Learn from the same hours of past weeks when a source that says nothing is silent. Default: true."),
    ),
    maintenance: maybe(Type.Array(maintenanceSchema, { description: "Windows in which nobody is told." })),
  },
  { description: "How trouble is told." },
);
