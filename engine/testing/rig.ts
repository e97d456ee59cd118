/** The real engine on a clock that is set by hand: an in-memory SQLite store, and sinks that only record. */
import type { Revision } from "../config/revision.ts";
import type { SinkAnswer } from "../config/test-model.ts";
import { createVirtualClock } from "../core/clock.ts";
import type { Evaluator } from "../core/expression.ts";
import { createCountingIds } from "../core/ids.ts";
import type { Engine } from "../flow/engine.ts";
import { silentObserver } from "../flow/observer.ts";
import { createRoutes } from "../flow/routes.ts";
import { openSqliteStore } from "../store/sqlite.ts";
import { createEngine } from "../worker/engine.ts";
import { createRecorder, type Recorder } from "./recorder.ts";
import { type RequestPlan, toRequest } from "./requests.ts";

export interface RigOptions {
  /** The pipeline that takes what it listens to by itself; absent: all take what they listen to. */
  readonly alone?: string;
  /** ms since the epoch. */
  readonly start: number;
  readonly evaluator: Evaluator;
  readonly answers?: Readonly<Record<string, readonly SinkAnswer[]>>;
}

export interface Rig {
  readonly engine: Engine;
  readonly recorder: Recorder;
  /** Sends one event as often as it says, not before `earliest`; its id, or how it was refused. */
  deliver(plan: RequestPlan, earliest: number): Promise<string>;
  /** Lets retries run; the clock passes the ends of hold windows only when it is said how long to wait. */
  runOn(waitMs: number | undefined): Promise<void>;
  close(): Promise<void>;
}

/** A retry loop that does not end would be a fault of ours: no test steps through more instants than this. */
const maxInstants = 10_000;

export async function openRig(revision: Revision, options: RigOptions): Promise<Rig> {
  const clock = createVirtualClock(options.start);
  const store = await openSqliteStore({ path: ":memory:", clock, thread: false });
  const recorder = createRecorder(options.answers ?? {});
  const connections = new Map(
    [...revision.connections].map(([name, connection]) => [name, recorder.replace(connection)]),
  );
  const tested = { ...revision, connections };
  const engine = createEngine({
    revision: tested,
    routes: createRoutes(tested, options.alone),
    store,
    // The evaluator serves all runs; an engine that stops must not take it along.
    evaluator: { ...options.evaluator, close: async () => {} },
    clock,
    ids: createCountingIds(),
    random: () => 0.5,
    observer: silentObserver,
  });
  return {
    engine,
    recorder,
    async deliver(plan, earliest) {
      clock.set(Math.max(clock.now(), plan.arrivesAt, earliest));
      recorder.declare(plan.event.fetched ?? {});
      let outcome = "rejected";
      for (let time = 0; time < plan.event.times; time++) {
        const reply = await engine.ingest(toRequest(plan, clock.now()));
        if (time === 0)
          outcome = reply.headers["x-hookrail-event"] ?? (reply.status === 401 ? "rejected" : reply.outcome);
        await engine.drain();
      }
      return outcome;
    },
    async runOn(waitMs) {
      const end = waitMs === undefined ? undefined : clock.now() + waitMs;
      for (let step = 0; step < maxInstants; step++) {
        const due = await engine.nextDue(end === undefined ? "deliveries" : "all");
        if (due === undefined || (end !== undefined && due > end)) break;
        clock.set(Math.max(due, clock.now() + 1));
        await engine.drain();
      }
      if (end === undefined) return;
      clock.set(Math.max(end, clock.now()));
      await engine.drain();
    },
    close: () => engine.stop(0),
  };
}
