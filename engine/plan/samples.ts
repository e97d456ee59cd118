/** Events where none are stored: the events of tests, and the samples of the recipes that the sources use. */
import type { Revision, SourceModel } from "../config/revision.ts";
import type { TestEvent } from "../config/test-model.ts";
import { HookrailError } from "../core/errors.ts";
import { renderSample } from "../provider/sample.ts";
import { planRequests, type ReadSample, type RequestPlan, timeOfFirst } from "../testing/requests.ts";
import { itemsIn, type PlanEvent, sourcesOf } from "./events.ts";
import type { KnownAnswer } from "./fetched.ts";
import type { Scenario } from "./plan.ts";

/** Each test is a world of its own; so are the samples of one source, sent in the order of their names. */
export function sampleScenarios(revision: Revision, readSample: ReadSample): readonly Scenario[] {
  const tests = revision.pipelines.flatMap((pipeline) =>
    pipeline.tests.flatMap((test) => {
      const events = [...test.before, ...test.events];
      const planned = planOf(revision, events, { readSample, start: test.start });
      return planned.length === 0 ? [] : [scenarioOf(revision, planned, test.name)];
    }),
  );
  const listened = new Map(revision.pipelines.map(({ source }) => [source.name, source]));
  const samples = [...listened.values()].flatMap((source) => {
    const events = [...source.recipe.samples.keys()].map((name) => bySample(source, name));
    const planned = planOf(revision, events, { readSample, start: undefined });
    return planned.length === 0 ? [] : [scenarioOf(revision, planned, `sample of ${source.name}`)];
  });
  return [...tests, ...samples];
}

function bySample(source: SourceModel, name: string): TestEvent {
  return {
    source: source.name,
    payload: { kind: "sample", name },
    delayMs: 0,
    times: 1,
    set: {},
    remove: [],
    headers: {},
    signature: "valid",
    position: source.position,
  };
}

function planOf(
  revision: Revision,
  events: readonly TestEvent[],
  { readSample, start: given }: { readonly readSample: ReadSample; readonly start: number | undefined },
): RequestPlan[] {
  const signed = events.filter((event) => event.signature === "valid");
  try {
    const start = given ?? timeOfFirst(revision, signed[0], readSample);
    return planRequests(signed, { revision, start, prefix: "event", readSample });
  } catch (error) {
    // A test that names what is not there tells so itself.
    if (error instanceof HookrailError) return [];
    throw error;
  }
}

function scenarioOf(revision: Revision, planned: readonly RequestPlan[], title: string): Scenario {
  const sources = sourcesOf(revision);
  const events = planned
    .toSorted((a, b) => a.arrivesAt - b.arrivesAt)
    .flatMap((plan): PlanEvent[] => {
      const source = sources.get(plan.source.name) ?? plan.source;
      const { headers, body } = renderSample(source.recipe, plan.sample, {
        id: plan.id,
        time: plan.happenedAt,
        root: source.root,
        set: plan.event.set,
        remove: plan.event.remove,
        headers: plan.event.headers,
      });
      const request = {
        name: `${title}: ${plan.sample.name}`,
        source: source.name,
        headers,
        contentType: headers["content-type"] ?? "application/json",
        body,
        receivedAt: plan.arrivesAt,
        answers: declared(plan),
      };
      const items = itemsIn(source, request, revision.limits.maxItems);
      return Array.from({ length: items }, (_, itemIndex) => ({ ...request, itemIndex }));
    });
  return { events };
}

/** What the test says that rules get. */
function declared({ event: { fetched = {} }, arrivesAt }: RequestPlan): KnownAnswer[] {
  return Object.entries(fetched).flatMap(([connection, paths]) =>
    Object.entries(paths).map(([path, object]) => ({
      connection,
      path,
      at: arrivesAt,
      body: object === null ? null : JSON.stringify(object),
    })),
  );
}
