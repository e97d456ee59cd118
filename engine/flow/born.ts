/**
 * Which deliveries an applied event gives birth to. Asked in the apply step, so that the answer, the new state and
 * the `once` marks are committed as one: "does this change anything there?"
 */
import { hash } from "node:crypto";
import { canonicalJson } from "../core/canonical.ts";
import { refKey } from "../core/record.ts";
import type { AttributeWrite, Json } from "../core/types.ts";
import { isExpression } from "../delivery/deliver.ts";
import type { DeliverModel } from "../delivery/model.ts";
import { valuesOf } from "../ordering/draft.ts";
import { unknownState } from "../ordering/state.ts";
import type { Touched } from "../ordering/step.ts";
import type { MergedUpsert, NewDelivery, OnceMark } from "../store/store.ts";
import { notAfterOf, onceMark, unmetTrigger, whenHolds } from "./born-conditions.ts";
import type { BornFault, BornInput, Considered } from "./born-input.ts";
import { openFor, takeOver, upsertAttributes } from "./born-upsert.ts";

export interface Born {
  readonly deliveries: readonly NewDelivery[];
  readonly once: readonly OnceMark[];
  readonly merged: readonly MergedUpsert[];
  /** Entries that fire nothing, and why: for `explain`. */
  readonly notSent: readonly { readonly deliver: string; readonly why: string }[];
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
  const evaluated = await evaluateParams(input, entry);
  if ("code" in evaluated) return evaluated;
  const params = evaluated.values;
  const open = entry.kind === "upsert" ? await openFor(input, entry, touched) : [];
  const attributes =
    entry.kind === "upsert"
      ? await upsertAttributes(input, entry, { touched, open, params })
      : allAttributes(entry, touched);
  if (attributes === undefined) return "nothing changes there";
  const delivery = newDelivery(input, entry, { touched, attributes, params, notAfter: late.notAfter });
  const merged = takeOver(delivery, touched, { open, isSure: input.marksAttempts(entry.connection) });
  born.deliveries.push(merged.delivery);
  born.merged.push(...merged.merged);
  if (mark !== undefined) born.once.push(mark.mark);
  return undefined;
}

function allAttributes(entry: DeliverModel, touched: Touched): Record<string, AttributeWrite> {
  const values = Object.entries(valuesOf(touched.after.attributes)).filter(
    ([name, value]) => value !== null && (entry.fields?.includes(name) ?? true),
  );
  return Object.fromEntries(values.map(([name, value]) => [name, { set: value as Json }]));
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
