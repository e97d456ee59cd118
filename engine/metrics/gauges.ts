/** What stands in the store and in the engine, as gauges: set at each look, names that are gone with their series. */
import type { Revision } from "../config/revision.ts";
import type { Engine } from "../flow/engine.ts";
import type { StoreReader } from "../store/store.ts";
import type { Metrics } from "./registry.ts";

const BREAKER_STATES = ["closed", "open", "half_open"] as const;

type Read<K extends keyof StoreReader> = Awaited<ReturnType<Extract<StoreReader[K], () => Promise<unknown>>>>;

/** A counter that is not there yet hides its first increase from `rate()`: what is declared begins at 0. */
export function declare(metrics: Metrics, revision: Revision): void {
  for (const source of revision.sources.keys())
    for (const counter of [metrics.accepted, metrics.duplicates, metrics.conflicts]) counter.inc({ source }, 0);
  for (const { name: pipeline, source } of revision.pipelines) {
    for (const outcome of ["applied", "skipped", "held", "dead"])
      metrics.applied.inc({ source: source.name, pipeline, outcome }, 0);
    metrics.skipped.inc({ pipeline, reason: "stale" }, 0);
    for (const outcome of ["dead", "drift"]) metrics.contractViolations.inc({ pipeline, outcome }, 0);
  }
}

export function setConfig({ config, sources }: Metrics, revision: Revision): void {
  config.reset();
  config.set({ revision: revision.hash.slice(0, 12), environment: revision.environment }, 1);
  sources.reset();
  for (const [source, { provider }] of revision.sources) sources.set({ source, provider }, 1);
}

interface Backlog {
  readonly backlog: Read<"backlog">;
  readonly counts: Read<"counts">;
  readonly revision: Revision;
  readonly now: number;
}

export function setBacklog(metrics: Metrics, { backlog, counts, revision, now }: Backlog): void {
  const { deadLetters, deadLetterAge, held, deliveriesWaiting, keysWaiting, keysBlocked } = metrics;
  const byPipeline = [deadLetters, deadLetterAge, held];
  const byConnection = [deliveriesWaiting, keysWaiting, keysBlocked];
  for (const gauge of [...byPipeline, ...byConnection]) gauge.reset();
  for (const { name: pipeline } of revision.pipelines) for (const gauge of byPipeline) gauge.set({ pipeline }, 0);
  for (const connection of revision.connections.keys()) for (const gauge of byConnection) gauge.set({ connection }, 0);
  const ageOf = (at: number | undefined): number => (at === undefined ? 0 : Math.max(0, now - at) / 1_000);
  for (const { pipeline, open, oldestAt } of backlog.deadLetters) {
    deadLetters.set({ pipeline }, open);
    deadLetterAge.set({ pipeline }, ageOf(oldestAt));
  }
  for (const one of backlog.held) held.set({ pipeline: one.pipeline }, one.held);
  for (const { connection, open, keys, blocked } of backlog.deliveries) {
    deliveriesWaiting.set({ connection }, open);
    keysWaiting.set({ connection }, keys);
    keysBlocked.set({ connection }, blocked);
  }
  metrics.eventsWaiting.set({ lane: "live" }, Math.max(0, counts.ready - backlog.replays));
  metrics.eventsWaiting.set({ lane: "replay" }, backlog.replays);
  metrics.eventsWaiting.set({ lane: "fetch" }, counts.fetching);
  metrics.eventsWaitingAge.set(ageOf(counts.oldestReadyAt));
  metrics.unprocessedAge.set(ageOf(counts.oldestOpenAt));
}

export function setBreakers({ breaker }: Metrics, breakers: ReturnType<Engine["breakers"]>): void {
  breaker.reset();
  for (const [connection, now] of breakers)
    for (const state of BREAKER_STATES) breaker.set({ connection, state }, state === now ? 1 : 0);
}

export function setPauses({ paused }: Metrics, pauses: Read<"pauses">, revision: Revision): void {
  paused.reset();
  for (const { name } of revision.pipelines) paused.set({ kind: "pipeline", name }, 0);
  for (const name of revision.connections.keys()) paused.set({ kind: "connection", name }, 0);
  for (const { kind, name } of pauses) paused.set({ kind, name }, 1);
}

export function setSize(metrics: Metrics, size: Read<"size">): void {
  metrics.storeBytes.set({ file: "main" }, size.bytes);
  metrics.storeBytes.set({ file: "wal" }, size.walBytes);
  metrics.storeBytes.set({ file: "reserve" }, size.reserveBytes);
  if (size.diskFreeBytes !== undefined) metrics.diskFree.set(size.diskFreeBytes);
}
