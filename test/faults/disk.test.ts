/** A disk that fills up under a real engine: nothing false is promised, what was promised is kept, and work goes on once there is room. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { reserveBytes } from "../../engine/store/reserve.ts";
import { type Crm, startCrm } from "../support/crm.ts";
import { eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation, type FaultConfig, query } from "../support/fault-installation.ts";
import { createLedger, type Ledger } from "../support/ledger.ts";
import { PATH, signed, yesterday } from "../support/payments.ts";
import { mayMount, mountSmallDisk, type SmallDisk } from "../support/small-disk.ts";
import { expectApplied, expectHttp, expectSql, settled } from "../support/verdict.ts";

const MiB = 1024 * 1024;
const DISK_BYTES = 12 * MiB;
/** Room for a few events more, but not for all that follows from them. */
const SPARE_BYTES = 1_500_000;

interface Bench {
  readonly installation: Installation;
  readonly disk: SmallDisk;
  readonly crm: Crm;
  readonly ledger: Ledger;
}

interface Special extends Pick<FaultConfig, "reserve" | "extra"> {
  readonly bytes?: number;
  readonly payload?: object;
}

/** The store and the sink's database share the small disk. */
async function withSmallDisk(work: (bench: Bench) => Promise<void>, more: Special = {}): Promise<void> {
  const crm = await startCrm();
  const installation = createFaultInstallation({ crm: crm.url, ...more });
  const disk = mountSmallDisk(join(installation.root, "data"), more.bytes ?? DISK_BYTES);
  try {
    await work({ installation, disk, crm, ledger: createLedger(yesterday(), more.payload) });
  } finally {
    disk.remove();
    installation.remove();
    await crm.close();
  }
}

/** Posts one by one until the store refuses; bounded, since a full disk must refuse soon. */
async function postUntilRefused(engine: RunningEngine, ledger: Ledger): Promise<void> {
  for (let n = 0; n < 400; n++) {
    await ledger.send(engine.hooks, { fresh: 1, width: 1 });
    if (ledger.unanswered().length > 0) return;
  }
  throw new Error("the disk was never full");
}

const told = (engine: RunningEngine, where: string) =>
  eventually(
    async () => engine.lines.some((line) => line.includes("HK4008") && line.includes(`"where":"${where}`)),
    (seen) => seen,
    60_000,
  );

/** Refused with the wish to be asked again; reads and health go on. A checkpoint may still find room for a few. */
async function expectRefusing(engine: RunningEngine, ledger: Ledger): Promise<void> {
  const seen: unknown[] = [];
  for (let n = 0; n < 20 && !seen.includes(503); n++) {
    await postUntilRefused(engine, ledger);
    const body = ledger.unanswered()[0]?.body ?? "";
    const refusal = await fetch(`${engine.hooks}${PATH}`, { method: "POST", body, headers: signed(body) });
    seen.push(refusal.status);
    if (refusal.status === 503) expect(Number(refusal.headers.get("retry-after"))).toBeGreaterThan(0);
  }
  expect(seen).toContain(503);
  for (const path of ["/healthz", "/api/v1/events"]) expect((await fetch(`${engine.admin}${path}`)).status).toBe(200);
}

/** Keeps the CRM's answers back until they are let go; the first request says when it is there. */
function holdAnswers(crm: Crm) {
  const arrived = Promise.withResolvers<void>();
  const answers = Promise.withResolvers<boolean>();
  crm.onRequest(() => {
    arrived.resolve();
    return answers.promise;
  });
  return { arrived: arrived.promise, letGo: () => answers.resolve(true) };
}

async function resendAll(engine: RunningEngine, ledger: Ledger): Promise<void> {
  await eventually(
    async () => {
      await ledger.send(engine.hooks, { fresh: 0, width: 1 });
      return ledger.unanswered().length;
    },
    (left) => left === 0,
    60_000,
  );
}

describe.skipIf(!mayMount())("a full disk (needs the right to mount)", () => {
  test(
    "gets 503 and never a false 2xx; with room again, all that was promised is done without a restart",
    () =>
      withSmallDisk(async ({ installation, disk, crm, ledger }) => {
        const engine = await installation.start();
        // What the CRM answers once the disk is full can not be written down.
        const { arrived, letGo } = holdAnswers(crm);
        await ledger.send(engine.hooks, { fresh: 1, width: 1 });
        await arrived;
        disk.fill(SPARE_BYTES);
        await postUntilRefused(engine, ledger);
        expect(ledger.acknowledged().length).toBeGreaterThan(1);
        disk.fill();
        await expectRefusing(engine, ledger);
        letGo();
        await told(engine, "settling");

        disk.free();
        await resendAll(engine, ledger);
        await settled(engine);
        expect(query(installation.root, "hookrail.db", "SELECT code, message FROM dead_letters")).toEqual([]);
        expectApplied(installation.root, ledger);
        expectSql(installation.root, ledger);
        expectHttp(installation.root, crm);
        expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
      }),
    180_000,
  );

  test(
    "at start is told in plain words; nothing that was promised is touched, and with room again the engine starts",
    () =>
      withSmallDisk(async ({ installation, disk, crm, ledger }) => {
        const first = await installation.start();
        await ledger.send(first.hooks, { fresh: 20, width: 4 });
        await first.end("SIGKILL");
        disk.fill();
        const refusal = String(await installation.start().catch((error: unknown) => error));
        expect(refusal).toContain("HK4008");
        expect(refusal).not.toMatch(/\.ts:|internal error/);
        disk.free();
        const engine = await installation.start();
        await settled(engine);
        expectApplied(installation.root, ledger);
        expectSql(installation.root, ledger);
        expectHttp(installation.root, crm);
        expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
      }),
    120_000,
  );

  test(
    "that the store alone has filled is emptied by retention, again and again, with no hand and no restart",
    () =>
      withSmallDisk(
        async ({ installation, crm, ledger }) => {
          const engine = await installation.start();
          expect(reserveBytes(join(installation.root, "data/hookrail.db"))).toBe(2 * MiB);
          // Twice what the disk holds, of which the sink's database takes a share too.
          await ledger.send(engine.hooks, { fresh: 240, width: 2 });
          const refused = ledger.unanswered().length;
          expect(refused).toBeGreaterThan(0);
          expect((await fetch(`${engine.admin}/healthz`)).status).toBe(200);
          await resendAll(engine, ledger);
          await settled(engine);
          expect(engine.lines.some((line) => line.includes("HK4008"))).toBe(true);
          expectApplied(installation.root, ledger);
          expectSql(installation.root, ledger);
          expectHttp(installation.root, crm);
          // Whoever is refused last finds the reserve spent; what comes after it lays it again, as large as the disk allows.
          await eventually(
            async () => {
              await ledger.send(engine.hooks, { fresh: 1, width: 1 });
              await resendAll(engine, ledger);
              return reserveBytes(join(installation.root, "data/hookrail.db"));
            },
            (bytes) => bytes >= MiB / 16,
            60_000,
          );
          expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
        },
        {
          bytes: 16 * MiB,
          reserve: "64MiB",
          extra: "retention: { bodies: 1s }",
          payload: { note: randomBytes(100_000).toString("base64") },
        },
      ),
    180_000,
  );

  test(
    "is met at a start with the reserve: the engine runs, refuses what would grow, and takes all once there is room",
    () =>
      withSmallDisk(
        async ({ installation, disk, crm, ledger }) => {
          const first = await installation.start();
          await ledger.send(first.hooks, { fresh: 20, width: 4 });
          await settled(first);
          await first.end("SIGTERM");
          disk.fill();
          const engine = await installation.start();
          await postUntilRefused(engine, ledger);
          await expectRefusing(engine, ledger);
          disk.free();
          await resendAll(engine, ledger);
          await settled(engine);
          expectApplied(installation.root, ledger);
          expectSql(installation.root, ledger);
          expectHttp(installation.root, crm);
          expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
        },
        { reserve: "64MiB" },
      ),
    120_000,
  );
});
