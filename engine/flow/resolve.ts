/** From mapped keys to entities: which entity each write is about, and all that the decision has to read of them. */
import type { EntityModel } from "../core/entity.ts";
import { refKey } from "../core/record.ts";
import type { EntityRef, Version } from "../core/types.ts";
import type { MappedRow, MappedWrite } from "../mapping/model.ts";
import { rollupChildTypes } from "../ordering/rollup.ts";
import type { StepField, StepWrite } from "../ordering/step.ts";
import type { EntityRecord, Store } from "../store/store.ts";

export type Resolved =
  | { readonly kind: "writes"; readonly writes: readonly StepWrite[] }
  /** No entity has this id yet, or the child it is found through has no parent. */
  | { readonly kind: "unknown"; readonly policy: "hold" | "reject"; readonly waitsFor: EntityRef };

type ResolveStore = Pick<Store, "resolveId" | "snapshot">;

/** Finds the entity of each write. Links are looked up too, so that a clash of ids is seen before anything is written. */
export async function resolveWrites(
  mapped: readonly MappedWrite[],
  models: ReadonlyMap<string, EntityModel>,
  store: ResolveStore,
  versionFor: (write: MappedWrite) => Version | undefined = () => undefined,
): Promise<Resolved> {
  const refs = new Map<MappedWrite, EntityRef>();
  // Of each item of `each:`, what has been found so far.
  const byItem = new Map<number | undefined, Map<string, EntityRef>>();
  // `parent_of` may stand before the child it names: children first.
  for (const write of [...mapped].sort(
    (a, b) => Number(a.key.kind === "parent_of") - Number(b.key.kind === "parent_of"),
  )) {
    const byType = byItem.get(write.item) ?? new Map<string, EntityRef>();
    byItem.set(write.item, byType);
    const found = await findRef(write, models, { store, byType });
    if (found.ref === undefined) {
      // An entity can not be made from an id that is not its key.
      return {
        kind: "unknown",
        policy: write.model.unknown === "reject" ? "reject" : "hold",
        waitsFor: found.waitsFor,
      };
    }
    refs.set(write, found.ref);
    byType.set(found.ref.type, found.ref);
  }
  const writes: StepWrite[] = [];
  for (const write of mapped) {
    const version = versionFor(write);
    const step = await toStepWrite(write, refs.get(write) as EntityRef, store);
    writes.push(version === undefined ? step : { ...step, version });
  }
  return { kind: "writes", writes };
}

type Found = { readonly ref: EntityRef } | { readonly ref?: undefined; readonly waitsFor: EntityRef };

async function findRef(
  write: MappedWrite,
  models: ReadonlyMap<string, EntityModel>,
  known: { store: ResolveStore; byType: ReadonlyMap<string, EntityRef> },
): Promise<Found> {
  const type = write.model.entity;
  const { key } = write;
  if (key.kind === "parent_of") {
    const child = known.byType.get(key.childType);
    if (child === undefined) return { waitsFor: { type: key.childType, key: "" } };
    const stored = (await known.store.snapshot([child], [])).entities.get(refKey(child));
    return stored?.parent === undefined ? { waitsFor: child } : { ref: stored.parent };
  }
  const model = models.get(type);
  if (key.idName === model?.ids[0]) {
    // The key of one that turned out to be another leads to that one.
    const stays = model.merge === undefined ? undefined : await known.store.resolveId(type, key.idName, key.value);
    return { ref: { type, key: stays ?? key.value } };
  }
  const owner = await known.store.resolveId(type, key.idName, key.value);
  return owner === undefined ? { waitsFor: waitingForId(type, key.idName, key.value) } : { ref: { type, key: owner } };
}

/** The name under which work waits for whoever gets this id. */
export function waitingForId(type: string, idName: string, value: string): EntityRef {
  return { type, key: `@${idName}=${value}` };
}

async function toStepWrite(write: MappedWrite, ref: EntityRef, store: ResolveStore): Promise<StepWrite> {
  const links = [];
  for (const [idName, value] of Object.entries(write.links)) {
    const owner = await store.resolveId(ref.type, idName, value);
    links.push({ idName, value, ...(owner === undefined ? {} : { owner }) });
  }
  return {
    ref,
    unknown: write.model.unknown,
    ...(write.state === undefined ? {} : { state: write.state }),
    fields: write.fields.flatMap(toStepField),
    links,
    ...(write.model.delete === undefined ? {} : { delete: write.model.delete }),
    ...(write.item === undefined ? {} : { item: write.item }),
  };
}

function toStepField(mapped: MappedRow): StepField[] {
  const { row, result } = mapped;
  const at = { attribute: row.name, mapping: `${row.position.file}:${row.position.line}` };
  switch (result.kind) {
    case "set":
      return [{ ...at, set: result.value }];
    case "initial":
      return [{ ...at, initial: result.value }];
    case "clear":
      return [{ ...at, clear: true }];
    case "keep":
      return [];
  }
}

export interface StepSnapshot {
  readonly entities: ReadonlyMap<string, EntityRecord>;
  readonly children: ReadonlyMap<string, readonly EntityRecord[]>;
}

/** Everything the decision may read: the entities written, their ancestors, and the children that rollups or an erasure reach. */
export async function loadSnapshot(
  writes: readonly StepWrite[],
  models: ReadonlyMap<string, EntityModel>,
  store: ResolveStore,
): Promise<StepSnapshot> {
  const entities = new Map<string, EntityRecord>();
  const children = new Map<string, readonly EntityRecord[]>();
  const seen = new Set<string>();
  const owners = writes.flatMap((write) => ownersOf(write, models));
  // Any of them may be the one that goes, and its children with it.
  const merging = new Set(owners.length === 0 ? [] : [...writes.map((write) => write.ref), ...owners].map(refKey));
  let refs: EntityRef[] = [...writes.map((write) => write.ref), ...owners];
  while (refs.length > 0) {
    for (const ref of refs) seen.add(refKey(ref));
    const wanted = refs.flatMap((ref) =>
      childTypes(ref, writes, models, merging.has(refKey(ref))).map((childType) => ({ parent: ref, childType })),
    );
    const snapshot = await store.snapshot(refs, wanted);
    for (const [key, record] of snapshot.entities) entities.set(key, record);
    for (const [key, records] of snapshot.children) children.set(key, records);
    const reached = refs
      .filter((ref) => erases(ref, writes) || merging.has(refKey(ref)))
      .flatMap((ref) => children.get(refKey(ref)) ?? []);
    const parents = refs.flatMap((ref) => entities.get(refKey(ref))?.parent ?? []);
    refs = [...parents, ...reached].filter((ref) => !seen.has(refKey(ref)));
  }
  return { entities, children };
}

function erases(ref: EntityRef, writes: readonly StepWrite[]): boolean {
  return writes.some((write) => write.delete === "erase" && refKey(write.ref) === refKey(ref));
}

function childTypes(
  ref: EntityRef,
  writes: readonly StepWrite[],
  models: ReadonlyMap<string, EntityModel>,
  merging: boolean,
): readonly string[] {
  const model = models.get(ref.type);
  if (model === undefined) return [];
  return merging || writes.some((write) => write.delete === "erase") ? model.children : rollupChildTypes(model);
}

/** Entities of which one of the ids that are linked says that they are the one that is written. */
function ownersOf({ ref, links }: StepWrite, models: ReadonlyMap<string, EntityModel>): EntityRef[] {
  if (models.get(ref.type)?.merge === undefined) return [];
  return links.flatMap(({ owner }) =>
    owner === undefined || owner === ref.key ? [] : [{ type: ref.type, key: owner }],
  );
}
