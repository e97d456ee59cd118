/** A disk that fills up under a real engine: nothing false is promised, what was promised is kept, and work goes on once there is room. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Crm, startCrm } from "../support/crm.ts";
import { eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation, query } from "../support/fault-installation.ts";
import { createLedger, type Ledger } from "../support/ledger.ts";
import { PATH, payment, signed, yesterday } from "../support/payments.ts";
import { mayMount, mountSmallDisk, type SmallDisk } from "../support/small-disk.ts";
import { expectApplied, expectHttp, expectSql, settled } from "../support/verdict.ts";

const DISK_BYTES = 12 * 1024 * 1024;
/** Room for a few events more, but not for all that follows from them. */
const SPARE_BYTES = 1_500_000;

interface Bench {
  readonly installation: Installation;
  readonly disk: SmallDisk;
  readonly crm: Crm;
  readonly ledger: Ledger;
}

/** The store and the sink's database share the small disk. */
async function withSmallDisk(work: (bench: Bench) => Promise<void>): Promise<void> {
  const crm = await startCrm();
  const installation = createFaultInstallation({ crm: crm.url });
  const disk = mountSmallDisk(join(installation.root, "data"), DISK_BYTES);
  try {
    await work({ installation, disk, crm, ledger: createLedger(yesterday()) });
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

/** Refused with the wish to be asked again; reads and health go on. */
async function expectRefusing(engine: RunningEngine): Promise<void> {
  const body = payment(100_000, yesterday());
  const refusal = await fetch(`${engine.hooks}${PATH}`, { method: "POST", body, headers: signed(body) });
  expect([refusal.status, Number(refusal.headers.get("retry-after")) > 0]).toEqual([503, true]);
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
        await expectRefusing(engine);
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
});
