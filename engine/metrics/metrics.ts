/**
 * Metrics of one engine. Counters are fed by the flow's facts; what stands in the store is read when somebody asks, so
 * that it costs nothing between two scrapes, and not again at once where that takes long.
 */
import type { Clock } from "../core/clock.ts";
import type { Engine } from "../flow/engine.ts";
import type { Observer } from "../flow/observer.ts";
import { tellAll } from "../flow/observers.ts";
import type { Store, StoreReader } from "../store/store.ts";
import { timeCommits } from "./commits.ts";
import { declare, setBacklog, setBreakers, setConfig, setPauses, setSize } from "./gauges.ts";
import { createMetricsObserver } from "./observer.ts";
import { createRecent, type Recent } from "./recent.ts";
import { createRegistry, type Measured } from "./registry.ts";
import { readSparingly } from "./sparing.ts";
import { setToldSecrets } from "./told-secrets.ts";

/** In seconds, since it was read before. */
export interface LoopDelay {
  readonly mean: number;
  readonly p99: number;
  readonly max: number;
}

export interface MetricsSources {
  readonly engine: () => Pick<Engine, "revision" | "breakers">;
  readonly reader: Pick<StoreReader, "backlog" | "counts" | "size" | "pauses" | "learnedSecrets">;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly loopDelay: () => LoopDelay;
  readonly version: string;
  readonly node: string;
}

export interface EngineMetrics {
  readonly observer: Observer;
  /** What the last minutes were like, by pipeline. */
  readonly recent: Recent;
  reloaded(outcome: ReloadResult): void;
  /** The store, with its commits timed. */
  watch(store: Store): Store;
  /** Items for OpenTelemetry, and what became of them. */
  exported(signal: "spans" | "metrics", outcome: "sent" | "dropped", items: number): void;
  /** What waits, by what it waits in; may be some seconds old where much waits. */
  backlog: StoreReader["backlog"];
  /** The page a scrape gets, in the text format of Prometheus. */
  scrape(): Promise<{ readonly type: string; readonly text: string }>;
  /** The same as data. */
  measure(): Promise<readonly Measured[]>;
}

const RELOAD_RESULTS = ["taken", "unchanged", "refused"] as const;
type ReloadResult = (typeof RELOAD_RESULTS)[number];

export function createMetrics(sources: MetricsSources): EngineMetrics {
  const { metrics, registry, measured } = createRegistry();
  const { clock, reader } = sources;
  metrics.build.set({ version: sources.version, node: sources.node }, 1);
  metrics.reloadedAt.set(clock.now() / 1_000);
  for (const outcome of RELOAD_RESULTS) metrics.reloads.inc({ outcome }, 0);
  const recent = createRecent(clock);
  const backlog = readSparingly(() => reader.backlog(), clock);
  const counts = readSparingly(() => reader.counts(), clock);

  async function refresh(): Promise<void> {
    const read = await Promise.all([backlog(), counts(), reader.size(), reader.pauses(), reader.learnedSecrets()]);
    // From here on in one go: two scrapes at a time do not mix.
    const { revision, breakers } = sources.engine();
    const [waiting, counted, size, pauses, secrets] = read;
    declare(metrics, revision);
    setConfig(metrics, revision);
    setBacklog(metrics, { backlog: waiting, counts: counted, revision, now: clock.now() });
    setBreakers(metrics, breakers());
    setPauses(metrics, pauses, revision);
    setToldSecrets(metrics, secrets, revision);
    setSize(metrics, size);
    const delay = sources.loopDelay();
    for (const stat of ["mean", "p99", "max"] as const) metrics.loopDelay.set({ stat }, delay[stat]);
  }

  return {
    observer: tellAll([createMetricsObserver(metrics), recent.observer]),
    recent,
    backlog,
    reloaded(outcome) {
      metrics.reloads.inc({ outcome });
      if (outcome === "taken") metrics.reloadedAt.set(clock.now() / 1_000);
    },
    watch: (store) => timeCommits(store, clock, (operation, seconds) => metrics.commit.observe({ operation }, seconds)),
    exported: (signal, outcome, items) => metrics.telemetry.inc({ signal, outcome }, items),
    async scrape() {
      await refresh();
      return { type: registry.contentType, text: await registry.metrics() };
    },
    async measure() {
      // At the end the store is closed already: the counters are still right.
      await refresh().catch(() => {});
      return measured();
    },
  };
}
