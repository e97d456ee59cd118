/**
 * Metrics of one engine. Counters are fed by the flow's facts; what stands in the store is read at the scrape, so it
 * is never older than the answer and costs nothing between two scrapes.
 */
import type { Revision } from "../config/revision.ts";
import type { Clock } from "../core/clock.ts";
import type { Engine } from "../flow/engine.ts";
import type { Observer } from "../flow/observer.ts";
import type { StoreReader } from "../store/store.ts";
import { createMetricsObserver } from "./observer.ts";
import { createRegistry, type Metrics } from "./registry.ts";
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
  readonly clock: Pick<Clock, "now">;
  readonly loopDelay: () => LoopDelay;
  readonly version: string;
  readonly node: string;
}

export interface EngineMetrics {
  readonly observer: Observer;
  reloaded(outcome: ReloadResult): void;
  /** The page a scrape gets, in the text format of Prometheus. */
  scrape(): Promise<{ readonly type: string; readonly text: string }>;
}

const RELOAD_RESULTS = ["taken", "unchanged", "refused"] as const;
type ReloadResult = (typeof RELOAD_RESULTS)[number];
const BREAKER_STATES = ["closed", "open", "half_open"] as const;

export function createMetrics(sources: MetricsSources): EngineMetrics {
  const { metrics, registry } = createRegistry();
  metrics.build.set({ version: sources.version, node: sources.node }, 1);
  for (const outcome of RELOAD_RESULTS) metrics.reloads.inc({ outcome }, 0);
  return {
    observer: createMetricsObserver(metrics),
    reloaded: (outcome) => metrics.reloads.inc({ outcome }),
    async scrape() {
      const { revision, breakers } = sources.engine();
      const { reader } = sources;
      const read = await Promise.all([reader.backlog(), reader.counts(), reader.size(), reader.pauses(), reader.learnedSecrets()]);
      // From here on in one go: two scrapes at a time do not mix.
      declare(metrics, revision);
      const [backlog, counts, size, pauses, secrets] = read;
      setBacklog(metrics, { backlog, counts, revision, now: sources.clock.now() });
      setBreakers(metrics, breakers());
      setPauses(metrics, pauses, revision);
    setToldSecrets(metrics, secrets, revision);
      metrics.storeBytes.set({ file: "main" }, size.bytes);
      metrics.storeBytes.set({ file: "wal" }, size.walBytes);
      metrics.storeBytes.set({ file: "reserve" }, size.reserveBytes);
      if (size.diskFreeBytes !== undefined) metrics.diskFree.set(size.diskFreeBytes);
      const delay = sources.loopDelay();
      for (const stat of ["mean", "p99", "max"] as const) metrics.loopDelay.set({ stat }, delay[stat]);
      return { type: registry.contentType, text: await registry.metrics() };
    },
  };
}

/** A counter that is not there yet hides its first increase from `rate()`: what is declared begins at 0. */
function declare(metrics: Metrics, revision: Revision): void {
  for (const source of revision.sources.keys())
    for (const counter of [metrics.accepted, metrics.duplicates, metrics.conflicts]) counter.inc({ source }, 0);
  for (const { name: pipeline, source } of revision.pipelines)
    for (const outcome of ["applied", "skipped", "held", "dead"])
      metrics.applied.inc({ source: source.name, pipeline, outcome }, 0);
}

interface Backlog {
  readonly backlog: Awaited<ReturnType<StoreReader["backlog"]>>;
  readonly counts: Awaited<ReturnType<StoreReader["counts"]>>;
  readonly revision: Revision;
  readonly now: number;
}

function setBacklog(metrics: Metrics, { backlog, counts, revision, now }: Backlog): void {
  const { deadLetters, deadLetterAge, held, deliveriesWaiting } = metrics;
  for (const gauge of [deadLetters, deadLetterAge, held, deliveriesWaiting]) gauge.reset();
  for (const { name: pipeline } of revision.pipelines) {
    for (const gauge of [deadLetters, deadLetterAge, held]) gauge.set({ pipeline }, 0);
  }
  for (const connection of revision.connections.keys()) deliveriesWaiting.set({ connection }, 0);
  const ageOf = (at: number): number => Math.max(0, now - at) / 1_000;
  for (const { pipeline, open, oldestAt } of backlog.deadLetters) {
    deadLetters.set({ pipeline }, open);
    deadLetterAge.set({ pipeline }, ageOf(oldestAt));
  }
  for (const one of backlog.held) held.set({ pipeline: one.pipeline }, one.held);
  for (const { connection, open } of backlog.deliveries) deliveriesWaiting.set({ connection }, open);
  metrics.eventsWaiting.set(counts.ready);
  metrics.eventsWaitingAge.set(counts.oldestReadyAt === undefined ? 0 : ageOf(counts.oldestReadyAt));
}

function setBreakers({ breaker }: Metrics, breakers: ReturnType<Engine["breakers"]>): void {
  breaker.reset();
  for (const [connection, now] of breakers)
    for (const state of BREAKER_STATES) breaker.set({ connection, state }, state === now ? 1 : 0);
}

function setPauses({ paused }: Metrics, pauses: Awaited<ReturnType<StoreReader["pauses"]>>, revision: Revision): void {
  paused.reset();
  for (const { name } of revision.pipelines) paused.set({ kind: "pipeline", name }, 0);
  for (const name of revision.connections.keys()) paused.set({ kind: "connection", name }, 0);
  for (const { kind, name } of pauses) paused.set({ kind, name }, 1);
}
