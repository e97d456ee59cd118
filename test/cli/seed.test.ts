import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { openSqliteReader, openSqliteStore } from "../../engine/store/sqlite.ts";
import type { StoreReader } from "../../engine/store/store.ts";
import { CLI_NOW, runCommand } from "../support/cli.ts";

const config = `
store: sqlite:./data/hookrail.db
teams: { ops: {} }
entities:
  customer:
    ids: [id, crm_id]
    attributes:
      tier:   { type: string, enum: [free, pro], owner: ops, protected: true }
      seats:  { type: integer, minimum: 0, owner: ops }
      vip:    { type: boolean, owner: ops }
      since:  { type: time, owner: ops }
      email:  { type: string, format: email, owner: ops, sensitive: true }
      tags:   { type: list, owner: ops }
  subscription:
    parent: customer
    states: [none, active, canceled]
    attributes: { plan: { type: string, owner: ops } }
connections:
  crm: { sink: sql, url: "sqlite:./data/crm.db" }
seed:
  customer: { file: ./seed/customers.csv, key: Id, columns: { Plan: tier, CRM: crm_id } }
  subscription: { connection: crm, query: "SELECT sub, cust AS parent, state, plan FROM subs ORDER BY sub", key: sub }
`;
const customers = [
  "\ufeffId,Plan,CRM,seats,vip,since,email,tags,note",
  'cus_1,pro,c1,5,true,2026-01-31T10:00:00+01:00,ann@example.com,"[""a"",""b""]",ignored',
  'cus_2,free,"c,2",,,,,,"two',
  'lines"',
  "",
].join("\r\n");

let folder: string;
const file = (name: string, text: string) => {
  mkdirSync(join(folder, name, ".."), { recursive: true });
  writeFileSync(join(folder, name), text);
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hookrail-seed-"));
  file("config.yaml", config);
  file("seed/customers.csv", customers);
  mkdirSync(join(folder, "data"), { recursive: true });
  const crm = new Database(join(folder, "data/crm.db"));
  crm.exec(
    "CREATE TABLE subs (sub TEXT, cust TEXT, state TEXT, plan TEXT); INSERT INTO subs VALUES ('sub_1', 'cus_1', 'active', 'pro'), ('sub_2', 'cus_2', NULL, NULL)",
  );
  crm.close();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const seed = (...args: readonly string[]) => runCommand(folder, ["seed", ...args]);
async function reading<T>(work: (reader: StoreReader) => Promise<T>): Promise<T> {
  const reader = await openSqliteReader(join(folder, "data/hookrail.db"));
  try {
    return await work(reader);
  } finally {
    await reader.close();
  }
}

describe("hookrail seed", () => {
  test("loads what the config names, from CSV and SQL, with types, ids, states and parents", async () => {
    const run = await seed("--reason", "first day");
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toBe(
      "customer from seed/customers.csv: 2 rows; 2 new, 0 there already\n" +
        "subscription from connection crm: 2 rows; 2 new, 0 there already\n",
    );
    await reading(async (reader) => {
      expect(await reader.entity("customer", "c1", "crm_id")).toEqual({
        type: "customer",
        key: "cus_1",
        ids: { id: "cus_1", crm_id: "c1" },
        attributes: {
          tier: { value: "pro" },
          seats: { value: 5 },
          vip: { value: true },
          since: { value: "2026-01-31T09:00:00.000Z" },
          email: { value: "ann@example.com" },
          tags: { value: ["a", "b"] },
        },
        state: "unknown",
        changes: 1,
        seeded: true,
        createdAt: CLI_NOW,
        updatedAt: CLI_NOW,
      });
      expect((await reader.entity("customer", "cus_2"))?.attributes).toEqual({ tier: { value: "free" } });
      expect(await reader.entity("subscription", "sub_1")).toMatchObject({
        state: "active",
        parent: { type: "customer", key: "cus_1" },
        attributes: { plan: { value: "pro" } },
      });
      expect(await reader.entity("subscription", "sub_2")).toMatchObject({ state: "unknown", attributes: {} });
      expect(await reader.counts()).toMatchObject({ events: 0, openDeliveries: 0 });
      expect((await reader.seeds()).map(({ entity, created }) => [entity, created])).toEqual([
        ["customer", 2],
        ["subscription", 2],
      ]);
      const audit = { actor: "ann", action: "seed", reason: "first day" };
      expect(await reader.audit(9)).toMatchObject([
        { ...audit, target: "subscription from connection crm: 2 rows" },
        { ...audit, target: "customer from seed/customers.csv: 2 rows" },
      ]);
    });
  });

  test("run twice changes nothing the second time", async () => {
    await seed();
    const before = await reading((reader) => reader.entities("customer", 9));
    file("seed/customers.csv", customers.replace("cus_1,pro", "cus_1,free"));
    expect((await seed("customer")).stdout).toContain("0 new, 2 there already");
    expect(await reading((reader) => reader.entities("customer", 9))).toEqual(before);
  });

  test("names every row that does not fit, with its line and never its value, and loads nothing", async () => {
    file(
      "seed/customers.csv",
      "Id,Plan,CRM,seats,email\ncus_1,pro,c1,1,a@example.com\ncus_2,gold,c2,1,b@example.com\ncus_3,pro,c3,many,secret-no-mail\n,pro,c4,1,\n",
    );
    const run = await seed("customer");
    expect(run.code).toBe(1);
    expect(run.stderr).toContain("seed/customers.csv:3: `tier`: expected one of free, pro");
    expect(run.stderr).toContain("seed/customers.csv:4: column `seats`: expected an integer");
    expect(run.stderr).toContain("seed/customers.csv:5: column `Id`: the key is missing");
    expect(run.stderr).toContain("HK8052");
    expect(run.stderr + run.stdout).not.toMatch(/gold|many|secret-no-mail/);
    await expect(reading((reader) => reader.entities("customer", 9))).rejects.toMatchObject({ code: "HK4005" });

    const skipping = await seed("customer", "--skip-bad");
    expect(skipping).toMatchObject({ code: 0 });
    expect(skipping.stdout).toContain("4 rows, 3 do not fit; 1 new");
    expect((await reading((reader) => reader.entities("customer", 9))).map((one) => one.key)).toEqual(["cus_1"]);
  });

  test("with --dry-run looks at all and makes no store", async () => {
    const run = await seed("--dry-run", "--json");
    expect(JSON.parse(run.stdout)).toMatchObject({
      dry_run: true,
      seeded: [
        { rows: 2, bad: 0 },
        { rows: 2, bad: 0 },
      ],
    });
    await expect(reading((reader) => reader.counts())).rejects.toMatchObject({ code: "HK4005" });
  });

  test("takes a file and its columns from the command line", async () => {
    file("more.csv", "who,plan_name\ncus_9,pro\n");
    const run = await seed("customer", "more.csv", "--key", "who", "--map", "plan_name=tier", "--map", "Plan=tier");
    expect(run.stderr).toContain("HK8055");
    file("bare.csv", "id,tier,crm_id\ncus_8,free,c8\n");
    file("config.yaml", config.slice(0, config.indexOf("seed:")));
    expect((await seed("customer", "bare.csv")).stdout).toContain("1 new");
    expect((await seed("customer", "more.csv", "--key", "who", "--map", "plan_name=tier")).stdout).toContain("1 new");
    expect(await reading(async (reader) => (await reader.entity("customer", "cus_9"))?.attributes)).toEqual({
      tier: { value: "pro" },
    });
    expect((await seed()).stderr).toContain("HK8054");
    expect((await seed("custmer", "bare.csv")).stderr).toContain("did you mean `customer`?");
    expect(await seed("customer", "bare.csv", "--map", "tier")).toMatchObject({ code: 64 });
  });

  test("leaves out a row whose id belongs to another entity", async () => {
    await seed("customer");
    file("clash.csv", "Id,Plan,CRM\ncus_7,pro,c1\n");
    const run = await seed("customer", "clash.csv");
    expect(run.stdout).toContain(
      "0 new, 0 there already, 1 left out, since an id of theirs belongs to another customer",
    );
    expect(await reading((reader) => reader.entity("customer", "cus_7"))).toBeUndefined();
  });

  test("says where CSV is broken, and which query failed, without a value", async () => {
    file("seed/customers.csv", 'Id,Plan,CRM\ncus_1,pro,c1\ncus_2,"secret pro,c2\n');
    const broken = await seed("customer");
    expect(broken.stderr).toMatch(/HK8053.*customers\.csv: not CSV at line \d+ \(CSV_/s);
    expect(broken.stderr).not.toContain("secret");
    file("seed/customers.csv", "Id,Plan,CRM\ncus_1,pro,c1,c2\n");
    expect((await seed("customer")).stderr).toContain("not CSV at line 2");
    rmSync(join(folder, "seed"), { recursive: true });
    expect((await seed("customer")).stderr).toContain("seed/customers.csv: ENOENT");
    file("config.yaml", config.replace("FROM subs", "FROM nowhere"));
    expect((await seed("subscription")).stderr).toContain("connection crm: SQLITE_ERROR");
    // A query that would write can not.
    file("config.yaml", config.replace(/query: "[^"]*"/, 'query: "DELETE FROM subs RETURNING sub"'));
    expect((await seed("subscription")).stderr).toMatch(/connection crm: SQLITE_READONLY/);
  });

  test("stops the reminder of check once something was seeded", async () => {
    file(
      "config.yaml",
      `${config.slice(0, config.indexOf("seed:"))}\nsources: { shop: { provider: stripe, path: /hooks/shop, secrets: ["\${S}"] } }\n`,
    );
    file(
      "pipelines/paid.yaml",
      "pipeline: paid\nowner: ops\nsource: shop\nrules: [{ on: invoice.paid, write: { customer: { key: data.object.customer, fields: { seats: data.object.seats } } } }]\ndeliver: [{ to: crm, entity: customer, action: track, event: hello, once: true }]\n",
    );
    const check = () => runCommand(folder, ["check"], { env: { S: "whsec_x" } });
    expect((await check()).stdout).toContain("HK1091");
    file("bare.csv", "id,tier\ncus_1,free\n");
    expect((await runCommand(folder, ["seed", "customer", "bare.csv"], { env: { S: "whsec_x" } })).code).toBe(0);
    expect((await check()).stdout).not.toContain("HK1091");
  });

  test("loads a hundred thousand rows a part at a time", async () => {
    const rows = Array.from({ length: 100_000 }, (_, n) => `cus_${n},pro,c${n},${n % 9}`);
    file("seed/customers.csv", `Id,Plan,CRM,seats\n${rows.join("\n")}\n`);
    const store = await openSqliteStore({
      path: join(folder, "data/hookrail.db"),
      clock: createVirtualClock(CLI_NOW),
      thread: false,
    });
    await store.close();
    const before = process.memoryUsage().heapUsed;
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().heapUsed);
    }, 20);
    const run = await seed("customer");
    clearInterval(watch);
    expect(run.stdout).toContain("100000 rows; 100000 new");
    // All rows at once as objects would be some 100 MB.
    expect(peak - before).toBeLessThan(80 * 1024 * 1024);
  });
});
