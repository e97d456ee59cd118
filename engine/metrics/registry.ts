/** The table of definitions as prom-client's metrics in a registry of their own. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { type Definition, LAG_BUCKETS, METRICS } from "./definitions.ts";

type Made<D extends Definition> = D["type"] extends "counter"
  ? Counter<D["labels"][number]>
  : D["type"] extends "histogram"
    ? Histogram<D["labels"][number]>
    : Gauge<D["labels"][number]>;

/** By the names of the table. */
export type Metrics = { readonly [K in keyof typeof METRICS]: Made<(typeof METRICS)[K]> };

export interface MetricsRegistry {
  readonly metrics: Metrics;
  readonly registry: Registry;
}

export function createRegistry(): MetricsRegistry {
  const registry = new Registry();
  const made = Object.entries(METRICS).map(([key, one]) => [key, make(one, registry)]);
  return { metrics: Object.fromEntries(made) as Metrics, registry };
}

function make({ name, type, help, labels }: Definition, registry: Registry): object {
  const common = { name, help, labelNames: [...labels], registers: [registry] };
  if (type === "counter") return new Counter(common);
  return type === "histogram" ? new Histogram({ ...common, buckets: [...LAG_BUCKETS] }) : new Gauge(common);
}
