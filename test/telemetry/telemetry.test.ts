import { describe, expect, test } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import {
  attemptTrace,
  intakeSpanId,
  isSampled,
  ownTraceId,
  parseTraceparent,
  traceOfEvent,
} from "../../engine/core/trace.ts";
import type { DeliveryId, EventId } from "../../engine/core/types.ts";
import { createExporter, type Posted } from "../../engine/telemetry/exporter.ts";
import { metricOf } from "../../engine/telemetry/measures.ts";
import { metricsDocument, tracesDocument } from "../../engine/telemetry/otlp.ts";
import { applySpan, attemptSpan, fetchSpan, intakeSpans } from "../../engine/telemetry/spans.ts";

const HEX = "01a20c693ec67888a0adb2c51f7fa727";
const event = `evt_${HEX}` as EventId;
const delivery = `dlv_${HEX.replaceAll("a", "b")}` as DeliveryId;
const SENDER = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
const traceparent = `00-${SENDER.traceId}-${SENDER.spanId}-01`;
const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;

describe("trace context", () => {
  test("is read as the standard says, and anything else is none", () => {
    expect(parseTraceparent(traceparent)).toEqual(SENDER);
    expect(parseTraceparent(`cc${traceparent.slice(2)}-more`)).toEqual(SENDER);
    const bad = [
      undefined,
      "",
      traceparent.toUpperCase(),
      `ff${traceparent.slice(2)}`,
      `${traceparent}-more`,
      traceparent.replace(SENDER.traceId, "0".repeat(32)),
      traceparent.replace(SENDER.spanId, "0".repeat(16)),
      `${traceparent}\r\nx: y`,
    ];
    for (const header of bad) expect(parseTraceparent(header)).toBeUndefined();
  });

  test("an event's trace is its own id, or its sender's", () => {
    expect(traceOfEvent(event, undefined)).toBe(HEX);
    expect(traceOfEvent(event, "rubbish")).toBe(HEX);
    expect(traceOfEvent(event, traceparent)).toBe(SENDER.traceId);
    expect(ownTraceId("evt_000001")).toMatch(/^[0-9a-f]{32}$/);
  });

  test("a share is the same share everywhere", () => {
    const ids = Array.from({ length: 2_000 }, (_, n) => n.toString(16).padStart(32, "0"));
    const share = ids.filter((id) => isSampled(id, 0.25));
    expect(share.length).toBeGreaterThan(400);
    expect(share.length).toBeLessThan(600);
    expect(share.every((id) => isSampled(id, 0.5))).toBe(true);
    expect(ids.filter((id) => isSampled(id, 0))).toEqual([]);
  });
});

const ingested = {
  source: "pay",
  provider: "stripe",
  outcome: "accepted" as const,
  status: 202,
  events: [event],
  kinds: ["new" as const],
  remoteAddress: "203.0.113.9",
  taken: { receivedAt: NOW - 20, tookMs: 12, commitMs: 7 },
};
const applied = {
  event,
  source: "pay",
  type: "invoice.paid",
  pipeline: "p",
  status: "applied" as const,
  deliveries: 1,
  lagMs: 30,
};
const attempted = {
  delivery,
  event,
  pipeline: "p",
  connection: "crm",
  action: "identify",
  attempt: 2,
  outcome: "delivered",
  detail: "ada@example.com",
  lagMs: 30,
  sent: { startedAt: NOW - 5, tookMs: 5, receivedAt: NOW - 30 },
};

describe("spans", () => {
  test("of one event hang together, though nothing is remembered between them", () => {
    const [request, commit] = intakeSpans(ingested, NOW);
    const apply = applySpan(applied, NOW);
    const attempt = attemptSpan(attempted, NOW);
    expect([request, commit, apply, attempt].map((span) => span?.traceId)).toEqual([HEX, HEX, HEX, HEX]);
    expect(request?.parentSpanId).toBeUndefined();
    expect(commit?.parentSpanId).toBe(request?.spanId);
    expect(apply.parentSpanId).toBe(request?.spanId);
    expect(attempt?.parentSpanId).toBe(apply.spanId);
    expect(commit).toMatchObject({ startMs: NOW - 7, endMs: NOW });
    expect(attempt).toMatchObject({ kind: 3, startMs: NOW - 5, attributes: { "http.request.resend_count": 1 } });
    expect(JSON.stringify([request, commit, apply, attempt])).not.toMatch(/ada@example|203\.0\.113/);
  });

  test("continue the sender's trace where one came with the request", () => {
    const [request] = intakeSpans({ ...ingested, taken: { ...ingested.taken, traceparent } }, NOW);
    expect(request).toMatchObject({ traceId: SENDER.traceId, parentSpanId: SENDER.spanId });
    expect(applySpan({ ...applied, traceparent }, NOW).traceId).toBe(SENDER.traceId);
  });

  test("of a retry days later are a trace of their own, linked to the event's", () => {
    const startedAt = NOW + 3 * 24 * HOUR;
    const late = { ...attempted, attempt: 9, sent: { startedAt, tookMs: 5, receivedAt: NOW, traceparent } };
    const span = attemptSpan(late, startedAt + 5);
    expect(span?.traceId).not.toBe(SENDER.traceId);
    expect(span?.parentSpanId).toBeUndefined();
    expect(span?.links).toEqual([{ traceId: SENDER.traceId, spanId: applySpan(applied, NOW).spanId }]);
    expect(attemptSpan({ ...late, attempt: 10 }, startedAt)?.traceId).not.toBe(span?.traceId);
    expect(attemptTrace({ event, delivery, attempt: 9, ...late.sent }).spanId).toBe(span?.spanId);
  });

  test("of a batch: one request, and each further event its own trace, linked to the request", () => {
    const other = `evt_${HEX.replaceAll("0", "f")}` as EventId;
    const spans = intakeSpans({ ...ingested, events: [event, other], kinds: ["new", "new"] }, NOW);
    expect(spans).toHaveLength(3);
    expect(spans[2]).toMatchObject({ traceId: ownTraceId(other), spanId: intakeSpanId(other) });
    expect(spans[2]?.links?.[0]).toMatchObject({ traceId: HEX });
  });

  test("of what came again are no second root of the event's trace; refused requests have none", () => {
    const [again] = intakeSpans({ ...ingested, outcome: "duplicate", kinds: ["duplicate"] }, NOW);
    expect(again?.traceId).not.toBe(HEX);
    expect(again?.links).toEqual([{ traceId: HEX, spanId: intakeSpanId(event) }]);
    const { taken: _taken, ...refused } = ingested;
    expect(intakeSpans({ ...refused, outcome: "unauthorized", events: [], kinds: [] }, NOW)).toEqual([]);
  });

  test("of a replay or a retry within the hour have ids of their own; much later they are a trace of their own", () => {
    const first = applySpan(applied, NOW);
    const replayed = applySpan({ ...applied, generation: 1, lagMs: 60_000 }, NOW + 60_000);
    expect(replayed).toMatchObject({ traceId: HEX, parentSpanId: intakeSpanId(event) });
    const died = applySpan({ ...applied, status: "dead", code: "HK2021" }, NOW - 5);
    const again = applySpan({ ...applied, generation: 2, lagMs: 61_000 }, NOW + 61_000);
    const ids = [first, replayed, again, died].map(({ spanId }) => spanId);
    expect(new Set(ids).size).toBe(4);
    const attempts = [1, 2, 3].map((attempt) => attemptSpan({ ...attempted, attempt }, NOW)?.spanId);
    expect(new Set([...ids, ...attempts]).size).toBe(7);
    const late = applySpan({ ...applied, generation: 3, lagMs: 2 * HOUR }, NOW + 2 * HOUR);
    expect(late.traceId).not.toBe(HEX);
    expect(late).not.toHaveProperty("parentSpanId");
    expect(late.links).toEqual([{ traceId: HEX, spanId: intakeSpanId(event) }]);
  });

  test("of a GET for thin events: in the trace of the first, linked to the others, with nothing of its answer", () => {
    const other = `evt_${HEX.replaceAll("0", "f")}` as EventId;
    const events = [
      { id: event, receivedAt: NOW - 50 },
      { id: other, receivedAt: NOW - 40, traceparent },
    ];
    const fact = { connection: "api", outcome: "found", detail: "ada@example.com", turns: 2, events, tookMs: 20 };
    const span = fetchSpan(fact, NOW);
    expect(span).toMatchObject({
      traceId: HEX,
      parentSpanId: intakeSpanId(event),
      name: "GET api",
      kind: 3,
      startMs: NOW - 20,
      endMs: NOW,
      links: [{ traceId: SENDER.traceId, spanId: intakeSpanId(other) }],
    });
    expect(span).not.toHaveProperty("failed");
    expect(JSON.stringify(span)).not.toContain("ada@");
    expect(fetchSpan({ ...fact, outcome: "retry" }, NOW)).toMatchObject({ failed: true });
    const late = fetchSpan(fact, NOW + 2 * HOUR);
    expect(late?.traceId).not.toBe(HEX);
    expect(late?.links?.[0]).toEqual({ traceId: HEX, spanId: intakeSpanId(event) });
    expect(fetchSpan({ ...fact, events: [] }, NOW)).toBeUndefined();
  });

  test("are written as OTLP has them", () => {
    const failed = attemptSpan({ ...attempted, outcome: "retrying", httpStatus: 503 }, NOW);
    if (failed === undefined) throw new Error("no span");
    const document = tracesDocument([failed], { resource: { "service.name": "x" }, version: "1.0.0" });
    expect(document).toMatchObject({
      resourceSpans: [
        {
          resource: { attributes: [{ key: "service.name", value: { stringValue: "x" } }] },
          scopeSpans: [
            {
              scope: { name: "hookrail", version: "1.0.0" },
              spans: [{ endTimeUnixNano: "1800000000000000000", status: { code: 2 }, kind: 3 }],
            },
          ],
        },
      ],
    });
    expect(JSON.stringify(document)).toContain('{"key":"error.type","value":{"stringValue":"503"}}');
  });
});

describe("metrics", () => {
  test("have the names of OpenTelemetry, and histograms buckets that do not overlap", () => {
    const lag = metricOf({
      name: "hookrail_event_lag_seconds",
      type: "histogram",
      help: "h",
      buckets: [1, 5],
      samples: [
        { name: "hookrail_event_lag_seconds_bucket", labels: { le: 1, pipeline: "p" }, value: 2 },
        { name: "hookrail_event_lag_seconds_bucket", labels: { le: 5, pipeline: "p" }, value: 3 },
        { name: "hookrail_event_lag_seconds_bucket", labels: { le: "+Inf", pipeline: "p" }, value: 7 },
        { name: "hookrail_event_lag_seconds_sum", labels: { pipeline: "p" }, value: 99 },
        { name: "hookrail_event_lag_seconds_count", labels: { pipeline: "p" }, value: 7 },
      ],
    });
    expect(lag).toMatchObject({ name: "hookrail.event.lag", unit: "s" });
    expect(lag.data.points).toEqual([
      { attributes: { "hookrail.pipeline": "p" }, sum: 99, count: 7, bounds: [1, 5], counts: [2, 1, 4] },
    ]);
    const total = {
      name: "hookrail_events_accepted_total",
      type: "counter" as const,
      help: "h",
      buckets: [],
      samples: [],
    };
    expect(metricOf(total)).toMatchObject({ name: "hookrail.events.accepted", unit: "1", data: { kind: "sum" } });
    const origin = { resource: {}, version: "1" };
    const text = JSON.stringify(metricsDocument([lag], origin, { startMs: NOW, nowMs: NOW + 0.5 }));
    expect(text).toContain('"bucketCounts":["2","1","4"]');
    expect(text).toContain('"timeUnixNano":"1800000000000500000"');
  });
});

function exporting(answers: Posted[], options: { maxQueue?: number; maxBatch?: number } = {}) {
  const clock = createVirtualClock(0);
  const batches: number[][] = [];
  const counts = { sent: 0, dropped: 0 };
  const troubles: string[] = [];
  const exporter = createExporter<number>({
    clock,
    post: async (items) => {
      batches.push([...items]);
      return answers.shift() ?? { kind: "taken" };
    },
    onDone: (outcome, items) => {
      counts[outcome] += items;
    },
    onTrouble: (why) => troubles.push(why),
    ...options,
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const pass = async (ms: number) => {
    await settle();
    clock.advance(ms);
    await settle();
  };
  return { exporter, batches, counts, troubles, pass };
}

describe("the exporter", () => {
  test("sends what came within its interval as one, and at once when a batch is full", async () => {
    const { exporter, batches, counts, pass } = exporting([], { maxBatch: 3 });
    exporter.add([1]);
    exporter.add([2]);
    expect(batches).toEqual([]);
    await pass(2_000);
    exporter.add([3, 4, 5, 6]);
    await pass(0);
    expect(batches).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
    await pass(2_000);
    expect(counts).toEqual({ sent: 6, dropped: 0 });
  });

  test("a collector that is away costs memory up to a bound: what does not fit is dropped and counted", async () => {
    const later: Posted = { kind: "later", why: "connect" };
    const { exporter, batches, counts, troubles, pass } = exporting([later, later, later, later, later], {
      maxQueue: 10,
      maxBatch: 4,
    });
    exporter.add(Array.from({ length: 30 }, (_, n) => n));
    expect(counts).toEqual({ sent: 0, dropped: 20 });
    for (let n = 0; n < 5; n++) await pass(60_000);
    expect(batches.slice(0, 5)).toEqual(Array(5).fill([0, 1, 2, 3]));
    expect(troubles).toEqual(Array(5).fill("connect"));
    for (let n = 0; n < 5; n++) await pass(60_000);
    expect(counts).toEqual({ sent: 6, dropped: 24 });
  });

  test("waits as long as it is told to, gives up what is refused, counts what was taken in part", async () => {
    const answers: Posted[] = [
      { kind: "later", why: "status 429", afterMs: 7_000 },
      { kind: "taken", refused: 1 },
      { kind: "refused", why: "status 400" },
    ];
    const { exporter, batches, counts, pass } = exporting(answers);
    exporter.add([1, 2]);
    await pass(2_000);
    await pass(6_999);
    expect(batches).toHaveLength(1);
    await pass(1);
    expect(counts).toEqual({ sent: 1, dropped: 1 });
    exporter.add([3]);
    await pass(2_000);
    expect(counts).toEqual({ sent: 1, dropped: 2 });
  });

  test("at the end sends all it has, each once", async () => {
    const { exporter, counts, batches } = exporting([{ kind: "later", why: "status 503" }], { maxBatch: 2 });
    exporter.add([1]);
    exporter.add([2, 3, 4, 5]);
    await exporter.close();
    expect(batches.flat().toSorted()).toEqual([1, 2, 3, 4, 5]);
    expect(counts.sent + counts.dropped).toBe(5);
    exporter.add([6]);
    expect(counts.dropped).toBeGreaterThanOrEqual(1);
  });
});
