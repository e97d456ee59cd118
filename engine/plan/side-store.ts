/**
 * What one side of a plan reads and writes: a store in memory, above the state that stood at the window's start. Sinks
 * answer well and at once, so what a delivery brings is acknowledged when it is born.
 */
import { placeOf, takesIn } from "../core/place.ts";
import { type EntityRecord, refKey } from "../core/record.ts";
import type { EntityRef, Json } from "../core/types.ts";
import { acknowledgedBy } from "../flow/settle.ts";
import type { PastState } from "../store/read-past.ts";
import type { ApplyCommit, EntityWrite, OnceMark, Store } from "../store/store.ts";
import type { Names } from "./names.ts";

/** The part of a store that an apply step uses. */
export type ApplyStore = Pick<
  Store,
  "commitApply" | "snapshot" | "resolveId" | "acknowledged" | "openUpserts" | "onceMarked"
>;

export interface SideStoreOptions {
  /** Absent: nothing was known. */
  readonly past?: PastState;
  readonly names: Names;
  readonly onCommit: (commit: ApplyCommit) => void;
}

export function createSideStore({ past, names, onCommit }: SideStoreOptions): ApplyStore {
  const entities = new Map<string, EntityRecord | undefined>();
  /** Children by parent and type: those of the past, and what came since. */
  const families = new Map<string, Set<string>>();
  /** Key by id; undefined: nobody has it any more. */
  const links = new Map<string, string | undefined>();
  const once = new Set<string>();
  /** By connection and entity, then by place. */
  const acknowledged = new Map<string, Map<string, Record<string, Json>>>();
  /** What the past said of them: it does not change. */
  const asked = new Map<string, Record<string, Json>>();

  async function find(ref: EntityRef): Promise<EntityRecord | undefined> {
    const key = refKey(ref);
    if (entities.has(key)) return entities.get(key);
    const record = await past?.entity(names.older.ref(ref));
    const known = record === undefined ? undefined : names.record(record);
    entities.set(key, known);
    return known;
  }

  async function childrenOf(parent: EntityRef, childType: string): Promise<EntityRecord[]> {
    const key = familyKey(parent, childType);
    let family = families.get(key);
    if (family?.has(complete) !== true) {
      const older = await past?.children(names.older.ref(parent), names.older.entity(childType));
      for (const child of older ?? []) {
        const record = names.record(child);
        if (!entities.has(refKey(record))) entities.set(refKey(record), record);
      }
      family = new Set([...(family ?? []), ...(older ?? []).map((one) => refKey(names.record(one))), complete]);
      families.set(key, family);
    }
    return [...family]
      .map((child) => entities.get(child))
      .filter((one) => one?.parent !== undefined && refKey(one.parent) === refKey(parent))
      .sort((a, b) => ((a?.key ?? "") < (b?.key ?? "") ? -1 : 1)) as EntityRecord[];
  }

  function put({ record, expected, absorbs }: EntityWrite): void {
    const key = refKey(record);
    for (const loser of absorbs?.keys ?? []) {
      const { ids = {} } = entities.get(`${record.type}/${loser}`) ?? {};
      for (const [name, value] of Object.entries(ids)) links.set(linkKey(record.type, name, value), record.key);
      links.set(linkKey(record.type, absorbs?.idName ?? "", loser), record.key);
    }
    for (const [name, value] of Object.entries(entities.get(key)?.ids ?? {})) {
      const link = linkKey(record.type, name, value);
      if (record.ids[name] !== value && (links.get(link) ?? record.key) === record.key) links.set(link, undefined);
    }
    for (const [name, value] of Object.entries(record.ids)) links.set(linkKey(record.type, name, value), record.key);
    entities.set(key, { ...record, changes: expected + 1 });
    if (record.parent === undefined) return;
    const family = familyKey(record.parent, record.type);
    families.set(family, (families.get(family) ?? new Set()).add(key));
  }

  async function marked(mark: OnceMark): Promise<boolean> {
    if (once.has(onceKey(mark))) return true;
    if (past === undefined) return false;
    const entity = names.older.ref(mark.entity);
    return (
      (await past.onceMarked(mark)) ||
      (await past.onceMarked({ ...mark, entity, effect: olderEffect(names, mark.effect) }))
    );
  }

  /** What was brought to these places: the past's, and over it what the deliveries of this side have brought since. */
  async function known(connection: string, entity: EntityRef, places: string): Promise<Record<string, Json>> {
    const brought = [...(acknowledged.get(`${connection} ${refKey(entity)}`) ?? [])];
    const values = brought.filter(([place]) => takesIn(places, place)).map(([, learnt]) => learnt);
    return Object.assign({}, await inThePast(connection, entity, places), ...values);
  }

  async function inThePast(connection: string, entity: EntityRef, places: string): Promise<Record<string, Json>> {
    const key = `${connection} ${places} ${refKey(entity)}`;
    const known = asked.get(key) ?? (await askPast(connection, entity, places));
    asked.set(key, known);
    return known;
  }

  async function askPast(connection: string, entity: EntityRef, places: string): Promise<Record<string, Json>> {
    const ref = names.older.ref(entity);
    const values = (await past?.acknowledged(names.older.connection(connection), ref, places)) ?? {};
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name === "state" ? name : names.attribute(entity.type, name),
        value,
      ]),
    );
  }

  return {
    async snapshot(refs, wanted) {
      const found = new Map<string, EntityRecord>();
      for (const ref of refs) {
        const record = await find(ref);
        if (record !== undefined) found.set(refKey(ref), record);
      }
      const children = new Map<string, readonly EntityRecord[]>();
      for (const { parent, childType } of wanted) {
        const before = children.get(refKey(parent)) ?? [];
        children.set(refKey(parent), [...before, ...(await childrenOf(parent, childType))]);
      }
      return { entities: found, children };
    },
    async resolveId(type, idName, value) {
      const key = linkKey(type, idName, value);
      if (links.has(key)) return links.get(key);
      const owner = await past?.resolveId(names.older.entity(type), idName, value);
      links.set(key, owner);
      return owner;
    },
    acknowledged: known,
    // Deliveries end before the next event comes.
    openUpserts: async () => [],
    onceMarked: (marks) => Promise.all(marks.map(marked)),
    async commitApply(commit) {
      for (const write of commit.entities) put(write);
      for (const mark of commit.once) once.add(onceKey(mark));
      for (const delivery of commit.deliveries) {
        if (delivery.kind !== "upsert") continue;
        const key = `${delivery.connection} ${refKey(delivery.entity)}`;
        const places = acknowledged.get(key) ?? new Map<string, Record<string, Json>>();
        const place = placeOf(delivery);
        const before = places.get(place);
        // The newest last.
        places.delete(place);
        acknowledged.set(key, places.set(place, { ...before, ...acknowledgedBy(delivery) }));
      }
      onCommit(commit);
      return { kind: "ok" };
    },
  };
}

/** Stands in a family whose children of the past are in it. */
const complete = "";

const familyKey = (parent: EntityRef, childType: string): string => `${refKey(parent)}\n${childType}`;
const linkKey = (type: string, idName: string, value: string): string => `${type}\n${idName}\n${value}`;
const onceKey = (mark: OnceMark): string => `${mark.effect}\n${refKey(mark.entity)}\n${mark.values}`;

/** `pipeline/connection/action/entity[/…]` in the store's words. */
function olderEffect(names: Names, effect: string): string {
  const [pipeline = "", connection = "", action = "", entity, ...rest] = effect.split("/");
  const about = entity === undefined ? [] : [entity === "*" ? entity : names.older.entity(entity), ...rest];
  return [names.older.pipeline(pipeline), names.older.connection(connection), action, ...about].join("/");
}
