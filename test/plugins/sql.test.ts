import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import fc from "fast-check";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { OpenSink, Settings } from "../../engine/plugin/index.ts";
import sqlSink from "../../plugins/sinks/sql.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import {
  createTestContext,
  type DeliveryOverrides,
  delivery,
  sending,
  type TestContext,
} from "../support/sink-context.ts";

type Row = Record<string, unknown>;

interface Backend {
  settings(): Settings;
  rows(query: string): Promise<Row[]>;
  run(statement: string): Promise<void>;
}

let folder: string;
let test: TestContext;
const opened: OpenSink[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hookrail-sql-"));
  test = createTestContext(folder);
});
afterEach(async () => {
  for (const sink of opened.splice(0)) await sink.close();
  await test.close();
  rmSync(folder, { recursive: true });
});

async function open(settings: Settings): Promise<OpenSink> {
  const sink = await sqlSink.open(settings, test.context);
  opened.push(sink);
  return sink;
}

let counter = 0;
/** Prepares and sends one delivery; a key of its own unless one is given. */
async function apply(sink: OpenSink, over: DeliveryOverrides) {
  const idempotencyKey = over.idempotencyKey ?? `key-${counter++}`;
  const request = await sink.prepare(delivery({ ...over, idempotencyKey }));
  return sink.send(request, sending({ idempotencyKey, entityVersion: over.version ?? 1 }));
}

function promises(backend: Backend): void {
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
    const before = await sqlSink.open(url, { ...test.context, entities: small });
    opened.push(before);
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

describe("the sql sink on SQLite", () => {
  const file = () => join(folder, "data", "crm.db");
  promises({
    settings: () => ({ url: "sqlite:./data/crm.db" }),
    async rows(query) {
      const db = new Database(file(), { readonly: true });
      try {
        return db.prepare<[], Row>(query).all();
      } finally {
        db.close();
      }
    },
    async run(statement) {
      const db = new Database(file());
      db.exec(statement);
      db.close();
    },
  });

  it("commits with synchronous=FULL in WAL mode", async () => {
    const sink = await open({ url: "sqlite:./data/crm.db" });
    await apply(sink, { set: { tier: "pro" } });
    expect(existsSync(`${file()}-wal`)).toBe(true);
  });

  it("shares one commit among deliveries that come together", async () => {
    const sink = await open({ url: "sqlite:./data/crm.db" });
    const many = Array.from({ length: 200 }, (_, i) => apply(sink, { key: `c${i}`, ids: {}, set: { seats: i } }));
    expect((await Promise.all(many)).every(({ kind }) => kind === "delivered")).toBe(true);
    const db = new Database(file(), { readonly: true });
    expect(db.prepare("select count(*) from customer").pluck().get()).toBe(200);
    db.close();
  });

  it("tries again while another process holds the file", async () => {
    const sink = await open({ url: "sqlite:./data/crm.db" });
    await apply(sink, { set: { tier: "pro" } });
    const other = new Database(file());
    other.exec("begin immediate");
    expect(await apply(sink, { set: { tier: "team" }, version: 2, idempotencyKey: "busy" })).toMatchObject({
      kind: "retry",
      detail: "database: SQLITE_BUSY",
    });
    other.exec("rollback");
    other.close();
    expect(await apply(sink, { set: { tier: "team" }, version: 2, idempotencyKey: "busy" })).toEqual({
      kind: "delivered",
    });
  }, 20_000);

  it("pauses on a file that is no database", async () => {
    const { writeFileSync, mkdirSync } = await import("node:fs");
    mkdirSync(join(folder, "data"));
    writeFileSync(file(), "this is not a database, and long enough to be looked at ".repeat(40));
    const sink = await open({ url: "sqlite:./data/crm.db" });
    expect(await apply(sink, { set: { tier: "pro" } })).toMatchObject({
      kind: "pause",
      detail: "database: SQLITE_NOTADB",
    });
  });

  it.each([
    [{}, "missing"],
    [{ url: "mysql://x/y" }, "neither"],
    [{ url: "sqlite:./a.db", secret_url: "x" }, "exclude"],
    [{ url: "postgres://me:secret@host/db" }, "secret_url"],
  ])("says what is wrong with %j", (settings, words) => {
    expect(sqlSink.check?.(settings)).toMatchObject([{ message: expect.stringContaining(words) }]);
  });
});

describe("the sql sink on PostgreSQL", () => {
  let server: TestPostgres;
  let admin: pg.Client;
  let schema = 0;

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await server?.stop();
  });
  beforeEach(async () => {
    admin = new pg.Client({ connectionString: server.url });
    admin.on("error", () => {});
    await admin.connect();
    await admin.query(`create schema s${++schema}`);
    await admin.query(`set search_path to s${schema}`);
  });
  afterEach(async () => {
    await admin.end().catch(() => {});
  });

  const settings = () => ({ url: `${server.url}?options=-c%20search_path%3Ds${schema}`, create_tables: true });
  promises({
    settings,
    rows: async (query) => (await admin.query<Row>(query)).rows,
    run: async (statement) => void (await admin.query(statement)),
  });

  it("tries again when the connection breaks, and has applied each delivery once", async () => {
    const sink = await open(settings());
    await apply(sink, { set: { seats: 1 }, idempotencyKey: "before" });
    const restarting = server.restart();
    const outcomes: string[] = [];
    for (let i = 0; i < 200 && outcomes.at(-1) !== "delivered"; i++) {
      outcomes.push((await apply(sink, { set: { seats: 2 }, version: 2, idempotencyKey: "during" })).kind);
    }
    await restarting;
    outcomes.push((await apply(sink, { set: { seats: 2 }, version: 2, idempotencyKey: "during" })).kind);
    expect(new Set(outcomes).difference(new Set(["retry", "delivered"]))).toEqual(new Set());
    expect(outcomes.at(-1)).toBe("delivered");
    const again = new pg.Client({ connectionString: settings().url });
    await again.connect();
    const { rows } = await again.query(
      "select count(*)::int as n from hookrail_applied where idempotency_key = 'during'",
    );
    await again.end();
    expect(rows).toEqual([{ n: 1 }]);
  }, 60_000);

  it("makes no tables unless it is told to, and calls a missing one permanent", async () => {
    const sink = await open({ url: settings().url });
    expect(await apply(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "rejected", detail: "database: 42P01" });
  });

  it("pauses when the login is refused", async () => {
    const sink = await open({ url: server.url.replace("/postgres", "/nowhere") });
    expect(await apply(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "pause", detail: "database: 3D000" });
  });

  it("tries again when nobody listens", async () => {
    const sink = await open({ url: "postgres://x@127.0.0.1:1/db" });
    expect(await apply(sink, { set: { tier: "pro" } })).toMatchObject({ kind: "retry" });
  });
});
