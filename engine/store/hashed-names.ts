/** Names inside hashes: a renamed source keeps its dedupe keys, and a renamed pipeline its once marks, by what they were first called. */
import type { Db } from "./connection.ts";
import { hashKey } from "./rows.ts";
import type { OnceMark } from "./store.ts";

export type HashedKind = "source" | "pipeline" | "connection" | "entity";

/** What a thing is called inside hashes. */
export type HashedAs = (kind: HashedKind, name: string) => string;

export function createHashedAs(db: Db): HashedAs {
  const find = db
    .prepare<[string, string], string>("SELECT hashed_as FROM hashed_names WHERE kind = +? AND name = +?")
    .pluck();
  return (kind, name) => find.get(kind, name) ?? name;
}

/** Key of a source's dedupe key. */
export function dedupeHash(hashedAs: HashedAs, source: string, key: string): Buffer {
  return hashKey(hashedAs("source", source), key);
}

/** Key of a once mark: personal data in the entity's key or the values stays out of the table. */
export function markKey(hashedAs: HashedAs, { effect, entity, values }: OnceMark): Buffer {
  const type = hashedAs("entity", entity.type);
  return hashKey(hashedEffect(hashedAs, effect), type, entity.key, values);
}

/** `pipeline/connection/action/entity[/…]`; names hold no `/`. */
function hashedEffect(hashedAs: HashedAs, effect: string): string {
  const [pipeline = "", connection = "", action = "", entity, ...rest] = effect.split("/");
  const about = entity === undefined ? [] : [entity === "*" ? entity : hashedAs("entity", entity), ...rest];
  return [hashedAs("pipeline", pipeline), hashedAs("connection", connection), action, ...about].join("/");
}

/** Changes the names, inside the caller's transaction. */
export interface HashedNames {
  rename(kind: HashedKind, from: string, to: string): void;
  /** A new thing that bears the name another one was hashed as gets a name of its own inside hashes. */
  declare(kind: HashedKind, name: string): void;
}

export function createHashedNames(db: Db): HashedNames {
  const hashedAs = createHashedAs(db);
  const remove = db.prepare("DELETE FROM hashed_names WHERE kind = ? AND name = ?");
  const put = db.prepare("INSERT OR REPLACE INTO hashed_names (kind, name, hashed_as) VALUES (?, ?, ?)");
  const own = db.prepare<[string, string], number>("SELECT 1 FROM hashed_names WHERE kind = ? AND name = ?").pluck();
  const taken = db
    .prepare<[string, string], number>("SELECT 1 FROM hashed_names WHERE kind = ? AND hashed_as = ?")
    .pluck();
  return {
    rename(kind, from, to) {
      const before = hashedAs(kind, from);
      remove.run(kind, from);
      if (before === to) remove.run(kind, to);
      else put.run(kind, to, before);
    },
    declare(kind, name) {
      if (own.get(kind, name) !== undefined || taken.get(kind, name) === undefined) return;
      let n = 2;
      while (taken.get(kind, `${name}#${n}`) !== undefined) n++;
      put.run(kind, name, `${name}#${n}`);
    },
  };
}
