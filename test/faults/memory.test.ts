/** An engine that runs out of memory under large bodies: it dies as a kill would have it, and the next one has all that was promised. */
import { expect, test } from "vitest";
import { startCrm } from "../support/crm.ts";
import { eventually, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation } from "../support/fault-installation.ts";
import { createLedger } from "../support/ledger.ts";
import { yesterday } from "../support/payments.ts";
import { report } from "../support/report.ts";
import { faultFactor } from "../support/seeded.ts";
import { expectApplied, expectHttp, expectSql, expectStored, settled, unknownOutcomes } from "../support/verdict.ts";

/** Enough to start with, and far too little for some dozen of these bodies at a time: parsed, each takes many times its length. */
const HEAP = "NODE_OPTIONS=--max-old-space-size=96";
const PARTS = Array.from({ length: 80_000 }, (_, n) => ({ part: n % 10 }));
const BODIES = 30;
const DEATHS = Math.ceil(faultFactor() / 2);

/** Sends large bodies until the heap is used up. */
async function die(engine: RunningEngine, ledger: ReturnType<typeof createLedger>): Promise<void> {
  await ledger.send(engine.hooks, { fresh: BODIES, width: BODIES });
  await eventually(
    async () => engine.child.signalCode,
    (signal) => signal !== null,
    60_000,
  );
  expect(engine.child.signalCode).toBe("SIGABRT");
  expect(engine.stderr()).toContain("heap out of memory");
}

test(
  `${DEATHS} deaths by a full heap lose nothing acknowledged and double no effect`,
  async () => {
    const crm = await startCrm();
    const installation = createFaultInstallation({ crm: crm.url, timeout: "1s" });
    const ledger = createLedger(yesterday(), { parts: PARTS });
    try {
      for (let death = 0; death < DEATHS; death++) {
        await die(await installation.start(["env", HEAP]), ledger);
        expect(ledger.acknowledged().length).toBeGreaterThan(0);
        expectStored(installation.root, ledger);
        // The one who watches over it gives it more.
        const engine = await installation.start();
        await ledger.send(engine.hooks, { fresh: 0, width: 4 });
        await settled(engine);
        expectApplied(installation.root, ledger);
        expectSql(installation.root, ledger);
        expectHttp(installation.root, crm);
        expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
      }
      report("deaths by a full heap", {
        kills: DEATHS,
        events: ledger.entries.size,
        "unknown outcomes": unknownOutcomes(installation.root),
      });
    } finally {
      installation.remove();
      await crm.close();
    }
  },
  120_000 * DEATHS,
);
