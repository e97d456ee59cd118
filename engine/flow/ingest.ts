/**
 * The first spine: from a request's raw bytes to the answer. 2xx leaves here only after the store's durable commit.
 * Refusals come only before verification; after it nothing is refused: what can't be read is kept as a dead letter.
 */
import { hash } from "node:crypto";
import type { SourceModel } from "../config/revision.ts";
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import type { RawRequest } from "../core/types.ts";
import { answerHandshake } from "../provider/handshake.ts";
import { identify } from "../provider/identify.ts";
import type { HandshakeReply, Identified, IdentifiedEvent, VerifiedRequest } from "../provider/model.ts";
import { verify } from "../provider/verify.ts";
import type { AcceptResult, NewEvent, Store } from "../store/store.ts";
import type { Admission, TurnedAway } from "./admission.ts";
import { greet, keysOf } from "./greet.ts";
import type { ProviderCalls } from "./keys.ts";
import type { LearnedSecrets } from "./learned.ts";
import type { IngestOutcome, Observer, Taken } from "./observer.ts";
import type { Routes } from "./routes.ts";

export interface IngestReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly outcome: IngestOutcome;
}

export interface IngestDeps {
  readonly routes: Routes;
  readonly source: SourceModel;
  readonly store: Pick<Store, "accept">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly observer: Observer;
  readonly admission: Pick<Admission, "count">;
  /** For keys and confirmations; absent where nothing may be called. */
  readonly calls?: ProviderCalls | undefined;
  readonly learned?: LearnedSecrets | undefined;
}

/** Seconds a sender is asked to wait when the store can not promise. */
const RETRY_AFTER_S = 5;

/** The answer to a request that is turned away before its body is read. */
export function turnAway(
  { reason, retryAfterS }: TurnedAway,
  request: Pick<RawRequest, "remoteAddress">,
  { source, observer }: Pick<IngestDeps, "source" | "observer">,
): IngestReply {
  const answer =
    reason === "network" ? unauthorized : reason === "rate" ? rateLimited(retryAfterS) : unavailable(retryAfterS);
  observer.ingested({
    source: source.name,
    provider: source.provider,
    outcome: answer.outcome,
    status: answer.status,
    reason,
    events: [],
    remoteAddress: request.remoteAddress,
  });
  return answer;
}

/** Takes one request of a known source to its answer. Never throws, whatever the sender sends. */
export async function ingest(request: RawRequest, deps: IngestDeps): Promise<IngestReply> {
  const { source, clock } = deps;
  const begun = clock.monotonic();
  const context = {
    secrets: source.secrets,
    params: source.params,
    now: request.receivedAt,
    fetchKey: keysOf(deps),
  };
  const greeting = answerHandshake(source.recipe, request, context, false);
  if (greeting !== undefined) return answerGreeting(greeting, request, deps);
  const accepted = source.recipe.accept.methods;
  if (!accepted.has(request.method)) {
    return reply(deps, request, {
      status: 405,
      headers: { allow: [...accepted].join(", ") },
      body: plain("method not allowed"),
      outcome: "method_not_allowed",
    });
  }
  const verdict = await verify(source.recipe, request, context);
  if (!verdict.ok) return refuse(verdict.reason, request, deps);
  const verified = verdict.request;
  const handshake = answerHandshake(source.recipe, verified, context, true);
  if (handshake !== undefined) return answerGreeting(handshake, request, deps);
  const found = identify(source.recipe, verified, { maxItems: deps.routes.revision.limits.maxItems });
  const full = deps.admission.count(source, deps.routes.revision.limits);
  if (full !== undefined) return turnAway(full, request, deps);
  const events = toNewEvents(found, verified, deps);
  const committing = clock.monotonic();
  const results = await accept(events, deps);
  if (results === undefined) return reply(deps, request, unavailable(RETRY_AFTER_S));
  const now = clock.monotonic();
  const took = { tookMs: now - begun, ...(events.length === 0 ? {} : { commitMs: now - committing }) };
  return acknowledge(events, results, deps, { request: verified, took });
}

/** A handshake is answered once what it asks for is done. */
async function answerGreeting(handshake: HandshakeReply, request: RawRequest, deps: IngestDeps): Promise<IngestReply> {
  const { status, headers, body, name } = handshake;
  const done = await greet(handshake, deps);
  if (done.kind === "answered") return reply(deps, request, { status, headers, body, outcome: "handshake" }, name);
  if (done.kind === "refused") return refuse(done.reason, request, deps);
  return reply(deps, request, unavailable(RETRY_AFTER_S), done.reason);
}

/** 401; but where the one that has the key can't be reached, nobody knows yet whether it is genuine. */
function refuse(reason: string, request: RawRequest, deps: IngestDeps): IngestReply {
  if (reason === "key_unreachable") return reply(deps, request, unavailable(RETRY_AFTER_S), reason);
  const body = deps.source.recipe.ack?.refusedBody;
  const answer = body === undefined ? unauthorized : { ...unauthorized, headers: {}, body };
  return reply(deps, request, answer, reason);
}

/** One body for every cause of a 401: the sender learns nothing about which check failed. */
const unauthorized: IngestReply = {
  status: 401,
  headers: { "content-type": "application/json" },
  body: '{"error":"signature verification failed"}',
  outcome: "unauthorized",
};

/** No source has this path. */
export const notFound: IngestReply = {
  status: 404,
  headers: { "content-type": "application/json" },
  body: plain("not found"),
  outcome: "not_found",
};

function plain(message: string): string {
  return JSON.stringify({ error: message });
}

async function accept(events: readonly NewEvent[], deps: IngestDeps): Promise<readonly AcceptResult[] | undefined> {
  if (events.length === 0) return [];
  const pipelines = events.map((event) => (event.unreadable ? [] : deps.routes.listening(deps.source, event.type)));
  try {
    return await deps.store.accept({ events, pipelines });
  } catch (error) {
    deps.observer.fault({ where: "store.accept", error });
    return undefined;
  }
}

function toNewEvents(found: Identified, request: VerifiedRequest, deps: IngestDeps): NewEvent[] {
  if (found.kind === "events") return found.events.map((event) => newEvent(event, request, deps));
  const event: IdentifiedEvent = {
    id: found.id,
    idKind: "hash",
    type: "unreadable",
    clockResolutionMs: 1,
    rank: 0,
    itemIndex: 0,
  };
  return [{ ...newEvent(event, request, deps), unreadable: { code: found.code, message: found.message } }];
}

const keyPrefix = { provider: "p:", composite: "c:", hash: "h:" } as const;

function newEvent(event: IdentifiedEvent, request: VerifiedRequest, { source, ids, routes }: IngestDeps): NewEvent {
  const { verdict } = request;
  return {
    id: ids.event(),
    source: source.name,
    provider: source.provider,
    dedupeKey: keyPrefix[event.idKind] + event.id,
    dedupeUntil: request.receivedAt + (event.idKind === "hash" ? source.hashWindowMs : source.dedupeWindowMs),
    providerId: event.id,
    type: event.type,
    occurredAt: event.occurredAt ?? request.receivedAt,
    clockResolutionMs: event.clockResolutionMs,
    rank: event.rank,
    receivedAt: request.receivedAt,
    headers: keptHeaders(request.headers, source.keepHeaders),
    contentType: request.headers["content-type"] ?? "",
    body: request.body,
    bodyHash: hash("sha256", request.body, "hex"),
    itemIndex: event.itemIndex,
    verification: {
      scheme: verdict.scheme,
      secretIndex: verdict.secretIndex,
      ...(verdict.skewMs === undefined ? {} : { skewMs: verdict.skewMs }),
      ...(verdict.toleranceMs === undefined ? {} : { toleranceMs: verdict.toleranceMs }),
      signed: verdict.signed,
    },
    revision: routes.revision.hash,
    ...(event.unreadable === undefined ? {} : { unreadable: event.unreadable }),
  };
}

const credential = /auth|cookie|signature|secret|token|hmac|password|api-?key/i;
const transport = new Set([
  "host",
  "connection",
  "content-length",
  "accept",
  "accept-encoding",
  "transfer-encoding",
  "expect",
]);

/** Headers worth keeping with an event: the declared ones, and none that could be a credential or says only how it travelled. */
function keptHeaders(headers: RawRequest["headers"], declared: readonly string[]): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    if (declared.includes(name) || !(transport.has(name) || credential.test(name)))
      kept[name] = headers[name] as string;
  }
  return kept;
}

function acknowledge(
  events: readonly NewEvent[],
  results: readonly AcceptResult[],
  deps: IngestDeps,
  { request, took }: { readonly request: VerifiedRequest; readonly took: Pick<Taken, "tookMs" | "commitMs"> },
): IngestReply {
  const fresh = results.some((result) => result.kind === "new");
  const conflict = results.some((result) => result.kind === "conflict");
  const outcome = conflict
    ? "conflict"
    : fresh || results.length === 0
      ? events[0]?.unreadable
        ? "unreadable"
        : "accepted"
      : "duplicate";
  const ack = deps.source.recipe.ack;
  const eventIds = results.map((result) => (result.kind === "new" ? result.id : result.of));
  const status = ack?.status ?? (fresh || results.length === 0 ? 202 : 200);
  const headers: Record<string, string> = { "content-type": ack?.contentType ?? "application/json" };
  if (eventIds.length === 1) headers["x-hookrail-event"] = eventIds[0] as string;
  const body =
    ack?.body ??
    JSON.stringify({
      status: outcome === "duplicate" ? "duplicate" : "accepted",
      ...(eventIds.length === 1 ? { event: eventIds[0] } : { events: eventIds.length }),
    });
  const { verdict } = request;
  const types = events.map((event) => event.type);
  return reply(deps, request, { status, headers, body, outcome }, undefined, { results, types, verdict, took });
}

function rateLimited(retryAfterS: number): IngestReply {
  const headers = { "content-type": "application/json", "retry-after": String(retryAfterS) };
  return { status: 429, headers, body: plain("too many requests"), outcome: "rate_limited" };
}

function unavailable(retryAfterS: number): IngestReply {
  const headers = { "content-type": "application/json", "retry-after": String(retryAfterS) };
  return { status: 503, headers, body: plain("temporarily unavailable"), outcome: "unavailable" };
}

/** What the store made of a verified request. */
interface Verified {
  readonly results?: readonly AcceptResult[];
  readonly types?: readonly string[];
  readonly verdict?: VerifiedRequest["verdict"];
  readonly took?: Pick<Taken, "tookMs" | "commitMs">;
}

function reply(
  deps: IngestDeps,
  request: RawRequest,
  answer: IngestReply,
  /** For refusals, and which handshake it was: a stable name. */
  reason?: string,
  { results = [], types = [], verdict, took }: Verified = {},
): IngestReply {
  const { skewMs, toleranceMs } = verdict ?? {};
  deps.observer.ingested({
    source: deps.source.name,
    provider: deps.source.provider,
    outcome: answer.outcome,
    status: answer.status,
    ...(reason === undefined ? {} : { reason }),
    events: results.map((result) => (result.kind === "new" ? result.id : result.of)),
    kinds: results.map((result) => result.kind),
    types,
    remoteAddress: request.remoteAddress,
    ...(skewMs === undefined || toleranceMs === undefined ? {} : { signedTime: { skewMs, toleranceMs } }),
    ...(took === undefined ? {} : { taken: { ...took, receivedAt: request.receivedAt, ...tracedBy(request) } }),
  });
  return answer;
}

function tracedBy({ headers }: RawRequest): Pick<Taken, "traceparent"> {
  const { traceparent } = headers;
  return traceparent === undefined ? {} : { traceparent };
}
