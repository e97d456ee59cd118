/** OTLP as JSON (opentelemetry-proto 1.x, JSON mapping): ids in hex, 64-bit integers as text, camelCase names. */
import type { TraceContext } from "../core/trace.ts";

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export const KIND = { internal: 1, server: 2, client: 3, consumer: 5 } as const;

/** A span that has ended; times in ms since the epoch. */
export interface Span extends TraceContext {
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: (typeof KIND)[keyof typeof KIND];
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly links?: readonly TraceContext[];
  readonly failed?: boolean;
}

export interface Point {
  readonly attributes: Attributes;
  readonly value: number;
}

export interface HistogramPoint {
  readonly attributes: Attributes;
  readonly count: number;
  readonly sum: number;
  /** One more than `bounds`. */
  readonly counts: readonly number[];
  readonly bounds: readonly number[];
}

export interface Metric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly data:
    | { readonly kind: "sum" | "gauge"; readonly points: readonly Point[] }
    | { readonly kind: "histogram"; readonly points: readonly HistogramPoint[] };
}

export interface Origin {
  readonly resource: Attributes;
  readonly version: string;
}

/** Body of `POST /v1/traces`. */
export function tracesDocument(spans: readonly Span[], origin: Origin): object {
  return {
    resourceSpans: [
      {
        resource: { attributes: keyValues(origin.resource) },
        scopeSpans: [{ scope: scopeOf(origin), spans: spans.map(spanDocument) }],
      },
    ],
  };
}

/** Body of `POST /v1/metrics`; sums and histograms count from `startMs`. */
export function metricsDocument(
  metrics: readonly Metric[],
  origin: Origin,
  { startMs, nowMs }: { readonly startMs: number; readonly nowMs: number },
): object {
  const times = { startTimeUnixNano: nanos(startMs), timeUnixNano: nanos(nowMs) };
  return {
    resourceMetrics: [
      {
        resource: { attributes: keyValues(origin.resource) },
        scopeMetrics: [{ scope: scopeOf(origin), metrics: metrics.map((one) => metricDocument(one, times)) }],
      },
    ],
  };
}

const CUMULATIVE = 2;

function metricDocument({ name, description, unit, data }: Metric, times: object): object {
  const head = { name, description, unit };
  if (data.kind === "histogram") {
    const dataPoints = data.points.map(({ attributes, count, sum, counts, bounds }) => ({
      attributes: keyValues(attributes),
      ...times,
      count: String(count),
      sum,
      bucketCounts: counts.map(String),
      explicitBounds: bounds,
    }));
    return { ...head, histogram: { aggregationTemporality: CUMULATIVE, dataPoints } };
  }
  const dataPoints = data.points.map(({ attributes, value }) => ({
    attributes: keyValues(attributes),
    ...times,
    asDouble: value,
  }));
  return data.kind === "gauge"
    ? { ...head, gauge: { dataPoints } }
    : { ...head, sum: { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints } };
}

function spanDocument(span: Span): object {
  const { traceId, spanId, parentSpanId, name, kind, links = [] } = span;
  return {
    traceId,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name,
    kind,
    startTimeUnixNano: nanos(span.startMs),
    endTimeUnixNano: nanos(Math.max(span.startMs, span.endMs)),
    attributes: keyValues(span.attributes),
    links: links.map((link) => ({ traceId: link.traceId, spanId: link.spanId })),
    status: span.failed === true ? { code: 2 } : {},
  };
}

function scopeOf({ version }: Origin): object {
  return { name: "hookrail", version };
}

function keyValues(attributes: Attributes): object[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: anyValue(value) }],
  );
}

function anyValue(value: string | number | boolean): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** A number of ms loses the last digits of ns: they are written apart. */
function nanos(ms: number): string {
  const whole = Math.floor(ms);
  return `${whole}${String(Math.floor((ms - whole) * 1e6)).padStart(6, "0")}`;
}
