/** The metrics of docs/metrics.md under the names OpenTelemetry has for such: units apart from names, dots between words. */
import type { Attributes, HistogramPoint, Metric } from "./otlp.ts";

/** One metric as Prometheus is told it; a histogram's buckets count from below. */
export interface Measure {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly buckets: readonly number[];
  readonly samples: readonly {
    readonly name: string;
    readonly labels: Readonly<Record<string, string | number>>;
    readonly value: number;
  }[];
}

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/_timestamp_seconds$/, "s"],
  [/_seconds$/, "s"],
  [/_bytes$/, "By"],
];

/** `hookrail_event_lag_seconds` -> `hookrail.event.lag` in `s`: a collector that writes for Prometheus makes the same name of it. */
export function metricOf({ name, type, help, buckets, samples }: Measure): Metric {
  const [pattern, unit] = UNITS.find(([suffix]) => suffix.test(name)) ?? [/_total$/, "1"];
  const dotted = name.replace(pattern, "").replaceAll("_", ".");
  const head = { name: dotted, description: help, unit };
  if (type === "histogram") return { ...head, data: { kind: "histogram", points: histograms(samples, buckets) } };
  const points = samples.map(({ labels, value }) => ({ attributes: prefixed(labels), value }));
  return { ...head, data: { kind: type === "counter" ? "sum" : "gauge", points } };
}

function histograms(samples: Measure["samples"], bounds: readonly number[]): HistogramPoint[] {
  const series = new Map<string, { attributes: Attributes; below: Map<string, number>; sum: number; count: number }>();
  for (const { name, labels, value } of samples) {
    const { le, ...own } = labels;
    const key = JSON.stringify(own);
    const one = series.get(key) ?? { attributes: prefixed(own), below: new Map<string, number>(), sum: 0, count: 0 };
    series.set(key, one);
    if (name.endsWith("_sum")) one.sum = value;
    else if (name.endsWith("_count")) one.count = value;
    else one.below.set(String(le), value);
  }
  return [...series.values()].map(({ attributes, below, sum, count }) => {
    const upTo = [...bounds.map((bound) => below.get(String(bound)) ?? 0), count];
    return { attributes, sum, count, bounds, counts: upTo.map((one, index) => one - (upTo[index - 1] ?? 0)) };
  });
}

function prefixed(labels: Readonly<Record<string, string | number>>): Attributes {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [`hookrail.${name}`, String(value)]));
}
