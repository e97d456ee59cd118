/** A file system that turns read-only under a real engine, as ext4 does by itself after an error of its disk. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startCrm } from "../support/crm.ts";
import { eventually } from "../support/engine-process.ts";
import { createFaultInstallation } from "../support/fault-installation.ts";
import { createLedger } from "../support/ledger.ts";
import { yesterday } from "../support/payments.ts";
import { mayMount } from "../support/small-disk.ts";
import { expectApplied, expectHttp, expectSql, settled } from "../support/verdict.ts";

const run = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: "ignore" }).status;

/** An ext4 in a file. A plain `remount,ro` is refused while files are open; `abort` does what an error of the disk does. */
function mountExt4(image: string, folder: string) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(image, "");
  truncateSync(image, 48 * 1024 * 1024);
  const steps = [run("mkfs.ext4", "-q", "-F", image), run("mount", "-o", "loop", image, folder)];
  if (steps.some((status) => status !== 0)) throw new Error(`can not mount an ext4 on ${folder}`);
  const unmount = () => run("umount", "-l", folder);
  return {
    abort: () => expect(run("mount", "-o", "remount,abort", folder)).toBe(0),
    /** What an operator does: unmount, repair (1: errors were corrected), mount. */
    repair() {
      expect(run("umount", folder)).toBe(0);
      expect([0, 1]).toContain(run("e2fsck", "-f", "-y", image));
      expect(run("mount", "-o", "loop", image, folder)).toBe(0);
    },
    remove: unmount,
  };
}

function hasExt4(): boolean {
  const has = run("mkfs.ext4", "-V") === 0;
  if (!has && process.env["CI"] !== undefined)
    throw new Error("the proof of a file system that turns read-only needs mkfs.ext4: install e2fsprogs");
  return has;
}

const here = mayMount() && hasExt4();

describe.skipIf(!here)("a file system that turns read-only (needs root and ext4)", () => {
  test("is 503 and never a false 2xx, ends the engine in plain words, and costs nothing that was promised", async () => {
    const crm = await startCrm();
    const installation = createFaultInstallation({ crm: crm.url });
    const data = join(installation.root, "data");
    const disk = mountExt4(join(installation.root, "disk.img"), data);
    try {
      const ledger = createLedger(yesterday());
      const first = await installation.start();
      await ledger.send(first.hooks, { fresh: 20, width: 4 });
      await settled(first);
      const ended = once(first.child, "exit");
      disk.abort();
      await ledger.send(first.hooks, { fresh: 10, width: 2 });
      const late = [...ledger.entries.values()].slice(20).flatMap(({ answers }) => answers.map(({ status }) => status));
      expect(late).toContain(503);
      // A group that was on its way when the file system turned may have been synced.
      expect(late.filter((status) => status !== 503 && status !== 202)).toEqual([]);
      const [code] = await ended;
      expect(code).toBe(70);
      expect(first.lines.some((line) => line.includes("HK4009"))).toBe(true);

      const refusal = String(await installation.start().catch((error: unknown) => error));
      expect(refusal).toContain("HK4026");
      expect(refusal).not.toMatch(/\.ts:|internal error/);

      disk.repair();
      const engine = await installation.start();
      await eventually(
        async () => {
          await ledger.send(engine.hooks, { fresh: 0, width: 1 });
          return ledger.unanswered().length;
        },
        (left) => left === 0,
        60_000,
      );
      await settled(engine);
      expectApplied(installation.root, ledger);
      expectSql(installation.root, ledger);
      expectHttp(installation.root, crm);
      expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
    } finally {
      disk.remove();
      installation.remove();
      await crm.close();
    }
  }, 120_000);
});
