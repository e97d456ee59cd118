/** What the sql sink promises, whatever the database; each database's test file runs it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { OpenSink, Outcome, Settings } from "../../engine/plugin/index.ts";
import sqlSink from "../../plugins/sinks/sql.ts";
import {
  createTestContext,
  type DeliveryOverrides,
  delivery,
  sending,
  type TestContext,
} from "../support/sink-context.ts";

export type Row = Record<string, unknown>;

/** A database as the promises look at it. */
export interface Backend {
  settings(): Settings;
  rows(query: string): Promise<Row[]>;
  run(statement: string): Promise<void>;
}

/** Opens sinks in a folder of the test's own and closes them again. */
export interface SqlBench {
  readonly folder: string;
  readonly test: TestContext;
  open(settings: Settings, over?: Partial<TestContext["context"]>): Promise<OpenSink>;
  close(): Promise<void>;
}

export function createSqlBench(): SqlBench {
  const folder = mkdtempSync(join(tmpdir(), "hookrail-sql-"));
  const test = createTestContext(folder);
  const opened: OpenSink[] = [];
  return {
    folder,
    test,
    async open(settings, over = {}) {
      const sink = await sqlSink.open(settings, { ...test.context, ...over });
      opened.push(sink);
      return sink;
    },
    async close() {
      for (const sink of opened.splice(0)) await sink.close();
      await test.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Prepares and sends one delivery; a key of its own unless one is given. */
export async function apply(sink: OpenSink, over: DeliveryOverrides): Promise<Outcome> {
  const idempotencyKey = over.idempotencyKey ?? crypto.randomUUID();
  const request = await sink.prepare(delivery({ ...over, idempotencyKey }));
  return sink.send(request, sending({ idempotencyKey, entityVersion: over.version ?? 1 }));
}

/** The promises; called inside a `describe`. */
export function sqlPromises(bench: () => SqlBench, backend: Backend): void {
  const open: SqlBench["open"] = (settings, over) => bench().open(settings, over);

  it("makes the entity's table and writes its row", async () => {
    const sink = await open(backend.settings());
    const set = {
      tier: "team",
      seats: 5,
      mrr: 9.5,
      premium: true,
      paid_until: "2027-01-01T00:00:00.000Z",
      tags: ["a", "b"],
    };
    expect(await apply(sink, { set, ids: { stripe_id: "cus_1", clerk_id: "user_1" } })).toEqual({ kind: "delivered" });
    const [row] = await backend.rows("select * from customer");
    expect(row).toMatchObject({ stripe_id: "cus_1", clerk_id: "user_1", tier: "team", mrr: 9.5 });
    expect(Number(row?.["seats"])).toBe(5);
    expect(Boolean(row?.["premium"])).toBe(true);
    expect(new Date(String(row?.["paid_until"])).toISOString()).toBe("2027-01-01T00:00:00.000Z");
    expect(typeof row?.["tags"] === "string" ? JSON.parse(row["tags"]) : row?.["tags"]).toEqual(["a", "b"]);
  });

  it("leaves every column alone that the delivery does not name, and blanks only what is cleared", async () => {
    const sink = await open(backend.settings());
    await apply(sink, { set: { tier: "team", seats: 5, email: "ada@example.com" }, version: 1 });
    await apply(sink, { set: { seats: 6 }, clear: ["email"], version: 2 });
    expect(await backend.rows("select tier, seats, email from customer")).toMatchObject([
      { tier: "team", email: null },
    ]);
    expect(Number((await backend.rows("select seats from customer"))[0]?.["seats"])).toBe(6);
  });

  it("applies a repeated delivery once, also when it comes back with other values", async () => {
    const sink = await open(backend.settings());
    await apply(sink, { set: { seats: 5 }, idempotencyKey: "same", version: 1 });
    expect(await apply(sink, { set: { seats: 7 }, idempotencyKey: "same", version: 9 })).toEqual({
      kind: "delivered",
      noEffect: "repeated",
    });
    expect(await backend.rows("select count(*) as n from hookrail_applied")).toMatchObject([{ n: expect.anything() }]);
    expect(Number((await backend.rows("select seats from customer"))[0]?.["seats"])).toBe(5);
  });

  it("ignores a late delivery of an older version", async () => {
    const sink = await open(backend.settings());
    await apply(sink, { set: { tier: "team" }, version: 5 });
    expect(await apply(sink, { set: { tier: "pro" }, version: 4 })).toEqual({
      kind: "delivered",
      noEffect: "superseded",
    });
    expect(await backend.rows("select tier from customer")).toEqual([{ tier: "team" }]);
  });

  it("takes two deliveries of one change with different columns", async () => {
    const sink = await open(backend.settings());
    await apply(sink, { set: { tier: "team" }, version: 3 });
    await apply(sink, { set: { email: "ada@example.com" }, version: 3 });
    expect(await backend.rows("select tier, email from customer")).toEqual([
      { tier: "team", email: "ada@example.com" },
    ]);
  });

  it("deletes a row for good: a late upsert does not bring it back, a later one does", async () => {
    const sink = await open(backend.settings());
    await apply(sink, { set: { tier: "team" }, version: 1 });
    expect(await apply(sink, { action: "delete", kind: "effect", version: 5 })).toEqual({ kind: "delivered" });
    expect(await apply(sink, { set: { tier: "pro" }, version: 4 })).toEqual({
      kind: "delivered",
      noEffect: "superseded",
    });
    expect(await backend.rows("select * from customer")).toEqual([]);
    await apply(sink, { set: { tier: "free" }, version: 6 });
    expect(await backend.rows("select tier from customer")).toEqual([{ tier: "free" }]);
    expect(JSON.stringify(await backend.rows("select * from hookrail_deleted"))).not.toContain("cus_1");
  });

  it("writes the state, and an id that is an attribute too, once", async () => {
    const sink = await open(backend.settings());
    await apply(sink, {
      type: "lead",
      key: "ada@example.com",
      ids: { email: "ada@example.com" },
      state: "open",
      set: { email: "ada@example.com", company: "Acme" },
    });
    expect(await backend.rows("select email, company, state from lead")).toEqual([
      { email: "ada@example.com", company: "Acme", state: "open" },
    ]);
  });

  it("refuses effects without an event table and writes one row for each with one", async () => {
    const without = await open(backend.settings());
    await expect(async () => without.prepare(delivery({ action: "track", kind: "effect" }))).rejects.toMatchObject({
      code: "HK5006",
    });
    const sink = await open({ ...backend.settings(), events_table: "crm_events" });
    const track = {
      action: "track",
      kind: "effect",
      event: "onboarding_started",
      set: { tier: "team" },
      params: { a: 1 },
      idempotencyKey: "t1",
    } as const;
    expect(await apply(sink, track)).toEqual({ kind: "delivered" });
    expect(await apply(sink, track)).toMatchObject({ noEffect: "repeated" });
    expect(await backend.rows("select action, event, entity_key, params, attributes from crm_events")).toEqual([
      {
        action: "track",
        event: "onboarding_started",
        entity_key: "cus_1",
        params: '{"a":1}',
        attributes: '{"tier":"team"}',
      },
    ]);
  });

  it("deletes the events of an entity with it, and nobody else's", async () => {
    const sink = await open({ ...backend.settings(), events_table: "crm_events" });
    for (const key of ["cus_1", "cus_2"])
      await apply(sink, { key, ids: {}, action: "track", kind: "effect", set: { tier: "team" } });
    await apply(sink, { action: "delete", kind: "effect", version: 2 });
    expect(await backend.rows("select entity_key from crm_events")).toEqual([{ entity_key: "cus_2" }]);
  });

  it("writes only declared columns, under declared names", async () => {
    const tables = { customer: { table: "crm people", key: "id", columns: { tier: 'Plan "Tier"' } } };
    const sink = await open({ ...backend.settings(), tables });
    await apply(sink, { set: { tier: "team" } });
    expect(await backend.rows('select id, "Plan ""Tier""" as tier from "crm people"')).toEqual([
      { id: "cus_1", tier: "team" },
    ]);
    await expect(async () => sink.prepare(delivery({ set: { seats: 1 } }))).rejects.toMatchObject({ code: "HK5005" });
  });

  it("binds values and keys, whatever they look like", async () => {
    const sink = await open(backend.settings());
    const key = `x'; drop table customer; --`;
    await apply(sink, { key, ids: { stripe_id: key }, set: { tier: `"); delete from customer where ('1'='1` } });
    expect(await backend.rows("select stripe_id, tier from customer")).toEqual([
      { stripe_id: key, tier: `"); delete from customer where ('1'='1` },
    ]);
  });

  it("adds a column for an attribute that is new, and keeps the rows", async () => {
    const url = backend.settings();
    const small = new Map([
      [
        "customer",
        { ids: ["stripe_id"], hasStates: false, attributes: new Map([["tier", { type: "string", sensitive: false }]]) },
      ],
    ]);
    const before = await open(url, { entities: small });
    await apply(before, { set: { tier: "team" } });
    const after = await open(url);
    await apply(after, { set: { seats: 3 }, version: 2 });
    expect(await backend.rows("select tier from customer where seats = 3")).toEqual([{ tier: "team" }]);
  });

  it("dead-letters what the database can not take and leaves the others of the batch alone", async () => {
    const sink = await open(backend.settings());
    await apply(sink, { set: { tier: "team" } });
    await backend.run("create unique index only_one on customer (email)");
    await apply(sink, { set: { email: "a@example.com" }, version: 2 });
    const results = await Promise.all([
      apply(sink, { key: "cus_2", set: { tier: "pro" } }),
      apply(sink, { key: "cus_3", set: { email: "a@example.com" } }),
      apply(sink, { key: "cus_4", set: { tier: "pro" } }),
    ]);
    expect(results.map(({ kind }) => kind)).toEqual(["delivered", "rejected", "delivered"]);
    expect(JSON.stringify(results[1])).not.toContain("a@example.com");
    expect((await backend.rows("select stripe_id from customer order by 1")).map((row) => row["stripe_id"])).toEqual([
      "cus_1",
      "cus_2",
      "cus_4",
    ]);
  });

  it("ends in the same row whatever the order and the number of repeats", async () => {
    const sink = await open(backend.settings());
    const step = fc.record({ version: fc.integer({ min: 1, max: 6 }), repeats: fc.integer({ min: 1, max: 3 }) });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const key = `cus_p${run++}`;
        let highest = 0;
        for (const { version, repeats } of steps) {
          const first = version >= highest;
          for (let i = 0; i < repeats; i++) {
            // One delivery for each version: the same key, the same values.
            await apply(sink, {
              key,
              ids: { stripe_id: key },
              set: { seats: version },
              version,
              idempotencyKey: `${key}/${version}`,
            });
          }
          if (first) highest = version;
        }
        const rows = await backend.rows(`select seats from customer where stripe_id = '${key}'`);
        expect(rows.map((row) => Number(row["seats"]))).toEqual([highest]);
      }),
      { numRuns: 15 },
    );
  });
}
