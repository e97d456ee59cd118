/** Writes of entities and their links: compared with what was read, then written whole. */
import type { Db } from "./connection.ts";
import { fromJson, jsonOrNull, orNull } from "./rows.ts";
import type { ApplyResult, EntityRecord, EntityWrite } from "./store.ts";

/** The write side of entities, inside the caller's transaction. */
export interface EntityWriter {
  /** The first entity that has moved since it was read, or whose new id belongs to another one. */
  findConflict(writes: readonly EntityWrite[]): ApplyResult | undefined;
  /** Gives the ids of entities that turned out to be another to that one: before anything is written. */
  moveLinks(writes: readonly EntityWrite[]): void;
  write(write: EntityWrite): void;
}

export function createEntityWriter(db: Db): EntityWriter {
  const current = db.prepare<[string, string], { changes: number; ids: string }>(
    "SELECT changes, ids FROM entities WHERE type = ? AND key = ?",
  );
  const owner = db
    .prepare<[string, string, string], string>("SELECT key FROM links WHERE type = ? AND id_name = ? AND value = ?")
    .pluck();
  const link = db.prepare("INSERT OR IGNORE INTO links (type, id_name, value, key) VALUES (?, ?, ?, ?)");
  const unlink = db.prepare("DELETE FROM links WHERE type = ? AND id_name = ? AND value = ? AND key = ?");
  const move = db.prepare("UPDATE links SET key = ? WHERE type = ? AND key = ?");
  const alias = db.prepare("INSERT OR REPLACE INTO links (type, id_name, value, key) VALUES (?, ?, ?, ?)");
  const put = db.prepare(
    `INSERT OR REPLACE INTO entities (type, key, ids, attributes, state, state_version, parent_type, parent_key, changes, seeded,
       tombstone, created_at, updated_at, life) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const relink = (record: EntityRecord, before: Readonly<Record<string, string>>): void => {
    for (const [name, value] of Object.entries(before)) {
      if (record.ids[name] !== value) unlink.run(record.type, name, value, record.key);
    }
    for (const [name, value] of Object.entries(record.ids)) {
      if (before[name] !== value) link.run(record.type, name, value, record.key);
    }
  };
  return {
    findConflict(writes) {
      for (const { record, expected, absorbs } of writes) {
        const own = new Set([record.key, ...(absorbs?.keys ?? [])]);
        const { type, key } = record;
        if ((current.get(type, key)?.changes ?? 0) !== expected) return { kind: "conflict", entity: { type, key } };
        for (const [name, value] of Object.entries(record.ids)) {
          if (!own.has(owner.get(type, name, value) ?? key)) return { kind: "conflict", entity: { type, key } };
        }
      }
      return undefined;
    },
    moveLinks(writes) {
      for (const { record, absorbs } of writes) {
        for (const key of absorbs?.keys ?? []) {
          move.run(record.key, record.type, key);
          alias.run(record.type, absorbs?.idName, key, record.key);
        }
      }
    },
    write({ record, expected }) {
      const before = current.get(record.type, record.key)?.ids;
      relink(record, before === undefined ? {} : fromJson(before));
      put.run(
        record.type,
        record.key,
        JSON.stringify(record.ids),
        JSON.stringify(record.attributes),
        record.state,
        jsonOrNull(record.stateVersion),
        orNull(record.parent?.type),
        orNull(record.parent?.key),
        expected + 1,
        record.seeded ? 1 : 0,
        jsonOrNull(record.tombstone),
        record.createdAt,
        record.updatedAt,
        lifeOf(record),
      );
    },
  };
}

function lifeOf({ first, absorbed, deletions, newest }: EntityRecord): string | null {
  const life = JSON.stringify({ first, absorbed, deletions, newest });
  return life === "{}" ? null : life;
}
