import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createStoreLife } from "../../engine/flow/store-life.ts";
import { runCommand } from "../support/cli.ts";
import { type Bench, openBench, start } from "../worker/support.ts";

const config = {
  "config.yaml": `
store: sqlite:./hookrail.db
teams: { ops: {}, sales: {} }
seed: none
entities:
  account:
    attributes:
      tier: { type: string, enum: [free, pro, team], owner: sales, protected: true,
              rollup: { of: sub.plan, take: highest, in: [active], none: free } }
      seats: { type: integer, owner: ops }
  sub:
    parent: account
    attributes: { plan: { type: string, enum: [free, pro, team], owner: sales, protected: true } }
    states: { new: [active], active: [ended], ended: [] }
  lead:
    ids: [email]
    attributes:
      email: { type: string, owner: ops, sensitive: true }
      stage: { type: string, owner: ops }
connections:
  out: { sink: file, path: ./out.ndjson }
`,
  "pipelines/shop.yaml": `
pipeline: shop
owner: ops
source:
  path: /hooks/shop
  signature: { scheme: hmac, header: x-signature, prefix: "sha256=", encoding: hex }
  secrets: [test-secret]
  id: body:id
  type: body:type
  time: { from: body:at, unit: ms }
  root: data
sla: { lag: 60s, objective: 99% }
rules:
  - on: sub.paid
    write:
      sub: { key: sub, state: active, fields: { plan: plan } }   # what they pay for
      account: { key: account, fields: { seats: seats } }
  - on: sub.lowered
    lowers: [sub.plan, account.tier]
    write:
      sub: { key: sub, fields: { plan: plan } }
      account: { key: account }
  - on: sub.ended
    hold: { window: 10m }
    write:
      sub: { key: sub, state: ended }
      account: { key: account }
  - on: sub.opened
    write: { sub: { key: sub, state: new } }
  - on: account.gone
    write: { account: { key: account, delete: tombstone } }
  - on: lead.seen
    write: { lead: { key: email, fields: { email: email, stage: stage } } }
deliver:
  - { to: out }
`,
};

let bench: Bench;
const ids: Record<string, string> = {};
const explain = (...args: readonly string[]) => runCommand(bench.root, ["explain", ...args]);
async function send(name: string, type: string, data: Record<string, string | number>, minutes: number) {
  bench.clock.set(Math.max(bench.clock.now(), start + minutes * 60_000));
  ids[name] = await bench.send({ id: `their_${name}`, type, at: start + minutes * 60_000, data });
}

beforeAll(async () => {
  bench = await openBench(config);
  mkdirSync(join(bench.root, "pipelines"));
  for (const [path, text] of Object.entries(config)) writeFileSync(join(bench.root, path), text);
  await bench.engine.start();
  const { clock, engine } = bench;
  const life = createStoreLife({ store: engine.store, clock, entities: engine.revision.entities });
  const row = { key: "a9", ids: {}, attributes: { seats: 3 } };
  await life.seed({ entity: "account", rows: [row] }, { actor: "ann", reason: "" });
  await send("opened", "sub.opened", { sub: "s3" }, 1);
  await send("early", "sub.ended", { sub: "s3", account: "a3" }, 2);
  await send("paid", "sub.paid", { sub: "s3", account: "a3", plan: "pro", seats: 1 }, 1.5);
  await send("pro", "sub.paid", { sub: "s1", account: "a1", plan: "pro", seats: 4 }, 10);
  await send("team", "sub.paid", { sub: "s2", account: "a1", plan: "team", seats: 5 }, 20);
  await send("late", "sub.paid", { sub: "s2", account: "a1", plan: "pro", seats: 1 }, 15);
  await send("refused", "sub.paid", { sub: "s2", account: "a1", plan: "free", seats: 6 }, 30);
  await send("lowered", "sub.lowered", { sub: "s2", account: "a1", plan: "pro" }, 40);
  await send("lead", "lead.seen", { email: "ada@example.com", stage: "new" }, 41);
  await send("seats", "sub.paid", { sub: "s9", account: "a9", plan: "pro", seats: 7 }, 42);
  await send("gone", "account.gone", { account: "a9" }, 50);
  await send("opened4", "sub.opened", { sub: "s4" }, 58);
  await send("waits", "sub.ended", { sub: "s4", account: "a4" }, 59);
  const db = new Database(join(bench.root, "hookrail.db"));
  db.prepare("UPDATE revisions SET git_commit = ?").run("c0ffee".repeat(7).slice(0, 40));
  db.close();
});
afterAll(() => bench.close());

/** The blocks of a lineage, newest first: `result  change`. */
const steps = (text: string) =>
  text
    .split("\n")
    .filter((line) => /^\d{4}-/.test(line))
    .map((line) => line.slice(21));

describe("the lineage of a value", () => {
  test("names event, pipeline, commit and the line as that revision has it, newest first, refusals among them", async () => {
    const { code, stdout } = await explain("sub:s2.plan");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^sub:s2\.plan is "pro"\n {2}owner sales, protected, write: latest\n/);
    expect(steps(stdout)).toEqual([
      'lowered  "team" -> "pro"',
      'refused  stays "team", would be "free"',
      'stale  stays "team", would be "pro"',
      'set  nothing -> "team"',
    ]);
    expect(stdout).toContain(`event       ${ids["team"]} shop sub.paid`);
    expect(stdout).toMatch(/by {10}shop, revision [0-9a-f]{12}, commit c0ffeec0ffee\n/);
    expect(stdout).toContain(
      "line        pipelines/shop.yaml:16  sub: { key: sub, state: active, fields: { plan: plan } }\n",
    );
    expect(stdout).toMatch(new RegExp(`older than  ${ids["team"]}, which happened`));
  });

  test("of a rollup names the members it was taken over, and the line of the member that moved it", async () => {
    const { stdout } = await explain("account:a1.tier");
    expect(stdout).toContain("owner sales, protected, highest of sub.plan in active");
    expect(steps(stdout)).toEqual([
      'computed  "team" -> "pro"',
      'computed  "pro" -> "team"',
      'computed  nothing -> "pro"',
    ]);
    expect(stdout).toContain("from        highest of sub.plan over sub/s1 (active), sub/s2 (active)");
    expect(stdout).toContain("line        pipelines/shop.yaml:16 of sub.plan  sub: {");
    const { stdout: json } = await explain("account:a1.tier", "--json");
    expect(JSON.parse(json)).toMatchObject({
      format_version: "1.0",
      value: "pro",
      lineage: [
        { result: "computed", before: "team", after: "pro", git_commit: "c0ffee".repeat(7).slice(0, 40) },
        { note: "highest of sub.plan over sub/s1 (active), sub/s2 (active)", lines: [{ of: "sub.plan" }] },
        { before: null },
      ],
      seeded: null,
    });
  });

  test("begins with the seed and ends with the deletion", async () => {
    const { stdout } = await explain("account:a9.seats");
    expect(stdout).toMatch(/^account:a9\.seats is absent/);
    expect(steps(stdout)).toEqual([
      "deleted  account deleted: its values went with it",
      "set  3 -> 7",
      "seeded  3: loaded by hookrail seed, no event wrote it",
    ]);
  });

  test("of all attributes of an entity lists the last writer of each", async () => {
    const { stdout } = await explain("account:a1");
    expect(stdout).toMatch(/^account:a1 {2}since /);
    expect(stdout).toMatch(new RegExp(`tier +"pro" .*${ids["lowered"]} +sub\\.lowered +computed`));
    expect(stdout).toMatch(new RegExp(`seats +6 .*${ids["refused"]} +sub\\.paid +pipelines/shop\\.yaml:17`));
    const { stdout: json } = await explain("sub:s1", "--json");
    expect(JSON.parse(json)).toMatchObject({
      entity: { type: "sub", key: "s1" },
      state: "active",
      parent: { type: "account", key: "a1" },
      attributes: [
        { attribute: "state", value: "active" },
        { attribute: "plan", last_write: { event: ids["pro"] } },
      ],
    });
  });

  test("masks what is sensitive, and takes a key with a dot for what it is", async () => {
    const lead = await explain("lead:ada@example.com");
    expect([lead.code, lead.stdout]).toEqual([0, expect.stringMatching(/stage +"new"/)]);
    const stage = await explain("lead:ada@example.com.email", "--json");
    expect(JSON.parse(stage.stdout)).toMatchObject({ value: "[sensitive]", lineage: [{ after: "[sensitive]" }] });
    for (const { stdout } of [lead, stage]) expect(stdout).not.toContain("ada@");
    expect(await explain("lead:nobody@example.com")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("HK8015"),
    });
  });
});

describe("the story of an event", () => {
  const flat = (text: string) => text.replace(/\s+/g, " ");

  test("says by what it was judged: order, what stood before, contract, and the commit", async () => {
    const { stdout } = await explain(ids["late"] ?? "");
    expect(flat(stdout)).toMatch(/order 2026-12-01 \d\d:15:00\.000 by the sender's clock/);
    expect(flat(stdout)).toMatch(/state sub -> active, it was active since 2026-12-01 \d\d:20:00/);
    expect(flat(stdout)).toContain(
      `stays "team", would be "pro" (superseded by ${ids["team"]}, which happened 2026-12-01`,
    );
    expect(flat(stdout)).toMatch(/revision [0-9a-f]{12}, commit c0ffeec0ffee/);
    expect(stdout.split("\n").filter((line) => line.length > 100)).toEqual([]);
    const { event } = JSON.parse((await explain(ids["late"] ?? "", "--json")).stdout) as {
      readonly event: { readonly git_commit: string; readonly outcomes: readonly { readonly detail: unknown }[] };
    };
    expect(event.git_commit).toBe("c0ffee".repeat(7).slice(0, 40));
    expect(event.outcomes[0]?.detail).toMatchObject({
      order: { time: start + 15 * 60_000 },
      entities: [
        { type: "sub", key: "s2", before: { state: "active", time: start + 20 * 60_000 } },
        { type: "account" },
      ],
    });
  });

  test("says how long it was held and for what, once it was not held any more", async () => {
    const { stdout } = await explain(ids["early"] ?? "");
    const waits = await explain(ids["waits"] ?? "");
    expect(flat(waits.stdout)).toMatch(/shop held: sub\/s4 can not go from new to ended yet/);
    expect(flat(waits.stdout)).toMatch(
      /held since 2026-12-01 \d\d:59:0\d\.\d+; its window ends 2026-12-01 \d\d:09:0\d/,
    );
    expect(flat(stdout)).toMatch(/was held \d+ ms, since sub\/s3 can not go from new to ended yet/);
    expect(flat(stdout)).toContain('set sub/s3.state: "active" -> "ended"');
  });

  test("fits an 80-column terminal, and shows each row of the mapping with policy, owner and line", async () => {
    const columns = { columns: 80 };
    const written: string[] = [];
    const out = { write: (text: string) => void written.push(text), tty: false, ...columns, color: plainColors };
    const { code } = await runCommand(bench.root, ["explain", ids["team"] ?? ""], { out });
    expect(code).toBe(0);
    const text = written.join("");
    expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(flat(text)).toContain(
      'sub.plan set "team" <- plan, read "team"; if missing: keep; sales, pipelines/shop.yaml:16',
    );
  });
});

const plainColors = (await import("../../engine/cli/context.ts")).chooseColors(false, {});
