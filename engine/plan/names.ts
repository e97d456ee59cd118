/** Names that a revision has given to what the store, or the other side, calls differently: its `moved:`. */
import type { Revision } from "../config/revision.ts";
import type { EntityRecord, StoredAttribute } from "../core/record.ts";
import type { EntityRef, Version } from "../core/types.ts";

/** From the older names to those of one side, and back. */
export interface Names {
  readonly pipeline: (name: string) => string;
  readonly source: (name: string) => string;
  readonly connection: (name: string) => string;
  readonly entity: (name: string) => string;
  /** Of an entity, by its new name. */
  readonly attribute: (entity: string, name: string) => string;
  readonly older: {
    readonly pipeline: (name: string) => string;
    readonly connection: (name: string) => string;
    readonly ref: (ref: EntityRef) => EntityRef;
    readonly entity: (name: string) => string;
  };
  /** A stored record in this side's words. */
  readonly record: (record: EntityRecord) => EntityRecord;
}

type Renames = Readonly<Record<string, string>>;

const via =
  (renames: Renames) =>
  (name: string): string =>
    Object.hasOwn(renames, name) ? (renames[name] as string) : name;

const back = (renames: Renames): Renames => Object.fromEntries(Object.entries(renames).map(([from, to]) => [to, from]));

export function namesBy(moved: Revision["moved"]): Names {
  const entity = via(moved.entities);
  const member = (renames: Renames) => (type: string, name: string) => {
    const to = via(renames)(`${type}.${name}`);
    return to.slice(to.indexOf(".") + 1);
  };
  const attribute = member(moved.attributes);
  const state = member(moved.states);
  const olderEntity = via(back(moved.entities));
  const source = via(moved.sources);
  const pipeline = via(moved.pipelines);
  const version = (one: Version): Version => ({ ...one, source: source(one.source) });
  const stored = (one: StoredAttribute): StoredAttribute => ({
    ...one,
    ...(one.version === undefined ? {} : { version: version(one.version) }),
    ...(one.writer === undefined ? {} : { writer: pipeline(one.writer) }),
    ...(one.ladder === undefined
      ? {}
      : { ladder: one.ladder.map((rung) => ({ ...rung, version: version(rung.version) })) }),
  });
  const nothing = Object.values(moved).every((renames: Renames) => Object.keys(renames).length === 0);
  return {
    pipeline,
    source,
    connection: via(moved.connections),
    entity,
    attribute,
    older: {
      pipeline: via(back(moved.pipelines)),
      connection: via(back(moved.connections)),
      entity: olderEntity,
      ref: (ref) => ({ type: olderEntity(ref.type), key: ref.key }),
    },
    record(record) {
      if (nothing) return record;
      const type = entity(record.type);
      return {
        ...record,
        type,
        attributes: Object.fromEntries(
          Object.entries(record.attributes).map(([name, one]) => [attribute(type, name), stored(one)]),
        ),
        state: state(type, record.state),
        ...(record.stateVersion === undefined ? {} : { stateVersion: version(record.stateVersion) }),
        ...(record.parent === undefined
          ? {}
          : { parent: { type: entity(record.parent.type), key: record.parent.key } }),
        ...(record.tombstone === undefined
          ? {}
          : { tombstone: { ...record.tombstone, version: version(record.tombstone.version) } }),
        ...(record.first === undefined ? {} : { first: version(record.first) }),
      };
    },
  };
}
