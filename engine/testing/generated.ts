/**
 * Tests that need no writing. For each rule that some sample or test reaches: the same event once more, with each field
 * of its payload removed, nulled, emptied and mistyped in turn. A protected attribute is then as it was, or as the whole
 * event would have made it: never cleared, never lowered; and no event is lost. And each event sent twice does nothing twice.
 */
import type { PipelineModel, Revision } from "../config/revision.ts";
import type { TestEvent } from "../config/test-model.ts";
import { canonicalJson } from "../core/canonical.ts";
import type { SourcePosition } from "../core/types.ts";
import { sameJson } from "../core/values.ts";
import type { Prepared } from "../flow/prepare.ts";
import { allDeclared, onFetched } from "./fetched.ts";
import { type Mutation, mutationsOf, readsOf } from "./mutations.ts";
import { canBePlanned, planRequests, type RequestPlan, timeOfFirst } from "./requests.ts";
import { openRig } from "./rig.ts";
import { createIntake, type Intake, type TraceDeps, type TraceEvent } from "./trace-events.ts";
import { createReceiver, type Receive } from "./trace-receive.ts";
import { emptyWorld, fork, openKey, type World } from "./trace-world.ts";

export interface GeneratedResult {
  readonly pipeline: string;
  /** `rule 1, invoice.paid: lines.data[1].quantity is null` */
  readonly name: string;
  readonly passed: boolean;
  readonly differences: readonly string[];
  /** Of the rule. */
  readonly position: SourcePosition;
}

export interface Generated {
  readonly results: readonly GeneratedResult[];
  /** Rules that no sample and no test reaches: nothing is known of them. */
  readonly unreached: readonly {
    readonly pipeline: string;
    readonly rule: string;
    readonly position: SourcePosition;
  }[];
}

/** An event that a rule takes, and what must have come before it. */
interface Subject {
  readonly rule: number;
  readonly before: readonly TestEvent[];
  readonly event: TestEvent;
}

const again = 60_000;

export async function runGenerated(
  revision: Revision,
  pipeline: PipelineModel,
  deps: TraceDeps & { readonly only?: string },
  onResult: (result: GeneratedResult) => void = () => {},
): Promise<Generated> {
  const results: GeneratedResult[] = [];
  const unreached: { pipeline: string; rule: string; position: SourcePosition }[] = [];
  const found = await subjectsOf(revision, pipeline, deps);
  for (const rule of pipeline.rules) {
    const subject = found.get(rule.index);
    const label = `rule ${rule.name ?? rule.index + 1}, ${rule.on.join(" or ")}`;
    if (subject === undefined) {
      unreached.push({ pipeline: pipeline.name, rule: label, position: rule.position });
      continue;
    }
    const add = (name: string, differences: readonly string[]): void => {
      const full = `${label}: ${name}`;
      if (!full.includes(deps.only ?? "")) return;
      const result = {
        pipeline: pipeline.name,
        name: full,
        passed: differences.length === 0,
        differences,
        position: rule.position,
      };
      results.push(result);
      onResult(result);
    };
    add("sent twice", await sentTwice(revision, pipeline, subject, deps));
    await mutate(revision, { pipeline, subject, deps, add });
  }
  return { results, unreached };
}

/** For each rule the first event that it applies, of the pipeline's tests, its traces and the provider's samples. */
async function subjectsOf(
  revision: Revision,
  pipeline: PipelineModel,
  deps: TraceDeps,
): Promise<ReadonlyMap<number, Subject>> {
  const found = new Map<number, Subject>();
  const second = new Map<number, Subject>();
  for (const events of sequencesOf(pipeline)) {
    if (found.size === pipeline.rules.length) break;
    if (!canBePlanned(events, { revision, ...deps })) continue;
    const stage = await openStage(revision, pipeline, events, deps);
    const world = emptyWorld();
    for (const [index, plan] of stage.plans.entries()) {
      const event = await stage.intake.take(plan, index);
      if (typeof event === "string") continue;
      await stage.receive(world, event);
      const rule = ruleOf(event, pipeline.name);
      const subject = { rule: rule ?? -1, before: events.slice(0, index), event: events[index] as TestEvent };
      if (rule === undefined) continue;
      const applied = !world.open.has(openKey(index, pipeline.name));
      if (applied && !found.has(rule)) found.set(rule, subject);
      if (!second.has(rule)) second.set(rule, subject);
    }
  }
  return new Map([...second, ...found]);
}

function* sequencesOf(pipeline: PipelineModel): Generator<readonly TestEvent[]> {
  for (const test of pipeline.tests) yield [...test.before, ...test.events];
  for (const trace of pipeline.traces) yield trace.events;
  const fetched = allDeclared(pipeline.tests);
  for (const name of pipeline.source.recipe.samples.keys()) {
    yield [
      {
        source: pipeline.source.name,
        payload: { kind: "sample", name },
        delayMs: 0,
        times: 1,
        set: {},
        remove: [],
        headers: {},
        signature: "valid",
        fetched,
        position: pipeline.position,
      },
    ];
  }
}

function ruleOf(event: TraceEvent, pipeline: string): number | undefined {
  const prepared = preparedOf(event, pipeline);
  return prepared?.kind === "mapped" ? prepared.mapped.rule.index : undefined;
}

const preparedOf = (event: TraceEvent, pipeline: string): Prepared | undefined =>
  event.items.flatMap((item) => item.turns).find((turn) => turn.pipeline === pipeline)?.prepared;

interface Stage {
  readonly intake: Intake;
  readonly receive: Receive;
  readonly plans: readonly RequestPlan[];
}

async function openStage(
  revision: Revision,
  pipeline: PipelineModel,
  events: readonly TestEvent[],
  deps: TraceDeps,
): Promise<Stage & { readonly plan: (event: TestEvent, id: string) => RequestPlan }> {
  const valid = events.map((event) => ({ ...event, times: 1 }));
  const start = timeOfFirst(revision, valid[0], deps.readSample);
  const plan = (list: readonly TestEvent[], prefix: string) =>
    planRequests(list, { revision, start, prefix, readSample: deps.readSample });
  const plans = plan(valid, "event");
  const now = Math.max(start, ...plans.map((one) => one.arrivesAt)) + again;
  const intake = createIntake(revision, { alone: pipeline.name, now }, deps.evaluator);
  return {
    intake,
    receive: createReceiver(intake),
    plans,
    plan: (event, id) => plan([event], id)[0] as RequestPlan,
  };
}

interface Case {
  readonly pipeline: PipelineModel;
  readonly subject: Subject;
  readonly deps: TraceDeps;
  readonly add: (name: string, differences: readonly string[]) => void;
}

async function mutate(revision: Revision, { pipeline, subject, deps, add }: Case): Promise<void> {
  const events = [...subject.before, subject.event];
  const stage = await openStage(revision, pipeline, events, deps);
  const before = emptyWorld();
  let payload: TraceEvent | undefined;
  for (const [index, plan] of stage.plans.entries()) {
    const event = await stage.intake.take(plan, index);
    if (typeof event === "string") continue;
    await stage.receive(before, event);
    payload = event;
  }
  const prepared = payload === undefined ? undefined : preparedOf(payload, pipeline.name);
  if (prepared?.kind !== "mapped") return;
  const planned = stage.plans[events.length - 1] as RequestPlan;
  const repeat: TestEvent = { ...subject.event, times: 1, delayMs: 0, at: { instant: planned.happenedAt + again } };
  delete (repeat as { id?: string }).id;
  /** The world after the repeat, and what it is about; text: why nobody has it. */
  const after = async (event: TestEvent): Promise<After | string> => {
    const taken = await stage.intake.take(stage.plan(event, "again"), events.length);
    if (typeof taken === "string") return taken;
    const world = fork(before);
    await stage.receive(world, taken);
    return { world, about: aboutOf(preparedOf(taken, pipeline.name)) };
  };
  const whole = await after(repeat);
  if (typeof whole === "string") return;
  const rule = pipeline.rules[subject.rule];
  const reads = readsOf([rule, pipeline.deliver[subject.rule]]);
  for (const mutation of [...ofEvent(prepared, reads), ...ofFetched(prepared, reads)]) {
    const partial = await after(mutation.apply(repeat));
    if (typeof partial === "string") {
      add(mutation.name, [`lost: ${partial}`]);
      continue;
    }
    // Another id is another entity's event: what it says of this one is no partial payload.
    const same = partial.about === undefined || partial.about === whole.about;
    add(mutation.name, same ? unprotected(revision, { before, whole: whole.world, world: partial.world }) : []);
  }
}

type Mapped = Extract<Prepared, { kind: "mapped" }>;
type Reads = ReturnType<typeof readsOf>;

/** Of a thin event only its id is read, and another id is another object's: what counts is the object. */
function ofEvent({ mapped, scope }: Mapped, reads: Reads): readonly Mutation[] {
  return mapped.rule.fetch?.root === true ? [] : mutationsOf(scope.input, reads);
}

function ofFetched({ mapped, scope, request }: Mapped, reads: Reads): readonly Mutation[] {
  const brought = mapped.rule.fetch === undefined ? undefined : scope.variables[mapped.rule.fetch.as];
  if (brought === undefined || request === undefined) return [];
  return mutationsOf(brought, reads).map((mutation) => onFetched(mutation, request));
}

interface After {
  readonly world: World;
  /** The keys and ids it writes to; undefined: it writes nothing. */
  readonly about: string | undefined;
}

function aboutOf(prepared: Prepared | undefined): string | undefined {
  if (prepared?.kind !== "mapped") return undefined;
  return canonicalJson(
    prepared.mapped.writes.map(({ model, key, links }) => [model.entity, key.kind === "id" ? key.value : "", links]),
  );
}

/** Protected attributes that are neither as they were nor as the whole event would have made them. */
function unprotected(revision: Revision, worlds: { before: World; whole: World; world: World }): string[] {
  const lines: string[] = [];
  for (const [ref, record] of worlds.before.entities) {
    const whole = worlds.whole.entities.get(ref);
    const now = worlds.world.entities.get(ref);
    for (const [name, attribute] of revision.entities.get(record.type)?.attributes ?? []) {
      const stored = record.attributes[name]?.value ?? null;
      if (!attribute.protected || stored === null) continue;
      const value = now?.attributes[name]?.value ?? null;
      if (sameJson(value, stored) || sameJson(value, whole?.attributes[name]?.value ?? null)) continue;
      const by = worlds.world.written.get(`${ref}.${name}`)?.mapping;
      const shown = attribute.sensitive ? "another value" : JSON.stringify(value);
      const was = attribute.sensitive ? "a value" : JSON.stringify(stored);
      lines.push(
        `${ref}.${name}: ${was} became ${value === null ? "blank" : shown}${by === undefined ? "" : ` at ${by}`}`,
      );
    }
  }
  return lines;
}

/** Through the whole engine, signature and store: what is sent for two arrivals is what is sent for one. */
async function sentTwice(
  revision: Revision,
  pipeline: PipelineModel,
  subject: Subject,
  deps: TraceDeps,
): Promise<string[]> {
  const [once, twice] = [await sentFor(1), await sentFor(2)];
  return once.length === twice.length && once.every((one, index) => one === twice[index])
    ? []
    : [`sent once: ${once.join(", ") || "nothing"}`, `sent twice: ${twice.join(", ") || "nothing"}`];

  async function sentFor(times: number): Promise<string[]> {
    const events = [...subject.before, { ...subject.event, times }];
    const start = timeOfFirst(revision, events[0], deps.readSample);
    const plans = planRequests(events, { revision, start, prefix: "event", readSample: deps.readSample });
    const rig = await openRig(revision, { alone: pipeline.name, start, evaluator: deps.evaluator });
    try {
      for (const plan of plans) await rig.deliver(plan, 0);
      await rig.runOn(undefined);
      return rig.recorder.sent.map(
        ({ connection, delivery }) =>
          `${delivery.action} of ${delivery.entity.type} ${delivery.entity.key} to ${connection}`,
      );
    } finally {
      await rig.close();
    }
  }
}
