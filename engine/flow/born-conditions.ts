/** Whether a deliver entry fires: what happened to the entity, `when`, `not_after` and `once`. */
import { canonicalJson } from "../core/canonical.ts";
import { errorMessage } from "../core/errors.ts";
import type { Json } from "../core/types.ts";
import type { DeliverModel } from "../delivery/model.ts";
import { missingReadings } from "../mapping/policy.ts";
import type { Touched } from "../ordering/step.ts";
import type { OnceMark } from "../store/store.ts";
import type { BornFault, Considered } from "./born-input.ts";
import { readInstant } from "./instant.ts";

/** Why an entry does not fire on what happened to the entity; `undefined`: it does. */
export function unmetTrigger(entry: DeliverModel, touched: Touched): string | undefined {
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

export async function whenHolds(input: Considered, entry: DeliverModel): Promise<boolean | BornFault> {
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

export async function notAfterOf(input: Considered, entry: DeliverModel): Promise<{ why?: string; notAfter?: number }> {
  if (entry.notAfter === undefined) return {};
  const result = await input.evaluator.evaluate(entry.notAfter, input.scope);
  const instant = result.ok ? readInstant(result.value, input.pipeline.source.times) : undefined;
  if (instant === undefined) return { why: `\`not_after\` (${entry.notAfter.source}) gives no time` };
  return input.now > instant ? { why: "too late: `not_after` has passed" } : { notAfter: instant };
}

export async function onceMark(
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
