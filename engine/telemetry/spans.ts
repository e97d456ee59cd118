/** Facts of the flow as spans. Ids follow from stored ids (core/trace.ts), so nothing has to be remembered between them. */
import {
  applySpanId,
  attemptTrace,
  intakeSpanId,
  isLong,
  ownTraceId,
  parseTraceparent,
  spanIdOf,
  type TraceContext,
  traceOfEvent,
} from "../core/trace.ts";
import type { Observer } from "../flow/observer.ts";
import { KIND, type Span } from "./otlp.ts";

type Ingested = Parameters<Observer["ingested"]>[0];
type Applied = Parameters<Observer["applied"]>[0];
type Fetched = Parameters<Required<Observer>["fetched"]>[0];
type Attempted = Parameters<Observer["attempted"]>[0];

/** What collectors take by default for one span. */
const MAX_LINKS = 128;

/** A verified request: one span for it with its commit, and one for each further event of a batch, linked to it. */
export function intakeSpans(fact: Ingested, now: number): Span[] {
  const { taken, events, kinds = [] } = fact;
  const [first] = events;
  if (taken === undefined || first === undefined) return [];
  const parent = parseTraceparent(taken.traceparent);
  const own = placeOf(first, kinds[0] === "new", parent, now);
  const times = { startMs: Math.min(taken.receivedAt, now - taken.tookMs), endMs: now };
  const common = {
    "hookrail.source": fact.source,
    "hookrail.provider": fact.provider,
    "hookrail.outcome": fact.outcome,
  };
  const request: Span = {
    ...own,
    name: `intake ${fact.source ?? ""}`,
    kind: KIND.server,
    ...times,
    attributes: {
      ...common,
      "hookrail.event.id": first,
      "messaging.system": "hookrail",
      "messaging.batch.message_count": events.length > 1 ? events.length : undefined,
      "http.response.status_code": fact.status,
    },
  };
  const commit: Span = {
    traceId: own.traceId,
    spanId: spanIdOf("commit", own.spanId),
    parentSpanId: own.spanId,
    name: "store commit",
    kind: KIND.internal,
    startMs: now - (taken.commitMs ?? 0),
    endMs: now,
    attributes: {},
  };
  const others = events.slice(1).flatMap((event, index): Span[] => {
    if (kinds[index + 1] !== "new") return [];
    const place = placeOf(event, true, parent, now);
    // In a sender's trace they are below the request itself.
    const below = parent === undefined ? { links: [own] } : { parentSpanId: own.spanId };
    const attributes = { ...common, "hookrail.event.id": event };
    return [{ ...place, ...below, name: request.name, kind: KIND.server, ...times, attributes }];
  });
  return taken.commitMs === undefined ? [request, ...others] : [request, commit, ...others];
}

/** What came again has a trace of its own: the event's may be days old. */
function placeOf(event: string, isNew: boolean, parent: TraceContext | undefined, now: number) {
  const spanId = isNew ? intakeSpanId(event) : spanIdOf("again", event, now);
  if (parent !== undefined) return { traceId: parent.traceId, spanId, parentSpanId: parent.spanId };
  if (isNew) return { traceId: ownTraceId(event), spanId };
  const links = [{ traceId: ownTraceId(event), spanId: intakeSpanId(event) }];
  return { traceId: ownTraceId(`again ${event} ${now}`), spanId, links };
}

export function applySpan(fact: Applied, now: number): Span {
  const { event, pipeline, status } = fact;
  return {
    ...placeOfTurn(fact, now),
    name: `apply ${pipeline}`,
    kind: KIND.consumer,
    startMs: now - (fact.tookMs ?? 0),
    endMs: now,
    attributes: {
      "messaging.system": "hookrail",
      "messaging.operation.type": "process",
      "messaging.destination.name": fact.source,
      "messaging.message.id": event,
      "hookrail.event.id": event,
      "hookrail.event.type": fact.type,
      "hookrail.pipeline": pipeline,
      "hookrail.outcome": status,
      "hookrail.deliveries": fact.deliveries,
      "hookrail.lag_ms": fact.lagMs,
      "error.type": fact.code,
    },
    ...(status === "dead" ? { failed: true } : {}),
  };
}

/** Only the turn that other spans may be below has the id that follows from the event; a replay much later is a trace of its own. */
function placeOfTurn({ event, pipeline, status, generation, ...fact }: Applied, now: number) {
  const traceId = traceOfEvent(event, fact.traceparent);
  if (generation !== undefined) {
    const spanId = spanIdOf("replay", event, pipeline, generation, now);
    if (!isLong(fact.lagMs)) return { traceId, spanId, parentSpanId: intakeSpanId(event) };
    return { traceId: ownTraceId(`replay ${spanId}`), spanId, links: [{ traceId, spanId: intakeSpanId(event) }] };
  }
  // What is held or dead may have another turn, and what comes after that is below it.
  const isLast = status !== "held" && status !== "dead";
  const spanId = isLast ? applySpanId(event, pipeline) : spanIdOf(status, event, pipeline, now);
  return { traceId, spanId, parentSpanId: intakeSpanId(event) };
}

/** One GET for all events that waited for it: in the trace of the first, linked to the others. */
export function fetchSpan(fact: Fetched, now: number): Span | undefined {
  const [first, ...others] = fact.events;
  if (first === undefined) return undefined;
  const placeOf = ({ id, traceparent }: typeof first) => ({
    traceId: traceOfEvent(id, traceparent),
    spanId: intakeSpanId(id),
  });
  const [own, isLate] = [placeOf(first), isLong(now - fact.tookMs - first.receivedAt)];
  const spanId = spanIdOf("fetch", first.id, fact.connection, now);
  const links = [...(isLate ? [own] : []), ...others.slice(0, MAX_LINKS).map(placeOf)];
  const failed = fact.outcome !== "found";
  return {
    ...(isLate ? { traceId: ownTraceId(`fetch ${spanId}`) } : { traceId: own.traceId, parentSpanId: own.spanId }),
    spanId,
    ...(links.length === 0 ? {} : { links }),
    name: `GET ${fact.connection}`,
    kind: KIND.client,
    startMs: now - fact.tookMs,
    endMs: now,
    attributes: {
      "hookrail.event.id": first.id,
      "hookrail.connection": fact.connection,
      "hookrail.outcome": fact.outcome,
      "hookrail.turns": fact.turns,
      "http.request.method": "GET",
      "error.type": failed ? fact.outcome : undefined,
    },
    ...(failed ? { failed } : {}),
  };
}

const FINE = new Set(["delivered", "superseded", "merged"]);

/** Of an attempt that was made. */
export function attemptSpan(fact: Attempted, now: number): Span | undefined {
  const { sent, event, delivery, attempt, pipeline, connection, outcome } = fact;
  if (sent === undefined) return undefined;
  const { traceId, spanId, eventTraceId, isLate } = attemptTrace({ event, delivery, attempt, ...sent });
  const applied = { traceId: eventTraceId, spanId: applySpanId(event, pipeline) };
  const failed = !FINE.has(outcome);
  return {
    traceId,
    spanId,
    ...(isLate ? { links: [applied] } : { parentSpanId: applied.spanId }),
    name: `${fact.action} ${connection}`,
    kind: KIND.client,
    startMs: Math.max(sent.startedAt, now - sent.tookMs),
    endMs: now,
    attributes: {
      "hookrail.event.id": event,
      "hookrail.event.type": fact.type,
      "hookrail.delivery.id": delivery,
      "hookrail.pipeline": pipeline,
      "hookrail.connection": connection,
      "hookrail.action": fact.action,
      "hookrail.attempt": attempt,
      "hookrail.outcome": outcome,
      "hookrail.lag_ms": fact.lagMs,
      "http.request.resend_count": attempt > 1 ? attempt - 1 : undefined,
      "http.response.status_code": fact.httpStatus,
      "error.type": failed ? String(fact.httpStatus ?? outcome) : undefined,
    },
    ...(failed ? { failed } : {}),
  };
}
