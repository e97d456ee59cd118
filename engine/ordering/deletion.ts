/**
 * Deletions in any order of arrival. An entity remembers, for each clock, its last deletion and the newest event that
 * wrote to it: a late deletion takes only what is older, what comes late from before a deletion changes nothing, and
 * every order ends in one state. Clocks say nothing about each other: between them the order of arrival stands.
 */
import type { AttributeModel } from "../core/entity.ts";
import type { EntityRecord, Rung, StoredAttribute } from "../core/record.ts";
import type { Version } from "../core/types.ts";
import { compareValues, isOrdered, sameJson } from "../core/values.ts";
import { bury, type Draft } from "./draft.ts";
import { unknownState } from "./state.ts";
import { compareVersions, isOlder, isSameClock } from "./version.ts";

/** More than these are remembered of no attribute whose value could come out from under a late deletion. */
const maxRungs = 16;

/** The deletion that an event of this version came before. */
export function deletionAfter(
  record: Pick<EntityRecord, "tombstone" | "deletions"> | undefined,
  version: Version,
): Version | undefined {
  if (record === undefined || record.tombstone?.erased === true) return undefined;
  const known = [...(record.deletions ?? []), ...(record.tombstone === undefined ? [] : [record.tombstone.version])];
  return known.find((one) => isOlder(version, one));
}

/** Of each clock the newer. */
export function newestOf(known: readonly Version[], added: readonly Version[]): readonly Version[] {
  let all = known;
  for (const one of added) {
    const same = all.find((other) => isSameClock(other, one));
    if (same === undefined) all = [...all, one];
    else if (isOlder(same, one)) all = all.map((other) => (other === same ? one : other));
  }
  return all;
}

/** An event wrote to it, be it without a change: a deletion that is older does not end it. */
export function rememberNewest(draft: Draft, version: Version): void {
  if (draft.model.deletable !== true) return;
  const newest = newestOf(draft.newest, [version]);
  if (newest === draft.newest) return;
  draft.newest = newest;
  draft.remembers = true;
}

/** Ends the entity, or takes what is older than the deletion. */
export function deleteEntity(draft: Draft, version: Version): void {
  draft.deletions = newestOf(draft.deletions, [version]);
  if (!hasNewer(draft, version)) {
    bury(draft, version, false);
    return;
  }
  draft.history.push({
    entity: draft.ref,
    attribute: "delete",
    before: undefined,
    after: "deleted",
    result: "set",
    note: "late: what is newer stays",
  });
  draft.dirty = true;
  takeOlder(draft, version);
}

function hasNewer(draft: Draft, version: Version): boolean {
  if (draft.tombstone !== undefined) return false;
  const written = Object.values(draft.attributes).flatMap((one) => one.version ?? []);
  const moved = draft.stateVersion === undefined ? [] : [draft.stateVersion];
  return [...draft.newest, ...written, ...moved].some((one) => isOlder(version, one));
}

/** Takes what an event before the deletion wrote; where a newer one said something too, that shows. */
export function takeOlder(draft: Draft, deletion: Version): void {
  for (const attribute of draft.model.attributes.values()) {
    const stored = draft.attributes[attribute.name];
    if (stored === undefined || attribute.rollup !== undefined || attribute.derive !== undefined) continue;
    const next = withoutOlder(attribute, stored, deletion);
    if (next === stored) continue;
    if (next === undefined) delete draft.attributes[attribute.name];
    else draft.attributes[attribute.name] = next;
    draft.dirty = true;
    if (next !== undefined && sameJson(next.value, stored.value)) continue;
    draft.changed.add(attribute.name);
    note(draft, attribute.name, { before: stored.value, after: next?.value });
  }
  const { stateVersion, state } = draft;
  const isGone = stateVersion === undefined || isOlder(stateVersion, deletion);
  if (state === unknownState || !isGone) return;
  note(draft, "state", { before: state, after: unknownState });
  draft.state = unknownState;
  draft.stateVersion = undefined;
}

function note(
  draft: Draft,
  attribute: string,
  change: { readonly before: StoredAttribute["value"]; readonly after: StoredAttribute["value"] | undefined },
): void {
  const result = change.after === undefined ? "cleared" : "set";
  draft.history.push({ entity: draft.ref, attribute, ...change, result, note: "late deletion" });
}

function withoutOlder(
  attribute: AttributeModel,
  stored: StoredAttribute,
  deletion: Version,
): StoredAttribute | undefined {
  // A seed's or a default's: there from the beginning.
  if (stored.version === undefined) return undefined;
  if (stored.ladder === undefined) return isOlder(stored.version, deletion) ? undefined : stored;
  const ladder = stored.ladder.filter((rung) => !isOlder(rung.version, deletion));
  if (ladder.length === stored.ladder.length) return stored;
  const top = choose(attribute, ladder);
  // A blank that was refused says nothing where nothing is left to blank.
  if (top === undefined || (top.value === null && top.floor !== true && isLadder(attribute))) return undefined;
  return { ...stored, value: top.value, version: top.version, ladder };
}

const isLadder = (attribute: AttributeModel): boolean =>
  attribute.write === "latest" && attribute.protected && isOrdered(attribute);

/** The value that counts of those remembered. */
export function choose(attribute: AttributeModel, ladder: readonly Rung[]): Rung | undefined {
  const [first, ...rest] = ladder;
  if (first === undefined) return undefined;
  switch (attribute.write) {
    case "once":
      return first;
    case "earliest":
      return rest.reduce((best, rung) => (isOlder(rung.version, best.version) ? rung : best), first);
    default:
      return rest.reduce((best, rung) => (compareHeight(attribute, rung, best) >= 0 ? rung : best), first);
  }
}

function compareHeight(attribute: AttributeModel, a: Rung, b: Rung): number {
  if (a.value === null || b.value === null) return Number(b.value === null) - Number(a.value === null);
  return compareValues(attribute, a.value, b.value) ?? 0;
}

/**
 * What `once`, `earliest` and `up` remember besides the value that counts, in order of arrival: what would count if a
 * deletion took that one. The value that counts now is always among them.
 */
export function rememberRung(
  attribute: AttributeModel,
  stored: StoredAttribute | undefined,
  rung: Rung,
): readonly Rung[] {
  const before: readonly Rung[] =
    stored?.ladder ??
    (stored === undefined ? [] : [{ value: stored.value, version: stored.version ?? beginning(rung.version) }]);
  const all = [...before, rung];
  const useful = attribute.write === "up" ? all.filter((one) => !isHidden(attribute, one, all)) : all;
  return useful.length <= maxRungs ? useful : useful.filter((one) => one !== dispensable(attribute, useful));
}

/** Of a maximum: a later one that is as high counts whatever a deletion takes. */
function isHidden(attribute: AttributeModel, one: Rung, all: readonly Rung[]): boolean {
  return all.some(
    (other) =>
      other !== one &&
      (compareVersions(other.version, one.version) ?? -1) > 0 &&
      compareHeight(attribute, other, one) >= 0,
  );
}

/** The oldest of those that do not count now. */
function dispensable(attribute: AttributeModel, all: readonly Rung[]): Rung | undefined {
  const counts = choose(attribute, all);
  const others = all.filter((one) => one !== counts);
  return others.reduce((old, one) => (isOlder(one.version, old.version) ? one : old), others[0] as Rung);
}

const beginning = (version: Version): Version => ({ ...version, time: 0, rank: 0, seq: 0 });
