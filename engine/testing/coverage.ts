/** What no test exercises: mapping rows, missing-data policies, moves between states, deliver entries. */
import type { PipelineModel, Revision } from "../config/revision.ts";
import type { TestEvent } from "../config/test-model.ts";
import type { EntityModel } from "../core/entity.ts";
import type { Row } from "../mapping/model.ts";
import type { ApplyCommit } from "../store/store.ts";
import { canBePlanned, planRequests, timeOfFirst } from "./requests.ts";
import { createIntake, type TraceDeps, type TraceEvent } from "./trace-events.ts";
import { createReceiver } from "./trace-receive.ts";
import { emptyWorld } from "./trace-world.ts";

export interface Part {
  readonly exercised: number;
  readonly total: number;
  /** What is not, each with its place. */
  readonly not: readonly string[];
}

export interface Coverage {
  readonly fields: Part;
  readonly policies: Part;
  readonly transitions: Part;
  readonly sinks: Part;
  /** Fixtures that do not fit the contract though the test changed nothing in them. */
  readonly misfits: readonly {
    readonly pipeline: string;
    readonly event: TestEvent;
    readonly paths: readonly string[];
  }[];
}

interface Seen {
  readonly fields: Set<Row>;
  readonly policies: Set<Row>;
  /** `entity from to` */
  readonly moves: Set<string>;
  /** `pipeline deliver-id` */
  readonly sinks: Set<string>;
  readonly misfits: Coverage["misfits"][number][];
}

export async function coverageOf(
  revision: Revision,
  pipelines: readonly PipelineModel[],
  deps: TraceDeps,
): Promise<Coverage> {
  const seen: Seen = { fields: new Set(), policies: new Set(), moves: new Set(), sinks: new Set(), misfits: [] };
  for (const pipeline of pipelines) {
    const sequences = [
      ...pipeline.tests.map((test) => [...test.before, ...test.events]),
      ...pipeline.traces.map((trace) => trace.events),
    ];
    for (const events of sequences) {
      if (canBePlanned(events, { revision, ...deps })) await run(revision, { pipeline, events, deps, seen });
    }
  }
  const rows = pipelines.flatMap((pipeline) =>
    pipeline.rules.flatMap((rule) => rule.writes.flatMap((write) => write.fields.map((row) => ({ write, row })))),
  );
  const fields = rows.map(({ write, row }) => ({
    name: `${write.entity}.${row.name}   ${placeOf(row)}`,
    done: seen.fields.has(row),
  }));
  // A constant is never missing.
  const policies = rows
    .filter(({ row }) => row.source.kind !== "value")
    .map(({ write, row }) => ({
      name: `${write.entity}.${row.name}: missing -> ${policyOf(row)}   ${placeOf(row)}`,
      done: seen.policies.has(row),
    }));
  const sinks = pipelines.flatMap((pipeline) =>
    [...new Map(pipeline.deliver.flat().map((entry) => [entry.id, entry])).values()].map((entry) => ({
      name: `${pipeline.name}: ${entry.action} to ${entry.connection} (${entry.id})`,
      done: seen.sinks.has(`${pipeline.name} ${entry.id}`),
    })),
  );
  return {
    fields: part(fields),
    policies: part(policies),
    transitions: part(movesOf(revision, pipelines).map(({ key, name }) => ({ name, done: seen.moves.has(key) }))),
    sinks: part(sinks),
    misfits: seen.misfits,
  };
}

const placeOf = (row: Row): string => `${row.position.file}:${row.position.line}`;
const policyOf = ({ missing }: Row): string => ("value" in missing ? `${missing.kind} value` : missing.kind);

function part(all: readonly { readonly name: string; readonly done: boolean }[]): Part {
  const not = all.filter(({ done }) => !done).map(({ name }) => name);
  return { exercised: all.length - not.length, total: all.length, not };
}

/** Moves that the rules of these pipelines can make: of a table each pair, of a list each state that is entered. */
function movesOf(revision: Revision, pipelines: readonly PipelineModel[]): { key: string; name: string }[] {
  const written = new Map<string, Set<string>>();
  for (const write of pipelines.flatMap((pipeline) => pipeline.rules.flatMap((rule) => rule.writes))) {
    if (write.state === undefined) continue;
    const { source, table } = write.state;
    const values = source.kind === "value" ? [source.value] : [...(table?.rows.values() ?? [])];
    const states = written.get(write.entity) ?? new Set<string>();
    for (const value of values) if (typeof value === "string") states.add(value);
    written.set(write.entity, states);
  }
  return [...written].flatMap(([entity, states]) => movesInto(revision.entities.get(entity), states));
}

function movesInto(entity: EntityModel | undefined, states: ReadonlySet<string>): { key: string; name: string }[] {
  if (entity === undefined) return [];
  if (entity.transitions === undefined)
    return [...states].map((to) => ({ key: `${entity.name} * ${to}`, name: `${entity.name} -> ${to}` }));
  return [...entity.transitions].flatMap(([from, targets]) =>
    [...targets]
      .filter((to) => to !== from && states.has(to))
      .map((to) => ({ key: `${entity.name} ${from} ${to}`, name: `${entity.name} ${from} -> ${to}` })),
  );
}

interface Sequence {
  readonly pipeline: PipelineModel;
  readonly events: readonly TestEvent[];
  readonly deps: TraceDeps;
  readonly seen: Seen;
}

/** In the order given, over the apply step: answers of sinks and the passing of time change nothing of what is counted. */
async function run(revision: Revision, { pipeline, events, deps, seen }: Sequence): Promise<void> {
  const start = timeOfFirst(revision, events[0], deps.readSample);
  const plans = planRequests(events, { revision, start, prefix: "event", readSample: deps.readSample });
  const now = Math.max(start, ...plans.map((one) => one.arrivesAt));
  const intake = createIntake(revision, { alone: pipeline.name, now }, deps.evaluator);
  const receive = createReceiver(intake, (commit) => note(commit, seen));
  const world = emptyWorld();
  for (const [index, plan] of plans.entries()) {
    const taken = await intake.take(plan, index);
    if (typeof taken === "string") continue;
    noteRows(taken, { pipeline, event: events[index] as TestEvent, seen });
    await receive(world, taken);
  }
}

function note(commit: ApplyCommit, seen: Seen): void {
  for (const { entity, attribute, result, before, after } of commit.history) {
    if (attribute !== "state" || result !== "set") continue;
    seen.moves.add(`${entity.type} ${String(before)} ${String(after)}`).add(`${entity.type} * ${String(after)}`);
  }
  for (const { pipeline, deliverId } of commit.deliveries) seen.sinks.add(`${pipeline} ${deliverId}`);
}

function noteRows(
  taken: TraceEvent,
  { pipeline, event, seen }: { pipeline: PipelineModel; event: TestEvent; seen: Seen },
): void {
  for (const { prepared, pipeline: name } of taken.items.flatMap((item) => item.turns)) {
    if (prepared.kind === "dead" && "row" in prepared) seen.policies.add(prepared.row as Row);
    if (prepared.kind !== "mapped") continue;
    for (const { row, result, missing } of prepared.mapped.writes.flatMap((write) => write.fields)) {
      if (result.kind !== "keep") seen.fields.add(row);
      if (missing.length > 0 || result.kind === "keep" || result.kind === "initial") seen.policies.add(row);
    }
    const untouched = Object.keys(event.set).length === 0 && event.remove.length === 0;
    if (untouched && name === pipeline.name && prepared.drift.length > 0)
      seen.misfits.push({ pipeline: name, event, paths: prepared.drift });
  }
}
