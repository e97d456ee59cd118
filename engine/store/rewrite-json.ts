/** Rewrites JSON columns where a name is a key or a value in them, inside the caller's transaction. */
import type { StoredAttribute } from "../core/record.ts";
import type { Json } from "../core/types.ts";
import type { Db } from "./connection.ts";
import { fromJson, jsonOrNull } from "./rows.ts";

export type Attributes = Readonly<Record<string, StoredAttribute>>;

export interface EntityTexts {
  readonly type: string;
  readonly key: string;
  readonly attributes: string;
  readonly state_version: string | null;
  readonly tombstone: string | null;
  /** What a merge of entities needs to know, with a version in it. */
  readonly life: string | null;
}

const TEXTS = ["attributes", "state_version", "tombstone", "life"] as const;

const CHUNK = 500;

/** Open deliveries, and those that an open dead letter can open again. */
export const OPEN_OR_DEAD = `seq IN (SELECT delivery_seq FROM outbox
  UNION SELECT delivery_seq FROM dead_letters WHERE status = 'open' AND delivery_seq IS NOT NULL)`;

export interface Where {
  readonly sql: string;
  readonly values: Readonly<Record<string, string>>;
}

export function mentions(key: string, value: string): Where {
  const texts = ["attributes", "coalesce(state_version, '')", "coalesce(tombstone, '')", "coalesce(life, '')"];
  return {
    sql: `(${texts.map((text) => `instr(${text}, @needle) > 0`).join(" OR ")})`,
    values: { needle: `${JSON.stringify(key)}:${JSON.stringify(value)}` },
  };
}

/** Rewrites the texts of entities, a chunk at a time; whoever has read one of them before reads it again. */
export function createEntityRewriter(db: Db): (where: Where, change: (texts: EntityTexts) => EntityTexts) => number {
  const write = db.prepare<[EntityTexts]>(
    `UPDATE entities SET attributes = @attributes, state_version = @state_version, tombstone = @tombstone, life = @life,
       changes = changes + 1 WHERE type = @type AND key = @key`,
  );
  return ({ sql, values }, change) => {
    const read = db.prepare<Record<string, string | number>, EntityTexts>(
      `SELECT type, key, attributes, state_version, tombstone, life FROM entities
         WHERE ${sql} AND (type, key) > (@afterType, @afterKey) ORDER BY type, key LIMIT ${CHUNK}`,
    );
    let [afterType, afterKey, count] = ["", "", 0];
    for (;;) {
      const rows = read.all({ ...values, afterType, afterKey });
      const last = rows.at(-1);
      if (last === undefined) return count;
      [afterType, afterKey] = [last.type, last.key];
      for (const row of rows) {
        const changed = change(row);
        if (TEXTS.every((name) => changed[name] === row[name])) continue;
        write.run(changed);
        count++;
      }
    }
  };
}

export function mapAttributes(texts: EntityTexts, change: (one: StoredAttribute) => StoredAttribute): string {
  const entries = Object.entries(fromJson<Attributes>(texts.attributes));
  return JSON.stringify(Object.fromEntries(entries.map(([name, one]) => [name, change(one)])));
}

export function mapText<T>(text: string | null, change: (value: T) => T): string | null {
  return text === null ? null : jsonOrNull(change(fromJson<T>(text)));
}

export function renameKey<T>(
  object: Readonly<Record<string, T>>,
  from: string,
  to: string,
): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name === from ? to : name, value]));
}

const BY_ATTRIBUTE = [
  { table: "acknowledged", row: ["connection", "entity_type", "entity_key"], where: "entity_type = @entity" },
  { table: "deliveries", row: ["seq"], where: `entity_type = @entity AND ${OPEN_OR_DEAD}` },
] as const;

/** Rewrites what is kept by attribute name: acknowledged values, and what open deliveries are to write. */
export function rewriteByAttribute(
  db: Db,
  { entity, from }: { readonly entity: string; readonly from: string },
  change: (values: Readonly<Record<string, Json>>) => Readonly<Record<string, Json>>,
): void {
  for (const { table, row, where } of BY_ATTRIBUTE) {
    const rows = db
      .prepare<Record<string, string>, Record<string, string>>(
        `SELECT ${row.join(", ")}, attributes FROM ${table} WHERE ${where} AND instr(attributes, json_quote(@from)) > 0`,
      )
      .all({ entity, from });
    const write = db.prepare(
      `UPDATE ${table} SET attributes = @attributes WHERE ${row.map((column) => `${column} = @${column}`).join(" AND ")}`,
    );
    for (const one of rows)
      write.run({ ...one, attributes: JSON.stringify(change(fromJson(one["attributes"] as string))) });
  }
}
