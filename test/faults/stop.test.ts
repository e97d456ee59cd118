/** SIGTERM to a real engine under load: what is in flight is answered, nothing acknowledged is lost, and the end comes within its bound. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Crm, startCrm } from "../support/crm.ts";
import { eventually, type Installation } from "../support/engine-process.ts";
import { createFaultInstallation } from "../support/fault-installation.ts";
import { createLedger } from "../support/ledger.ts";
import { yesterday } from "../support/payments.ts";
import { report } from "../support/report.ts";
import { faultFactor, runSeed, seeded } from "../support/seeded.ts";
import { expectApplied, expectHttp, expectSql, expectStored, settled, unknownAttempts } from "../support/verdict.ts";

let crm: Crm;
let installation: Installation;

beforeEach(async () => {
  crm = await startCrm();
});

afterEach(async () => {
  installation.remove();
  await crm.close();
});

const seed = runSeed();
const STOPS = 2 * faultFactor();

test(
  `${STOPS} stops under load answer what is in flight, lose nothing and leave no unknown outcome (HOOKRAIL_FAULT_SEED=${seed})`,
  async () => {
    installation = createFaultInstallation({ crm: crm.url });
    const ledger = createLedger(yesterday());
    const random = seeded(seed);
    for (let round = 0; round < STOPS; round++) {
      const engine = await installation.start();
      const at = random.int(1, 50);
      let ended: ReturnType<typeof engine.end> | undefined;
      await ledger.send(engine.hooks, {
        fresh: 60,
        width: 10,
        onAnswer: (answered) => {
          if (answered === at) ended = engine.end("SIGTERM");
        },
      });
      expect(await ended).toEqual({ code: 0, signal: null });
      expect(engine.lines.at(-1)).toContain('"msg":"stopped"');
      expectStored(installation.root, ledger);
    }
    const statuses = [...ledger.entries.values()].flatMap(({ answers }) => answers.map(({ status }) => status));
    expect(statuses.filter((status) => status !== 202 && status !== 200)).toEqual([]);
    const engine = await installation.start();
    await ledger.send(engine.hooks, { fresh: 0, width: 10 });
    await settled(engine);
    expectApplied(installation.root, ledger);
    expectSql(installation.root, ledger);
    expectHttp(installation.root, crm);
    // A stop waits for the answers of its sinks: nobody has to wonder about a request.
    expect(unknownAttempts(installation.root).size).toBe(0);
    expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
    report("drains", { drains: STOPS + 1, events: ledger.entries.size, "unknown outcomes": 0 });
  },
  60_000 * (1 + STOPS),
);

test("a sink that never answers holds a stop up no longer than `drain`; the next start knows that the outcome is not known", async () => {
  installation = createFaultInstallation({ crm: crm.url, extra: "limits: { disk_reserve: 0B, drain: 1s }" });
  crm.onRequest(() => false);
  const ledger = createLedger(yesterday());
  const engine = await installation.start();
  await ledger.send(engine.hooks, { fresh: 5, width: 5 });
  await eventually(
    async () => crm.requests.length,
    (seen) => seen > 0,
  );
  expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
  crm.onRequest(() => true);
  const next = await installation.start();
  await settled(next);
  expect(unknownAttempts(installation.root).size).toBeGreaterThan(0);
  expectApplied(installation.root, ledger);
  expectSql(installation.root, ledger);
  expectHttp(installation.root, crm);
  expect(await next.end("SIGTERM")).toEqual({ code: 0, signal: null });
}, 120_000);

test("a second SIGTERM ends a stop that waits, at once and as told, and loses nothing", async () => {
  // Longer than the test may take: only the second signal can end it.
  installation = createFaultInstallation({ crm: crm.url, extra: "limits: { disk_reserve: 0B, drain: 10m }" });
  crm.onRequest(() => false);
  const ledger = createLedger(yesterday());
  const engine = await installation.start();
  await ledger.send(engine.hooks, { fresh: 5, width: 5 });
  await eventually(
    async () => crm.requests.length,
    (seen) => seen > 0,
  );
  const ended = engine.end("SIGTERM");
  await eventually(
    async () => engine.lines.some((line) => line.includes('"msg":"stopping"')),
    (stopping) => stopping,
  );
  engine.child.kill("SIGTERM");
  expect(await ended).toEqual({ code: 1, signal: null });
  crm.onRequest(() => true);
  const next = await installation.start();
  await settled(next);
  expectApplied(installation.root, ledger);
  expectHttp(installation.root, crm);
  expect(await next.end("SIGTERM")).toEqual({ code: 0, signal: null });
}, 120_000);
