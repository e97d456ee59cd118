/**
 * The decision of one apply step: mapped rows and a snapshot in, what is to be stored out. Pure: it reads no
 * clock and no store, so the same event on the same snapshot gives the same decision in `test`, `plan` and live.
 */
import type { EntityModel } from "../core/entity.ts";
import type { Expression } from "../core/expression.ts";
import type { EntityRef, Json, MaybePromise, Version } from "../core/types.ts";
import { computeAll } from "./compute.ts";
import { bury, closeDraft, createDrafts, type Draft, type Drafts, putAttribute } from "./draft.ts";
import { gateAttribute } from "./gate.ts";
import { type Change, type EntityRecord, refKey } from "./records.ts";
import { gateState } from "./state.ts";
import { isFarAhead, isOlder } from "./version.ts";

/** One row after mapping: what to do with one attribute. `keep` rows do not get here. */
export interface StepField {
  readonly attribute: string;
  readonly set?: Json;
  readonly clear?: true;
  /** Only when nothing is stored yet (`missing: { initial: … }`). */
  readonly initial?: Json;
  /** `file:line` of the mapping row. */
  readonly mapping: string;
}

/** One entity write with its key resolved. */
export interface StepWrite {
  readonly ref: EntityRef;
  readonly unknown: "create" | "hold" | "reject";
  readonly state?: string;
  readonly fields: readonly StepField[];
  /** Other ids this event knows, and who has them now (by key). */
  readonly links: readonly { readonly idName: string; readonly value: string; readonly owner?: string }[];
  readonly delete?: "tombstone" | "erase";
}

export interface StepInput {
  readonly models: ReadonlyMap<string, EntityModel>;
  readonly version: Version;
  readonly receivedAt: number;
  readonly maxAheadMs: number;
  readonly pipeline: string;
  /** `attribute` or `entity.attribute`, as written in `lowers:`. */
  readonly lowers: ReadonlySet<string>;
  readonly writes: readonly StepWrite[];
  readonly entities: ReadonlyMap<string, EntityRecord>;
  /** By `type/key` of the parent. */
  readonly children: ReadonlyMap<string, readonly EntityRecord[]>;
  /** The hold window has ended and the author wrote that the move is forced then. */
  readonly force: boolean;
  readonly derive: (
    expression: Expression,
    attributes: Readonly<Record<string, Json>>,
  ) => MaybePromise<Json | undefined>;
  readonly at: number;
}

/** An entity the step touched: what deliveries are decided on. */
export interface Touched {
  readonly before: EntityRecord | undefined;
  readonly after: EntityRecord;
  readonly changed: ReadonlySet<string>;
  readonly entered?: { readonly from: string; readonly to: string };
  readonly written: boolean;
  readonly deleted: boolean;
}

/** `expected` is the record's `changes` when it was read; 0: it was not there. */
export interface DecidedWrite {
  readonly record: EntityRecord;
  readonly expected: number;
}

export type Decision =
  | {
      readonly kind: "apply";
      readonly touched: readonly Touched[];
      readonly writes: readonly DecidedWrite[];
      readonly history: readonly Change[];
    }
  | {
      readonly kind: "skip";
      readonly reason: "stale" | "tombstone";
      readonly writes: readonly DecidedWrite[];
      readonly history: readonly Change[];
      readonly supersededBy?: number;
    }
  | { readonly kind: "hold"; readonly reason: string; readonly waitsFor: readonly EntityRef[] }
  | {
      readonly kind: "dead";
      readonly code: "HK6001" | "HK6002" | "HK6003";
      readonly data: Readonly<Record<string, string>>;
    };

/** Decides one event in one pipeline. */
export async function decide(input: StepInput): Promise<Decision> {
  if (isFarAhead(input.version, input.receivedAt, input.maxAheadMs)) {
    return { kind: "dead", code: "HK6001", data: { time: new Date(input.version.time).toISOString() } };
  }
  const blocked = blockedBy(input);
  if (blocked !== undefined) return blocked;
  const drafts = createDrafts(input.models, input.entities);
  for (const write of input.writes) {
    if (isBuried(input, write)) continue;
    const refused = applyWrite(input, drafts, write);
    if (refused !== undefined) return refused;
  }
  linkParents(input, drafts);
  const all = drafts.all();
  const history = () => drafts.all().flatMap((draft) => draft.history);
  const stale = history().filter((change) => change.result === "stale");
  const buried = input.writes.length > 0 && all.length === 0;
  if (buried || (stale.length > 0 && !all.some((draft) => draft.dirty))) {
    const by = stale.find((change) => change.supersededBy !== undefined)?.supersededBy ?? tombstoneSeq(input);
    return {
      kind: "skip",
      reason: buried ? "tombstone" : "stale",
      writes: toWrites(all, input.at),
      history: stale,
      ...(by === undefined ? {} : { supersededBy: by }),
    };
  }
  await computeAll({ ...input, drafts, mayLower: (entity, attribute) => mayLower(input, entity, attribute) });
  const touched = drafts
    .all()
    .filter((draft) => draft.written || draft.dirty)
    .map((draft) => close(draft, input.at));
  return {
    kind: "apply",
    touched,
    writes: toWrites(drafts.all(), input.at),
    history: history(),
  };
}

function toWrites(drafts: readonly Draft[], at: number): DecidedWrite[] {
  return drafts
    .filter((draft) => draft.dirty || draft.remembers)
    .map((draft) => ({ record: closeDraft(draft, at), expected: draft.before?.changes ?? 0 }));
}

/** What stops the whole event before anything is written: erased entities, unknown ones that must be known. */
function blockedBy(input: StepInput): Decision | undefined {
  const waitsFor: EntityRef[] = [];
  for (const write of input.writes) {
    const stored = input.entities.get(refKey(write.ref));
    if (stored?.tombstone?.erased)
      return { kind: "skip", reason: "tombstone", writes: [], history: [], supersededBy: stored.tombstone.version.seq };
    if (stored !== undefined || write.unknown === "create") continue;
    if (write.unknown === "reject") return { kind: "dead", code: "HK6002", data: { entity: refKey(write.ref) } };
    if (!input.force) waitsFor.push(write.ref);
  }
  if (waitsFor.length === 0) return undefined;
  return { kind: "hold", reason: `waits for ${waitsFor.map(refKey).join(", ")}, not seen yet`, waitsFor };
}

/** Deleted, not erased: a later event may bring it back, an older one may not. */
function isBuried(input: StepInput, write: StepWrite): boolean {
  const tombstone = input.entities.get(refKey(write.ref))?.tombstone;
  return tombstone !== undefined && !tombstone.erased && isOlder(input.version, tombstone.version);
}

function tombstoneSeq(input: StepInput): number | undefined {
  for (const write of input.writes) {
    const tombstone = input.entities.get(refKey(write.ref))?.tombstone;
    if (tombstone !== undefined) return tombstone.version.seq;
  }
  return undefined;
}

function applyWrite(input: StepInput, drafts: Drafts, write: StepWrite): Decision | undefined {
  const draft = drafts.get(write.ref);
  draft.written = true;
  if (write.delete !== undefined) {
    bury(draft, input.version, write.delete === "erase");
    if (write.delete === "erase") eraseChildren(input, drafts, draft);
    return undefined;
  }
  if (draft.tombstone !== undefined) {
    draft.tombstone = undefined;
    draft.dirty = true;
  }
  return applyLinks(draft, write) ?? applyState(input, draft, write) ?? applyFields(input, draft, write);
}

function applyLinks(draft: Draft, write: StepWrite): Decision | undefined {
  for (const link of write.links) {
    if (link.owner !== undefined && link.owner !== draft.ref.key) {
      return {
        kind: "dead",
        code: "HK6003",
        data: { entity: refKey(draft.ref), id: link.idName, other: `${draft.ref.type}/${link.owner}` },
      };
    }
    const before = draft.ids[link.idName];
    if (before === link.value) continue;
    draft.ids[link.idName] = link.value;
    draft.dirty = true;
    draft.history.push({
      entity: draft.ref,
      attribute: `link:${link.idName}`,
      before,
      after: link.value,
      result: "set",
    });
  }
  return undefined;
}

function applyState(input: StepInput, draft: Draft, write: StepWrite): Decision | undefined {
  if (write.state === undefined) return undefined;
  const now = { state: draft.state, ...(draft.stateVersion === undefined ? {} : { version: draft.stateVersion }) };
  const result = gateState(draft.model, now, write.state, input.version);
  switch (result.kind) {
    case "stale":
      draft.history.push({
        entity: draft.ref,
        attribute: "state",
        before: draft.state,
        after: write.state,
        result: "stale",
        supersededBy: result.supersededBy.seq,
      });
      return undefined;
    case "not_allowed":
      if (!input.force) {
        return {
          kind: "hold",
          reason: `${refKey(draft.ref)} can not go from ${result.from} to ${result.to} yet`,
          waitsFor: [draft.ref],
        };
      }
      moveState(draft, write.state, input.version, "forced");
      return undefined;
    case "same":
      draft.stateVersion = input.version;
      draft.dirty = true;
      return undefined;
    case "move":
      moveState(draft, write.state, input.version);
      return undefined;
  }
}

function moveState(draft: Draft, to: string, version: Version, note?: string): void {
  draft.history.push({
    entity: draft.ref,
    attribute: "state",
    before: draft.state,
    after: to,
    result: "set",
    ...(note === undefined ? {} : { note }),
  });
  draft.entered = { from: draft.state, to };
  draft.state = to;
  draft.stateVersion = version;
  draft.dirty = true;
}

function applyFields(input: StepInput, draft: Draft, write: StepWrite): undefined {
  for (const field of write.fields) {
    const attribute = draft.model.attributes.get(field.attribute);
    if (attribute === undefined) continue;
    const stored = draft.attributes[field.attribute];
    if (field.initial !== undefined && stored !== undefined) continue;
    const value = field.clear ? null : (field.set ?? field.initial);
    if (value === undefined || (value === null && stored === undefined)) continue;
    const incoming = {
      version: input.version,
      pipeline: input.pipeline,
      mayLower: mayLower(input, draft.ref.type, attribute.name),
    };
    const result = gateAttribute(attribute, value, incoming, stored);
    if (result.kind === "write") {
      putAttribute(draft, attribute, result.next, { mapping: field.mapping });
      continue;
    }
    if (result.next !== undefined && result.next.ladder !== stored?.ladder) {
      draft.attributes[attribute.name] = result.next;
      draft.remembers = true;
    }
    if (result.why !== "mode") {
      draft.history.push({
        entity: draft.ref,
        attribute: attribute.name,
        before: stored?.value,
        after: value,
        result: result.why,
        mapping: field.mapping,
        ...(result.supersededBy === undefined ? {} : { supersededBy: result.supersededBy.seq }),
      });
    }
  }
  return undefined;
}

/** An event that writes a child and its declared parent says who belongs to whom. */
function linkParents(input: StepInput, drafts: Drafts): void {
  for (const draft of drafts.all()) {
    const parentType = draft.model.parent;
    const parent =
      parentType === undefined ? undefined : input.writes.find((write) => write.ref.type === parentType)?.ref;
    if (parent === undefined || !draft.written) continue;
    if (draft.parent !== undefined && refKey(draft.parent) === refKey(parent)) continue;
    draft.parent = parent;
    draft.dirty = true;
  }
}

/** What belongs to an erased person is erased with it. */
function eraseChildren(input: StepInput, drafts: Drafts, draft: Draft): void {
  for (const child of input.children.get(refKey(draft.ref)) ?? []) {
    if (child.tombstone?.erased) continue;
    const childDraft = drafts.get(child);
    bury(childDraft, input.version, true);
    eraseChildren(input, drafts, childDraft);
  }
}

function mayLower(input: StepInput, entity: string, attribute: string): boolean {
  return input.lowers.has(attribute) || input.lowers.has(`${entity}.${attribute}`);
}

function close(draft: Draft, at: number): Touched {
  return {
    before: draft.before,
    after: closeDraft(draft, at),
    changed: draft.changed,
    ...(draft.entered === undefined ? {} : { entered: draft.entered }),
    written: draft.written,
    deleted: draft.tombstone !== undefined && draft.before?.tombstone === undefined,
  };
}
