/** What each connection last acknowledged for an entity: the ground that the next upsert's difference is taken against. */
import type { EntityRef, Json } from "../core/types.ts";
import type { Db } from "./connection.ts";
import { fromJson } from "./rows.ts";

interface Place {
  readonly connection: string;
  readonly entity: EntityRef;
}

/** Changes acknowledged values, inside the caller's transaction. */
export interface AcknowledgedWriter {
  forgetAll(at: Place): void;
  change(
    at: Place,
    change: { readonly learnt: Readonly<Record<string, Json>>; readonly forgotten: readonly string[] },
  ): void;
}

export function createAcknowledgedWriter(db: Db): AcknowledgedWriter {
  const find = db
    .prepare<[string, string, string], string>(
      "SELECT attributes FROM acknowledged WHERE connection = ? AND entity_type = ? AND entity_key = ?",
    )
    .pluck();
  const put = db.prepare(
    "INSERT OR REPLACE INTO acknowledged (connection, entity_type, entity_key, attributes) VALUES (?, ?, ?, ?)",
  );
  const remove = db.prepare("DELETE FROM acknowledged WHERE connection = ? AND entity_type = ? AND entity_key = ?");
  return {
    forgetAll({ connection, entity }) {
      remove.run(connection, entity.type, entity.key);
    },
    change({ connection, entity }, { learnt, forgotten }) {
      const before = find.get(connection, entity.type, entity.key);
      const values = new Map<string, Json>(
        Object.entries(before === undefined ? {} : fromJson<Record<string, Json>>(before)),
      );
      for (const [name, value] of Object.entries(learnt)) values.set(name, value);
      for (const name of forgotten) values.delete(name);
      put.run(connection, entity.type, entity.key, JSON.stringify(Object.fromEntries(values)));
    },
  };
}
