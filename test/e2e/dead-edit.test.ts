/** Dead letters corrected beside a running engine: over its socket, over HTTP with its roles, and what an erasure leaves of it. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation, query } from "../support/fault-installation.ts";
import { PATH, signed } from "../support/payments.ts";

vi.setConfig({ testTimeout: 120_000 });

let installation: Installation;
afterEach(() => installation.remove());

const CANARY = "acct_canary_7f3a";
const now = Math.trunc(Date.now() / 1000);
const paid = (id: string, number: unknown, account = "acct_1") =>
  JSON.stringify({
    id,
    object: "event",
    type: "payment.made",
    created: now,
    data: { object: { account, number, amount: 900 } },
  });

async function post(engine: RunningEngine, body: string): Promise<void> {
  const { status } = await fetch(`${engine.hooks}${PATH}`, { method: "POST", body, headers: signed(body) });
  expect(status).toBe(202);
}

const letters = () =>
  query<{ id: string; code: string; event: string }>(
    installation.root,
    "hookrail.db",
    "SELECT x.id, x.code, e.provider_id AS event FROM dead_letters x JOIN events e ON e.seq = x.event_seq WHERE x.status = 'open' ORDER BY x.event_seq",
  );
const effects = () => query(installation.root, "crm.db", "SELECT params FROM effects");
/** Each event has an upsert and an effect. */
const delivered = (count: number) =>
  eventually(
    async () =>
      query<{ n: number }>(
        installation.root,
        "hookrail.db",
        "SELECT count(*) AS n FROM deliveries WHERE status = 'delivered'",
      ),
    ([row]) => row?.n === count,
    60_000,
  );

test("a running engine takes a correction at once; the effect is once, and an erasure takes both bodies", async () => {
  installation = createFaultInstallation();
  const engine = await installation.start();
  await post(engine, paid("evt_typo", "seven"));
  await post(engine, paid("evt_cut", 8).slice(0, -3));
  const found = await eventually(
    async () => letters(),
    (rows) => rows.length === 2,
    30_000,
  );
  const [typo, cut] = found.map(({ id }) => id);
  expect(found.map(({ code }) => code.slice(0, 3))).toEqual(["HK2", "HK3"]);

  const edit = (id: string | undefined, file: string, ...more: readonly string[]) =>
    installation.hookrail("dead", "edit", id ?? "", "--body", file, "--reason", "mended by hand", ...more);
  writeFileSync(join(installation.root, "seven.json"), paid("evt_typo", 7, CANARY));
  writeFileSync(join(installation.root, "eight.json"), paid("evt_cut", 8));
  const done = await edit(typo, "seven.json", "--yes");
  expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining("is tried again now\n") });
  expect(await edit(cut, "eight.json", "--yes")).toMatchObject({ code: 0 });
  await delivered(4);
  expect(letters()).toEqual([]);
  // The sender sends it again: it is known, whatever its body was.
  const again = paid("evt_typo", "seven");
  const resent = await fetch(`${engine.hooks}${PATH}`, { method: "POST", body: again, headers: signed(again) });
  expect(resent.status).toBe(200);
  expect(effects()).toHaveLength(2);
  const story = JSON.parse((await installation.hookrail("explain", "evt_typo", "--json")).stdout) as {
    event: { edits: readonly { paths: readonly string[] }[]; outcome: string };
  };
  expect(story.event).toMatchObject({
    outcome: "delivered",
    edits: [{ reason: "mended by hand", paths: ["data.object.account", "data.object.number"] }],
  });

  const holding = () =>
    ["", "-wal"]
      .map((end) => join(installation.root, `data/hookrail.db${end}`))
      .filter((file) => existsSync(file) && readFileSync(file).includes(CANARY));
  expect(holding()).not.toEqual([]);
  const erased = await installation.hookrail("erase", "--entity", `account:${CANARY}`, "--yes", "--reason", "asked");
  expect(erased).toMatchObject({ code: 0, stdout: expect.stringContaining("1 entities, 1 events") });
  expect(holding()).toEqual([]);
  await engine.end("SIGTERM");
});

test("over HTTP it is a dry run unless told otherwise, needs a reason and the right, and tells no body", async () => {
  const tokens =
    "tokens: [{ name: vera, token: '${VERA}', role: viewer }, { name: otto, token: '${OTTO}', role: operator }]";
  const env = { VERA: "vera-token-0123456789abcdef01234567", OTTO: "otto-token-0123456789abcdef01234567" };
  installation = createFaultInstallation({ options: { env } });
  const config = join(installation.root, "config.yaml");
  writeFileSync(config, readFileSync(config, "utf8").replace("admin: { port: 0 }", `admin: { port: 0, ${tokens} }`));
  const engine = await installation.start();
  await post(engine, paid("evt_typo", "seven"));
  const [letter] = await eventually(
    async () => letters(),
    (rows) => rows.length === 1,
    30_000,
  );
  const call = async (token: string, body: object, id = letter?.id) => {
    const answer = await fetch(`${engine.admin}/api/v1/dead-letters/${id}/edit`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });
    return { status: answer.status, text: await answer.text() };
  };
  const body = paid("evt_typo", 7);
  expect((await call(env.VERA, { body })).status).toBe(403);
  expect((await call(env.OTTO, { body }, "dead_none")).status).toBe(404);
  const dry = await call(env.OTTO, { body });
  expect(dry.status).toBe(200);
  expect(JSON.parse(dry.text)).toMatchObject({
    dry_run: true,
    paths: ["data.object.number"],
    turns: [{ pipeline: "payments", status: "applied" }],
  });
  expect((await call(env.OTTO, { body, dry_run: false })).status).toBe(400);
  expect((await call(env.OTTO, { body: "{", dry_run: false, reason: "x" })).text).toContain("not valid JSON");
  expect(letters()).toHaveLength(1);
  const done = await call(env.OTTO, { body, dry_run: false, reason: "a typo" });
  expect(JSON.parse(done.text)).toMatchObject({ dry_run: false });
  await delivered(2);
  expect(effects()).toHaveLength(1);
  expect((await call(env.OTTO, { body, dry_run: false, reason: "again" })).status).toBe(400);
  expect(
    query(installation.root, "hookrail.db", "SELECT actor, action, reason FROM audit WHERE action = 'dead.edit'"),
  ).toEqual([{ actor: "otto", action: "dead.edit", reason: "a typo" }]);
  await engine.end("SIGTERM");
});
