/** What waits, counted in slices, is what a plain count over the tables says. */
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../../engine/core/clock.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import { accept, temporaryFolder } from "../support/store-fixtures.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** Numbers that look like chance, and are the same each time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

/** Few times, so that many rows share one and a slice ends between them. */
function fill(path: string, rows: number, seed: number): void {
  const below = numbers(seed);
  const db = new Database(path);
  const one = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const delivery = db.prepare(`INSERT INTO outbox VALUES (?, 1, ?, 'customer', ?, 'upsert', ?, 0, 9e12, NULL, ?)`);
  const letter = db.prepare(
    `INSERT INTO dead_letters (id, kind, event_seq, delivery_seq, pipeline, code, message, created_at, status)
     VALUES (?, 'event', 1, ?, ?, ?, '', ?, ?)`,
  );
  const work = db.prepare("INSERT INTO work (event_seq, pipeline, held_since, held_until) VALUES (1, ?, ?, ?)");
  db.transaction(() => {
    for (let n = 1; n <= rows; n++) {
      if (below(10) > 2)
        delivery.run(n, one(["crm", "mail", "db"]), `c${n}`, one(["pending", "retrying", "unknown"]), below(2));
      letter.run(
        `dead_${below(1e9)}_${n}`,
        null,
        one(["", "paid", "free"]),
        one(["HK2001", "HK3001"]),
        below(7),
        one(["open", "open", "resolved"]),
      );
      const held = below(3) > 0;
      work.run(one(["paid", "free"]), held ? below(1_000) : null, held ? 9e12 + below(4) : null);
    }
  })();
  db.close();
}

const sorted = (rows: readonly object[]): readonly string[] => rows.map((row) => JSON.stringify(row)).sort();

it.each([
  [0, 1],
  [1, 2],
  [999, 3],
  [1_000, 4],
  [1_001, 5],
  [7_500, 6],
])("of %i rows", { timeout: 60_000 }, async (rows, seed) => {
  const path = folder.path("hookrail.db");
  const first = await openSqliteStore({ path, clock: systemClock, thread: false });
  await accept(first, "evt_1");
  await first.close();
  fill(path, rows, seed);
  const store = await openSqliteStore({ path, clock: systemClock, thread: false });
  const [backlog, facts] = [await store.backlog(), await store.alertFacts()];
  await store.close();

  const db = new Database(path, { readonly: true });
  const plain = (sql: string): readonly string[] => sorted(db.prepare<[], object>(sql).all());
  expect(sorted(backlog.deliveries)).toEqual(
    plain(`SELECT connection, count(*) AS open, sum(head) AS keys,
      sum(head = 1 AND status IN ('retrying', 'unknown')) AS blocked FROM outbox GROUP BY connection`),
  );
  expect(sorted(backlog.deadLetters)).toEqual(
    plain(
      `SELECT pipeline, count(*) AS open, min(created_at) AS oldestAt FROM dead_letters WHERE status = 'open' GROUP BY 1`,
    ),
  );
  const held = "FROM work WHERE held_until IS NOT NULL GROUP BY pipeline";
  expect(sorted(backlog.held)).toEqual(plain(`SELECT pipeline, count(*) AS held ${held}`));
  expect(sorted(facts.held)).toEqual(plain(`SELECT pipeline, count(*) AS held, min(held_since) AS oldestAt ${held}`));
  expect(sorted(facts.dead)).toEqual(
    plain(`SELECT pipeline, iif(pipeline = '', 'stripe', '') AS source, '' AS connection, code, count(*) AS open,
      min(created_at) AS oldestAt, max(created_at) AS newestAt FROM dead_letters WHERE status = 'open' GROUP BY 1, 2, 3, 4`),
  );
  db.close();
});
