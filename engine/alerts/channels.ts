/** How each kind of channel is told: the request for Slack, PagerDuty and webhooks, a line for files and the log. */
import type { ChannelModel } from "../config/operations.ts";
import type { Clock } from "../core/clock.ts";
import { HookrailError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { JsonObject } from "../core/types.ts";
import { classifyAnswer, classifyFailure } from "../delivery/classify.ts";
import { signWebhook } from "../delivery/sign.ts";
import type { GuardedHttp } from "../network/client.ts";
import type { OpenSink, Outcome, SinkDescriptor } from "../plugin/index.ts";
import { type AlertDocument, linesOf, type MessageDocument, runbooksOf, summaryOf } from "./document.ts";

export interface ChannelDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** A client that may reach private addresses, or may not. */
  readonly http: (allowPrivate: boolean) => GuardedHttp;
  /** Appends a line to a file below the installation. */
  readonly append: (path: string, line: string) => Promise<void>;
  /** The connection of a revision, opened. */
  readonly connection: (name: string) => Promise<OpenConnection | undefined>;
}

export interface OpenConnection {
  readonly sink: OpenSink;
  readonly descriptor: Pick<SinkDescriptor, "actions" | "defaultAction">;
}

/** What is told, and the key that repeats of it share. */
export interface Telling {
  readonly key: string;
  readonly message: MessageDocument;
  readonly attempt: number;
}

const TIMEOUT_MS = 15_000;

/** Tells a channel once. Never throws. */
export async function tell(channel: ChannelModel, telling: Telling, deps: ChannelDeps): Promise<Outcome> {
  try {
    return await by(channel, telling, deps);
  } catch (error) {
    return { kind: "retry", detail: detailOf(error) };
  }
}

/** A sink in code may throw with anything in its message: only what we say ourselves, and codes, are shown. */
function detailOf(error: unknown): string {
  if (error instanceof HookrailError) return error.message;
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "it failed";
}

async function by(channel: ChannelModel, telling: Telling, deps: ChannelDeps): Promise<Outcome> {
  const { via } = channel;
  const { message, key } = telling;
  switch (via.kind) {
    case "log":
      tellLog(message, deps.log);
      return { kind: "delivered" };
    case "file":
      await deps.append(via.path, JSON.stringify(message));
      return { kind: "delivered" };
    case "slack":
      return post(channel, { url: via.url.reveal(), body: slackBody(message) }, deps);
    case "pagerduty":
      return post(
        channel,
        { url: via.url, body: { routing_key: via.routingKey.reveal(), ...pagerBody(message) } },
        deps,
      );
    case "webhook": {
      const body = { type: `alert.${message.kind}`, timestamp: message.at, data: message.alert };
      const request = { url: via.url.reveal(), body: body as unknown as JsonObject };
      if (via.signingSecret === undefined) return post(channel, request, deps, { "webhook-id": key });
      const signed = signWebhook(
        { kind: "hmac", secret: "signing_secret" },
        { method: "POST", url: request.url, headers: {}, body: JSON.stringify(body) },
        { connection: channel.name, idempotencyKey: key, now: deps.clock.now(), secrets: [via.signingSecret.reveal()] },
      );
      return post(channel, request, deps, signed.headers);
    }
    case "connection":
      return overConnection(via, telling, deps);
  }
}

async function post(
  { allowPrivate }: ChannelModel,
  { url, body }: { readonly url: string; readonly body: JsonObject },
  { http, clock }: ChannelDeps,
  headers: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const deadline = new AbortController();
  const cancel = clock.after(TIMEOUT_MS, () => deadline.abort(new Error("timed out")));
  try {
    const answer = await http(allowPrivate).request({
      method: "POST",
      url,
      headers: { "content-type": "application/json; charset=utf-8", "user-agent": "hookrail", ...headers },
      body: JSON.stringify(body),
      signal: deadline.signal,
    });
    // Answers of others may quote what they were sent: only the status is kept.
    if (!answer.ok) return classifyFailure({ ...answer, detail: "no answer" });
    const outcome = classifyAnswer(
      { ...answer, body: "" },
      { rules: [], retryAfter: [{ header: "retry-after", form: "http" }], now: clock.now() },
    );
    if (outcome.kind === "refresh_auth") return { kind: "pause", status: outcome.status, detail: outcome.detail };
    return outcome;
  } finally {
    cancel();
  }
}

/** Through a connection of the config: presets for chats and pagers do the rest. */
async function overConnection(
  via: Extract<ChannelModel["via"], { kind: "connection" }>,
  { key, message, attempt }: Telling,
  deps: ChannelDeps,
): Promise<Outcome> {
  const open = await deps.connection(via.connection);
  if (open === undefined) return { kind: "retry", detail: "the connection could not be opened" };
  const { alert } = message;
  const text = [summaryOf(message), ...linesOf(message)].join("\n");
  const at = Date.parse(message.at);
  const { sink, descriptor } = open;
  const action = via.action ?? descriptor.defaultAction;
  // Presets for pagers close what `trigger` has opened.
  const closes = isOver(message) && action === "trigger" && descriptor.actions["resolve"] !== undefined;
  const frozen = await sink.prepare({
    id: key,
    idempotencyKey: key,
    action: closes ? "resolve" : action,
    kind: "effect",
    entity: { type: "alert", key: alert.id, ids: {}, state: alert.status },
    attributes: {
      summary: { set: summaryOf(message) },
      text: { set: text },
      severity: { set: alert.severity },
      alert: { set: alert as unknown as JsonObject },
    },
    entityVersion: 1,
    eventName: `alert.${message.kind}`,
    // Where the connection has no template of this name, it is the text.
    params: { alert: alert.id, severity: pagerSeverity(alert), template: text, ...via.params },
    event: {
      id: key,
      providerId: key,
      type: `alert.${message.kind}`,
      source: "hookrail",
      occurredAt: at,
      receivedAt: at,
    },
    pipeline: alert.pipelines[0]?.name ?? "hookrail",
  });
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  return sink.send(frozen, { attempt, idempotencyKey: key, signal, entityVersion: 1 });
}

function tellLog(message: MessageDocument, log: Log): void {
  const { alert, kind } = message;
  const fields = {
    alert: alert.id,
    severity: alert.severity,
    pipelines: alert.pipelines.map(({ name }) => name),
    findings: alert.findings.map(({ text }) => text),
    runbooks: runbooksOf(alert),
    type: alert.type,
  };
  if (kind === "resolved") log.info(`alert ${summaryOf(message)}`, { alert: alert.id });
  else if (alert.severity === "page") log.error(`alert: ${summaryOf(message)}`, fields);
  else log.warn(`alert: ${summaryOf(message)}`, fields);
}

const MARKS = { page: ":rotating_light:", alert: ":warning:", off: "" } as const;

/** Slack's own three characters are escaped; all else is text. */
function slackBody(message: MessageDocument): JsonObject {
  const plain = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const { alert } = message;
  const mark = message.kind === "resolved" ? ":white_check_mark:" : MARKS[alert.severity];
  const lines = linesOf(message).map((line) => plain(line.replace(/^type: (.*)$/, "`$1`")));
  return { text: [`${mark} *${plain(summaryOf(message))}*`, ...lines].join("\n") };
}

/** For a pager a page that has become a ticket is over. */
const isOver = ({ kind }: MessageDocument): boolean => kind === "resolved" || kind === "eased";

/** In the words of pagers. */
const pagerSeverity = ({ severity }: AlertDocument): string => (severity === "page" ? "critical" : "warning");

/** PagerDuty takes 1024 characters of summary and 512 KB in all. */
function pagerBody(message: MessageDocument): JsonObject {
  const { alert } = message;
  const dedup = { dedup_key: alert.id };
  if (isOver(message)) return { event_action: "resolve", ...dedup };
  const runbooks = runbooksOf(alert);
  const links = runbooks.filter((one) => /^https?:\/\//.test(one)).map((href) => ({ href, text: "Runbook" }));
  return {
    event_action: "trigger",
    ...dedup,
    client: "Hookrail",
    payload: {
      summary: summaryOf(message).slice(0, 1024),
      source: `hookrail:${alert.environment}`,
      severity: pagerSeverity(alert),
      timestamp: alert.opened_at,
      component: alert.cause.name,
      group: alert.cause.kind,
      class: alert.findings[0]?.kind ?? "alert",
      custom_details: detailsOf(alert, runbooks),
    },
    ...(links.length === 0 ? {} : { links }),
  };
}

function detailsOf(alert: AlertDocument, runbooks: readonly string[]): JsonObject {
  return {
    what: alert.findings.map(({ text }) => text),
    pipelines: alert.pipelines.map(({ name, owner }) => `${name} (${owner})`),
    runbooks: [...runbooks],
    type: [...alert.type],
  };
}
