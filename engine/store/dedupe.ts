/**
 * Remembered keys, in three levels of one table, newest first.
 *
 * Keys are hashes, so each insert into one big tree would dirty a page of its own: 16 KB of WAL for 30 bytes, and
 * more pages the more there are. So they go into level 0, which is a few pages; when it is full it moves into level
 * 1, in key order; and from level 1 a slice of neighbouring keys at a time goes on to level 2, where neighbours
 * share pages. What a key costs stays about the same from the first to the millionth.
 */
import type { Db } from "./connection.ts";

/** How many keys the first levels keep. */
export interface LevelSizes {
  /** Level 0 moves on at this many keys: a handful of pages. */
  readonly level0: number;
  /** Level 1 keeps this many, so that a slice of them lies close together in level 2. */
  readonly level1: number;
}

const SIZES: LevelSizes = { level0: 1024, level1: 32_768 };

export interface KnownKey {
  readonly event_seq: number;
  readonly until: number;
}

/** Keys inside the caller's transaction. */
export interface Dedupe {
  find(key: Buffer): KnownKey | undefined;
  /** A key whose window has ended may be remembered anew. */
  remember(key: Buffer, eventSeq: number, until: number): void;
}

/** Finds a key, looking from the newest level on: the first that has it is right. */
export function prepareFind(db: Db): Dedupe["find"] {
  // Three looks: one SELECT with `level IN (0, 1, 2) ORDER BY level` sorts, and takes three times as long.
  const levels = [0, 1, 2].map((level) =>
    db.prepare<[Buffer], KnownKey>(`SELECT event_seq, until FROM dedupe WHERE level = ${level} AND key = +?`),
  );
  return (key) => {
    for (const level of levels) {
      const found = level.get(key);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

export function createDedupe(db: Db, sizes: LevelSizes = SIZES): Dedupe {
  const insert = db.prepare("INSERT OR REPLACE INTO dedupe (level, key, event_seq, until) VALUES (0, ?, ?, ?)");
  const count = db.prepare<[number], number>("SELECT count(*) FROM dedupe WHERE level = +?").pluck();
  // After a rollback these are a little off, which only shifts when the next move happens.
  let [level0, level1] = [count.get(0) ?? 0, count.get(1) ?? 0];
  const empty = createEmptying(db);
  const moveSlice = createSlices(db, sizes.level0);
  return {
    find: prepareFind(db),
    remember(key, eventSeq, until) {
      insert.run(key, eventSeq, until);
      level0 += 1;
      if (level0 < sizes.level0) return;
      level1 += empty();
      level0 = 0;
      if (level1 > sizes.level1) level1 -= moveSlice();
    },
  };
}

/** Moves all of level 0 into level 1. */
function createEmptying(db: Db): () => number {
  const copy = db.prepare(
    "INSERT OR REPLACE INTO dedupe (level, key, event_seq, until) SELECT 1, key, event_seq, until FROM dedupe WHERE level = 0 ORDER BY key",
  );
  const clear = db.prepare("DELETE FROM dedupe WHERE level = 0");
  return () => {
    copy.run();
    return clear.run().changes;
  };
}

/** Moves the next slice of level 1, in key order and then from the start again, into level 2. */
function createSlices(db: Db, keys: number): () => number {
  const last = db
    .prepare<[Buffer, number], Buffer>(
      "SELECT key FROM dedupe WHERE level = 1 AND key > +? ORDER BY key LIMIT 1 OFFSET +?",
    )
    .pluck();
  const slice = "level = 1 AND key > +@from AND (@to IS NULL OR key <= +@to)";
  const copy = db.prepare(
    `INSERT OR REPLACE INTO dedupe (level, key, event_seq, until) SELECT 2, key, event_seq, until FROM dedupe WHERE ${slice} ORDER BY key`,
  );
  const clear = db.prepare(`DELETE FROM dedupe WHERE ${slice}`);
  const start = Buffer.alloc(0);
  let from: Buffer = start;
  return () => {
    const to = last.get(from, keys - 1) ?? null;
    copy.run({ from, to });
    const moved = clear.run({ from, to }).changes;
    from = to ?? start;
    return moved;
  };
}
