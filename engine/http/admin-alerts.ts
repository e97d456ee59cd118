/** Routes of the admin API about alerts: what is wrong, who was told, error budgets, silences, channels. */
import { Type } from "typebox";
import { parseDuration } from "../core/duration.ts";
import { fail, HookrailError } from "../core/errors.ts";
import type { Actor } from "../flow/engine.ts";
import type { Answer, Call, Route } from "./admin-route.ts";
import { count, list, orNull, reasonMember, shape, text, time, words } from "./admin-shapes.ts";

/** What alerts of a running engine answer; `alerts/` makes it. */
export interface AlertsPort {
  openDocuments(): readonly object[];
  pastDocuments(limit: number): Promise<readonly object[]>;
  silenceDocuments(): readonly object[];
  maintenance(): readonly object[];
  budgetDocuments(): readonly object[];
  channelDocuments(): readonly object[];
  summary(): object;
  silence(wanted: { readonly match: string; readonly forMs: number }, by: Actor): Promise<object>;
  /** Fails as `silence` does; keeps nothing. */
  checkSilence(match: string, forMs: number): void;
  /** Open alerts that the pattern fits. */
  covered(match: string): readonly { readonly id: string }[];
  endSilence(id: string, by: Actor): Promise<boolean>;
  test(channel: string, by: Actor): Promise<object>;
}

export interface AlertsDeps {
  /** Absent: there are no such paths. */
  readonly alerts?: AlertsPort;
}

const MAX_PAST = 1_000;

const SEVERITIES = ["page", "alert", "off"];
const briefMembers = {
  id: text(),
  status: words(["waiting", "firing", "resolved"]),
  severity: words(SEVERITIES),
  title: text(),
  opened_at: time(),
  silenced: orNull(text("Why nobody is told now.")),
};

const alertShape = shape(
  {
    ...briefMembers,
    cause: shape({ kind: text("`connection`, `pipeline`, `source` or `engine`."), name: text() }),
    environment: text(),
    resolved_at: orNull(time()),
    pipelines: list(shape({ name: text(), owner: text("A team."), runbook: orNull(text()) })),
    findings: list(
      shape({
        kind: text(),
        rule: text("The author's name for it; else its kind."),
        severity: words(SEVERITIES),
        since: time(),
        text: text(),
        runbook: orNull(text()),
      }),
    ),
    type: list(text("A command.")),
    told: list(text("A channel.")),
  },
  "All that is wrong for one cause.",
);

export const silenceShape = shape(
  { id: text(), match: text(), from: time(), until: time(), by: text(), reason: text() },
  "A time in which nobody is told of what matches.",
);

const number = (description: string) => Type.Number({ description });

export const budgetShape = shape(
  {
    pipeline: text(),
    owner: text(),
    objective: number("Share of events that are to be in time."),
    lag_ms: count(),
    window_ms: count(),
    events: count(),
    late: count(),
    left: number("Share of the budget: 1 is untouched, 0 used up, below 0 overdrawn."),
    burns: list(
      shape({
        rate: number("From which on it tells."),
        severity: words(SEVERITIES),
        long_ms: count(),
        short_ms: count(),
        long: number("How many times faster than allowed, over the long window."),
        short: number("The same, over the short one."),
        firing: Type.Boolean(),
      }),
    ),
  },
  "The error budget of a pipeline.",
);

/** In the status document. */
export const alertsSummaryShape = shape({
  open: list(shape(briefMembers)),
  silences: count(),
  failing_channels: list(text()),
});

const channelShape = shape({
  name: text(),
  kind: text(),
  fallback: orNull(text()),
  last_sent_at: orNull(time()),
  failing: orNull(shape({ since: time(), attempts: count(), detail: text() })),
});

export const ALERT_ROUTES: readonly Route<AlertsDeps>[] = [
  {
    id: "alerts",
    summary: "What is wrong, who was told, what is silent; `all` lists what is resolved too, newest first",
    method: "GET",
    path: "/api/v1/alerts",
    right: "read",
    query: { all: words(["true", "false"]), limit: count("With `all`: at most this many; 100 by default.") },
    answer: shape({
      alerts: list(alertShape),
      silences: list(silenceShape),
      maintenance: list(shape({ match: text(), reason: text() })),
      channels: list(channelShape),
    }),
    run: listAlerts,
  },
  {
    id: "errorBudgets",
    summary: "The error budget of each pipeline, and how fast it burns",
    method: "GET",
    path: "/api/v1/slo",
    right: "read",
    answer: shape({ budgets: list(budgetShape) }),
    run: (_call, { alerts }) => ({ document: alerts && { budgets: alerts.budgetDocuments() } }),
  },
  {
    id: "silence",
    summary: "Tells nobody of what matches, for a while; with `dry_run` it only says which open alerts that would be",
    method: "POST",
    path: "/api/v1/silences",
    right: "pause",
    body: shape({
      match: text("E.g. `connection=crm`."),
      for: text("E.g. `2h`."),
      reason: Type.Optional(reasonMember),
      dry_run: Type.Optional(Type.Boolean({ description: "Default: false." })),
    }),
    answer: shape({
      silence: orNull(silenceShape),
      covers: list(text("Id of an open alert.")),
    }),
    run: silence,
  },
  {
    id: "endSilence",
    summary: "Ends a silence before its time",
    method: "POST",
    path: "/api/v1/silences/{id}/end",
    right: "pause",
    body: shape({ reason: Type.Optional(reasonMember) }),
    answer: shape({ id: text(), ended: Type.Boolean() }),
    run: endSilence,
  },
  {
    id: "testChannel",
    summary: "Sends a test message to a channel",
    method: "POST",
    path: "/api/v1/channels/{name}/test",
    right: "pause",
    body: shape({}),
    answer: shape({ channel: text(), ok: Type.Boolean(), detail: text() }),
    run: testChannel,
  },
];

async function listAlerts({ query }: Call, { alerts }: AlertsDeps): Promise<Answer> {
  if (alerts === undefined) return { document: undefined };
  const limit = query.get("limit") ?? "100";
  if (!/^\d{1,6}$/.test(limit)) fail("HK8018", { problem: "limit must be a whole number" });
  return {
    document: {
      alerts:
        query.get("all") === "true"
          ? await alerts.pastDocuments(Math.min(Number(limit), MAX_PAST))
          : alerts.openDocuments(),
      silences: alerts.silenceDocuments(),
      maintenance: alerts.maintenance(),
      channels: alerts.channelDocuments(),
    },
  };
}

async function silence({ body, actor }: Call, { alerts }: AlertsDeps): Promise<Answer> {
  if (alerts === undefined) return { document: undefined };
  const { match, for: length, dry_run: dry = false } = body;
  const forMs = parseDuration(length);
  if (typeof match !== "string" || !forMs.ok || typeof dry !== "boolean")
    return fail("HK8018", { problem: "a silence is { match, for: a duration such as 2h, reason, dry_run }" });
  alerts.checkSilence(match, forMs.value);
  const covers = alerts.covered(match).map(({ id }) => id);
  if (dry) return { document: { silence: null, covers } };
  const wanted = { match, forMs: forMs.value };
  return { document: { silence: await alerts.silence(wanted, { actor, reason: reasonOf(body) }), covers } };
}

async function endSilence({ params: [id = ""], body, actor }: Call, { alerts }: AlertsDeps): Promise<Answer> {
  if (alerts === undefined) return { document: undefined };
  const ended = await alerts.endSilence(id, { actor, reason: reasonOf(body) });
  return { document: ended ? { id, ended } : undefined };
}

/** A channel that is not declared is one of these paths that are not there. */
async function testChannel({ params: [name = ""], actor }: Call, { alerts }: AlertsDeps): Promise<Answer> {
  if (alerts === undefined) return { document: undefined };
  try {
    return { document: await alerts.test(name, { actor, reason: "" }) };
  } catch (error) {
    if (error instanceof HookrailError && error.code === "HK8202") return { document: undefined };
    throw error;
  }
}

function reasonOf(body: Call["body"]): string {
  return typeof body["reason"] === "string" ? body["reason"].trim() : "";
}
