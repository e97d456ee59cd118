/** Computed attributes of one step: rollups from the children up, then `derive`. */
import type { AttributeModel, EntityModel, RollupModel } from "../core/entity.ts";
import type { Expression } from "../core/expression.ts";
import { type EntityRecord, refKey } from "../core/record.ts";
import type { EntityRef, Json, MaybePromise } from "../core/types.ts";
import { compareValues, sameJson } from "../core/values.ts";
import { type Draft, type Drafts, putAttribute, valuesOf } from "./draft.ts";
import { type ChildValue, type RollupResult, rollUp, rollupChildTypes } from "./rollup.ts";

export interface ComputeInput {
  readonly models: ReadonlyMap<string, EntityModel>;
  readonly drafts: Drafts;
  /** Children as stored, by `type/key` of the parent. */
  readonly children: ReadonlyMap<string, readonly EntityRecord[]>;
  /** `undefined` when an input is missing: the stored value stays. */
  readonly derive: (
    expression: Expression,
    attributes: Readonly<Record<string, Json>>,
  ) => MaybePromise<Json | undefined>;
  /** The rule may lower this protected attribute. */
  readonly mayLower: (entity: string, attribute: string) => boolean;
}

/** Recomputes every ancestor of what was touched, nearest first. */
export async function computeAll(input: ComputeInput): Promise<void> {
  let level: readonly EntityRef[] = input.drafts
    .all()
    .filter((draft) => draft.dirty)
    .map((draft) => draft.ref);
  const seen = new Set<string>();
  while (level.length > 0) {
    const parents = new Map<string, EntityRef>();
    for (const ref of level) {
      const draft = input.drafts.get(ref);
      await computeEntity(input, draft);
      for (const parent of [draft.parent, draft.before?.parent])
        if (parent !== undefined) parents.set(refKey(parent), parent);
      seen.add(refKey(ref));
    }
    // A parent comes again after a child of a deeper level has changed; the hierarchy has no cycles, so this ends.
    level = [...parents.values()];
  }
}

async function computeEntity(input: ComputeInput, draft: Draft): Promise<void> {
  if (draft.tombstone !== undefined) return;
  const children = new Map(rollupChildTypes(draft.model).map((type) => [type, childrenOf(input, draft, type)]));
  for (const attribute of draft.model.attributes.values()) {
    const rollup = attribute.rollup;
    if (rollup === undefined) continue;
    const childModel = input.models.get(rollup.childType);
    const childAttribute =
      rollup.childAttribute === undefined ? undefined : childModel?.attributes.get(rollup.childAttribute);
    const values = (children.get(rollup.childType) ?? []).map(
      (child): ChildValue => ({
        state: child.state,
        value: rollup.childAttribute === undefined ? undefined : child.attributes[rollup.childAttribute]?.value,
      }),
    );
    const members = children.get(rollup.childType) ?? [];
    const note = () => membersNote(rollup, childModel, members);
    putComputed(input, { draft, attribute, note }, rollUp(rollup, childAttribute, values));
  }
  for (const attribute of draft.model.attributes.values()) {
    if (attribute.derive === undefined) continue;
    const value = await input.derive(attribute.derive, valuesOf(draft.attributes));
    const { source } = attribute.derive;
    const note = () => `derived by ${source}`;
    putComputed(input, { draft, attribute, note }, value === undefined ? { kind: "keep" } : { kind: "value", value });
  }
}

type Member = Pick<EntityRecord, "key" | "state" | "attributes">;

/** The children as they will be after this step: drafts stand over what is stored. */
function childrenOf(input: ComputeInput, parent: Draft, type: string): Member[] {
  const key = refKey(parent.ref);
  const stored = (input.children.get(key) ?? []).filter((child) => child.type === type && !input.drafts.has(child));
  const drafted = input.drafts
    .all()
    .filter((draft) => draft.ref.type === type && draft.parent !== undefined && refKey(draft.parent) === key);
  return [
    ...stored.filter((child) => child.tombstone === undefined),
    ...drafted.flatMap(({ tombstone, ref, state, attributes }) =>
      tombstone === undefined ? [{ key: ref.key, state, attributes }] : [],
    ),
  ];
}

/** More would make a story of thousands out of one change. */
const MAX_NAMED = 5;

/** Which members it was taken over, for `explain`. A key that is personal is no part of its parent's history. */
function membersNote(rollup: RollupModel, model: EntityModel | undefined, children: readonly Member[]): string {
  const { childType, childAttribute, take, inStates } = rollup;
  const what = childAttribute === undefined ? `${take} of ${childType}` : `${take} of ${childType}.${childAttribute}`;
  const counted = children.filter((child) => inStates === undefined || inStates.has(child.state));
  if (counted.length === 0) return `${what}: none of ${children.length} counts`;
  const personal = model?.ids.some((id) => model.attributes.get(id)?.sensitive) ?? true;
  if (personal) return `${what} over ${counted.length} of ${children.length}`;
  const named = counted.slice(0, MAX_NAMED).map((child) => `${childType}/${child.key} (${child.state})`);
  const more = counted.length > MAX_NAMED ? ` and ${counted.length - MAX_NAMED} more` : "";
  return `${what} over ${named.join(", ")}${more}`;
}

interface Computed {
  readonly draft: Draft;
  readonly attribute: AttributeModel;
  /** What it was computed from, in words. */
  readonly note: () => string;
}

function putComputed(input: ComputeInput, { draft, attribute, note }: Computed, result: RollupResult): void {
  if (result.kind === "keep") return;
  const value = result.kind === "clear" ? null : result.value;
  const stored = draft.attributes[attribute.name];
  if (stored === undefined && value === null) return;
  if (stored !== undefined && sameJson(stored.value, value)) return;
  if (
    stored !== undefined &&
    attribute.protected &&
    !input.mayLower(draft.ref.type, attribute.name) &&
    falls(attribute, value, stored.value)
  ) {
    draft.history.push({
      entity: draft.ref,
      attribute: attribute.name,
      before: stored.value,
      after: value,
      result: "refused",
      note: note(),
    });
    return;
  }
  putAttribute(draft, attribute, { value }, { result: "computed", note: note() });
}

function falls(attribute: AttributeModel, value: Json, stored: Json): boolean {
  if (stored === null) return false;
  return value === null || (compareValues(attribute, value, stored) ?? 0) < 0;
}
