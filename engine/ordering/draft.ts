/** The working copy of one entity within one apply step: collects what changes, then gives the record to store. */
import type { AttributeModel, EntityModel } from "../core/entity.ts";
import { type EntityRecord, refKey, type StoredAttribute } from "../core/record.ts";
import type { EntityRef, Json, Version } from "../core/types.ts";
import { sameJson } from "../core/values.ts";
import type { Change } from "./change.ts";
import { unknownState } from "./state.ts";

/** Mutable, and never leaves the step that made it. */
export interface Draft {
  readonly model: EntityModel;
  readonly ref: EntityRef;
  readonly before: EntityRecord | undefined;
  ids: Record<string, string>;
  attributes: Record<string, StoredAttribute>;
  state: string;
  stateVersion: Version | undefined;
  parent: EntityRef | undefined;
  tombstone: { version: Version; erased: boolean; mergedInto?: string } | undefined;
  seeded: boolean;
  first: Version | undefined;
  deletions: readonly Version[];
  newest: readonly Version[];
  absorbed: readonly string[];
  /** Those of `absorbed` that this step brought in. */
  readonly absorbedNow: string[];
  /** A rule wrote to it, as against a parent that is only recomputed. */
  written: boolean;
  /** Something is to be stored: a value, a version, a link. */
  dirty: boolean;
  /** Only what late events are judged against has changed: stored, but nothing an operator would call a change. */
  remembers: boolean;
  /** Attributes whose value (not only its version) changed. */
  readonly changed: Set<string>;
  entered: { from: string; to: string } | undefined;
  readonly history: Change[];
}

export function openDraft(model: EntityModel, ref: EntityRef, before: EntityRecord | undefined): Draft {
  return {
    model,
    ref,
    before,
    ids: { ...before?.ids, [model.ids[0] ?? "id"]: ref.key },
    attributes: { ...before?.attributes },
    state: before?.state ?? unknownState,
    stateVersion: before?.stateVersion,
    parent: before?.parent,
    tombstone: before?.tombstone,
    seeded: before?.seeded ?? false,
    first: before?.first,
    deletions: before?.deletions ?? [],
    newest: before?.newest ?? [],
    absorbed: before?.absorbed ?? [],
    absorbedNow: [],
    written: false,
    dirty: before === undefined,
    remembers: false,
    changed: new Set(),
    entered: undefined,
    history: [],
  };
}

/** Puts a value the gate let through, and notes it where the value itself changed. */
export function putAttribute(
  draft: Draft,
  attribute: AttributeModel,
  next: StoredAttribute,
  note: Partial<Change> = {},
): void {
  const before = draft.attributes[attribute.name]?.value;
  const changed = !sameJson(before, next.value);
  draft.attributes[attribute.name] = next;
  draft.dirty = true;
  if (!changed) return;
  draft.changed.add(attribute.name);
  draft.history.push({
    entity: draft.ref,
    attribute: attribute.name,
    before,
    after: next.value,
    result: next.value === null ? "cleared" : "set",
    ...note,
  });
}

/** Plain attribute values, as expressions and sinks see them; cleared ones are null. */
export function valuesOf(attributes: Readonly<Record<string, { readonly value: Json }>>): Record<string, Json> {
  return Object.fromEntries(Object.entries(attributes).map(([name, stored]) => [name, stored.value]));
}

/** Empties the entity and leaves a tombstone, so that no late event brings it back. */
export function bury(draft: Draft, version: Version, erased: boolean): void {
  draft.history.push({
    entity: draft.ref,
    attribute: "delete",
    before: undefined,
    after: erased ? "erased" : "deleted",
    result: "set",
  });
  // An erased person's old values must not live on in the change itself: nothing is copied into history here.
  draft.attributes = {};
  draft.state = unknownState;
  draft.stateVersion = undefined;
  draft.tombstone = { version, erased };
  draft.dirty = true;
}

/** The record to store; `changes` grows by one. */
export function closeDraft(draft: Draft, at: number): EntityRecord {
  return {
    ...draft.ref,
    ids: draft.ids,
    attributes: draft.attributes,
    state: draft.state,
    ...(draft.stateVersion === undefined ? {} : { stateVersion: draft.stateVersion }),
    ...(draft.parent === undefined ? {} : { parent: draft.parent }),
    changes: (draft.before?.changes ?? 0) + 1,
    seeded: draft.seeded,
    ...(draft.first === undefined ? {} : { first: draft.first }),
    ...(draft.deletions.length === 0 ? {} : { deletions: draft.deletions }),
    ...(draft.newest.length === 0 ? {} : { newest: draft.newest }),
    ...(draft.absorbed.length === 0 ? {} : { absorbed: draft.absorbed }),
    ...(draft.tombstone === undefined ? {} : { tombstone: draft.tombstone }),
    createdAt: draft.before?.createdAt ?? at,
    updatedAt: at,
  };
}

/** All drafts of one step, opened on first use. */
export interface Drafts {
  get(ref: EntityRef): Draft;
  has(ref: EntityRef): boolean;
  all(): readonly Draft[];
}

export function createDrafts(
  models: ReadonlyMap<string, EntityModel>,
  stored: ReadonlyMap<string, EntityRecord>,
): Drafts {
  const drafts = new Map<string, Draft>();
  return {
    get(ref) {
      const key = refKey(ref);
      const open = drafts.get(key);
      if (open !== undefined) return open;
      const model = models.get(ref.type);
      if (model === undefined) throw new TypeError(`entity type ${ref.type} is not declared`);
      const draft = openDraft(model, ref, stored.get(key));
      drafts.set(key, draft);
      return draft;
    },
    has: (ref) => drafts.has(refKey(ref)),
    all: () => [...drafts.values()],
  };
}
