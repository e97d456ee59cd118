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
  readonly measured: () => Promise<readonly Measured[]>;
}

/** One metric with what it stands at now. A histogram's samples are its buckets (`le`, counted from below), sums and counts. */
export interface Measured {
  readonly name: string;
  readonly type: Definition["type"];
  readonly help: string;
  readonly buckets: readonly number[];
  readonly samples: readonly {
    readonly name: string;
    readonly labels: Readonly<Record<string, string | number>>;
    readonly value: number;
  }[];
}

export function createRegistry(): MetricsRegistry {
  const registry = new Registry();
  const made = Object.entries(METRICS).map(([key, one]) => [key, make(one, registry)]);
  const definitions: ReadonlyMap<string, Definition> = new Map(Object.values(METRICS).map((one) => [one.name, one]));
  return { metrics: Object.fromEntries(made) as Metrics, registry, measured: () => measure(registry, definitions) };
}

async function measure(registry: Registry, definitions: ReadonlyMap<string, Definition>): Promise<readonly Measured[]> {
  const all = await registry.getMetricsAsJSON();
  return all.flatMap(({ name, values }) => {
    const definition = definitions.get(name);
    if (definition === undefined) return [];
    const { type, help, buckets = LAG_BUCKETS } = definition;
    const samples = values.map((one) => ({
      name: "metricName" in one && typeof one.metricName === "string" ? one.metricName : name,
      labels: Object.fromEntries(
        Object.entries(one.labels).flatMap(([key, at]) => (at === undefined ? [] : [[key, at]])),
      ),
      value: one.value,
    }));
    return [{ name, type, help, buckets, samples }];
  });
}

function make({ name, type, help, labels, buckets = LAG_BUCKETS }: Definition, registry: Registry): object {
  const common = { name, help, labelNames: [...labels], registers: [registry] };
  if (type === "counter") return new Counter(common);
  return type === "histogram" ? new Histogram({ ...common, buckets: [...buckets] }) : new Gauge(common);
}
