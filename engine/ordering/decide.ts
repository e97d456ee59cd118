/**
 * The decision of one apply step: mapped rows and a snapshot in, what is to be stored out. Pure: it reads no
 * clock and no store, so the same event on the same snapshot gives the same decision in `test`, `plan` and live.
 */

import { refKey } from "../core/record.ts";
import type { EntityRef } from "../core/types.ts";
import { computeAll } from "./compute.ts";
import { deletionAfter } from "./deletion.ts";
import { closeDraft, createDrafts, type Draft, type Drafts } from "./draft.ts";
import { mergeEntities } from "./merge.ts";
import type { DecidedWrite, Decision, StepInput, StepWrite, Touched } from "./step.ts";
import { isFarAhead } from "./version.ts";
import { applyWrite, mayLower } from "./write.ts";

/** Decides one event in one pipeline. */
export async function decide(given: StepInput): Promise<Decision> {
  const drafts = createDrafts(given.models, given.entities);
  const input = { ...given, writes: mergeEntities(given, drafts) };
  for (const version of [input.version, ...input.writes.flatMap((write) => write.version ?? [])]) {
    if (!isFarAhead(version, input.receivedAt, input.maxAheadMs)) continue;
    return { kind: "dead", code: "HK6001", data: { time: new Date(version.time).toISOString() } };
  }
  const blocked = blockedBy(input);
  if (blocked !== undefined) return blocked;
  for (const write of input.writes) {
    const own = write.version === undefined ? input : { ...input, version: write.version };
    if (isBuried(own, write)) continue;
    const refused = applyWrite(own, drafts, write);
    if (refused !== undefined) return refused;
  }
  linkParents(input, drafts);
  const all = drafts.all();
  const history = () => drafts.all().flatMap((draft) => draft.history);
  const stale = history().filter((change) => change.result === "stale");
  const buried = input.writes.length > 0 && all.length === 0;
  if (buried || (stale.length > 0 && !all.some((draft) => draft.dirty))) {
    const by = stale.find((change) => change.supersededBy !== undefined)?.supersededBy ?? deletionSeq(input);
    return {
      kind: "skip",
      reason: buried && isGone(input) ? "tombstone" : "stale",
      writes: toWrites(all, input.at),
      history: stale,
      ...(by === undefined ? {} : { supersededBy: by }),
    };
  }
  await computeAll({ ...input, drafts, mayLower: (entity, attribute) => mayLower(input, entity, attribute) });
  const touched = drafts
    .all()
    .filter((draft) => (draft.written || draft.dirty) && draft.tombstone?.mergedInto === undefined)
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
    .map((draft) => ({
      record: closeDraft(draft, at),
      expected: draft.before?.changes ?? 0,
      ...(draft.absorbedNow.length === 0
        ? {}
        : { absorbs: { idName: draft.model.ids[0] ?? "id", keys: draft.absorbedNow } }),
    }));
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
  return deletionAfter(input.entities.get(refKey(write.ref)), input.version) !== undefined;
}

/** The deletion that the event came before. */
function deletionSeq(input: StepInput): number | undefined {
  for (const write of input.writes) {
    const record = input.entities.get(refKey(write.ref));
    const deletion = deletionAfter(record, write.version ?? input.version) ?? record?.tombstone?.version;
    if (deletion !== undefined) return deletion.seq;
  }
  return undefined;
}

function isGone(input: StepInput): boolean {
  return input.writes.every((write) => input.entities.get(refKey(write.ref))?.tombstone !== undefined);
}

/** An event that writes a child and its declared parent says who belongs to whom. */
function linkParents(input: StepInput, drafts: Drafts): void {
  for (const write of input.writes) {
    if (!drafts.has(write.ref)) continue;
    const draft = drafts.get(write.ref);
    const parentType = draft.model.parent;
    const parent =
      parentType === undefined
        ? undefined
        : input.writes.find((other) => other.ref.type === parentType && other.item === write.item)?.ref;
    if (parent === undefined || !draft.written) continue;
    if (draft.parent !== undefined && refKey(draft.parent) === refKey(parent)) continue;
    draft.parent = parent;
    draft.dirty = true;
  }
}

function close(draft: Draft, at: number): Touched {
  return {
    before: draft.before,
    after: closeDraft(draft, at),
    changed: draft.changed,
    ...(draft.entered === undefined ? {} : { entered: draft.entered }),
    written: draft.written,
    deleted: draft.tombstone !== undefined && draft.before?.tombstone === undefined,
    ...(draft.absorbedNow.length === 0 ? {} : { absorbed: draft.absorbedNow }),
  };
}
