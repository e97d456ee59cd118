/**
 * Kills just before and just after an exact call: of the store's files (also while a new store is made, and while bodies
 * are purged), of the SQL sink's file, of an answer to a sender, of a request to a CRM.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { packageRoot } from "../../engine/core/paths.ts";
import { type Crm, startCrm } from "../support/crm.ts";
import {
  type DiskAction,
  type DiskCall,
  type DiskFault,
  diskCallsHere,
  underDiskCalls,
} from "../support/disk-calls.ts";
import { eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation } from "../support/fault-installation.ts";
import { createLedger, type Ledger } from "../support/ledger.ts";
import { yesterday } from "../support/payments.ts";
import { repeatsOf } from "../support/repeats.ts";
import { report } from "../support/report.ts";
import { faultFactor, reserveFor, runSeed, type Seeded, seeded } from "../support/seeded.ts";
import { tamperedWith } from "../support/tamper.ts";
import { expectApplied, expectHttp, expectSql, expectStored, settled, unknownOutcomes } from "../support/verdict.ts";

const seed = runSeed();
const factor = faultFactor();
const ENGINE = join(packageRoot, "engine/main.ts");
const BATCH = 20;
const MAX_BATCHES = 30;

/** What a kill falls into: calls to choose from, and how far into them. */
interface Aim {
  readonly calls: readonly DiskCall[];
  readonly file: string;
  readonly last: number;
}

const AIMS = {
  "store in the making": { calls: ["write", "sync", "open", "unlink"], file: "*", last: 40 },
  intake: { calls: ["answer"], file: "*", last: 40 },
  "store at work": { calls: ["write", "sync"], file: "hookrail.db-wal", last: 120 },
  checkpoint: { calls: ["write", "sync"], file: "hookrail.db", last: 6 },
  purge: { calls: ["write", "sync"], file: "hookrail.db-wal", last: 6 },
  "SQL sink": { calls: ["write", "sync"], file: "crm.db-wal", last: 20 },
  "HTTP sink": { calls: ["request"], file: "*", last: 60 },
} satisfies Record<string, Aim>;

type AimName = keyof typeof AIMS;

/** Where a kill fell: what it was aimed at, the start of an engine on a store that is there, or no exact call. */
type End = AimName | "start" | "at random";

const MAKING = "store in the making" satisfies AimName;

/** Each file of events gets so many kills; what it holds is judged, and the next one starts empty. */
const PER_STORE = 30;
/** Of the short form; each further factor adds as many again. */
const SHORT: readonly AimName[] = [
  "store in the making",
  "intake",
  "store at work",
  "checkpoint",
  "purge",
  "SQL sink",
  "HTTP sink",
];
const KILLS = factor === 1 ? SHORT.length : Math.trunc(53 * factor);

function aimed(aim: Aim, random: Seeded): DiskFault {
  const call = aim.calls[random.int(0, aim.calls.length - 1)] ?? "write";
  // Calls that come seldom: a store is made with few of them.
  const last = call === "open" || call === "unlink" ? 1 : call === "sync" ? Math.ceil(aim.last / 3) : aim.last;
  const action: DiskAction = random.int(0, 1) === 0 ? "KILL" : "KILLED";
  return { action, call, file: aim.file, n: random.int(1, last) };
}

interface Bench {
  readonly installation: Installation;
  readonly crm: Crm;
  readonly ledger: Ledger;
}

/** One life with signed load, checkpoints and purges, until the call is made; says where that was. */
async function dieAt({ installation, ledger }: Bench, aim: AimName, random: Seeded): Promise<End> {
  const idle = join(installation.root, "idle");
  rmSync(idle, { force: true });
  // A purge is what the store still writes when all else is done.
  const fault = { ...aimed(AIMS[aim], random), ...(aim === "purge" && { from: idle }) };
  const env = [tamperedWith({ checkpointPages: 100, purgeEveryMs: 100 }, ENGINE)];
  let engine: RunningEngine;
  try {
    engine = await installation.start(underDiskCalls({ root: installation.root, fault, env }));
  } catch {
    return aim === MAKING ? aim : "start";
  }
  const gone = new Promise<void>((resolve) => engine.child.once("exit", () => resolve()));
  const isGone = () => engine.child.exitCode !== null || engine.child.signalCode !== null;
  for (let batch = 0; batch < (aim === "purge" ? 1 : MAX_BATCHES) && !isGone(); batch++) {
    await ledger.send(engine.hooks, { fresh: BATCH, width: 6 });
    if (ledger.unanswered().length > 0) await gone;
  }
  if (aim === "purge") {
    await settled(engine);
    writeFileSync(idle, "");
    await eventually(
      async () => isGone(),
      (done) => done,
      5_000,
    ).catch(() => undefined);
  }
  if (!isGone()) {
    await engine.end("SIGKILL");
    return "at random";
  }
  expect(engine.child.signalCode).toBe("SIGKILL");
  return aim === MAKING ? "start" : aim;
}

interface Judged {
  readonly unknown: number;
  readonly repeats: ReturnType<typeof repeatsOf>;
  readonly events: number;
  readonly reserve: string;
}

/** The last life of a store: nobody is killed, everything ends, and every effect is where it must be. */
async function judge({ installation, crm, ledger }: Bench): Promise<Omit<Judged, "reserve">> {
  const engine = await installation.start();
  await ledger.send(engine.hooks, { fresh: BATCH, width: 6 });
  await settled(engine);
  expectApplied(installation.root, ledger);
  expectSql(installation.root, ledger);
  expectHttp(installation.root, crm);
  expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
  const unknown = unknownOutcomes(installation.root);
  return { unknown, repeats: repeatsOf(crm), events: ledger.entries.size };
}

async function killStore(aims: readonly AimName[], random: Seeded, ends: Map<End, number>): Promise<Judged> {
  const crm = await startCrm();
  const reserve = reserveFor(random.int(0, 1e9));
  const config = { crm: crm.url, timeout: "1s", extra: "retention: { bodies: 2s }", reserve };
  const installation = createFaultInstallation(config);
  const bench = { installation, crm, ledger: createLedger(yesterday()) };
  try {
    for (const aim of aims) {
      const end = await dieAt(bench, aim, random);
      ends.set(end, (ends.get(end) ?? 0) + 1);
      if (bench.ledger.acknowledged().length > 0) expectStored(installation.root, bench.ledger);
    }
    return { ...(await judge(bench)), reserve };
  } finally {
    installation.remove();
    await crm.close();
  }
}

/** Kills in the making come first, while there is a store to be made. */
function plan(kills: number): AimName[][] {
  const [making, ...others] = SHORT as [AimName, ...AimName[]];
  const stores: AimName[][] = [];
  for (let left = kills; left > 0; left -= PER_STORE) {
    const count = Math.min(PER_STORE, left);
    const early = Math.ceil(count / SHORT.length);
    stores.push(Array.from({ length: count }, (_, n) => (n < early ? making : (others[n % others.length] ?? making))));
  }
  return stores;
}

describe.skipIf(!diskCallsHere())("an engine that is killed at exact calls (needs Linux and a C compiler)", () => {
  test(
    `${KILLS} times loses nothing acknowledged and doubles no effect (HOOKRAIL_FAULT_SEED=${seed})`,
    async () => {
      const random = seeded(seed);
      const ends = new Map<End, number>();
      const judged: Judged[] = [];
      for (const aims of plan(KILLS)) judged.push(await killStore(aims, random, ends));
      const sum = (pick: (one: Judged) => number) => judged.reduce((total, one) => total + pick(one), 0);
      const atCalls = KILLS - (ends.get("at random") ?? 0);
      // Most points are reached: else the proof would quietly become one of random kills.
      expect(atCalls).toBeGreaterThan(KILLS * 0.8);
      report("kills at exact calls", {
        kills: KILLS,
        ...Object.fromEntries(ends),
        "stores with a reserve": sum(({ reserve }) => (reserve === "0B" ? 0 : 1)),
        events: sum(({ events }) => events),
        "unknown outcomes": sum(({ unknown }) => unknown),
        "requests repeated to the plain sink": sum(({ repeats }) => repeats.plain),
        "repeats the keyed sink knew": sum(({ repeats }) => repeats.keyed),
      });
    },
    60_000 + 20_000 * KILLS,
  );
});
