/** The stages of a round: one load on one server, and for deliveries the wait until all of it has arrived. */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import type { Children, ServerChild } from "./children.ts";
import { PATHS } from "./installation.ts";
import type { LoadPlan, LoadResult } from "./load.ts";
import type { BenchOptions } from "./options.ts";
import { cpuMs, rssMb } from "./proc.ts";

/** What one load on one server came to. */
export interface Sample extends LoadResult {
  readonly rssMb: number | undefined;
}

/** A sample, and the way of all its events to the sink. */
export interface DeliverySample extends Sample {
  /** Events from the first request sent to the last delivery done, per second. */
  readonly endToEnd: number;
  /** CPU time of the engine over the same span, for each event. */
  readonly endToEndCpuUs: number | undefined;
}

/** Signed ahead for each load: more than any server here can take in the time. */
const MAX_PER_SECOND = 45_000;
const CONNECTIONS = 64;
const ARRIVAL_TIMEOUT_MS = 60_000;
const LOAD = fileURLToPath(new URL("./load.ts", import.meta.url));

/** Where a load goes, and what differs from the options. */
export interface LoadChoice {
  readonly path: string;
  readonly maxRequests?: number;
  readonly warmupMs?: number;
}

/** Loads a server over the options' window. Throws when an answer was no 2xx: such a run says nothing. */
export async function loadServer(
  { children, options }: { children: Children; options: BenchOptions },
  server: ServerChild,
  { path, maxRequests, warmupMs = options.warmupMs }: LoadChoice = { path: PATHS.ack },
): Promise<Sample> {
  const { windowMs } = options;
  const plan: LoadPlan = {
    port: server.port,
    path,
    connections: CONNECTIONS,
    warmupMs,
    windowMs,
    maxRequests: maxRequests ?? Math.ceil(((warmupMs + windowMs) / 1000) * MAX_PER_SECOND),
    serverPid: server.pid,
  };
  const result = JSON.parse(await children.run([LOAD, JSON.stringify(plan)])) as LoadResult;
  if (result.failures.length > 0 || result.requests === 0)
    throw new Error(`${server.name} did not answer with 2xx: ${[...new Set(result.failures)].join(", ")}`);
  return { ...result, rssMb: rssMb(server.pid) };
}

/** How much has arrived at a sink so far. */
export interface Arrivals {
  /** Distinct events, and when the last one came (wall clock, ms). */
  count(): Promise<{ readonly events: number; readonly lastAt: number }>;
}

/** Arrivals at the HTTP receiver. */
export function httpArrivals(sink: ServerChild): Arrivals {
  return {
    async count() {
      const answer = await fetch(`http://127.0.0.1:${sink.port}/count`);
      const { distinct, lastAt } = (await answer.json()) as { distinct: number; lastAt: number };
      return { events: distinct, lastAt };
    },
  };
}

/** Rows of a table of the SQL sink's file; when the last one came is known to the poll's 20 ms. */
export function sqlArrivals(path: string, table: string): Arrivals {
  return {
    async count() {
      const db = new Database(path, { readonly: true });
      try {
        return { events: Number(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get()), lastAt: Date.now() };
      } finally {
        db.close();
      }
    },
  };
}

/** Loads the engine with events that are delivered, then waits for the last one to arrive. */
export async function loadAndDeliver(
  bench: { children: Children; options: BenchOptions },
  engine: ServerChild,
  { path, arrivals }: { path: string; arrivals: Arrivals },
): Promise<DeliverySample> {
  const before = await arrivals.count().catch(() => ({ events: 0 }));
  const cpuBefore = cpuMs(engine.pid);
  const sample = await loadServer(bench, engine, {
    path,
    maxRequests: bench.options.deliveries,
    // The window ends with the last of few requests: it must not open too late.
    warmupMs: 300,
  });
  const deadline = performance.now() + ARRIVAL_TIMEOUT_MS;
  for (;;) {
    const { events, lastAt } = await arrivals.count();
    if (events - before.events >= sample.accepted) {
      const cpu = cpuBefore === undefined ? undefined : (cpuMs(engine.pid) ?? 0) - cpuBefore;
      return {
        ...sample,
        endToEnd: sample.accepted / ((lastAt - sample.startedAt) / 1000),
        endToEndCpuUs: cpu === undefined ? undefined : (cpu * 1000) / sample.accepted,
      };
    }
    if (performance.now() > deadline)
      throw new Error(`${events - before.events} of ${sample.accepted} events arrived at ${path}'s sink in time`);
    await sleep(20);
  }
}
