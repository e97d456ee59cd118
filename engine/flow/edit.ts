/**
 * Corrections of dead letters: a person gives the event's body anew, is told what would be mapped from it now, and then the
 * event gets its turn with it, through the same gates. The event stays who it was: id, type, time and dedupe key are those it
 * came with, but for one that could not be read: that one gets its type and time from the corrected body.
 */
import { hash } from "node:crypto";
import type { SourceModel } from "../config/revision.ts";
import type { Clock } from "../core/clock.ts";
import { errorMessage, fail } from "../core/errors.ts";
import type { Evaluator } from "../core/expression.ts";
import type { DeadLetterId, Json, JsonObject } from "../core/types.ts";
import {
  changedPlaces,
  editableOf,
  holdsBatch,
  identifyEdited,
  isSplittable,
  parseEdited,
} from "../provider/edited.ts";
import type {
  BodyEdit,
  DeadLetter,
  EditResult,
  EventStory,
  HistoryRow,
  Store,
  StoredEvent,
  StoreReader,
} from "../store/store.ts";
import { decideItem } from "./apply.ts";
import { applyDetail, ruleName } from "./detail.ts";
import type { Actor } from "./engine.ts";
import { readPayload } from "./payload.ts";
import { type Prepared, prepareWork } from "./prepare.ts";
import type { Routes } from "./routes.ts";
import { stepDetail } from "./step-detail.ts";

/** What a pipeline would make of the corrected event now. */
export interface ForeseenEdit {
  readonly pipeline: string;
  /** `fetch`: it asks for an object first. */
  readonly status: "applied" | "skipped" | "held" | "dead" | "fetch";
  /** Why it is skipped or held; the message of a dead letter, with its code. */
  readonly reason?: string;
  readonly rule?: string;
  readonly detail?: JsonObject;
  readonly history: readonly HistoryRow[];
}

export interface EditPlan {
  readonly letter: DeadLetter;
  /** As it would be read. */
  readonly event: StoredEvent;
  readonly edit: BodyEdit;
  readonly turns: readonly ForeseenEdit[];
}

export interface EditDeps {
  readonly reader: StoreReader & Pick<Store, "resolveId" | "snapshot">;
  readonly routes: Routes;
  readonly clock: Clock;
  readonly openEvaluator: () => Evaluator;
}

export interface Correcting {
  /** The dead letter's id. */
  readonly letter: string;
  readonly body: Uint8Array;
}

/** What there is to correct of a dead letter, as text. Fails when there is nothing that could be. */
export async function editableLetter(id: string, { reader, routes }: Pick<EditDeps, "reader" | "routes">) {
  const { event, source, letter } = await openLetter(id, { reader, routes });
  const editable = editableOf(source.recipe, event);
  if (editable === undefined || isWholeBatch(event, source))
    return fail("HK8253", { id, problem: `${cannotRead}; mend it at the sender and let it send again` });
  return { letter, event, source, ...editable };
}

const cannotRead = "its body is no text, or a batch of which nobody knows how many events it holds";

/** A request that was to hold several events and could not be taken apart. */
const isWholeBatch = (event: StoredEvent, { recipe }: SourceModel): boolean =>
  event.edited === undefined && holdsBatch(recipe.events, event.contentType) && !isSplittable(recipe, event);

/** Judges a correction and tells what would come of it; writes nothing. */
export async function planEdit({ letter: id, body }: Correcting, deps: EditDeps): Promise<EditPlan> {
  const { letter, event, source } = await editableLetter(id, deps);
  if (body.byteLength > source.maxBodyBytes)
    fail("HK8252", { id, problem: `it is ${body.byteLength} bytes long, and the source takes ${source.maxBodyBytes}` });
  const after = parseEdited(source.recipe, { contentType: event.contentType, body });
  if (!after.ok) return fail("HK8252", { id, problem: after.message });
  const before = readWhole(event, source);
  // What could not be read may be readable as it is, once the recipe or the source has been mended.
  if (event.type !== unreadable && before !== undefined && JSON.stringify(before) === JSON.stringify(after.value))
    return fail("HK8251", { id });
  const identity = event.type === unreadable ? identityOf(id, { event, source, body, value: after.value }) : undefined;
  const edited: StoredEvent = { ...event, ...identity, edited: body };
  const pipelines = letter.pipeline === "" ? deps.routes.listening(source, edited.type) : [letter.pipeline];
  if (pipelines.length === 0)
    fail("HK8253", { id, problem: `no pipeline listens to ${edited.type} of ${source.name}` });
  const edit: BodyEdit = {
    body,
    beforeHash: hash("sha256", event.edited ?? event.body, "hex"),
    afterHash: hash("sha256", body, "hex"),
    paths: changedPlaces(before, after.value),
    pipelines,
    ...(identity === undefined ? {} : { identity }),
  };
  const evaluator = deps.openEvaluator();
  try {
    const turns: ForeseenEdit[] = [];
    for (const pipeline of pipelines) turns.push(await foresee(edited, pipeline, { ...deps, evaluator }));
    return { letter, event: edited, edit, turns };
  } finally {
    await evaluator.close();
  }
}

/** The type of what could not be read (flow/ingest.ts). */
const unreadable = "unreadable";

async function openLetter(id: string, { reader, routes }: Pick<EditDeps, "reader" | "routes">) {
  const letter = (await reader.deadLetter(id)) ?? fail("HK8004", { id });
  if (letter.status !== "open") fail("HK8253", { id, problem: `it has been ${letter.status}` });
  const story = (await reader.story(letter.event)) ?? fail("HK8004", { id });
  const { event } = story;
  if (event.bodyPurged === true) fail("HK8253", { id, problem: "the event's body is no longer kept" });
  const problem = deliveryProblem(letter, story);
  if (problem !== undefined) fail("HK8253", { id, problem });
  return { letter, event, source: sourceOf(event, routes) ?? fail("HK8253", { id, problem: gone(event.source) }) };
}

const gone = (source: string) => `the config has no source ${source} any more`;

function deliveryProblem(letter: DeadLetter, { deliveries }: EventStory): string | undefined {
  const found = deliveries.find(({ delivery }) => delivery.id === letter.delivery)?.delivery;
  if (found === undefined) return undefined;
  if (found.frozen !== undefined) return EDIT_REFUSALS.sent;
  return found.kind === "upsert" ? undefined : EDIT_REFUSALS.effect;
}

/** Why the store did not take it, in words. */
const EDIT_REFUSALS: Readonly<Record<Exclude<EditResult, "done">, string>> = {
  closed: "somebody else has closed it",
  sent: "its request has been sent, and what was sent is repeated as it was or not at all",
  effect: "it is an effect, such as a message: its event has been applied, and an effect is not made anew",
  busy: "its event is being worked on in that pipeline",
};

function sourceOf(event: StoredEvent, { revision }: Routes): SourceModel | undefined {
  const inline = revision.pipelines.map(({ source }) => source);
  return revision.sources.get(event.source) ?? inline.find(({ name }) => name === event.source);
}

function readWhole(event: StoredEvent, source: SourceModel): Json | undefined {
  const payload = readPayload(event, source);
  return payload.ok ? payload.whole : undefined;
}

interface Identifying {
  readonly event: StoredEvent;
  readonly source: SourceModel;
  readonly body: Uint8Array;
  readonly value: Json;
}

function identityOf(id: string, { event, source, body, value }: Identifying): NonNullable<BodyEdit["identity"]> {
  const { contentType, headers } = event;
  const found = identifyEdited(source.recipe, { contentType, headers, body, value, path: source.path });
  if (typeof found === "string") return fail("HK8252", { id, problem: found });
  const { type, occurredAt = event.receivedAt, clockResolutionMs, rank } = found;
  return { type, occurredAt, clockResolutionMs, rank };
}

async function foresee(
  event: StoredEvent,
  pipeline: string,
  deps: EditDeps & { readonly evaluator: Evaluator },
): Promise<ForeseenEdit> {
  const { reader, routes } = deps;
  // A dry run asks nobody: it tells by what was fetched last.
  const fetched = await reader.fetched(event.seq, pipeline);
  const item = { seq: 0, pipeline, status: "ready", event, ...(fetched === undefined ? {} : { fetched }) } as const;
  const prepared = await prepareWork(item, deps);
  if (prepared.kind !== "mapped") return unmapped(pipeline, prepared);
  const { decision, ...on } = await decideItem(item, prepared, { ...deps, store: reader });
  const { mapped } = prepared;
  const detail = applyDetail(mapped, routes.revision.entities, undefined, stepDetail(item, { prepared, ...on }));
  const turn = { pipeline, rule: ruleName(mapped.rule), detail };
  switch (decision.kind) {
    case "dead":
      return {
        ...turn,
        status: "dead",
        reason: `${errorMessage(decision.code, decision.data)} [${decision.code}]`,
        history: [],
      };
    case "hold":
      return { ...turn, status: "held", reason: decision.reason, history: [] };
    case "skip":
      return { ...turn, status: "skipped", reason: decision.reason, history: decision.history };
    case "apply":
      return { ...turn, status: "applied", history: decision.history };
  }
}

function unmapped(pipeline: string, prepared: Exclude<Prepared, { kind: "mapped" }>): ForeseenEdit {
  const rule = prepared.rule === undefined ? {} : { rule: ruleName(prepared.rule) };
  const turn = { pipeline, ...rule, history: [] };
  if (prepared.kind === "fetch") return { ...turn, status: "fetch", reason: `asks ${prepared.fetch.connection} first` };
  if (prepared.kind === "skipped") return { ...turn, status: "skipped", reason: prepared.reason };
  return { ...turn, status: "dead", reason: `${prepared.message} [${prepared.code}]` };
}

export interface Edits {
  /** Only tells. */
  plan(correcting: Correcting): Promise<EditPlan>;
  /** Does it, as told; fails (HK8254) where all that would come of it is a dead letter again. */
  edit(correcting: Correcting, by: Actor): Promise<EditPlan>;
}

export function createEdits(deps: Omit<EditDeps, "reader"> & { readonly store: Store }): Edits {
  const { store, clock } = deps;
  const plan = (correcting: Correcting) => planEdit(correcting, { ...deps, reader: store });
  return {
    plan,
    async edit(correcting, by) {
      const planned = await plan(correcting);
      const { letter, edit, turns } = planned;
      const [first] = turns;
      if (first !== undefined && turns.every(({ status }) => status === "dead"))
        fail("HK8254", { id: letter.id, reason: first.reason ?? "" });
      const target = `${letter.id}, body sha256 ${edit.beforeHash} -> ${edit.afterHash}`;
      const audit = { at: clock.now(), action: "dead.edit", target, ...by };
      const result = await store.editDeadLetter({ id: letter.id as DeadLetterId, edit, audit });
      if (result !== "done") fail("HK8253", { id: letter.id, problem: EDIT_REFUSALS[result] });
      return planned;
    },
  };
}
