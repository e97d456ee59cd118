/**
 * One entity as it stood before a place in the history: what has changed since is undone, and versions that are newer are
 * put back to those of the events that wrote the old values. Pure. In: the record as it is and its history; out: the record
 * as it was, or undefined where it was not there yet.
 */
import { type EntityRecord, type Rung, refKey, type StoredAttribute } from "../core/record.ts";
import type { Json, Version } from "../core/types.ts";
import type { HistoryRow } from "./store.ts";

/** A row of history with the event that wrote it; `event` is absent once retention has removed that. */
export interface PastRow extends Pick<HistoryRow, "attribute" | "before" | "after" | "result"> {
  readonly seq: number;
  readonly pipeline: string;
  readonly event?: {
    readonly seq: number;
    readonly source: string;
    readonly occurredAt: number;
    readonly rank: number;
    readonly receivedAt: number;
  };
}

export interface EntityPast {
  /** Rows since then, oldest first. */
  readonly since: readonly PastRow[];
  /** The last row before then that moved this attribute (`state`, `delete`, `link:NAME` too). */
  readonly lastOf: (attribute: string) => PastRow | undefined;
  /** The last row before then that moved anything. */
  readonly last: PastRow | undefined;
  /** Names of all that was ever moved before then: asked only where a deletion has wiped the record. */
  readonly names: () => readonly string[];
  /** Versions of this event and later ones are newer than then. */
  readonly firstEvent: number;
  /** When then was, ms since the epoch. */
  readonly startedAt: number;
}

const MOVED: ReadonlySet<HistoryRow["result"]> = new Set(["set", "cleared", "computed"]);

/** True for rows that changed what is stored; `stale`, `refused` and `kept` only tell why it was not. */
export const moves = (row: Pick<PastRow, "result">): boolean => MOVED.has(row.result);

export function rewind(record: EntityRecord, past: EntityPast): EntityRecord | undefined {
  if (record.createdAt >= past.startedAt && past.last === undefined) return undefined;
  // Nothing is left of who was erased: it stays so, whenever that was.
  if (record.tombstone?.erased === true) return record;
  const since = past.since.filter(moves);
  const newest = Math.max(
    record.stateVersion?.seq ?? 0,
    ...Object.values(record.attributes).map((one) => one.version?.seq ?? 0),
  );
  if (since.length === 0 && newest < past.firstEvent) return record;
  const wiped = since.some((row) => row.attribute === "delete");
  const { tombstone, stateVersion: _version, parent, absorbed, ...rest } = record;
  const stateVersion = stateVersionThen(record, past, since);
  const before: EntityRecord = {
    ...rest,
    ids: idsThen(record, past, { since, wiped }),
    attributes: attributesThen(record, past, { since, wiped }),
    state: stateThen(record, past, { since, wiped }),
    ...(stateVersion === undefined ? {} : { stateVersion }),
  };
  const buried = tombstoneThen(record, past, { since, wiped });
  const absorbedThen = without(absorbed, since);
  return {
    ...before,
    ...parentThen(record, since),
    ...(buried === undefined ? {} : { tombstone: buried }),
    ...(absorbedThen.length === 0 ? {} : { absorbed: absorbedThen }),
  };
}

interface Since {
  readonly since: readonly PastRow[];
  readonly wiped: boolean;
}

/** The value before the first change since then; as it is where none is; by the history where a deletion wiped it. */
function valueThen(name: string, now: Json | undefined, past: EntityPast, { since, wiped }: Since): Json | undefined {
  const first = since.find((row) => row.attribute === name);
  // A deletion changes values without a row of their own, so a row after it starts from nothing.
  const deletion = since.find((row) => row.attribute === "delete");
  if (first !== undefined && (deletion === undefined || first.seq < deletion.seq)) return first.before;
  if (!wiped) return now;
  const last = past.lastOf(name);
  const gone = past.lastOf("delete");
  return last === undefined || (gone !== undefined && gone.seq > last.seq) ? undefined : last.after;
}

const isAttribute = (name: string): boolean => name !== "state" && name !== "delete" && !name.startsWith("link:");

function attributesThen(record: EntityRecord, past: EntityPast, at: Since): Record<string, StoredAttribute> {
  const names = new Set([
    ...Object.keys(record.attributes),
    ...at.since.map((row) => row.attribute),
    ...(at.wiped ? past.names() : []),
  ]);
  const then: Record<string, StoredAttribute> = {};
  for (const name of [...names].filter(isAttribute)) {
    const now = record.attributes[name];
    const value = valueThen(name, now?.value, past, at);
    if (value === undefined) continue;
    const untouched = !at.wiped && !at.since.some((row) => row.attribute === name);
    if (now !== undefined && untouched && (now.version?.seq ?? 0) < past.firstEvent) {
      then[name] = now;
      continue;
    }
    const row = past.lastOf(name);
    // A blank before any value has no row of its own: whoever reads the value sees nothing either way.
    if (row === undefined && value === null) continue;
    then[name] = { value, ...versioned(row, { value, now, firstEvent: past.firstEvent }) };
  }
  return then;
}

function versioned(
  row: PastRow | undefined,
  at: { readonly value: Json; readonly now: StoredAttribute | undefined; readonly firstEvent: number },
): Omit<StoredAttribute, "value"> {
  // What was seeded or computed has no version.
  if (row === undefined || row.result === "computed") return {};
  const version = versionOfRow(row, at.now?.version?.clock);
  if (version === undefined) return { writer: row.pipeline };
  const ladder = at.now?.ladder === undefined ? undefined : ladderThen(at.now.ladder, at.value, version, at.firstEvent);
  return { version, writer: row.pipeline, ...(ladder === undefined ? {} : { ladder }) };
}

/** Of the rungs that are left, those that were there; the value itself is one in any case. */
function ladderThen(ladder: readonly Rung[], value: Json, version: Version, firstEvent: number): readonly Rung[] {
  const older = ladder.filter((rung) => rung.version.seq < firstEvent);
  return older.some((rung) => rung.value === value) ? older : [{ value, version }];
}

/** A version that the payload itself gave is not in the history: then there is none, and the next event writes. */
function versionOfRow(row: PastRow | undefined, clock: string | undefined): Version | undefined {
  const event = row?.event;
  if (event === undefined) return undefined;
  const { source, seq } = event;
  if (clock === undefined) return { source, time: event.occurredAt, rank: event.rank, seq };
  return clock === "receipt" ? { source, clock, time: event.receivedAt, rank: 0, seq } : undefined;
}

const unknownState = "unknown";

function stateThen(record: EntityRecord, past: EntityPast, at: Since): string {
  const value = valueThen("state", record.state, past, at);
  return typeof value === "string" ? value : unknownState;
}

function stateVersionThen(
  record: EntityRecord,
  past: EntityPast,
  since: readonly PastRow[],
): EntityRecord["stateVersion"] {
  const { stateVersion } = record;
  const untouched = !since.some((row) => row.attribute === "state" || row.attribute === "delete");
  if (untouched && (stateVersion === undefined || stateVersion.seq < past.firstEvent)) return stateVersion;
  return versionOfRow(past.lastOf("state"), stateVersion?.clock);
}

function idsThen(record: EntityRecord, past: EntityPast, at: Since): Record<string, string> {
  const ids: Record<string, string> = { ...record.ids };
  const links = [...at.since.map((row) => row.attribute), ...(at.wiped ? past.names() : [])].filter(isLink);
  for (const link of new Set(links)) {
    const name = link.slice("link:".length);
    const value = valueThen(link, ids[name], past, at);
    if (typeof value === "string") ids[name] = value;
    else delete ids[name];
  }
  return ids;
}

const isLink = (name: string): boolean => name.startsWith("link:") && name !== "link:merged" && name !== "link:parent";

/** Only a merge moves a child to another parent. */
function parentThen(record: EntityRecord, since: readonly PastRow[]): Pick<EntityRecord, "parent"> {
  const { parent } = record;
  if (parent === undefined) return {};
  const moved = since.find((row) => row.attribute === "link:parent");
  return { parent: typeof moved?.before === "string" ? { type: parent.type, key: moved.before } : parent };
}

/** It was deleted then if that was the last thing that had happened to it. */
function tombstoneThen(record: EntityRecord, past: EntityPast, { since }: Since): EntityRecord["tombstone"] {
  if (since.length === 0) return record.tombstone;
  if (past.last?.attribute !== "delete") return undefined;
  const version = versionOfRow(past.last, undefined);
  return version === undefined ? undefined : { version, erased: false };
}

function without(absorbed: readonly string[] | undefined, since: readonly PastRow[]): readonly string[] {
  const later = new Set(since.filter((row) => row.attribute === "link:merged").map((row) => row.after));
  return (absorbed ?? []).filter((key) => !later.has(key));
}

/** True when the record, as it was, belonged to this parent. */
export const belongsTo = (record: EntityRecord, parent: { readonly type: string; readonly key: string }): boolean =>
  record.parent !== undefined && refKey(record.parent) === refKey(parent);
