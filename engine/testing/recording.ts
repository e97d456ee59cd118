/**
 * A stored event as a fixture for tests: its payload with persons taken out, and the proof that every pipeline still
 * does the same with it. What is sensitive is found by mapping the event: whatever a sensitive attribute or key reads.
 */
import type { PipelineModel, Revision, SourceModel } from "../config/revision.ts";
import type { EntityModel } from "../core/entity.ts";
import type { Evaluator } from "../core/expression.ts";
import { parseJson } from "../core/json.ts";
import type { Json } from "../core/types.ts";
import { sameJson } from "../core/values.ts";
import { ruleName } from "../flow/detail.ts";
import { type Prepared, prepareWork } from "../flow/prepare.ts";
import type { Routes } from "../flow/routes.ts";
import { readRequest } from "../mapping/fetch.ts";
import { setAt } from "../provider/edit.ts";
import { bodyFormat, parsePayload, parseWhole } from "../provider/parse.ts";
import { renderSample } from "../provider/sample.ts";
import { holesOf } from "../provider/template.ts";
import type { StoredAnswer, StoredEvent } from "../store/store.ts";
import type { CorpusAnswer } from "./corpus.ts";
import type { Pseudonyms } from "./pseudonym.ts";
import { leavesOf, type Redaction, redact, redactText } from "./redact.ts";
import type { RecordedTurn } from "./redact-state.ts";
import { type Vocabulary, vocabularyOf } from "./vocabulary.ts";

export interface Recorded {
  readonly source: string;
  readonly type: string;
  readonly receivedAt: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json;
  /** What rules fetched for it, by the path that they ask for with the recording. */
  readonly fetched?: readonly CorpusAnswer[];
  /** Pipelines that listen. */
  readonly pipelines: readonly string[];
  /** Where a pipeline does something else with it than with the original, in words without values. */
  readonly differences: readonly string[];
}

export interface RecordingDeps {
  readonly routes: Routes;
  readonly evaluator: Evaluator;
  /** Asked once: an id has one name, whichever source it comes from. */
  readonly pseudonyms: (vocabulary: Pick<Vocabulary, "prefixes">) => Pseudonyms;
  /** What a rule fetched for it. */
  readonly fetched?: (event: StoredEvent, pipeline: string) => Promise<StoredAnswer | undefined>;
}

export type Recording =
  | { readonly ok: true; readonly recorded: Recorded; readonly turns: readonly RecordedTurn[] }
  | { readonly ok: false; readonly why: "no_source" | "body_gone" | "unreadable" };

/** The words and names of one recording: the same id gets the same name in each of its events. */
export interface RecordingTools {
  readonly pseudonyms: Pseudonyms;
  vocabulary(source: SourceModel): Vocabulary;
  /** Of all sources together. */
  readonly whole: Vocabulary;
}

export function createRecordingTools({
  routes,
  pseudonyms,
}: Pick<RecordingDeps, "routes" | "pseudonyms">): RecordingTools {
  const { pipelines, entities, sources } = routes.revision;
  const all = new Map([...sources.values(), ...pipelines.map(({ source }) => source)].map((one) => [one.name, one]));
  const known = new Map<string, Vocabulary>();
  const vocabulary = (source: SourceModel): Vocabulary => {
    const listening = pipelines.filter((one) => one.source.name === source.name);
    const made = known.get(source.name) ?? vocabularyOf(source, listening, entities);
    known.set(source.name, made);
    return made;
  };
  const each = [...all.values()].map(vocabulary);
  const union = (part: keyof Vocabulary) => new Set(each.flatMap((one) => [...one[part]]));
  const whole = {
    words: union("words"),
    sampled: union("sampled"),
    keys: union("keys"),
    prefixes: union("prefixes"),
  };
  return { vocabulary, whole, pseudonyms: pseudonyms(whole) };
}

export function createRecording(
  deps: RecordingDeps,
  tools: RecordingTools = createRecordingTools(deps),
): (event: StoredEvent) => Promise<Recording> {
  const { revision } = deps.routes;
  return async (event) => {
    const source = sourceOf(revision, event.source);
    if (source === undefined) return { ok: false, why: "no_source" };
    if (event.bodyPurged === true || event.body.byteLength === 0) return { ok: false, why: "body_gone" };
    const body = bodyOf(source, event);
    if (body === undefined) return { ok: false, why: "unreadable" };
    const pipelines = deps.routes.listening(source, event.type);
    const before = await prepareAll(event, pipelines, deps);
    const sensitive = new Set(before.flatMap((one) => sensitiveValues(one.prepared, revision.entities)));
    const vocabulary = tools.vocabulary(source);
    const { pseudonyms } = tools;
    const own = { ...vocabulary, words: new Set([...vocabulary.words, event.type, ...event.type.split(".")]) };
    const redaction: Redaction = { vocabulary: own, pseudonyms, sensitive };
    const headers = keptHeaders(source, event, redaction);
    const redacted = redact(body, redaction);
    const sample = { name: event.type, headers, body: redacted };
    const again = { ...event, ...renderSample(source.recipe, sample), itemIndex: 0 };
    const fetched: CorpusAnswer[] = [];
    const after = await Promise.all(
      before.map(async ({ pipeline, answer }) => {
        const prepared = await prepareWork({ event: again, pipeline }, deps);
        if (prepared.kind !== "fetch" || answer === undefined) return prepared;
        const { request } = prepared;
        const one = { ...readRequest(request), at: answer.at, body: redactAnswer(answer, redaction) };
        if (!fetched.some((known) => sameJson(known as unknown as Json, one))) fetched.push(one);
        const item = { event: again, pipeline, fetched: { request, at: one.at, body: JSON.stringify(one.body) } };
        return prepareWork(item, deps);
      }),
    );
    return {
      ok: true,
      turns: before.map(({ prepared }, index) => ({ before: prepared, after: after[index] })),
      recorded: {
        source: source.name,
        type: event.type,
        receivedAt: event.receivedAt,
        headers,
        body: redacted,
        ...(fetched.length === 0 ? {} : { fetched }),
        pipelines,
        differences: before.flatMap((one, index) => differencesOf(one.pipeline, one.prepared, after[index])),
      },
    };
  };
}

export function sourceOf(revision: Revision, name: string): SourceModel | undefined {
  return revision.sources.get(name) ?? revision.pipelines.find(({ source }) => source.name === name)?.source;
}

/** The payload as samples hold it; of a batch only this item. */
function bodyOf({ recipe }: SourceModel, event: StoredEvent): Json | undefined {
  const { events } = recipe;
  const item = parsePayload(recipe, event);
  if (!item.ok) return undefined;
  const format = bodyFormat(events, event.contentType);
  if (format === "json_lines") return [item.value];
  if (events.items === undefined) return item.value;
  if (events.items === "") return [item.value];
  const whole = parseWhole(events, event.body, format);
  return whole.ok ? setAt(whole.value, events.items, [item.value]) : undefined;
}

/** It was judged to be JSON when it came in. */
function redactAnswer({ body }: StoredAnswer, by: Redaction): Json {
  const parsed = parseJson(Buffer.from(body));
  return parsed.ok ? redact(parsed.value, by) : null;
}

/** Those a recipe reads, a source keeps or the samples have. */
function keptHeaders(source: SourceModel, event: StoredEvent, by: Redaction): Record<string, string> {
  const { events, samples } = source.recipe;
  const templates = [
    ...events.types,
    ...events.times,
    ...events.ids.flatMap((id) => ("template" in id ? [id.template] : [])),
  ];
  const read = templates.flatMap((template) =>
    holesOf(template).flatMap(({ ref }) => (ref.kind === "header" ? [ref.name] : [])),
  );
  const sampled = [...samples.values()].flatMap((sample) => Object.keys(sample.headers));
  const names = new Set([...read, ...source.keepHeaders, ...sampled.map((name) => name.toLowerCase())]);
  const kept: Record<string, string> = { "content-type": event.contentType };
  for (const name of names) {
    const value = event.headers[name];
    if (value !== undefined && name !== "content-type") kept[name] = redactText(value, { path: "", key: name }, by);
  }
  return kept;
}

interface OnePipeline {
  readonly pipeline: string;
  readonly prepared: Prepared;
  readonly answer: StoredAnswer | undefined;
}

function prepareAll(event: StoredEvent, pipelines: readonly string[], deps: RecordingDeps): Promise<OnePipeline[]> {
  return Promise.all(
    pipelines.map(async (pipeline) => {
      const answer = await deps.fetched?.(event, pipeline);
      const item = { event, pipeline, ...(answer === undefined ? {} : { fetched: answer }) };
      return { pipeline, prepared: await prepareWork(item, deps), answer };
    }),
  );
}

/** What is read for sensitive attributes, sensitive ids and sensitive keys. */
function sensitiveValues(prepared: Prepared, entities: ReadonlyMap<string, EntityModel>): string[] {
  if (prepared.kind !== "mapped") return [];
  return prepared.mapped.writes.flatMap((write) => {
    const model = entities.get(write.model.entity);
    const isSensitive = (name: string) => model?.attributes.get(name)?.sensitive ?? false;
    const rows = write.fields.filter(({ row }) => isSensitive(row.name));
    const links = Object.entries(write.links).flatMap(([name, value]) => (isSensitive(name) ? [value] : []));
    const key = write.key.kind === "id" && isSensitive(write.key.idName) ? [write.key.value] : [];
    const results = rows.flatMap(({ result }) => ("value" in result ? leavesOf(result.value) : []));
    return [...rows.flatMap(({ raw }) => raw.flatMap(leavesOf)), ...results, ...[...links, ...key].flatMap(leavesOf)];
  });
}

/** What a pipeline did, without values: rule, states, and for each row how it ended. */
function deedsOf(prepared: Prepared | undefined): readonly string[] {
  if (prepared === undefined) return ["nothing"];
  if (prepared.kind !== "mapped") {
    const rule = prepared.rule === undefined ? "" : ` by ${ruleName(prepared.rule)}`;
    const why = prepared.kind === "skipped" ? prepared.reason : prepared.kind === "dead" ? prepared.code : "";
    return [`${prepared.kind} ${why}${rule}`];
  }
  return [
    `mapped by ${ruleName(prepared.mapped.rule)}`,
    ...prepared.mapped.writes.flatMap(({ model, state, fields }) => [
      ...(state === undefined ? [] : [`${model.entity}.state: ${state}`]),
      ...fields.map(({ row, result, missing }) => {
        const why = result.kind === "keep" ? ` (${result.why})` : "";
        return `${model.entity}.${row.name}: ${result.kind}${why}${missing.length === 0 ? "" : ` without ${missing.join(", ")}`}`;
      }),
    ]),
  ];
}

function differencesOf(pipeline: PipelineModel["name"], before: Prepared, after: Prepared | undefined): string[] {
  const was = deedsOf(before);
  const is = deedsOf(after);
  const gone = was.filter((one) => !is.includes(one));
  const come = is.filter((one) => !was.includes(one));
  return gone.length + come.length === 0
    ? []
    : [`${pipeline}: the original is ${gone.join("; ") || "the same"}, the recording ${come.join("; ") || "the same"}`];
}
