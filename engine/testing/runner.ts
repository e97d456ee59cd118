/**
 * Runs the `tests:` of pipelines through the real engine: real signatures, dedupe, gates and store, on a virtual
 * clock and with sinks that only record.
 */
import type { PipelineModel, Revision } from "../config/revision.ts";
import type { TestModel } from "../config/test-model.ts";
import type { Evaluator } from "../core/expression.ts";
import type { EventId } from "../core/types.ts";
import type { Engine } from "../flow/engine.ts";
import type { EventStory } from "../store/store.ts";
import { deadReasons } from "./dead-reasons.ts";
import { differences, type Observed } from "./expectations.ts";
import { permutations } from "./orders.ts";
import { describe, type Recorder } from "./recorder.ts";
import { planRequests, type ReadSample, type RequestPlan, timeOfFirst } from "./requests.ts";
import { openRig } from "./rig.ts";

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
  const start = test.start ?? timeOfFirst(revision, test.before[0] ?? test.events[0], deps.readSample);
  const rig = await openRig(revision, {
    alone: run.pipeline.name,
    start,
    evaluator: deps.evaluator,
    answers: test.sinks,
  });
  const { engine, recorder } = rig;
  try {
    const plan = (events: TestModel["events"], prefix: string) =>
      planRequests(events, { revision, start, prefix, readSample: deps.readSample });
    for (const one of plan(test.before, "before")) await rig.deliver(one, 0);
    recorder.clear();
    const plans = plan(test.events, "event");
    // In any order: nothing arrives before all has happened, or an event would come from the future.
    const earliest = test.order === "any" ? Math.max(...plans.map((one) => one.arrivesAt)) : 0;
    const accepted = new Map<number, string>();
    for (const index of run.order) accepted.set(index, await rig.deliver(plans[index] as RequestPlan, earliest));
    await rig.runOn(test.waitMs);
    const ids = test.events.map((_, index) => accepted.get(index) as string);
    const stories = await storiesOf(engine, ids);
    const found = await differences(test.expect, observe(run, { engine, recorder, accepted: ids, stories }));
    const reasons = stories.flatMap((story, index) =>
      story === undefined
        ? []
        : deadReasons(story, index, { revision, expect: test.expect, pipelines: relevantPipelines(run, story) }),
    );
    if (found.length === 0 && !reasons.some((reason) => reason.failed)) return [];
    return [...found, ...reasons.flatMap((reason) => reason.lines)];
  } finally {
    await rig.close();
  }
}

/** Of each event; none of one that was not let in. */
async function storiesOf({ store }: Engine, ids: readonly string[]): Promise<readonly (EventStory | undefined)[]> {
  const stories: (EventStory | undefined)[] = [];
  for (const id of ids) stories.push(id.startsWith("evt_") ? await store.story(id) : undefined);
  return stories;
}

interface Seen {
  readonly engine: Engine;
  readonly recorder: Recorder;
  readonly accepted: readonly string[];
  readonly stories: readonly (EventStory | undefined)[];
}

function observe(run: OneRun, seen: Seen): Observed {
  const { store } = seen.engine;
  const { stories } = seen;
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
