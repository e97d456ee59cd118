/**
 * Two entities turn out to be one: an id that an event links belongs to another entity of the type, and the type has a
 * merge rule. One key stays; what was known of the others goes into it by the same rules as if all their events had
 * been its own, so that the values do not depend on when the event came that ties them together.
 */
import type { AttributeModel } from "../core/entity.ts";
import type { EntityRecord, Rung, StoredAttribute } from "../core/record.ts";
import { refKey } from "../core/record.ts";
import type { EntityRef, Json, Version } from "../core/types.ts";
import { compareValues, isOrdered } from "../core/values.ts";
import { newestOf, takeOlder } from "./deletion.ts";
import { type Draft, type Drafts, putAttribute } from "./draft.ts";
import { climb } from "./ladder.ts";
import { unknownState } from "./state.ts";
import type { StepInput, StepWrite } from "./step.ts";
import { compareVersions } from "./version.ts";

/** Merges what the writes tie together; gives the writes as they are about what stays. */
export function mergeEntities(input: StepInput, drafts: Drafts): readonly StepWrite[] {
  const groups = findGroups(input);
  if (groups.length === 0) return input.writes;
  const stays = new Map<string, EntityRef>();
  for (const group of groups) {
    const winner = choose(input, group);
    for (const ref of group) stays.set(refKey(ref), winner);
    // Nothing is brought back to life, or lost, by a merge with someone who was erased: the event is skipped.
    if (input.entities.get(refKey(winner))?.tombstone?.erased) continue;
    for (const ref of group) if (ref.key !== winner.key) absorb(input, drafts, { winner, loser: ref });
  }
  return input.writes.map((write) => {
    const ref = stays.get(refKey(write.ref)) ?? write.ref;
    const links = write.links.map((link) => {
      const owner = link.owner === undefined ? undefined : stays.get(`${write.ref.type}/${link.owner}`)?.key;
      return owner === undefined ? link : { ...link, owner };
    });
    return { ...write, ref, links };
  });
}

/** Refs that this event says are one, each group once. */
function findGroups(input: StepInput): readonly (readonly EntityRef[])[] {
  const groups: Map<string, EntityRef>[] = [];
  for (const write of input.writes) {
    if (input.models.get(write.ref.type)?.merge === undefined || write.delete !== undefined) continue;
    const owners = write.links.flatMap(({ owner }) =>
      owner === undefined ? [] : [{ type: write.ref.type, key: owner }],
    );
    const refs = [write.ref, ...owners];
    const touching = groups.filter((group) => refs.some((ref) => group.has(refKey(ref))));
    const joined = new Map([
      ...touching.flatMap((group) => [...group]),
      ...refs.map((ref) => [refKey(ref), ref] as const),
    ]);
    for (const group of touching) groups.splice(groups.indexOf(group), 1);
    groups.push(joined);
  }
  return groups.filter((group) => group.size > 1).map((group) => [...group.values()]);
}

/** An erased one before all, then one that lives before one that was deleted, then by the rule. */
function choose(input: StepInput, group: readonly EntityRef[]): EntityRef {
  const sign = input.models.get(group[0]?.type ?? "")?.merge === "newest" ? -1 : 1;
  const rank = (record: EntityRecord | undefined): number =>
    record?.tombstone?.erased ? 0 : record?.tombstone === undefined ? 1 : 2;
  return [...group].sort((a, b) => {
    const [left, right] = [input.entities.get(refKey(a)), input.entities.get(refKey(b))];
    return (
      rank(left) - rank(right) ||
      sign * compareFirst(input, left, right) ||
      (a.key < b.key ? -1 : Number(a.key !== b.key))
    );
  })[0] as EntityRef;
}

/** By the first event that told of each; where their clocks say nothing, by when each came into the store. */
function compareFirst(input: StepInput, a: EntityRecord | undefined, b: EntityRecord | undefined): number {
  const first = (record: EntityRecord | undefined) => (record === undefined ? input.version : record.first);
  const [left, right] = [first(a), first(b)];
  const order = left === undefined || right === undefined ? undefined : compareVersions(left, right);
  return order ?? (a?.createdAt ?? input.at) - (b?.createdAt ?? input.at);
}

function absorb(input: StepInput, drafts: Drafts, { winner, loser }: { winner: EntityRef; loser: EntityRef }): void {
  const into = drafts.get(winner);
  const from = drafts.get(loser);
  const key = into.model.ids[0] ?? "id";
  for (const [name, value] of Object.entries(from.ids)) if (name !== key) into.ids[name] ??= value;
  for (const attribute of into.model.attributes.values()) mergeAttribute(into, from, attribute);
  mergeState(into, from);
  into.deletions = newestOf(into.deletions, from.deletions);
  into.newest = newestOf(into.newest, from.newest);
  for (const deletion of into.deletions) takeOlder(into, deletion);
  into.parent ??= from.parent;
  into.seeded ||= from.seeded;
  into.first = earlier(into.first, from.first);
  into.absorbed = [...new Set([...into.absorbed, ...from.absorbed, loser.key])];
  into.absorbedNow.push(loser.key);
  into.written = true;
  into.dirty = true;
  note(into, "link:merged", { after: loser.key });
  for (const child of input.children.get(refKey(loser)) ?? []) {
    const draft = drafts.get(child);
    if (draft.parent === undefined || refKey(draft.parent) !== refKey(loser)) continue;
    draft.parent = winner;
    draft.dirty = true;
    note(draft, "link:parent", { before: loser.key, after: winner.key });
  }
  note(from, "delete", { after: "merged" });
  Object.assign(from, {
    ids: {},
    attributes: {},
    state: unknownState,
    stateVersion: undefined,
    deletions: [],
    newest: [],
    absorbed: [],
    dirty: true,
  });
  from.tombstone = { version: input.version, erased: false, mergedInto: winner.key };
}

function note(draft: Draft, attribute: string, change: { readonly before?: Json; readonly after: Json }): void {
  draft.history.push({
    entity: draft.ref,
    attribute,
    before: change.before,
    after: change.after,
    result: "set",
    note: "merge",
  });
}

function mergeState(into: Draft, from: Draft): void {
  if (from.state === unknownState) return;
  const [mine, theirs] = [into.stateVersion, from.stateVersion];
  const newer = mine !== undefined && theirs !== undefined && (compareVersions(theirs, mine) ?? -1) > 0;
  if (into.state !== unknownState && !newer) return;
  if (into.state !== from.state) note(into, "state", { before: into.state, after: from.state });
  into.state = from.state;
  into.stateVersion = from.stateVersion;
}

function mergeAttribute(into: Draft, from: Draft, attribute: AttributeModel): void {
  const mine = into.attributes[attribute.name];
  const theirs = from.attributes[attribute.name];
  if (theirs === undefined) return;
  const next = mine === undefined ? theirs : mergeStored(attribute, mine, theirs);
  if (next !== mine) putAttribute(into, attribute, next, { note: "merge" });
}

/** The value that stays of two. `mine` where nothing decides. */
function mergeStored(attribute: AttributeModel, mine: StoredAttribute, theirs: StoredAttribute): StoredAttribute {
  const age = compareAge(mine.version, theirs.version);
  const higher = compareHeight(attribute, theirs.value, mine.value) > 0 ? theirs : mine;
  if (attribute.rollup !== undefined || attribute.derive !== undefined) return attribute.protected ? higher : mine;
  switch (attribute.write) {
    case "once":
    case "earliest":
      return withBoth(age !== undefined && age > 0 ? theirs : mine, mine, theirs);
    case "up":
      return withBoth(higher, mine, theirs);
    case "latest":
      if (attribute.protected && isOrdered(attribute)) return mergeLadders(attribute, mine, theirs);
      if (age !== undefined) return age < 0 ? theirs : mine;
      return precedence(attribute, theirs) < precedence(attribute, mine) ? theirs : mine;
  }
}

/** What either remembered of others. */
function withBoth(stays: StoredAttribute, mine: StoredAttribute, theirs: StoredAttribute): StoredAttribute {
  if (mine.ladder === undefined && theirs.ladder === undefined) return stays;
  const other = stays === mine ? theirs : mine;
  return { ...stays, ladder: [...rungsOf(stays), ...rungsOf(other)] };
}

/** Negative: `mine` is older. A value without a version (a seed's) is older than any event's. */
function compareAge(mine: Version | undefined, theirs: Version | undefined): number | undefined {
  if (mine === undefined || theirs === undefined) return Number(theirs === undefined) - Number(mine === undefined);
  return compareVersions(mine, theirs);
}

function compareHeight(attribute: AttributeModel, a: Json, b: Json): number {
  return a === null || b === null ? Number(b === null) - Number(a === null) : (compareValues(attribute, a, b) ?? 0);
}

function precedence(attribute: AttributeModel, { writer }: StoredAttribute): number {
  const index = writer === undefined ? -1 : attribute.writers.indexOf(writer);
  return index === -1 ? attribute.writers.length : index;
}

/** All that late events of either are judged against, climbed in version order: the value all events together give. */
function mergeLadders(attribute: AttributeModel, mine: StoredAttribute, theirs: StoredAttribute): StoredAttribute {
  const compare = (a: Json, b: Json): number => compareHeight(attribute, a, b);
  const rungs = [...rungsOf(mine), ...rungsOf(theirs)].sort((a, b) => compareVersions(a.version, b.version) ?? 0);
  const ladder = rungs.reduce<readonly Rung[]>((found, rung) => climb(found, rung, compare), []);
  const top = ladder.reduce((best, rung) => (compare(rung.value, best.value) >= 0 ? rung : best));
  const base = compare(top.value, mine.value) === 0 ? mine : theirs;
  return { ...base, value: top.value, version: top.version, ladder };
}

function rungsOf({ value, version, ladder }: StoredAttribute): readonly Rung[] {
  return ladder ?? [{ value, version: version ?? { source: "", time: 0, rank: 0, seq: 0 } }];
}

/** The older of two where that can be said. */
export function earlier(a: Version | undefined, b: Version | undefined): Version | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return (compareVersions(b, a) ?? 1) < 0 ? b : a;
}
