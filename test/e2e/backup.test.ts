import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { eventually, type Installation } from "../support/engine-process.ts";
import { createFaultInstallation, query } from "../support/fault-installation.ts";
import { createLedger } from "../support/ledger.ts";
import { yesterday } from "../support/payments.ts";

vi.setConfig({ testTimeout: 120_000 });

let installation: Installation;
afterEach(() => installation.remove());

const effects = () =>
  query<{ payment: string; times: number }>(
    installation.root,
    "crm.db",
    "SELECT params AS payment, count(*) AS times FROM effects GROUP BY params",
  );

test("a backup taken under load has all that was acknowledged before it, and a restore of it doubles nothing", async () => {
  installation = createFaultInstallation();
  const ledger = createLedger(yesterday());
  const engine = await installation.start();
  await ledger.send(engine.hooks, { fresh: 150, width: 8 });
  const before = new Set(ledger.acknowledged().map((entry) => entry.n));
  expect(before.size).toBe(150);

  const load = ledger.send(engine.hooks, { fresh: 400, width: 8 });
  const backup = await installation.hookrail("backup", "backups/now.db", "--json");
  await load;
  expect(backup).toMatchObject({ code: 0, stderr: "" });
  const facts = JSON.parse(backup.stdout) as { events: number };
  expect(facts.events).toBeGreaterThanOrEqual(before.size);
  // The engine took everything meanwhile: nobody was turned away for the backup.
  expect(ledger.unanswered()).toEqual([]);

  const refused = await installation.hookrail("restore", "backups/now.db", "--force");
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain("HK8058");
  await eventually(
    async () => query<{ open: number }>(installation.root, "hookrail.db", "SELECT count(*) AS open FROM outbox"),
    ([row]) => row?.open === 0,
    60_000,
  );
  await engine.end("SIGTERM");
  const delivered = effects().length;
  expect((await installation.hookrail("restore", "backups/now.db")).stderr).toContain("HK8059");
  const restored = await installation.hookrail("restore", "backups/now.db", "--force", "--json");
  expect(JSON.parse(restored.stdout)).toMatchObject({ events: facts.events, missing_events: 550 - facts.events });

  const again = await installation.start();
  const kept = new Set(
    query<{ id: string }>(installation.root, "hookrail.db", "SELECT provider_id AS id FROM events").map(({ id }) => id),
  );
  expect([...before].filter((n) => !kept.has(`evt_${n}`))).toEqual([]);
  // The provider sends all of it once more: what was in the backup is known, the rest is taken anew.
  for (const entry of ledger.entries.values()) entry.answers.length = 0;
  await ledger.send(again.hooks, { fresh: 0, width: 8 });
  const states = ledger.acknowledged().map((entry) => entry.answers.at(-1)?.status);
  expect(states.filter((status) => status === 200)).toHaveLength(facts.events);
  expect(states.filter((status) => status === 202)).toHaveLength(550 - facts.events);
  await eventually(
    async () =>
      query<{ open: number }>(
        installation.root,
        "hookrail.db",
        "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM work) AS open",
      ),
    ([row]) => row?.open === 0,
    60_000,
  );
  await again.end("SIGTERM");
  // Each payment had its one effect in the CRM, though the restored store knew of fewer.
  expect(effects().length).toBe(delivered);
  expect(effects().filter((one) => one.times !== 1)).toEqual([]);
  expect(query(installation.root, "crm.db", "SELECT count(*) AS n FROM effects")).toEqual([{ n: 550 }]);
  const listed = await installation.hookrail("-c", join(installation.root, "config.yaml"), "events", "-n", "1");
  expect(listed.code).toBe(0);
});
