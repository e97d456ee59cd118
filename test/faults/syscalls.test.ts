/** Kills at exact syscalls, and the proof that an answer leaves only after the disk has been told to keep its event. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Crm, startCrm } from "../support/crm.ts";
import type { Installation, RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation } from "../support/fault-installation.ts";
import { createLedger, type Ledger } from "../support/ledger.ts";
import { yesterday } from "../support/payments.ts";
import { report } from "../support/report.ts";
import { faultFactor, runSeed, type Seeded, seeded } from "../support/seeded.ts";
import { failAt, type KillCall, killAt, readTrace, type Syscall, straceHere, traceTo } from "../support/strace.ts";
import {
  expectApplied,
  expectHttp,
  expectSql,
  expectStored,
  settled,
  status,
  unknownOutcomes,
} from "../support/verdict.ts";

const here = straceHere();
const seed = runSeed();

interface Point {
  readonly call: KillCall;
  readonly n: number;
}

/** The first two fall into the making of the store, the others into intake, apply and delivery. */
const SHORT: readonly Point[] = [
  { call: "pwrite64", n: 20 },
  { call: "fsync", n: 4 },
  { call: "pwrite64", n: 160 },
  { call: "write", n: 45 },
  { call: "fsync", n: 21 },
];

function points(random: Seeded): readonly Point[] {
  const more = (faultFactor() - 1) * 10;
  const calls: readonly KillCall[] = ["pwrite64", "fsync", "write"];
  const drawn = Array.from({ length: more }, (): Point => {
    const call = calls[random.int(0, 2)] ?? "fsync";
    return { call, n: random.int(1, call === "pwrite64" ? 300 : 60) };
  });
  return [...SHORT, ...drawn];
}

const BATCH = 25;
const MAX_BATCHES = 40;

/** Sends until the engine is gone; false when the point was never reached. */
async function sendUntilGone(engine: RunningEngine, ledger: Ledger): Promise<boolean> {
  let gone = false;
  const exited = new Promise<void>((resolve) => engine.child.once("exit", () => resolve()));
  void exited.then(() => (gone = true));
  for (let batch = 0; batch < MAX_BATCHES && !gone; batch++) {
    await ledger.send(engine.hooks, { fresh: BATCH, width: 6 });
    if (ledger.unanswered().length > 0) await exited;
  }
  return gone;
}

/** One life under strace, ended at the point. */
async function dieAt(point: Point, installation: Installation, ledger: Ledger): Promise<boolean> {
  let engine: RunningEngine;
  try {
    engine = await installation.start(killAt(point.call, point.n));
  } catch {
    return true;
  }
  const reached = await sendUntilGone(engine, ledger);
  if (!reached) process.kill((await status(engine)).pid, "SIGKILL");
  return reached;
}

async function runPoints(bench: { installation: Installation; crm: Crm; ledger: Ledger }): Promise<void> {
  const { installation, crm, ledger } = bench;
  const chosen = points(seeded(seed));
  for (const point of chosen) {
    expect([point, await dieAt(point, installation, ledger)]).toEqual([point, true]);
    if (ledger.entries.size > 0) expectStored(installation.root, ledger);
  }
  const engine = await installation.start();
  await ledger.send(engine.hooks, { fresh: BATCH, width: 6 });
  await settled(engine);
  expectApplied(installation.root, ledger);
  expectSql(installation.root, ledger);
  expectHttp(installation.root, crm);
  expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
  report("kills at syscalls, by strace", {
    kills: chosen.length,
    events: ledger.entries.size,
    "unknown outcomes": unknownOutcomes(installation.root),
  });
}

describe.skipIf(!here)("the engine, killed at exact syscalls (needs strace)", () => {
  test(
    `loses nothing acknowledged and doubles no effect (HOOKRAIL_FAULT_SEED=${seed})`,
    async () => {
      const crm = await startCrm();
      const installation = createFaultInstallation({ crm: crm.url });
      try {
        await runPoints({ installation, crm, ledger: createLedger(yesterday()) });
      } finally {
        installation.remove();
        await crm.close();
      }
    },
    120_000 * faultFactor(),
  );
});

describe.skipIf(!here)("a disk that fails (needs strace)", () => {
  test.each(faultFactor() === 1 ? (["fsync"] as const) : (["fsync", "pwrite64"] as const))(
    "at %s: the group is refused, the engine ends and says so, and the next start has all that was promised",
    async (call) => {
      const crm = await startCrm();
      const installation = createFaultInstallation({ crm: crm.url });
      const ledger = createLedger(yesterday());
      try {
        const maker = await installation.start();
        expect(await maker.end("SIGTERM")).toEqual({ code: 0, signal: null });
        const engine = await installation.start(failAt(call, call === "fsync" ? 12 : 150, "EIO"));
        expect(await sendUntilGone(engine, ledger)).toBe(true);
        expect(engine.child.exitCode).toBe(70);
        expect(engine.lines.some((line) => line.includes("HK4009") && line.includes("the engine ends"))).toBe(true);
        const statuses = [...ledger.entries.values()].flatMap(({ answers }) => answers.map(({ status }) => status));
        expect(statuses.filter((status) => status !== 202 && status !== 503)).toEqual([]);
        expectStored(installation.root, ledger);
        const next = await installation.start();
        await ledger.send(next.hooks, { fresh: BATCH, width: 6 });
        await settled(next);
        expectApplied(installation.root, ledger);
        expectSql(installation.root, ledger);
        expectHttp(installation.root, crm);
        expect(await next.end("SIGTERM")).toEqual({ code: 0, signal: null });
      } finally {
        installation.remove();
        await crm.close();
      }
    },
    120_000,
  );
});

/** For each answer: is there a sync of the WAL that began after the event was written to it and ended before the answer began? */
function answersBeforeSync(calls: readonly Syscall[], posts: number): number[] {
  const answers = calls.filter(({ name, text }) => /^write/.test(name) && text.includes("HTTP/1.1 202"));
  expect(answers.length).toBe(posts);
  const isWal = ({ target }: Syscall) => target.endsWith("hookrail.db-wal");
  return answers.flatMap((answer, n) => {
    const written = calls.find((one) => one.name === "pwrite64" && isWal(one) && one.text.includes(`evt_${n}\\"`));
    expect(written).toBeDefined();
    const synced = calls.some(
      (one) =>
        (one.name === "fsync" || one.name === "fdatasync") &&
        isWal(one) &&
        !one.failed &&
        one.began > (written?.ended ?? 0) &&
        one.ended < answer.began,
    );
    return synced ? [] : [n];
  });
}

/** Makes SQLite believe less than it says: commits are not synced, and the check at start is told what it wants to hear. */
const SABOTAGE = `
import { createRequire } from "node:module";
const Database = createRequire(process.env.ENGINE)("better-sqlite3");
const pragma = Database.prototype.pragma;
Database.prototype.pragma = function (text, options) {
  if (text === "synchronous = FULL") return pragma.call(this, "synchronous = NORMAL");
  return text === "synchronous" ? 2 : pragma.call(this, text, options);
};
`;

async function traceOf(installation: Installation, posts: number): Promise<readonly Syscall[]> {
  const file = join(installation.root, "trace");
  const engine = await installation.start(traceTo(file));
  const ledger = createLedger(yesterday());
  for (let n = 0; n < posts; n++) await ledger.send(engine.hooks, { fresh: 1, width: 1 });
  const exited = new Promise((resolve) => engine.child.once("exit", resolve));
  process.kill((await status(engine)).pid, "SIGTERM");
  await exited;
  expect(ledger.acknowledged().length).toBe(posts);
  return readTrace(readFileSync(file, "latin1"));
}

describe.skipIf(!here)("the durability line, by the order of syscalls (needs strace)", () => {
  const POSTS = 4;

  test("a 2xx is written to the socket only after the WAL that holds its event was synced", async () => {
    const installation = createFaultInstallation();
    try {
      expect(answersBeforeSync(await traceOf(installation, POSTS), POSTS)).toEqual([]);
    } finally {
      installation.remove();
    }
  }, 120_000);

  test("the proof can fail: with synchronous=NORMAL it finds answers that no sync came before", async () => {
    const installation = createFaultInstallation({
      options: {
        env: {
          ENGINE: join(import.meta.dirname, "../../engine/main.ts"),
          NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(SABOTAGE)}`,
        },
      },
    });
    try {
      expect(answersBeforeSync(await traceOf(installation, POSTS), POSTS)).not.toEqual([]);
    } finally {
      installation.remove();
    }
  }, 120_000);
});
