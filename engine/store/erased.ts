/**
 * Whom the store has forgotten: ids of erased entities as salted hashes, so that a late event finds a tombstone where
 * there is no row, no key and no id any more.
 */
import { hash } from "node:crypto";
import type { EntityRef } from "../core/types.ts";
import type { Db } from "./connection.ts";
import { createHashedAs } from "./hashed-names.ts";
import { fromJson } from "./rows.ts";
import type { EntityRecord } from "./store.ts";

const HASH_BYTES = 16;
/** What stands for the key of an erased entity wherever a key has to stand. */
const PSEUDONYM = "erased:";

/** The tombstones of erased entities, as the other reads see them. */
export interface Erasures {
  isErased(entity: Pick<EntityRecord, "type" | "key" | "ids">): boolean;
  /** A record with nothing in it but the tombstone, for a key or a pseudonym. */
  tombstoneOf(ref: EntityRef): EntityRecord | undefined;
  /** The pseudonym of the erased entity that had this id. */
  ownerOf(type: string, idName: string, value: string): string | undefined;
  /** Hash of an id; the key's name is "". */
  hashOf(type: string, idName: string, value: string): Buffer;
}

interface ErasedRow {
  readonly entity_hash: string;
  readonly tombstone: string;
  readonly at: number;
}

/** The key that stands for an erased one. */
export const pseudonymOf = (entityHash: string): string => `${PSEUDONYM}${entityHash}`;

export function createErasures(db: Db): Erasures {
  const salt = db.prepare<[], Buffer>("SELECT value FROM salt").pluck();
  const byId = db.prepare<[Buffer], ErasedRow>("SELECT entity_hash, tombstone, at FROM erased WHERE id_hash = +?");
  const any = db.prepare<[], number>("SELECT 1 FROM erased LIMIT 1").pluck();
  const hashedAs = createHashedAs(db);
  let known: Buffer | undefined;
  const hashOf = (type: string, idName: string, value: string): Buffer => {
    known ??= salt.get() ?? Buffer.alloc(0);
    const text = JSON.stringify([known.toString("hex"), hashedAs("entity", type), idName, value]);
    return hash("sha256", text, "buffer").subarray(0, HASH_BYTES);
  };
  const find = (type: string, idName: string, value: string): ErasedRow | undefined => {
    // Nearly every store has forgotten nobody: then no hash is made.
    if (any.get() === undefined) return undefined;
    if (idName === "" && value.startsWith(PSEUDONYM))
      return byId.get(Buffer.from(value.slice(PSEUDONYM.length), "hex"));
    return byId.get(hashOf(type, idName, value));
  };
  return {
    hashOf,
    isErased: ({ type, key, ids }) =>
      find(type, "", key) !== undefined ||
      Object.entries(ids).some(([name, value]) => find(type, name, value) !== undefined),
    ownerOf(type, idName, value) {
      const row = find(type, idName, value);
      return row === undefined ? undefined : pseudonymOf(row.entity_hash);
    },
    tombstoneOf({ type, key }) {
      const row = find(type, "", key);
      if (row === undefined) return undefined;
      return {
        type,
        key,
        ids: {},
        attributes: {},
        state: "unknown",
        // There is no row: a write that brings it back makes one.
        changes: 0,
        seeded: false,
        tombstone: fromJson(row.tombstone),
        createdAt: row.at,
        updatedAt: row.at,
      };
    },
  };
}
