/**
 * The order check: a trace must end in one state, whatever the order of arrival and whichever event comes twice. The
 * orders are explored over the apply step itself; a few are also run through the whole engine and its store, which
 * must come to the same.
 */
import type { PipelineModel, Revision } from "../config/revision.ts";
import type { TraceModel } from "../config/test-model.ts";
import { refKey } from "../core/record.ts";
import type { EventId, Json } from "../core/types.ts";
import { acknowledgedBy } from "../flow/settle.ts";
import type { EventStory } from "../store/store.ts";
import { openRig, type Rig } from "./rig.ts";
import { type TraceDeps, type TraceEvents, takeIn } from "./trace-events.ts";
import { type Exploration, explore } from "./trace-explore.ts";
import { compareViews, type Divergence, type Seen, type View, viewOf, viewOfWorld } from "./trace-view.ts";
import { openKey } from "./trace-world.ts";

export interface TraceOptions extends TraceDeps {
  /** Worlds that go on from one length to the next; above it a sample does. */
  readonly maxWorlds: number;
  /** Orders that also go through the whole engine. */
  readonly controls: number;
  readonly seed: number;
}

export interface TraceResult {
  readonly pipeline: string;
  readonly trace: TraceModel;
  readonly passed: boolean;
  /** Orders of arrival there are, and with one event twice. */
  readonly orders: number;
  readonly withOneTwice: number;
  /** Apply steps that were really taken. */
  readonly steps: number;
  /** Orders that also went through the whole engine. */
  readonly controls: number;
  /** Set when not all orders were explored: the seed that chose. */
  readonly sampledBy?: number;
  readonly untaken: TraceEvents["untaken"];
  /** The first two orders that end differently. */
  readonly pair?: TracePair;
}

export interface TracePair {
  /** Positions in `events:`, from 1, as they arrived. */
  readonly first: readonly number[];
  readonly second: readonly number[];
  readonly differences: readonly Divergence[];
  /** Set when it is the store that came to something else than the apply step did. */
  readonly store?: true;
}

export async function proveTrace(
  revision: Revision,
  pipeline: PipelineModel,
  trace: TraceModel,
  options: TraceOptions,
): Promise<TraceResult> {
  const random = seeded(options.seed);
  const events = await takeIn(revision, { alone: pipeline.name, events: trace.events }, options);
  const explored = await explore(events, { maxWorlds: options.maxWorlds, random });
  const count = events.events.length;
  const base = {
    pipeline: pipeline.name,
    trace,
    orders: factorial(count),
    withOneTwice: (factorial(count) * count * (count + 1)) / 2,
    steps: explored.steps,
    untaken: events.untaken,
    ...(explored.sampled ? { sampledBy: options.seed } : {}),
  };
  const pair = firstPair(explored, revision);
  if (pair !== undefined) return { ...base, passed: false, controls: 0, pair };
  const declared = explored.ends[0];
  let controls = 0;
  for (const path of controlPaths(events, options.controls, random)) {
    controls++;
    const real = await runPath(revision, { alone: pipeline.name, events, path, evaluator: options.evaluator });
    const differences =
      declared === undefined ? [] : compareViews(viewOfWorld(declared.world, revision.entities), real);
    if (differences.length > 0) {
      const store: TracePair = { first: shown(declared?.path ?? []), second: shown(path), differences, store: true };
      return { ...base, passed: false, controls, pair: store };
    }
  }
  return { ...base, passed: events.untaken.length === 0, controls };
}

const shown = (path: readonly number[]): number[] => path.map((position) => position + 1);

function firstPair({ ends }: Exploration, revision: Revision): TracePair | undefined {
  const [declared, ...others] = ends;
  if (declared === undefined) return undefined;
  const view = viewOfWorld(declared.world, revision.entities);
  for (const other of others) {
    const differences = compareViews(view, viewOfWorld(other.world, revision.entities));
    if (differences.length > 0) return { first: shown(declared.path), second: shown(other.path), differences };
  }
  return undefined;
}

/** The declared order backwards, then others by lot; in each, one event comes twice. */
function* controlPaths(trace: TraceEvents, count: number, random: () => number): Generator<readonly number[]> {
  const declared = trace.events.map(({ position }) => position);
  for (let i = 0; i < count; i++) {
    const order = i === 0 ? [...declared].reverse() : shuffled(declared, random);
    const from = Math.floor(random() * order.length);
    const at = from + 1 + Math.floor(random() * (order.length - from));
    yield [...order.slice(0, at), order[from] as number, ...order.slice(at)].filter((one) => one !== undefined);
  }
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, lot: random() }))
    .sort((a, b) => a.lot - b.lot)
    .map(({ item }) => item);
}

export interface PathRun {
  readonly alone: string;
  readonly events: TraceEvents;
  /** Positions from 0. */
  readonly path: readonly number[];
  readonly evaluator: TraceDeps["evaluator"];
}

/** One order through the whole engine: signature, dedupe, SQLite, delivery. */
export async function runPath(revision: Revision, run: PathRun): Promise<View> {
  const { events, path } = run;
  const rig = await openRig(revision, { alone: run.alone, start: events.start, evaluator: run.evaluator });
  try {
    const ids = new Map<number, string>();
    for (const position of path) {
      const plan = events.plans[position];
      if (plan === undefined) continue;
      const id = await rig.deliver(plan, events.now);
      if (!ids.has(position)) ids.set(position, id);
    }
    return await viewOfRig(revision, rig, ids);
  } finally {
    await rig.close();
  }
}

async function viewOfRig(revision: Revision, rig: Rig, ids: ReadonlyMap<number, string>): Promise<View> {
  const { store } = rig.engine;
  const entities = [];
  for (const type of revision.entities.keys()) entities.push(...(await store.entities(type, 10_000)));
  const sinks = new Map<
    string,
    { connection: string; entity: { type: string; key: string }; values: Record<string, Json> }
  >();
  for (const { connection, delivery } of rig.recorder.sent) {
    if (delivery.kind !== "upsert") continue;
    const key = `${connection} ${refKey(delivery.entity)}`;
    const known = sinks.get(key)?.values;
    sinks.set(key, {
      connection,
      entity: delivery.entity,
      values: {
        ...known,
        ...acknowledgedBy({
          attributes: delivery.attributes,
          ...(delivery.entity.state === undefined ? {} : { state: delivery.entity.state }),
        }),
      },
    });
  }
  const open = new Map<string, string>();
  for (const [position, id] of ids) {
    const story = id.startsWith("evt_") ? await store.story(id as EventId) : undefined;
    if (story !== undefined) for (const [pipeline, what] of openIn(story)) open.set(openKey(position, pipeline), what);
  }
  return viewOf({ entities, sinks: sinks.values(), open }, revision.entities);
}

function openIn(story: EventStory): [string, string][] {
  return story.summary.pipelines.flatMap(({ pipeline, outcome }): [string, string][] => {
    if (outcome === "held") return [[pipeline, "held"]];
    if (outcome !== "dead_letter") return [];
    return [[pipeline, story.deadLetters.find((letter) => letter.pipeline === pipeline)?.code ?? "?"]];
  });
}

/** One line for each difference, with what wrote it. */
export function describePair(pair: TracePair, trace: TraceModel): string[] {
  const orders = `arrived ${pair.first.join(", ")} against ${pair.second.join(", ")}`;
  const header = pair.store === true ? `the store comes to something else than the apply step: ${orders}` : orders;
  return [
    header,
    ...pair.differences.map(
      ({ where, first, second }) => `${where}: ${tell(first, trace)} against ${tell(second, trace)}`,
    ),
  ];
}

function tell(seen: Seen | undefined, trace: TraceModel): string {
  if (seen === undefined) return "nothing";
  const value = seen.sensitive
    ? "(sensitive)"
    : typeof seen.value === "string"
      ? seen.value
      : JSON.stringify(seen.value);
  if (seen.by === undefined) return value;
  const event = trace.events[seen.by.event];
  const name = event?.payload.kind === "sample" ? ` ${event.payload.name}` : "";
  const at = seen.by.mapping === undefined ? "" : ` at ${seen.by.mapping}`;
  return `${value} (event ${seen.by.event + 1}${name}${at})`;
}

const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));

/** Mulberry32: the same seed gives the same sample. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
