/**
 * Runs the `tests:` of pipelines through the real engine: real signatures, dedupe, gates and store, on a virtual
 * clock and with sinks that only record.
 */
import type { PipelineModel, Revision } from "../config/revision.ts";
import type { TestModel } from "../config/test-model.ts";
import { createVirtualClock } from "../core/clock.ts";
import type { Evaluator } from "../core/expression.ts";
import { createCountingIds } from "../core/ids.ts";
import type { EventId } from "../core/types.ts";
import type { Engine } from "../flow/engine.ts";
import { silentObserver } from "../flow/observer.ts";
import { createRoutes } from "../flow/routes.ts";
import { identify } from "../provider/identify.ts";
import { openSqliteStore } from "../store/sqlite.ts";
import type { EventStory } from "../store/store.ts";
import { createEngine } from "../worker/engine.ts";
import { differences, type Observed } from "./expectations.ts";
import { permutations } from "./orders.ts";
import { createRecorder, describe, type Recorder } from "./recorder.ts";
import { planRequests, type ReadSample, type RequestPlan, toRequest } from "./requests.ts";

export interface TestResult {
  readonly pipeline: string;
  readonly test: TestModel;
  readonly passed: boolean;
  /** Orders of arrival that were run. */
  readonly runs: number;
  /** Of the first order that failed. */
  readonly differences: readonly string[];
  /** That order, where there are several: positions in `events:`, from 1. */
  readonly order?: readonly number[];
}

export interface RunnerDeps {
  readonly evaluator: Evaluator;
  readonly readSample: ReadSample;
}

/** Seven events have 5,040 orders; more than seven are not run through all of them. */
const maxOrders = 5_040;
/** A retry loop that does not end would be a fault of ours: no test steps through more instants than this. */
const maxInstants = 10_000;
const defaultStart = Date.UTC(2026, 11, 1);

/** Runs one test, in every order of arrival where it says so; stops at the first order that differs. */
export async function runTest(
  revision: Revision,
  pipeline: PipelineModel,
  test: TestModel,
  deps: RunnerDeps,
): Promise<TestResult> {
  const indexes = test.events.map((_, index) => index);
  const orders = test.order === "any" ? permutations(indexes, maxOrders) : [indexes];
  let runs = 0;
  for (const order of orders) {
    runs++;
    const found = await runOrder({ revision, pipeline, test, deps, order });
    if (found.length > 0) {
      return {
        pipeline: pipeline.name,
        test,
        passed: false,
        runs,
        differences: found,
        ...(test.order === "any" ? { order: order.map((index) => index + 1) } : {}),
      };
    }
  }
  return { pipeline: pipeline.name, test, passed: true, runs, differences: [] };
}

interface OneRun {
  readonly revision: Revision;
  readonly pipeline: PipelineModel;
  readonly test: TestModel;
  readonly deps: RunnerDeps;
  readonly order: readonly number[];
}

async function runOrder(run: OneRun): Promise<string[]> {
  const { revision, test, deps } = run;
  const start = test.start ?? sampleTime(revision, run) ?? defaultStart;
  const clock = createVirtualClock(start);
  const store = await openSqliteStore({ path: ":memory:", clock, thread: false });
  const recorder = createRecorder(test.sinks);
  const connections = new Map(
    [...revision.connections].map(([name, connection]) => [name, recorder.replace(connection)]),
  );
  // The evaluator serves all runs; an engine that stops must not take it along.
  const evaluator: Evaluator = { ...deps.evaluator, close: async () => {} };
  const tested = { ...revision, connections };
  const engine = createEngine({
    revision: tested,
    routes: createRoutes(tested, run.pipeline.name),
    store,
    evaluator,
    clock,
    ids: createCountingIds(),
    random: () => 0.5,
    observer: silentObserver,
  });
  try {
    const plan = (events: TestModel["events"], prefix: string) =>
      planRequests(events, { revision, start, prefix, readSample: deps.readSample });
    for (const one of plan(test.before, "before")) await deliverEvent(engine, clock, { plan: one, earliest: 0 });
    recorder.clear();
    const plans = plan(test.events, "event");
    // In any order: nothing arrives before all has happened, or an event would come from the future.
    const earliest = test.order === "any" ? Math.max(...plans.map((one) => one.arrivesAt)) : 0;
    const accepted = new Map<number, string>();
    for (const index of run.order)
      accepted.set(index, await deliverEvent(engine, clock, { plan: plans[index] as RequestPlan, earliest }));
    await runOn(engine, clock, test.waitMs);
    const observed = await observe(run, {
      engine,
      recorder,
      accepted: test.events.map((_, index) => accepted.get(index) as string),
    });
    return await differences(test.expect, observed);
  } finally {
    await engine.stop(0);
  }
}

/** The first sample's own time, so that the times inside payloads stay true to it. */
function sampleTime(revision: Revision, { test, deps }: OneRun): number | undefined {
  const first = test.before[0] ?? test.events[0];
  if (first === undefined) return undefined;
  const [plan] = planRequests([first], { revision, start: 0, prefix: "time", readSample: deps.readSample });
  if (plan === undefined) return undefined;
  const body = Buffer.from(JSON.stringify(plan.sample.body));
  const request = {
    method: "POST",
    target: "/",
    path: "/",
    query: "",
    headers: { "content-type": "application/json", ...plan.sample.headers },
    body,
  };
  const found = identify(plan.source.recipe, request, { maxItems: 1_000 });
  return found.kind === "events" ? found.events[0]?.occurredAt : undefined;
}

/** Sends one event as often as it says; returns its id, or how it was refused. */
async function deliverEvent(
  engine: Engine,
  clock: ReturnType<typeof createVirtualClock>,
  at: { plan: RequestPlan; earliest: number },
): Promise<string> {
  clock.set(Math.max(clock.now(), at.plan.arrivesAt, at.earliest));
  let outcome = "rejected";
  for (let time = 0; time < at.plan.event.times; time++) {
    const reply = await engine.ingest(toRequest(at.plan, clock.now()));
    if (time === 0) outcome = reply.headers["x-hookrail-event"] ?? (reply.status === 401 ? "rejected" : reply.outcome);
    await engine.drain();
  }
  return outcome;
}

/** Lets retries run; the clock passes the ends of hold windows only when the test says how long to wait. */
async function runOn(
  engine: Engine,
  clock: ReturnType<typeof createVirtualClock>,
  waitMs: number | undefined,
): Promise<void> {
  const end = waitMs === undefined ? undefined : clock.now() + waitMs;
  for (let step = 0; step < maxInstants; step++) {
    const due = await engine.nextDue(end === undefined ? "deliveries" : "all");
    if (due === undefined || (end !== undefined && due > end)) break;
    clock.set(Math.max(due, clock.now() + 1));
    await engine.drain();
  }
  if (end !== undefined) {
    clock.set(Math.max(end, clock.now()));
    await engine.drain();
  }
}

async function observe(
  run: OneRun,
  seen: { engine: Engine; recorder: Recorder; accepted: readonly string[] },
): Promise<Observed> {
  const { store } = seen.engine;
  const stories: (EventStory | undefined)[] = [];
  for (const id of seen.accepted) stories.push(id.startsWith("evt_") ? await store.story(id) : undefined);
  const known = stories.filter((story) => story !== undefined);
  const relevant = new Map(known.map((story) => [story.event.id as EventId, relevantPipelines(run, story)]));
  const sent = seen.recorder.sent.filter(
    ({ delivery }) => relevant.get(delivery.event.id as EventId)?.has(delivery.pipeline) ?? false,
  );
  return {
    outcomes: stories.map((story, index) =>
      story === undefined
        ? (seen.accepted[index] as string)
        : outcomeOf(story, relevant.get(story.event.id as EventId) ?? new Set()),
    ),
    sent: sent.map(({ connection, delivery }) => ({
      connection,
      action: delivery.action,
      event: delivery.eventName,
      description: describe(delivery),
    })),
    refused: known.flatMap((story) =>
      story.history.filter((row) => row.result === "refused").map((row) => `${row.entity.type}.${row.attribute}`),
    ),
    kept: known.flatMap((story) => story.outcomes.flatMap((outcome) => keptRows(outcome.detail))),
    dead: known.flatMap((story) =>
      story.deadLetters
        .filter((letter) => relevant.get(story.event.id as EventId)?.has(letter.pipeline))
        .map((letter) => letter.code),
    ),
    entity: (type, key) => store.entity(type, key),
    entities: (type) => store.entities(type, 10_000),
  };
}

function keptRows(detail: EventStory["outcomes"][number]["detail"]): string[] {
  const rows = detail?.["rows"];
  if (!Array.isArray(rows)) return [];
  return rows.filter((row) => row.result === "keep").map((row) => `${row.entity}.${row.attribute}`);
}

/**
 * The pipelines a test speaks of: its own, where that listens to the event; else those that write an entity that
 * its own pipeline writes (an erased customer must stay erased under everybody's events).
 */
function relevantPipelines({ revision, pipeline }: OneRun, story: EventStory): ReadonlySet<string> {
  const took = story.summary.pipelines.map((one) => one.pipeline);
  if (took.includes(pipeline.name)) return new Set([pipeline.name]);
  const mine = writtenBy(pipeline);
  return new Set(
    took.filter((name) =>
      [...writtenBy(revision.pipelines.find((one) => one.name === name))].some((type) => mine.has(type)),
    ),
  );
}

function writtenBy(pipeline: PipelineModel | undefined): Set<string> {
  return new Set(pipeline?.rules.flatMap((rule) => rule.writes.map((write) => write.entity)) ?? []);
}

const worstFirst = ["dead_letter", "held", "accepted", "pending", "delivered", "skipped", "discarded"];

function outcomeOf(story: EventStory, relevant: ReadonlySet<string>): string {
  const outcomes = story.summary.pipelines
    .filter((one) => relevant.has(one.pipeline))
    .map((one) => one.outcome as string);
  if (outcomes.length === 0) return story.deadLetters.length > 0 ? "dead_letter" : "skipped";
  return worstFirst.find((outcome) => outcomes.includes(outcome)) ?? "skipped";
}
