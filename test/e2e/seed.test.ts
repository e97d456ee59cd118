import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation, query } from "../support/fault-installation.ts";
import { PATH, signed } from "../support/payments.ts";

vi.setConfig({ testTimeout: 60_000 });

const pipeline = `
pipeline: payments
owner: ops
source: pay
rules:
  - on: payment.made
    write: { account: { key: account, fields: { amount: amount } } }
deliver:
  - { to: local, entity: account }
  - { to: local, entity: account, action: track, event: onboarding_started, once: true }
`;

let installation: Installation;
afterEach(() => installation.remove());

/** The sink makes its file and tables with the first delivery. */
function inCrm(sql: string): unknown[] {
  try {
    return query(installation.root, "crm.db", sql);
  } catch {
    return [];
  }
}

async function pay(engine: RunningEngine, account: string): Promise<void> {
  const body = JSON.stringify({
    id: `evt_${account}`,
    object: "event",
    type: "payment.made",
    created: Math.trunc(Date.now() / 1000),
    data: { object: { account, amount: 900 } },
  });
  const answer = await fetch(`${engine.hooks}${PATH}`, { method: "POST", body, headers: signed(body) });
  expect(answer.status).toBe(202);
}

test("the first payment of a seeded account starts no onboarding, whether it was seeded before the start or through the engine", async () => {
  installation = createFaultInstallation({ files: { "pipelines/payments.yaml": pipeline } });
  const write = (name: string, keys: readonly string[]) =>
    writeFileSync(join(installation.root, name), `id,amount\n${keys.map((key) => `${key},100\n`).join("")}`);
  write("before.csv", ["old_1"]);
  write("during.csv", ["old_2", ...Array.from({ length: 600 }, (_, n) => `many_${n}`)]);
  const before = await installation.hookrail("seed", "account", "before.csv", "--key", "id");
  expect(before).toMatchObject({ code: 0, stdout: "account from before.csv: 1 rows; 1 new, 0 there already\n" });

  const engine = await installation.start();
  const during = await installation.hookrail("seed", "account", "during.csv", "--key", "id");
  expect(during).toMatchObject({ code: 0, stdout: "account from during.csv: 601 rows; 601 new, 0 there already\n" });
  for (const account of ["old_1", "old_2", "many_599", "new_1"]) await pay(engine, account);
  // Rows of all four, effects of one: a seed by itself has sent nothing.
  await eventually(
    async () => inCrm("SELECT account_id FROM account"),
    (rows) => rows.length === 4,
  );
  await eventually(
    async () => inCrm("SELECT entity_key FROM effects"),
    (rows) => rows.length > 0,
  );
  await eventually(
    async () => query<{ open: number }>(installation.root, "hookrail.db", "SELECT count(*) AS open FROM outbox"),
    ([row]) => row?.open === 0,
  );
  expect(query(installation.root, "crm.db", "SELECT entity_key, event FROM effects")).toEqual([
    { entity_key: "new_1", event: "onboarding_started" },
  ]);
  const marks = query<{ entity: string; created: number }>(
    installation.root,
    "hookrail.db",
    "SELECT entity, created FROM seeds",
  );
  expect(marks).toEqual([{ entity: "account", created: 602 }]);
  expect(await engine.end("SIGTERM")).toMatchObject({ code: 0 });
});
