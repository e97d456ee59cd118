import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openConnection } from "../../engine/store/connection.ts";
import { createDedupe } from "../../engine/store/dedupe.ts";
import { migrate, shippedMigrations } from "../../engine/store/migrate.ts";
import { createPurge } from "../../engine/store/purge.ts";
import { hashKey } from "../../engine/store/rows.ts";

function openMemory() {
  const db = openConnection({ path: ":memory:", mode: "write", busyTimeoutMs: 0 });
  migrate(db, { path: ":memory:", now: 0, migrations: shippedMigrations() });
  return db;
}

describe("createDedupe", () => {
  it("finds each key as it was last remembered, whatever level it has reached", () => {
    const command = fc.record({ name: fc.nat(60), until: fc.nat(1000) });
    fc.assert(
      fc.property(
        fc.array(command, { maxLength: 300 }),
        fc.integer({ min: 1, max: 8 }),
        fc.nat(40),
        (commands, level0, level1) => {
          const db = openMemory();
          const dedupe = createDedupe(db, { level0, level1 });
          const model = new Map<number, { event_seq: number; until: number }>();
          for (const [index, { name, until }] of commands.entries()) {
            dedupe.remember(hashKey(`${name}`), index, until);
            model.set(name, { event_seq: index, until });
          }
          for (let name = 0; name <= 60; name++) expect(dedupe.find(hashKey(`${name}`))).toEqual(model.get(name));
          db.close();
        },
      ),
      { numRuns: 30 },
    );
  });

  it("moves keys on, so that the first level stays a few pages", () => {
    const db = openMemory();
    const dedupe = createDedupe(db);
    db.exec("BEGIN");
    for (let n = 0; n < 40_000; n++) dedupe.remember(hashKey(`${n}`), n, 1);
    db.exec("COMMIT");
    const sizes = db.prepare<[], number>("SELECT count(*) FROM dedupe GROUP BY level ORDER BY level").pluck().all();
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(40_000);
    expect(sizes[0]).toBeLessThan(1024);
    expect(sizes[2]).toBeGreaterThan(5000);
    db.close();
  });

  it("goes on after a restart with what the levels hold", () => {
    const db = openMemory();
    for (let n = 0; n < 100; n++) createDedupe(db, { level0: 7, level1: 20 }).remember(hashKey(`${n}`), n, 1);
    const dedupe = createDedupe(db, { level0: 7, level1: 20 });
    for (let n = 0; n < 100; n++) expect(dedupe.find(hashKey(`${n}`))?.event_seq).toBe(n);
    db.close();
  });

  it("is purged of ended keys at every level", () => {
    const db = openMemory();
    const dedupe = createDedupe(db, { level0: 5, level1: 20 });
    for (let n = 0; n < 100; n++) dedupe.remember(hashKey(`${n}`), n, n);
    const purge = createPurge(db);
    let keys = 0;
    for (let calls = 0; calls < 100; calls++) {
      const result = purge({ bodiesBefore: 0, now: 49, limit: 2 });
      keys += result.keys;
      if (!result.more) break;
    }
    expect(keys).toBe(50);
    for (let n = 0; n < 100; n++) expect(dedupe.find(hashKey(`${n}`)) !== undefined).toBe(n > 49);
    db.close();
  });
});
