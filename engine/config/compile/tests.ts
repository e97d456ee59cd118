/** `tests:` and `traces:` -> models: samples found, offsets in ms, names checked as strictly as anywhere. */

import { parseDuration } from "../../core/duration.ts";
import type { EntityModel } from "../../core/entity.ts";
import { parseIso } from "../../core/values.ts";
import { staysInside } from "../files.ts";
import type { Mark } from "../position.ts";
import { positionOf } from "../position.ts";
import type { SourceModel } from "../revision.ts";
import type { PipelineYaml } from "../schema/pipeline.schema.ts";
import { expectKeys, type TestEventYaml, type TestYaml } from "../schema/tests.schema.ts";
import type {
  DeclaredObjects,
  EntityExpectation,
  SinkAnswer,
  TestEvent,
  TestExpectation,
  TestModel,
  TraceModel,
} from "../test-model.ts";
import { type CompileContext, checkName, checkNames } from "./context.ts";
import { fetchedBy } from "./fetch.ts";

/** What a pipeline, or a file beside it, says of its tests. */
export type TestsYaml = Pick<PipelineYaml, "tests" | "traces">;

export interface TestDeps {
  readonly entities: ReadonlyMap<string, EntityModel>;
  /** All sources, inline ones too. */
  readonly sources: readonly SourceModel[];
  /** Event names and actions that some pipeline sends. */
  readonly sendable: ReadonlySet<string>;
  readonly connections: readonly string[];
}

export function compileTests(
  context: CompileContext,
  pipeline: { readonly yaml: TestsYaml; readonly source: SourceModel | undefined },
  deps: TestDeps,
): { readonly tests: readonly TestModel[]; readonly traces: readonly TraceModel[] } {
  const { yaml, source } = pipeline;
  // Without its source, no sample can be found: that has been reported.
  if (source === undefined) return { tests: [], traces: [] };
  const events: EventDeps["events"] = (list, fetched) => {
    const found = (list ?? []).flatMap(
      (_, index) => compileEvent(context, { list: list ?? [], index, source }, deps) ?? [],
    );
    return fetched === undefined ? found : found.map((event) => ({ ...event, fetched }));
  };
  checkUniqueNames(context, yaml);
  return {
    tests: (yaml.tests ?? []).map((test) => compileTest(context, test, { ...deps, events })),
    traces: (yaml.traces ?? []).map((trace) => ({
      name: trace.name,
      events: events(trace.events, fetchedBy(context, trace, deps.connections)),
      position: positionOf(context.positions.of(trace)),
    })),
  };
}

function checkUniqueNames(context: CompileContext, yaml: TestsYaml): void {
  const seen = new Map<string, TestYaml>();
  for (const test of yaml.tests ?? []) {
    const first = seen.get(test.name);
    if (first !== undefined && test.name !== "") {
      context.reporter.report(
        "HK1061",
        context.positions.value(test, "name"),
        { kind: "tests", name: test.name },
        { related: { message: "the other one", mark: context.positions.value(first, "name") } },
      );
    }
    seen.set(test.name, test);
  }
}

interface EventDeps extends TestDeps {
  readonly events: (
    list: readonly TestEventYaml[] | undefined,
    fetched: DeclaredObjects | undefined,
  ) => readonly TestEvent[];
}

function compileTest(context: CompileContext, test: TestYaml, deps: EventDeps): TestModel {
  const wait = parseDuration(test.wait);
  const start =
    test.start === undefined ? undefined : instantOf(context, test.start, context.positions.value(test, "start"));
  const { sinks = {} } = test;
  for (const name of Object.keys(sinks))
    checkName(context, "connection", name, { names: deps.connections, mark: context.positions.key(sinks, name) });
  const fetched = fetchedBy(context, test, deps.connections);
  return {
    name: test.name,
    ...(test.description === undefined ? {} : { description: test.description }),
    ...(start === undefined ? {} : { start }),
    before: deps.events(test.before, fetched),
    events: deps.events(test.events, fetched),
    order: test.order ?? "given",
    sinks: Object.fromEntries(Object.entries(sinks).map(([name, answers]) => [name, answers.map(answerOf)])),
    ...(wait.ok ? { waitMs: wait.value } : {}),
    expect: compileExpect(context, test.expect, deps),
    position: positionOf(context.positions.of(test)),
  };
}

function answerOf(answer: NonNullable<TestYaml["sinks"]>[string][number]): SinkAnswer {
  if (typeof answer === "number") return { kind: "status", status: answer, headers: {} };
  if (typeof answer === "string") return { kind: answer };
  return {
    kind: "status",
    status: answer.status,
    headers: answer.headers ?? {},
    ...(answer.body === undefined ? {} : { body: answer.body }),
  };
}

interface EventPlace {
  readonly list: readonly TestEventYaml[];
  readonly index: number;
  readonly source: SourceModel;
}

function compileEvent(context: CompileContext, place: EventPlace, deps: TestDeps): TestEvent | undefined {
  const yaml = place.list[place.index];
  const mark = context.positions.value(place.list, place.index);
  const base = {
    delayMs: 0,
    times: 1,
    set: {},
    remove: [],
    headers: {},
    signature: "valid" as const,
    position: positionOf(mark),
  };
  if (yaml === undefined || yaml === "") return undefined;
  if (typeof yaml === "string") {
    const found = findSample(context, { name: yaml, mark, own: place.source }, deps);
    return found === undefined
      ? undefined
      : { ...base, source: found.source, payload: { kind: "sample", name: found.name } };
  }
  const start = startOf(context, { yaml, mark, own: place.source }, deps);
  if (start === undefined) return undefined;
  const delay = parseDuration(yaml.delay);
  const at = yaml.at === undefined ? undefined : timeOf(context, yaml.at, context.positions.value(yaml, "at"));
  return {
    ...base,
    ...start,
    ...(yaml.id === undefined ? {} : { id: yaml.id }),
    ...(at === undefined ? {} : { at }),
    delayMs: delay.ok ? delay.value : 0,
    times: yaml.times ?? 1,
    set: yaml.set ?? {},
    remove: yaml.remove ?? [],
    headers: yaml.headers ?? {},
    signature: yaml.signature ?? "valid",
  };
}

type EventMap = Exclude<TestEventYaml, string>;

/** What it starts from: exactly one of sample, file and body. */
function startOf(
  context: CompileContext,
  event: { readonly yaml: EventMap; readonly mark: Mark; readonly own: SourceModel },
  deps: TestDeps,
): Pick<TestEvent, "source" | "payload"> | undefined {
  const { yaml } = event;
  const given = (["sample", "file", "body"] as const).filter((key) => yaml[key] !== undefined);
  if (given.length !== 1) {
    context.reporter.report(
      "HK1016",
      event.mark,
      { problem: "an event starts from one of `sample`, `file` and `body`" },
      { expected: "exactly one of sample, file, body" },
    );
    return undefined;
  }
  const source = yaml.source ?? event.own.name;
  const known = deps.sources.map((model) => model.name);
  if (
    yaml.source !== undefined &&
    !checkName(context, "source", yaml.source, { names: known, mark: context.positions.value(yaml, "source") })
  )
    return undefined;
  if (yaml.sample !== undefined) {
    const own = deps.sources.find((model) => model.name === source) ?? event.own;
    const found = findSample(context, { name: yaml.sample, mark: context.positions.value(yaml, "sample"), own }, deps);
    return found === undefined ? undefined : { source: found.source, payload: { kind: "sample", name: found.name } };
  }
  if (yaml.file !== undefined && !staysInside(yaml.file)) {
    context.reporter.report("HK1006", context.positions.value(yaml, "file"), { path: yaml.file });
    return undefined;
  }
  if (yaml.file !== undefined) return { source, payload: { kind: "file", path: yaml.file } };
  return {
    source,
    payload: { kind: "body", body: yaml.body ?? null, ...(yaml.type === undefined ? {} : { type: yaml.type }) },
  };
}

/** A sample of the own provider first, then `provider/sample`, then of whichever source has one of that name. */
function findSample(
  context: CompileContext,
  wanted: { readonly name: string; readonly mark: Mark; readonly own: SourceModel },
  deps: TestDeps,
): { readonly source: string; readonly name: string } | undefined {
  const { name, own, mark } = wanted;
  const candidates = [own, ...deps.sources];
  for (const source of candidates) if (source.recipe.samples.has(name)) return { source: source.name, name };
  for (const source of candidates) {
    const prefix = `${source.provider}/`;
    if (name.startsWith(prefix) && source.recipe.samples.has(name.slice(prefix.length)))
      return { source: source.name, name: name.slice(prefix.length) };
  }
  checkName(context, "sample", name, {
    names: candidates.flatMap((source) => [...source.recipe.samples.keys()]),
    mark,
  });
  return undefined;
}

function timeOf(context: CompileContext, text: string, mark: Mark): TestEvent["at"] {
  const offset = /^([+-])(.*)$/.exec(text);
  if (offset === null) {
    const instant = instantOf(context, text, mark);
    return instant === undefined ? undefined : { instant };
  }
  const parsed = parseDuration(offset[2]);
  return parsed.ok ? { offsetMs: offset[1] === "-" ? -parsed.value : parsed.value } : undefined;
}

function instantOf(context: CompileContext, text: string, mark: Mark): number | undefined {
  const instant = parseIso(text);
  if (instant === undefined && text !== "") {
    context.reporter.report(
      "HK1014",
      mark,
      { where: "this time", problem: `\`${text}\` is no instant` },
      { expected: "an instant such as 2026-12-04T00:00:00Z" },
    );
  }
  return instant;
}

function compileExpect(context: CompileContext, expect: TestYaml["expect"], deps: TestDeps): TestExpectation {
  const entities: Record<string, Readonly<Record<string, EntityExpectation>>> = {};
  for (const [name, keys] of Object.entries(expect)) {
    if (Object.hasOwn(expectKeys, name) || name.startsWith("x-") || typeof keys !== "object" || keys === null) continue;
    const known = [...deps.entities.keys(), ...Object.keys(expectKeys)];
    if (!checkName(context, "entity", name, { names: known, mark: context.positions.key(expect, name) })) continue;
    entities[name] = expectedEntities(context, keys, deps.entities.get(name));
  }
  checkAttributeRefs(context, expect, deps);
  const { sent, outcomes, deliveries, refused, kept, dead } = expect;
  for (const name of Object.keys(sent ?? {}))
    checkSendable(context, name, { mark: context.positions.key(sent ?? {}, name), sendable: deps.sendable });
  return {
    entities,
    ...(outcomes === undefined ? {} : { outcomes }),
    ...(sent === undefined ? {} : { sent }),
    ...(deliveries === undefined ? {} : { deliveries }),
    ...(refused === undefined ? {} : { refused }),
    ...(kept === undefined ? {} : { kept }),
    ...(dead === undefined ? {} : { dead }),
    exact: expect.exact ?? false,
  };
}

function expectedEntities(
  context: CompileContext,
  keys: object,
  entity: EntityModel | undefined,
): Readonly<Record<string, EntityExpectation>> {
  const names = [...(entity?.attributes.keys() ?? []), "state"];
  for (const values of Object.values(keys)) {
    if (typeof values !== "object" || values === null) continue;
    for (const attribute of Object.keys(values))
      checkName(context, "attribute", attribute, { names, mark: context.positions.key(values, attribute) });
  }
  return keys as Readonly<Record<string, EntityExpectation>>;
}

function checkAttributeRefs(context: CompileContext, expect: TestYaml["expect"], deps: TestDeps): void {
  const names = [...deps.entities.values()].flatMap((entity) =>
    [...entity.attributes.keys()].map((attribute) => `${entity.name}.${attribute}`),
  );
  for (const list of [expect.refused, expect.kept]) {
    if (list !== undefined) checkNames(context, "attribute", list, names);
  }
}

/** A misspelt name that is never sent would make `NAME: 0` pass for ever. */
function checkSendable(
  context: CompileContext,
  name: string,
  place: { readonly mark: Mark; readonly sendable: ReadonlySet<string> },
): void {
  if (place.sendable.size > 0) checkName(context, "delivery", name, { names: place.sendable, mark: place.mark });
}
