/**
 * Which deliveries an applied event gives birth to. Asked in the apply step, so that the answer, the new state and
 * the `once` marks are committed as one: "does this change anything there?"
 */
import { hash } from "node:crypto";
import type { PipelineModel } from "../config/revision.ts";
import { errorMessage } from "../core/errors.ts";
import type { Evaluator, Expression, Scope } from "../core/expression.ts";
import type { Ids } from "../core/ids.ts";
import { refKey } from "../core/record.ts";
import type { AttributeWrite, Json } from "../core/types.ts";
import { sameJson } from "../core/values.ts";
import type { DeliverModel, RetryPlan } from "../delivery/model.ts";
import { missingReadings } from "../mapping/policy.ts";
import { valuesOf } from "../ordering/draft.ts";
import { unknownState } from "../ordering/state.ts";
import type { Touched } from "../ordering/step.ts";
import type { MergedUpsert, NewDelivery, OnceMark, OpenUpsert, Store, StoredEvent } from "../store/store.ts";
import { canonicalJson } from "./canonical.ts";
import { readInstant } from "./instant.ts";

/** The name under which a connection's acknowledged state is kept beside its attributes; no attribute may have it. */
export const acknowledgedState = "state";

export interface BornInput {
  readonly pipeline: PipelineModel;
  readonly deliver: readonly DeliverModel[];
  readonly event: StoredEvent;
  readonly touched: readonly Touched[];
  /** Payload, `let` variables and the entities as they are after the step, for the deliveries of one entity. */
  readonly scopeOf: (touched: Touched) => Scope;
  readonly evaluator: Evaluator;
  readonly store: Pick<Store, "acknowledged" | "openUpserts" | "onceMarked">;
  readonly retryPlan: (connection: string) => RetryPlan;
  /** False: what is pending may have been sent. */
  readonly marksAttempts: (connection: string) => boolean;
  readonly ids: Ids;
  readonly now: number;
}

/** One entity's turn, with its own scope. */
interface Considered extends BornInput {
  readonly scope: Scope;
}

export interface Born {
  readonly deliveries: readonly NewDelivery[];
  readonly once: readonly OnceMark[];
  readonly merged: readonly MergedUpsert[];
  /** Entries that fire nothing, and why: for `explain`. */
  readonly notSent: readonly { readonly deliver: string; readonly why: string }[];
}

/** A condition that could not be judged: the event is a dead letter, never a silent skip. */
export interface BornFault {
  readonly code: string;
  readonly message: string;
}

type Collected = {
  deliveries: NewDelivery[];
  once: OnceMark[];
  merged: MergedUpsert[];
  notSent: { deliver: string; why: string }[];
};

export async function deliveriesFor(input: BornInput): Promise<Born | BornFault> {
  const born: Collected = { deliveries: [], once: [], merged: [], notSent: [] };
  for (const entry of input.deliver) {
    for (const touched of targets(entry, input.touched)) {
      const why = await consider({ ...input, scope: input.scopeOf(touched) }, entry, { touched, born });
      if (typeof why === "object") return why;
      if (why !== undefined) born.notSent.push({ deliver: `${entry.id} ${refKey(touched.after)}`, why });
    }
  }
  return born;
}

function targets(entry: DeliverModel, touched: readonly Touched[]): readonly Touched[] {
  if (entry.entity !== undefined) return touched.filter((one) => one.after.type === entry.entity);
  return entry.kind === "upsert" ? touched : touched.filter((one) => one.written);
}

/** `undefined`: a delivery was born. Text: none was, and why. */
async function consider(
  input: Considered,
  entry: DeliverModel,
  at: { touched: Touched; born: Collected },
): Promise<string | undefined | BornFault> {
  const { touched, born } = at;
  const unchanged = unmetTrigger(entry, touched);
  if (unchanged !== undefined) return unchanged;
  const selected = await whenHolds(input, entry);
  if (selected !== true) return selected === false ? "`when` is false" : selected;
  const late = await notAfterOf(input, entry);
  if (late.why !== undefined) return late.why;
  const mark = await onceMark(input, entry, touched);
  if (mark?.done === true) return "once, and it was";
  const open = entry.kind === "upsert" ? await openFor(input, entry, touched) : [];
  const attributes =
    entry.kind === "upsert" ? await upsertAttributes(input, entry, { touched, open }) : allAttributes(entry, touched);
  if (attributes === undefined) return "nothing changes there";
  const params = await evaluateParams(input, entry);
  if ("code" in params) return params;
  const delivery = newDelivery(input, entry, { touched, attributes, params: params.values, notAfter: late.notAfter });
  const mergeable = open.filter((one) => one.mergeable && one.action === entry.action);
  const merged = takeOver(delivery, touched, { pending: mergeable, isSure: input.marksAttempts(entry.connection) });
  born.deliveries.push(merged.delivery);
  born.merged.push(...merged.merged);
  if (mark !== undefined) born.once.push(mark.mark);
  return undefined;
}

function unmetTrigger(entry: DeliverModel, touched: Touched): string | undefined {
  if (touched.deleted && entry.kind === "upsert") return "the entity is deleted";
  if (
    entry.onChange !== undefined &&
    entry.kind === "effect" &&
    !entry.onChange.some((name) => touched.changed.has(name))
  ) {
    return `none of ${entry.onChange.join(", ")} changed`;
  }
  if (entry.onEnter === undefined) return undefined;
  const { entered } = touched;
  if (entered === undefined || !entry.onEnter.includes(entered.to))
    return `did not enter ${entry.onEnter.join(" or ")}`;
  // A first state is no entry: the engine does not know where the entity was before.
  const from = entry.from?.includes(entered.from) ?? entered.from !== "unknown";
  return from ? undefined : `came from ${entered.from}`;
}

async function whenHolds(input: Considered, entry: DeliverModel): Promise<boolean | BornFault> {
  if (entry.when === undefined) return true;
  const [answer] = await input.evaluator.answer([entry.when], input.scope);
  // What is not known of the entity is no fault of the payload: then the condition is simply not true.
  const ofPayload = (answer?.readings ?? []).filter((reading) => reading.input.root === "payload");
  const [missing] = missingReadings(ofPayload);
  if (missing !== undefined) {
    const data = { deliver: entry.id, path: missing.input.path, presence: missing.presence };
    return { code: "HK5304", message: errorMessage("HK5304", data) };
  }
  const result = answer?.result;
  if (result === undefined || result.ok) return result?.value === true;
  return { code: result.code, message: `\`when\` of ${entry.id}: ${result.message}` };
}

async function notAfterOf(input: Considered, entry: DeliverModel): Promise<{ why?: string; notAfter?: number }> {
  if (entry.notAfter === undefined) return {};
  const result = await input.evaluator.evaluate(entry.notAfter, input.scope);
  const instant = result.ok ? readInstant(result.value, input.pipeline.source.times) : undefined;
  if (instant === undefined) return { why: `\`not_after\` (${entry.notAfter.source}) gives no time` };
  return input.now > instant ? { why: "too late: `not_after` has passed" } : { notAfter: instant };
}

async function onceMark(
  input: Considered,
  entry: DeliverModel,
  touched: Touched,
): Promise<{ mark: OnceMark; done: boolean } | undefined> {
  if (entry.once === undefined) return undefined;
  const values: Json[] = [];
  for (const expression of entry.once) {
    const result = await input.evaluator.evaluate(expression, input.scope);
    values.push((result.ok ? result.value : undefined) ?? null);
  }
  const text = entry.once.length === 0 ? "" : canonicalJson(values);
  const mark: OnceMark = {
    effect: `${input.pipeline.name}/${entry.id}`,
    entity: { type: touched.after.type, key: touched.after.key },
    values: text,
  };
  // What the CRM knew before Hookrail came has had its once-in-a-life effects.
  // What fired for one that turned out to be this entity has fired for it.
  const others = (touched.after.absorbed ?? []).map((key) => ({ ...mark, entity: { ...mark.entity, key } }));
  const marked = await input.store.onceMarked([mark, ...others]);
  const done = (touched.after.seeded && text === "") || marked.includes(true);
  return { mark, done };
}

/** The difference to what the connection last acknowledged; `undefined` when there is none, the state included. */
async function upsertAttributes(
  input: Considered,
  entry: DeliverModel,
  at: { readonly touched: Touched; readonly open: readonly OpenUpsert[] },
): Promise<Record<string, AttributeWrite> | undefined> {
  const { after } = at.touched;
  const known: Record<string, Json> = { ...(await input.store.acknowledged(entry.connection, after, entry.action)) };
  // What waits, is on the wire or may have arrived changes what is there: what was acknowledged before is no measure.
  for (const { attributes } of at.open) for (const name of Object.keys(attributes)) delete known[name];
  if (at.open.length > 0) delete known[acknowledgedState];
  const wanted = entry.onChange ?? entry.fields;
  const difference: Record<string, AttributeWrite> = {};
  for (const name of wanted ?? Object.keys(after.attributes)) {
    const value = after.attributes[name]?.value;
    if (value === undefined || sameJson(value, known[name])) continue;
    difference[name] = value === null ? { clear: true } : { set: value };
  }
  const stateMoved = wanted === undefined && after.state !== unknownState && known[acknowledgedState] !== after.state;
  const firstWrite = wanted === undefined && Object.keys(known).length === 0;
  return Object.keys(difference).length > 0 || stateMoved || firstWrite ? difference : undefined;
}

function allAttributes(entry: DeliverModel, touched: Touched): Record<string, AttributeWrite> {
  const values = Object.entries(valuesOf(touched.after.attributes)).filter(
    ([name, value]) => value !== null && (entry.fields?.includes(name) ?? true),
  );
  return Object.fromEntries(values.map(([name, value]) => [name, { set: value as Json }]));
}

function isExpression(value: Json | Expression): value is Expression {
  return typeof value === "object" && value !== null && !Array.isArray(value) && "inputs" in value && "fast" in value;
}

async function evaluateParams(
  input: Considered,
  entry: DeliverModel,
): Promise<{ values: Record<string, Json> } | BornFault> {
  const values: Record<string, Json> = {};
  for (const [name, param] of Object.entries(entry.params)) {
    if (!isExpression(param)) {
      values[name] = param;
      continue;
    }
    const result = await input.evaluator.evaluate(param, input.scope);
    if (!result.ok) return { code: result.code, message: `\`${name}\` of ${entry.id}: ${result.message}` };
    if (result.value !== undefined) values[name] = result.value;
  }
  return { values };
}

interface DeliveryParts {
  readonly touched: Touched;
  readonly attributes: Readonly<Record<string, AttributeWrite>>;
  readonly params: Readonly<Record<string, Json>>;
  readonly notAfter: number | undefined;
}

function newDelivery(input: Considered, entry: DeliverModel, parts: DeliveryParts): NewDelivery {
  const { event, pipeline } = input;
  const { after } = parts.touched;
  return {
    id: input.ids.delivery(),
    pipeline: pipeline.name,
    deliverId: entry.id,
    connection: entry.connection,
    entity: { type: after.type, key: after.key },
    ids: after.ids,
    ...(after.state === unknownState ? {} : { state: after.state }),
    action: entry.action,
    kind: entry.kind,
    eventName: entry.event ?? event.type,
    attributes: parts.attributes,
    params: parts.params,
    entityVersion: after.changes,
    // From the content, not from a counter: an identical replay keeps its key, a changed one gets another.
    idempotencyKey: hash(
      "sha256",
      canonicalJson([
        event.source,
        event.providerId,
        pipeline.name,
        entry.id,
        refKey(after),
        parts.attributes,
        parts.params,
      ]),
      "hex",
    ).slice(0, 40),
    ...(parts.notAfter === undefined ? {} : { notAfter: parts.notAfter }),
    retry: input.retryPlan(entry.connection),
    createdAt: input.now,
  };
}

/** Upserts of this connection that are not settled yet, wherever they stand. */
async function openFor(input: Considered, entry: DeliverModel, touched: Touched): Promise<readonly OpenUpsert[]> {
  const open = [...(await input.store.openUpserts(touched.after))];
  // What still waits under the key of one that turned out to be this entity is taken over, if it never set out.
  for (const key of touched.absorbed ?? []) {
    const theirs = await input.store.openUpserts({ type: touched.after.type, key });
    open.push(...theirs.filter((one) => one.mergeable));
  }
  return open.filter((one) => one.connection === entry.connection);
}

/** Pending upserts merge: the new one carries their attributes too, as they stand now, and they become `merged`. */
function takeOver(
  delivery: NewDelivery,
  touched: Touched,
  { pending, isSure }: { readonly pending: readonly OpenUpsert[]; readonly isSure: boolean },
): { delivery: NewDelivery; merged: MergedUpsert[] } {
  if (pending.length === 0) return { delivery, merged: [] };
  const attributes = { ...delivery.attributes };
  for (const one of pending) {
    for (const [name, write] of Object.entries(one.attributes)) {
      const value = touched.after.attributes[name]?.value;
      attributes[name] ??= value === undefined ? write : value === null ? { clear: true } : { set: value };
    }
  }
  return {
    delivery: { ...delivery, attributes },
    merged: pending.map((one) => ({
      delivery: one.id,
      into: delivery.id,
      ...(isSure ? {} : { forgotten: [...Object.keys(one.attributes), acknowledgedState] }),
    })),
  };
}
