/** The events of a trace as the engine takes them in: really signed, really verified, mapped once for all orders. */
import type { Revision } from "../config/revision.ts";
import type { TestEvent } from "../config/test-model.ts";
import { createVirtualClock } from "../core/clock.ts";
import type { Evaluator } from "../core/expression.ts";
import { createCountingIds } from "../core/ids.ts";
import { ingest } from "../flow/ingest.ts";
import { silentObserver } from "../flow/observer.ts";
import { type ApplyDeps, type Prepared, prepareWork } from "../flow/prepare.ts";
import { createRoutes } from "../flow/routes.ts";
import type { AcceptRequest, NewEvent, StoredEvent, WorkItem } from "../store/store.ts";
import { answerFor } from "./fetched.ts";
import { planRequests, type ReadSample, type RequestPlan, timeOfFirst, toRequest } from "./requests.ts";

/** One event of the trace; a batch has several items. */
export interface TraceEvent {
  /** From 0, as declared. */
  readonly position: number;
  readonly type: string;
  readonly items: readonly TraceItem[];
}

export interface TraceItem {
  readonly event: NewEvent;
  readonly turns: readonly { readonly pipeline: string; readonly prepared: Prepared }[];
}

export interface TraceEvents {
  readonly events: readonly TraceEvent[];
  readonly deps: Omit<ApplyDeps, "store">;
  /** When all has happened, ms since the epoch: nothing arrives before, or an event would come from the future. */
  readonly now: number;
  readonly start: number;
  readonly plans: readonly RequestPlan[];
  /** Groups of events that only receipt can tell apart. */
  readonly ties: readonly (readonly number[])[];
  /** Events that nobody takes, and why: the trace does not prove what it seems to. */
  readonly untaken: readonly { readonly position: number; readonly why: string }[];
}

export interface TraceDeps {
  readonly evaluator: Evaluator;
  readonly readSample: ReadSample;
}

/** Takes events in at one instant, as the engine would. */
export interface Intake {
  readonly deps: TraceEvents["deps"];
  readonly now: number;
  /** Text: why nobody has it. */
  take(plan: RequestPlan, position: number): Promise<TraceEvent | string>;
}

/** `alone`: the pipeline that takes what it listens to by itself. `now`: when all of it has happened. */
export function createIntake(
  revision: Revision,
  at: { readonly alone: string; readonly now: number },
  evaluator: Evaluator,
): Intake {
  const deps: TraceEvents["deps"] = {
    routes: createRoutes(revision, at.alone),
    evaluator,
    clock: createVirtualClock(at.now),
    ids: createCountingIds(),
    observer: silentObserver,
    // Deliveries are never tried again here: sinks answer well.
    retryPlan: () => ({ baseMs: 1_000, capMs: 60_000, horizonMs: 3_600_000 }),
  };
  return {
    deps,
    now: at.now,
    async take(plan, position) {
      const taken = await accept(plan, { deps, now: at.now });
      if (typeof taken === "string") return taken;
      const items: TraceItem[] = [];
      for (const [index, event] of taken.events.entries())
        items.push({ event, turns: await mapFor(event, taken.pipelines[index] ?? [], { deps, plan }) });
      return { position, type: items[0]?.event.type ?? plan.sample.name, items };
    },
  };
}

/** Takes each event of a trace in once. */
export async function takeIn(
  revision: Revision,
  trace: { readonly alone: string; readonly events: readonly TestEvent[] },
  { evaluator, readSample }: TraceDeps,
): Promise<TraceEvents> {
  // The explorer sends each event again by itself.
  const once = trace.events.map((event) => ({ ...event, times: 1 }));
  const start = timeOfFirst(revision, once[0], readSample);
  const plans = planRequests(once, { revision, start, prefix: "event", readSample });
  const now = Math.max(start, ...plans.map((one) => one.arrivesAt));
  const intake = createIntake(revision, { alone: trace.alone, now }, evaluator);
  const events: TraceEvent[] = [];
  const untaken: { position: number; why: string }[] = [];
  for (const [position, plan] of plans.entries()) {
    const taken = await intake.take(plan, position);
    if (typeof taken === "string") {
      untaken.push({ position, why: taken });
      continue;
    }
    if (taken.items.every((item) => item.turns.length === 0))
      untaken.push({ position, why: "no pipeline listens to it" });
    events.push(taken);
  }
  return { events, deps: intake.deps, now, start, plans, ties: tiesOf(events), untaken };
}

/** What intake would have stored; text: how it refused the request. */
async function accept(
  plan: RequestPlan,
  { deps, now }: { deps: TraceEvents["deps"]; now: number },
): Promise<AcceptRequest | string> {
  let stored: AcceptRequest | undefined;
  const reply = await ingest(toRequest(plan, now), {
    ...deps,
    source: plan.source,
    // Rates are for senders, not for proofs.
    admission: { count: () => undefined },
    store: {
      async accept(request) {
        stored = request;
        return request.events.map((event, seq) => ({ kind: "new" as const, id: event.id, seq }));
      },
    },
  });
  return stored ?? `it was answered with ${reply.status} (${reply.outcome})`;
}

/** Mapping knows no state: once for all orders. */
async function mapFor(
  event: NewEvent,
  pipelines: readonly string[],
  { deps, plan }: { readonly deps: TraceEvents["deps"]; readonly plan: RequestPlan },
): Promise<TraceItem["turns"]> {
  const turns: { pipeline: string; prepared: Prepared }[] = [];
  for (const pipeline of pipelines) {
    const item = workItem(event, { pipeline, seq: 0, work: 0 });
    const prepared = await prepareWork(item, deps);
    if (prepared.kind !== "fetch") {
      turns.push({ pipeline, prepared });
      continue;
    }
    const answer = answerFor(prepared, plan.event.fetched, deps.clock.now());
    turns.push({
      pipeline,
      prepared: "kind" in answer ? answer : await prepareWork({ ...item, fetched: answer }, deps),
    });
  }
  return turns;
}

export function workItem(
  event: NewEvent,
  turn: { readonly pipeline: string; readonly seq: number; readonly work: number },
): WorkItem {
  const stored: StoredEvent = { ...event, seq: turn.seq };
  return { seq: turn.work, pipeline: turn.pipeline, status: "ready", event: stored };
}

function tiesOf(events: readonly TraceEvent[]): number[][] {
  const groups = new Map<string, number[]>();
  for (const { position, items } of events) {
    for (const { event } of items) {
      const key = `${event.source} ${event.occurredAt} ${event.rank}`;
      const group = groups.get(key) ?? [];
      if (!group.includes(position)) group.push(position);
      groups.set(key, group);
    }
  }
  return [...groups.values()].filter((group) => group.length > 1);
}
