import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation, query } from "../support/fault-installation.ts";
import { PATH, signed } from "../support/payments.ts";

vi.setConfig({ testTimeout: 120_000 });

let installation: Installation;
afterEach(() => installation.remove());

const CANARY = "acct_canary_7f3a";
const files = () => ["", "-wal"].map((end) => join(installation.root, `data/hookrail.db${end}`)).filter(existsSync);
/** Where the canary still stands, byte for byte. */
const found = () => files().filter((file) => readFileSync(file).includes(CANARY));
const count = (sql: string) => query<{ n: number }>(installation.root, "hookrail.db", sql)[0]?.n;

async function pay(engine: RunningEngine, account: string, id: string, more: object = {}): Promise<number> {
  const body = JSON.stringify({
    id,
    object: "event",
    type: "payment.made",
    created: Math.trunc(Date.now() / 1000),
    data: { object: { account, number: 1, amount: 900, ...more } },
  });
  return (await fetch(`${engine.hooks}${PATH}`, { method: "POST", body, headers: signed(body) })).status;
}

const settled = () =>
  eventually(
    async () => count("SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM work) AS n"),
    (open) => open === 0,
    60_000,
  );

test("an erased account is in no byte of the store, stays away whatever comes late, and harms nobody else", async () => {
  installation = createFaultInstallation();
  const engine = await installation.start();
  // A short bystander, and one whose name begins like the erased one's.
  for (const account of [CANARY, "acct_2", `${CANARY}_not`.replace("canary", "other")])
    for (const n of [1, 2]) expect(await pay(engine, account, `evt_${account}_${n}`)).toBe(202);
  // Another account's event that names it: a transfer.
  expect(await pay(engine, "acct_2", "evt_transfer", { from: CANARY })).toBe(202);
  await settled();
  expect(found()).not.toEqual([]);

  const erase = (...more: readonly string[]) =>
    installation.hookrail("erase", "--entity", `account:${CANARY}`, ...more);
  expect((await erase("--dry-run")).stdout).toBe(
    "would erase 1 entities, 3 events, 4 deliveries; nothing was erased (dry run)\n",
  );
  expect((await erase()).code).toBe(64);
  expect(found()).not.toEqual([]);
  const erased = await erase("--yes", "--reason", "request 17");
  expect(erased).toMatchObject({ code: 0, stdout: "erased 1 entities, 3 events, 4 deliveries\n" });
  expect(erased.stderr).toBe("backups, and what was sent to sinks, still have it\n");
  expect(found()).toEqual([]);

  // Late: a new event, and one that was taken before.
  expect(await pay(engine, CANARY, "evt_late")).toBe(202);
  await settled();
  expect(count("SELECT count(*) AS n FROM entities WHERE key LIKE '%canary%'")).toBe(0);
  expect(
    query(installation.root, "hookrail.db", "SELECT status, reason FROM outcomes ORDER BY event_seq DESC LIMIT 1"),
  ).toEqual([{ status: "skipped", reason: "tombstone" }]);
  // What it left behind can be erased too, though there is no entity.
  expect((await erase("--yes")).stdout).toBe("erased 0 entities, 1 events, 0 deliveries\n");
  expect(found()).toEqual([]);
  expect((await erase("--yes")).stderr).toContain("nothing is stored about this account");

  // The others have all that is theirs; of the transfer only its metadata and what it wrote are left.
  expect(count("SELECT count(*) AS n FROM entities")).toBe(2);
  expect(count("SELECT count(*) AS n FROM bodies")).toBe(4);
  expect(await pay(engine, "acct_2", "evt_acct_2_1")).toBe(200);
  const audit = query<{ actor: string; action: string; target: string; reason: string }>(
    installation.root,
    "hookrail.db",
    "SELECT actor, action, target, reason FROM audit WHERE action LIKE 'erase%'",
  );
  expect(audit[0]).toMatchObject({ action: "erase", reason: "request 17" });
  expect(audit[0]?.target).toMatch(/^account erased:[0-9a-f]{32}$/);
  await engine.end("SIGTERM");

  // Without an engine: let it come back, on purpose.
  expect((await erase("--lift")).code).toBe(0);
  const again = await installation.start();
  expect(await pay(again, CANARY, "evt_back")).toBe(202);
  await settled();
  expect(count(`SELECT count(*) AS n FROM entities WHERE key = '${CANARY}'`)).toBe(1);
  await again.end("SIGTERM");
});
