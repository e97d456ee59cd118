/** Sends a recorded event through the real engine, into a store that knows nothing: what a test of it can expect. */
import type { Revision } from "../config/revision.ts";
import type { DeclaredObjects, TestEvent } from "../config/test-model.ts";
import type { Evaluator } from "../core/expression.ts";
import { refKey } from "../core/record.ts";
import type { Json } from "../core/types.ts";
import { declaredFrom } from "./fetched.ts";
import type { Recorded } from "./recording.ts";
import { planRequests, type RequestPlan, timeOfFirst } from "./requests.ts";
import { openRig } from "./rig.ts";

export interface Tried {
  readonly outcome: string;
  /** What its rule fetches: a test declares it, since nothing goes over the network there. */
  readonly fetched?: DeclaredObjects;
  /** Entity -> key -> what it is then. */
  readonly entities: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Json>>>>>>;
}

export async function tryRecorded(
  recorded: Recorded,
  by: {
    readonly revision: Revision;
    readonly pipeline: string;
    readonly evaluator: Evaluator;
    /** How tests will name it. */
    readonly path: string;
  },
): Promise<Tried> {
  const { revision, pipeline, evaluator, path } = by;
  const model = revision.pipelines.find(({ name }) => name === pipeline);
  const fetched = model === undefined ? undefined : declaredFrom(recorded, model);
  const event: TestEvent = {
    source: recorded.source,
    payload: { kind: "file", path },
    delayMs: 0,
    times: 1,
    set: {},
    remove: [],
    headers: {},
    ...(fetched && { fetched }),
    signature: "valid",
    position: { file: path, line: 1, column: 1 },
  };
  const readSample = () => ({ name: path, headers: recorded.headers, body: recorded.body });
  const start = timeOfFirst(revision, event, readSample);
  const [plan] = planRequests([event], { revision, start, prefix: "event", readSample });
  const rig = await openRig(revision, { alone: pipeline, start, evaluator });
  try {
    const { store } = rig.engine;
    const story = await store.story(await rig.deliver(plan as RequestPlan, 0));
    if (story === undefined) return { outcome: "rejected", entities: {} };
    await rig.runOn(undefined);
    const after = (await store.story(story.event.id)) ?? story;
    const outcome = after.summary.pipelines.find((one) => one.pipeline === pipeline)?.outcome;
    const entities: Record<string, Record<string, Record<string, Json>>> = {};
    const refs = new Map(after.history.map(({ entity }) => [refKey(entity), entity]));
    for (const ref of refs.values()) {
      const entity = await store.entity(ref.type, ref.key);
      if (entity === undefined || entity.tombstone !== undefined) continue;
      const values = Object.entries(entity.attributes).map(([name, { value }]) => [name, value] as const);
      const state = entity.state === "unknown" ? {} : { state: entity.state };
      entities[ref.type] = { ...entities[ref.type], [ref.key]: { ...state, ...Object.fromEntries(values) } };
    }
    return { outcome: outcome ?? after.summary.outcome, entities, ...(fetched && { fetched }) };
  } finally {
    await rig.close();
  }
}
