/** Reads of entities: by key, by id, and all that one apply step needs as one snapshot. */
import type { EntityRef } from "../core/types.ts";
import { broughtTo } from "./acknowledged.ts";
import type { Db } from "./connection.ts";
import { createErasures } from "./erased.ts";
import { createHashedAs, markKey } from "./hashed-names.ts";
import { fromJson, present, presentJson } from "./rows.ts";
import type { EntityRecord, Store } from "./store.ts";

interface EntityRow {
  readonly type: string;
  readonly key: string;
  readonly ids: string;
  readonly attributes: string;
  readonly state: string;
  readonly state_version: string | null;
  readonly parent_type: string | null;
  readonly parent_key: string | null;
  readonly changes: number;
  readonly seeded: number;
  readonly tombstone: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly life: string | null;
}

function toEntity(row: EntityRow): EntityRecord {
  const parent =
    row.parent_type === null || row.parent_key === null ? null : { type: row.parent_type, key: row.parent_key };
  return {
    type: row.type,
    key: row.key,
    ids: fromJson(row.ids),
    attributes: fromJson(row.attributes),
    state: row.state,
    changes: row.changes,
    seeded: row.seeded === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    ...(row.life === null ? {} : fromJson<Pick<EntityRecord, "first" | "absorbed" | "deletions" | "newest">>(row.life)),
    ...presentJson<"stateVersion", NonNullable<EntityRecord["stateVersion"]>>("stateVersion", row.state_version),
    ...presentJson<"tombstone", NonNullable<EntityRecord["tombstone"]>>("tombstone", row.tombstone),
    ...present("parent", parent),
  };
}

/** How a snapshot's maps name an entity. */
function nameOf({ type, key }: EntityRef): string {
  return `${type}/${key}`;
}

/** Makes the reads of entities, links, once marks and acknowledged values. */
export function createEntityReads(
  db: Db,
): Pick<Store, "entity" | "entities" | "resolveId" | "snapshot" | "acknowledged" | "lastTried" | "onceMarked"> {
  const byKey = db.prepare<[string, string], EntityRow>("SELECT * FROM entities WHERE type = +? AND key = +?");
  const byLink = db
    .prepare<[string, string, string], string>("SELECT key FROM links WHERE type = +? AND id_name = +? AND value = +?")
    .pluck();
  const ofType = db.prepare<[string, number], EntityRow>(
    "SELECT * FROM entities WHERE type = +? ORDER BY key LIMIT +?",
  );
  const children = db.prepare<[string, string, string], EntityRow>(
    "SELECT * FROM entities WHERE parent_type = +? AND parent_key = +? AND type = +? ORDER BY key",
  );
  const marked = db.prepare<[Buffer], number>("SELECT 1 FROM once_marks WHERE key = +?").pluck();
  const acknowledged = db
    .prepare<[string, string, string], string>(
      "SELECT attributes FROM acknowledged WHERE connection = +? AND entity_type = +? AND entity_key = +?",
    )
    .pluck();
  const lastTried = db
    .prepare<[string, string, string], number | null>(
      "SELECT tried FROM acknowledged WHERE connection = +? AND entity_type = +? AND entity_key = +?",
    )
    .pluck();
  const erasures = createErasures(db);
  const hashedAs = createHashedAs(db);
  const readSnapshot = db.transaction(
    (refs: Parameters<Store["snapshot"]>[0], parents: Parameters<Store["snapshot"]>[1]) => {
      const entities = new Map<string, EntityRecord>();
      const families = new Map<string, readonly EntityRecord[]>();
      const asked = new Set<string>();
      for (const ref of refs) {
        const row = byKey.get(ref.type, ref.key);
        const record = row === undefined ? erasures.tombstoneOf(ref) : toEntity(row);
        if (record !== undefined) entities.set(nameOf(ref), record);
      }
      for (const { parent, childType } of parents) {
        const question = `${nameOf(parent)}/${childType}`;
        if (asked.has(question)) continue;
        asked.add(question);
        const rows = children.all(parent.type, parent.key, childType).map(toEntity);
        families.set(nameOf(parent), [...(families.get(nameOf(parent)) ?? []), ...rows]);
      }
      return { entities, children: families };
    },
  );
  return {
    async entity(type, id, idName) {
      const key = idName === undefined ? id : (byLink.get(type, idName, id) ?? erasures.ownerOf(type, idName, id));
      if (key === undefined) return undefined;
      const row = byKey.get(type, key);
      return row === undefined ? erasures.tombstoneOf({ type, key }) : toEntity(row);
    },
    entities: async (type, limit) => ofType.all(type, limit).map(toEntity),
    resolveId: async (type, idName, value) => byLink.get(type, idName, value) ?? erasures.ownerOf(type, idName, value),
    snapshot: async (refs, childrenOf) => readSnapshot(refs, childrenOf),
    async acknowledged(connection, { type, key }, places) {
      return broughtTo(places, acknowledged.get(connection, type, key));
    },
    lastTried: async (connection, { type, key }) => lastTried.get(connection, type, key) ?? undefined,
    onceMarked: async (marks) => marks.map((mark) => marked.get(markKey(hashedAs, mark)) !== undefined),
  };
}
