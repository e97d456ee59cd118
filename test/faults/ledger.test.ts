/** SIGKILL at random moments of a real engine under load: the sender's ledger against the store and every sink. */
import { expect, test } from "vitest";
import { type Crm, startCrm } from "../support/crm.ts";
import { eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation } from "../support/fault-installation.ts";
import { createLedger, type Ledger } from "../support/ledger.ts";
import { yesterday } from "../support/payments.ts";
import { repeatsOf } from "../support/repeats.ts";
import { report } from "../support/report.ts";
import { faultFactor, reserveFor, runSeed, type Seeded, seeded } from "../support/seeded.ts";
import {
  expectApplied,
  expectHttp,
  expectSql,
  expectStored,
  settled,
  status,
  unknownOutcomes,
} from "../support/verdict.ts";

const KILLS = 8 * faultFactor();
const PER_ROUND = 60;
const WIDTH = 12;

interface Bench {
  readonly installation: Installation;
  readonly crm: Crm;
  readonly ledger: Ledger;
  readonly random: Seeded;
}

/** One life of the engine: load, and a kill at the k-th answer, or at the k-th request that reaches a CRM, before its answer. */
async function runAndKill({ installation, crm, ledger, random }: Bench, atSink: boolean): Promise<void> {
  const engine = await installation.start();
  const at = atSink ? random.int(1, PER_ROUND) : random.int(1, PER_ROUND - 1);
  let requests = 0;
  crm.onRequest(() => {
    requests++;
    if (atSink && requests === at) engine.child.kill("SIGKILL");
    return !(atSink && requests >= at);
  });
  await ledger.send(engine.hooks, {
    fresh: PER_ROUND,
    width: WIDTH,
    onAnswer: (answered) => {
      if (!atSink && answered === at) engine.child.kill("SIGKILL");
    },
  });
  // Where the CRM was to pull the trigger it may not have heard enough yet; it always comes to hear of something.
  if (atSink)
    await eventually(
      async () => requests,
      (seen) => seen >= at || isGone(engine),
      60_000,
    );
  expect(await engine.end("SIGKILL")).toMatchObject({ signal: "SIGKILL" });
  crm.onRequest(() => true);
  expectStored(installation.root, ledger);
}

const isGone = ({ child }: RunningEngine) => child.exitCode !== null || child.signalCode !== null;

const seed = runSeed();

test(
  `${KILLS} kills lose nothing acknowledged and double no effect (HOOKRAIL_FAULT_SEED=${seed})`,
  async () => {
    const crm = await startCrm();
    const installation = createFaultInstallation({ crm: crm.url, reserve: reserveFor(seed) });
    const ledger = createLedger(yesterday());
    try {
      for (let round = 0; round < KILLS; round++)
        await runAndKill({ installation, crm, ledger, random: seeded(seed + round) }, round % 2 === 1);
      expect(ledger.acknowledged().length).toBeGreaterThan(KILLS);

      const engine = await installation.start();
      await ledger.send(engine.hooks, { fresh: 0, width: WIDTH });
      await settled(engine);
      expect((await status(engine)).counts.events).toBe(ledger.entries.size);
      expectApplied(installation.root, ledger);
      expectSql(installation.root, ledger);
      expectHttp(installation.root, crm);
      // Half of the kills left a CRM's request without an answer.
      expect(unknownOutcomes(installation.root)).toBeGreaterThan(0);
      expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
      const repeats = repeatsOf(crm);
      report("kills at random", {
        kills: KILLS,
        "of stores with a reserve": reserveFor(seed) === "0B" ? 0 : KILLS,
        events: ledger.entries.size,
        "unknown outcomes": unknownOutcomes(installation.root),
        "requests repeated to the plain sink": repeats.plain,
        "repeats the keyed sink knew": repeats.keyed,
      });
    } finally {
      installation.remove();
      await crm.close();
    }
  },
  60_000 * (1 + KILLS),
);
