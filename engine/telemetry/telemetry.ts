/** Traces and metrics for an OpenTelemetry collector, while `otel:` is in the config at work: a reload turns them on and off. */
import type { OtelModel } from "../config/revision.ts";
import type { Clock } from "../core/clock.ts";
import { attemptTrace, isSampled, type TracedAttempt, traceOfEvent, traceparentOf } from "../core/trace.ts";
import type { Observer } from "../flow/observer.ts";
import type { GuardedHttp } from "../network/client.ts";
import { createExporter, type Posted } from "./exporter.ts";
import { type Measure, metricOf } from "./measures.ts";
import { type Metric, metricsDocument, type Origin, type Span, tracesDocument } from "./otlp.ts";
import { applySpan, attemptSpan, fetchSpan, intakeSpans } from "./spans.ts";

export interface TelemetryOptions {
  /** Of the config at work; undefined: nothing is sent. */
  readonly otel: () => OtelModel | undefined;
  readonly environment: () => string;
  /** Closed with the telemetry. */
  readonly http: GuardedHttp;
  readonly clock: Clock;
  readonly version: string;
  /** Tells this process from others of the same service. */
  readonly instance: string;
  readonly measure: () => Promise<readonly Measure[]>;
  readonly onDone: (signal: "spans" | "metrics", outcome: "sent" | "dropped", items: number) => void;
  /** `why` never carries a header's value. */
  readonly onTrouble: (signal: "spans" | "metrics", why: string) => void;
}

export interface Telemetry {
  readonly observer: Observer;
  /** The trace context of an attempt, for its sink; undefined where it is not traced. */
  traceparent(attempt: TracedAttempt): string | undefined;
  /** Sends what is there, within `graceMs`. */
  close(graceMs: number): Promise<void>;
}

const METRICS_EVERY_MS = 60_000;
const POST_TIMEOUT_MS = 10_000;

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { otel, clock, http, onDone, onTrouble } = options;
  const startMs = clock.now();
  const ending = new AbortController();

  function originOf({ serviceName }: OtelModel): Origin {
    return {
      version: options.version,
      resource: {
        "service.name": serviceName,
        "service.version": options.version,
        "service.instance.id": options.instance,
        "deployment.environment.name": options.environment(),
        "telemetry.sdk.name": "hookrail",
        "telemetry.sdk.language": "nodejs",
        "telemetry.sdk.version": options.version,
      },
    };
  }

  async function post(path: string, document: (origin: Origin) => object): Promise<Posted> {
    const to = otel();
    if (to === undefined) return { kind: "refused", why: "`otel` was taken out of the config" };
    const secrets = [...to.headers].map(([name, value]) => [name, value.reveal()]);
    const timeout = new AbortController();
    const cancel = clock.after(POST_TIMEOUT_MS, () => timeout.abort());
    try {
      const answer = await http.request({
        method: "POST",
        url: `${to.endpoint}${path}`,
        headers: { "content-type": "application/json", "user-agent": "hookrail", ...Object.fromEntries(secrets) },
        body: JSON.stringify(document(originOf(to))),
        signal: AbortSignal.any([timeout.signal, ending.signal]),
      });
      return judge(answer);
    } finally {
      cancel();
    }
  }

  const spans = createExporter<Span>({
    clock,
    post: (batch) => post("/v1/traces", (origin) => tracesDocument(batch, origin)),
    onDone: (outcome, items) => onDone("spans", outcome, items),
    onTrouble: (why) => onTrouble("spans", why),
  });

  async function sendMetrics(): Promise<void> {
    if (otel() === undefined) return;
    const metrics: readonly Metric[] = (await options.measure()).map(metricOf);
    const nowMs = clock.now();
    const posted = await post("/v1/metrics", (origin) => metricsDocument(metrics, origin, { startMs, nowMs }));
    // The next ones count from the start too: nothing is lost for good.
    if (posted.kind !== "taken") onTrouble("metrics", posted.why);
    const points = metrics.reduce((sum, { data }) => sum + data.points.length, 0);
    onDone("metrics", posted.kind === "taken" ? "sent" : "dropped", points);
  }

  let cancelMetrics = (): void => {};
  let reading = Promise.resolve();
  function everyMinute(): void {
    cancelMetrics = clock.after(METRICS_EVERY_MS, () => {
      reading = sendMetrics().catch(() => onTrouble("metrics", "they could not be read"));
      everyMinute();
    });
  }
  everyMinute();

  const isTraced = (traceId: string): boolean => {
    const to = otel();
    return to !== undefined && isSampled(traceId, to.sample);
  };

  return {
    observer: {
      ingested(fact) {
        const [event] = fact.events;
        if (fact.taken === undefined || event === undefined || otel() === undefined) return;
        const traced = intakeSpans(fact, clock.now()).filter(({ traceId }) => isTraced(traceId));
        if (traced.length > 0) spans.add(traced);
      },
      applied(fact) {
        if (isTraced(traceOfEvent(fact.event, fact.traceparent))) spans.add([applySpan(fact, clock.now())]);
      },
      attempted(fact) {
        if (!isTraced(traceOfEvent(fact.event, fact.sent?.traceparent))) return;
        const span = attemptSpan(fact, clock.now());
        if (span !== undefined) spans.add([span]);
      },
      fetched(fact) {
        const span = fetchSpan(fact, clock.now());
        const [first] = fact.events;
        if (span !== undefined && first !== undefined && isTraced(traceOfEvent(first.id, first.traceparent)))
          spans.add([span]);
      },
      connectionPaused() {},
      fault() {},
    },
    traceparent(attempt) {
      if (!isTraced(traceOfEvent(attempt.event, attempt.traceparent))) return undefined;
      return traceparentOf(attemptTrace(attempt));
    },
    async close(graceMs) {
      cancelMetrics();
      const cancel = clock.after(graceMs, () => ending.abort());
      await reading;
      await Promise.allSettled([spans.close(), sendMetrics()]);
      cancel();
      await http.close();
    },
  };
}

const LATER = new Set([429, 502, 503, 504]);

function judge(answer: Awaited<ReturnType<GuardedHttp["request"]>>): Posted {
  if (!answer.ok) return { kind: answer.reason === "refused_address" ? "refused" : "later", why: answer.reason };
  const { status, headers } = answer;
  if (status >= 200 && status < 300) return { kind: "taken", refused: refusedOf(answer.body) };
  const why = `status ${status}`;
  if (!LATER.has(status)) return { kind: "refused", why };
  const seconds = Number(headers["retry-after"]);
  return { kind: "later", why, ...(seconds > 0 ? { afterMs: seconds * 1_000 } : {}) };
}

/** A collector may take a part and say how much it did not. */
function refusedOf(body: string): number {
  try {
    const told: { partialSuccess?: { rejectedSpans?: unknown } } | null = JSON.parse(body);
    const refused = Number(told?.partialSuccess?.rejectedSpans ?? 0);
    return Number.isFinite(refused) ? refused : 0;
  } catch {
    return 0;
  }
}
