/**
 * All that an apply step reads and writes, as a value that can be copied: so that the orders of a trace share what
 * they have in common. Sinks answer well and at once, as in `test`; what each has acknowledged is what stands there.
 */

import { hash } from "node:crypto";
import { canonicalJson } from "../core/canonical.ts";
import { refKey } from "../core/record.ts";
import type { EntityRef, Json } from "../core/types.ts";
import type { Prepared } from "../flow/prepare.ts";
import { acknowledgedBy } from "../flow/settle.ts";
import type { ApplyCommit, EntityRecord, HistoryRow, NewDelivery, OnceMark, Store, WorkItem } from "../store/store.ts";

/** Which event of the trace wrote something, and the mapping line. */
export interface Written {
  readonly event: number;
  readonly mapping?: string;
}

export interface Acknowledged {
  readonly connection: string;
  readonly entity: EntityRef;
  readonly values: Readonly<Record<string, Json>>;
  /** By attribute. */
  readonly by: Readonly<Record<string, Written>>;
}

export interface HeldWork {
  readonly item: WorkItem;
  readonly waitsFor: ReadonlySet<string>;
  readonly prepared: Prepared;
}

export interface World {
  readonly entities: Map<string, EntityRecord>;
  /** Id -> key. */
  readonly links: Map<string, string>;
  readonly acknowledged: Map<string, Acknowledged>;
  readonly once: Set<string>;
  /** By work seq. */
  readonly held: Map<number, HeldWork>;
  /** `event pipeline` -> what became of it, where that is more than done: `held`, or the code of a dead letter. */
  readonly open: Map<string, string>;
  /** `type/key.attribute` -> what wrote its value. */
  readonly written: Map<string, Written>;
  /** Dedupe keys that were taken. */
  readonly taken: Set<string>;
  /** Positions in the trace, in the order of arrival. */
  readonly arrived: number[];
}

export function emptyWorld(): World {
  return {
    entities: new Map(),
    links: new Map(),
    acknowledged: new Map(),
    once: new Set(),
    held: new Map(),
    open: new Map(),
    written: new Map(),
    taken: new Set(),
    arrived: [],
  };
}

/** A copy that can go its own way; what it holds is never changed in place. */
export function fork(world: World): World {
  return {
    entities: new Map(world.entities),
    links: new Map(world.links),
    acknowledged: new Map(world.acknowledged),
    once: new Set(world.once),
    held: new Map(world.held),
    open: new Map(world.open),
    written: new Map(world.written),
    taken: new Set(world.taken),
    arrived: [...world.arrived],
  };
}

/** Receipt as a version knows it: the place in the order of arrival, and the item within a batch. */
const itemsPerRequest = 10_000;
export const seqOf = (arrival: number, item: number): number => (arrival + 1) * itemsPerRequest + item;
export const arrivalOf = (seq: number): number => Math.floor(seq / itemsPerRequest) - 1;

export const openKey = (event: number, pipeline: string): string => `${event} ${pipeline}`;

/** The part of a store that an apply step uses. */
export type ApplyStore = Pick<
  Store,
  "commitApply" | "snapshot" | "resolveId" | "acknowledged" | "openUpserts" | "onceMarked"
>;

/** Reads and changes `world`. One step at a time: no commit of its can be refused for what another one did. */
export function storeOf(world: World): ApplyStore {
  return {
    async snapshot(refs, childrenOf) {
      const entities = new Map<string, EntityRecord>();
      for (const ref of refs) {
        const record = world.entities.get(refKey(ref));
        if (record !== undefined) entities.set(refKey(ref), record);
      }
      const children = new Map<string, readonly EntityRecord[]>();
      for (const { parent, childType } of childrenOf) {
        const known = children.get(refKey(parent)) ?? [];
        children.set(refKey(parent), [...known, ...childrenIn(world, parent, childType)]);
      }
      return { entities, children };
    },
    resolveId: async (type, idName, value) => world.links.get(linkKey(type, idName, value)),
    acknowledged: async (connection, entity) => world.acknowledged.get(`${connection} ${refKey(entity)}`)?.values ?? {},
    // Deliveries end before the next event comes.
    openUpserts: async () => [],
    onceMarked: async (marks) => marks.map((mark) => world.once.has(onceKey(mark))),
    async commitApply(commit) {
      commitTo(world, commit);
      return { kind: "ok" };
    },
  };
}

function childrenIn(world: World, parent: EntityRef, type: string): EntityRecord[] {
  return [...world.entities.values()]
    .filter((one) => one.type === type && one.parent !== undefined && refKey(one.parent) === refKey(parent))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

const linkKey = (type: string, idName: string, value: string): string => `${type}\n${idName}\n${value}`;
const onceKey = (mark: OnceMark): string => `${mark.effect}\n${refKey(mark.entity)}\n${mark.values}`;

function commitTo(world: World, commit: ApplyCommit): void {
  const event = world.arrived[arrivalOf(commit.eventSeq)] as number;
  for (const { record, expected } of commit.entities) {
    relink(world, record);
    world.entities.set(refKey(record), { ...record, changes: expected + 1 });
  }
  for (const row of commit.history) remember(world, event, row);
  for (const mark of commit.once) world.once.add(onceKey(mark));
  for (const delivery of commit.deliveries) acknowledge(world, event, delivery);
  const { outcome } = commit;
  const key = openKey(event, commit.pipeline);
  if (outcome.status === "held") world.open.set(key, "held");
  else if (outcome.status === "dead") world.open.set(key, outcome.dead.code);
  else world.open.delete(key);
}

function relink(world: World, record: EntityRecord): void {
  const before = world.entities.get(refKey(record))?.ids ?? {};
  for (const [name, value] of Object.entries(before)) world.links.delete(linkKey(record.type, name, value));
  for (const [name, value] of Object.entries(record.ids))
    world.links.set(linkKey(record.type, name, value), record.key);
}

function remember(world: World, event: number, row: HistoryRow): void {
  if (row.result !== "set" && row.result !== "cleared" && row.result !== "computed") return;
  world.written.set(`${refKey(row.entity)}.${row.attribute}`, {
    event,
    ...(row.mapping === undefined ? {} : { mapping: row.mapping }),
  });
}

function acknowledge(world: World, event: number, delivery: NewDelivery): void {
  if (delivery.kind !== "upsert") return;
  const { connection, entity } = delivery;
  const key = `${connection} ${refKey(entity)}`;
  const known = world.acknowledged.get(key);
  const learnt = acknowledgedBy(delivery);
  const by = { ...known?.by };
  for (const name of Object.keys(learnt)) by[name] = world.written.get(`${refKey(entity)}.${name}`) ?? { event };
  world.acknowledged.set(key, { connection, entity, values: { ...known?.values, ...learnt }, by });
}

/**
 * One text for worlds that nothing can tell apart any more. Receipt counts only between versions that are equal but
 * for it, so of the order of arrival only that much goes in: of versions that are stored, and of events that wait.
 */
export function fingerprint(world: World, ties: readonly (readonly number[])[]): string {
  const equal = new Map<string, Set<number>>();
  const entities = [...world.entities.values()]
    .map(({ changes: _changes, createdAt: _created, updatedAt: _updated, ...rest }) => rest)
    .sort((a, b) => (refKey(a) < refKey(b) ? -1 : 1))
    .map((record) => byArrival(record, world, equal));
  const held = [...world.held.values()].map(({ item, waitsFor }) => [
    world.arrived[arrivalOf(item.event.seq)] as number,
    item.pipeline,
    [...waitsFor].sort(),
  ]);
  const text = canonicalJson([
    entities,
    [...world.acknowledged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, one]) => [key, one.values]),
    [...world.once].sort(),
    held.map((one) => canonicalJson(one as Json)).sort(),
    [...world.open].sort(([a], [b]) => (a < b ? -1 : 1)),
    [...equal]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, seqs]) => [...seqs].sort((a, b) => a - b).map(eventIn(world))),
    held.length === 0 ? [] : ties.map((group) => world.arrived.filter((event) => group.includes(event))),
  ] as unknown as Json);
  return hash("sha256", text, "base64");
}

const eventIn =
  (world: World) =>
  (seq: number): number =>
    world.arrived[arrivalOf(seq)] as number;

/** Versions name the event instead of its receipt; `equal` gathers those that are equal but for that. */
function byArrival(value: unknown, world: World, equal: Map<string, Set<number>>): unknown {
  if (Array.isArray(value)) return value.map((one) => byArrival(one, world, equal));
  if (typeof value !== "object" || value === null) return value;
  const object = value as Readonly<Record<string, unknown>>;
  const { seq, rank, source, ...rest } = object;
  if (typeof seq === "number" && typeof rank === "number" && typeof source === "string") {
    const key = canonicalJson([source, rank, rest as Json]);
    equal.set(key, (equal.get(key) ?? new Set()).add(seq));
    return { ...object, seq: `event ${eventIn(world)(seq)}` };
  }
  return Object.fromEntries(
    Object.entries(object)
      .filter(([, one]) => one !== undefined)
      .map(([name, one]) => [name, byArrival(one, world, equal)]),
  );
}
