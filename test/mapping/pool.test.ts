import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../engine/core/clock.ts";
import { createPool, type Pool } from "../../engine/mapping/pool.ts";

/** A thread that does what the batch's first source says, in JavaScript. */
const url = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from "node:worker_threads";
    parentPort.on("message", (batch) => {
      const progress = new Int32Array(batch.progress);
      const cpu = process.threadCpuUsage();
      Atomics.store(progress, 1, Math.floor((cpu.user + cpu.system) / 1000));
      const value = Function("progress", batch.sources[0])(progress);
      parentPort.postMessage({ id: batch.id, outcomes: [{ ok: true, value }] });
    });
    parentPort.postMessage({ ready: true });
  `)}`,
);

const pools: Pool[] = [];
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())));

function pool(deadlineMs: number, threads = 1): Pool {
  const made = createPool({ url, threads, deadlineMs, clock: systemClock });
  pools.push(made);
  return made;
}

const work = (source: string) => ({ sources: [source], input: null, variables: {}, receivedAt: 0 });
const SLEEP = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0";

test("a thread that gets no processor time is waited for: the machine is busy, not the expression", async () => {
  expect(await pool(100).run(work(`${SLEEP}, 400); return 1`))).toEqual({
    kind: "done",
    outcomes: [{ ok: true, value: 1 }],
  });
});

test("but not for ever", async () => {
  expect(await pool(20).run(work(`Atomics.store(progress, 0, 3); ${SLEEP})`))).toEqual({ kind: "killed", index: 3 });
});

test("a thread that uses its processor time up is killed, and the next batch gets a new one", async () => {
  const made = pool(50);
  const burning = made.run(work("for (;;) {}"));
  const next = made.run(work("return 2"));
  expect((await burning).kind).toBe("killed");
  expect(await next).toEqual({ kind: "done", outcomes: [{ ok: true, value: 2 }] });
});

test("a thread that dies takes only its own batch with it", async () => {
  const made = pool(1000);
  const dying = made.run(work("process.exit(7)"));
  const next = made.run(work("return 2"));
  expect((await dying).kind).toBe("died");
  expect(await next).toEqual({ kind: "done", outcomes: [{ ok: true, value: 2 }] });
});
