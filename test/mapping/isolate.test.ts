import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, afterEach, expect, test } from "vitest";
import { createIsolatedPool } from "../../engine/mapping/isolate.ts";
import type { Pool } from "../../engine/mapping/pool.ts";

/** A host that does what the batch's first source says, in JavaScript. */
const folder = mkdtempSync(join(tmpdir(), "hookrail-host-"));
const script = join(folder, "host.mjs");
writeFileSync(
  script,
  `process.on("message", (message) => {
    if ("start" in message) return process.send({ ready: true });
    Promise.resolve(Function(message.work.sources[0])()).then((value) =>
      process.send({ id: message.id, answer: { kind: "done", outcomes: [{ ok: true, value }] } }));
  });
  process.on("disconnect", () => process.exit());`,
);
const pools: Pool[] = [];
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.close())));
afterAll(() => rmSync(folder, { recursive: true }));

function open(url = pathToFileURL(script)): Pool {
  const pool = createIsolatedPool({ url, threads: 1, deadlineMs: 1_000 });
  pools.push(pool);
  return pool;
}

const work = (source: string) => ({ sources: [source], input: null, variables: {}, receivedAt: 0 });
const done = (value: number) => ({ kind: "done", outcomes: [{ ok: true, value }] });

test("a process that is ended by what it runs takes only that batch with it", async () => {
  const pool = open();
  const fatal = pool.run(work("process.abort()"));
  const next = pool.run(work("return 2"));
  expect(await fatal).toMatchObject({ kind: "died", problem: expect.stringContaining("SIGABRT") });
  expect(await next).toEqual(done(2));
});

test("memory that no limit inside could stop ends that process and not this one", async () => {
  const pool = open();
  const answer = await pool.run(work("const all = []; for (;;) all.push(new Array(1e6).fill(all.length))"));
  expect(answer.kind).toBe("died");
  expect(await pool.run(work("return 3"))).toEqual(done(3));
});

test("a host that can not be started is a failure of each batch, not a wait without end", async () => {
  const pool = open(new URL("file:///nowhere/host.ts"));
  const answers = await Promise.all([pool.run(work("return 1")), pool.run(work("return 2"))]);
  expect(answers.map((answer) => answer.kind)).toEqual(["died", "died"]);
});

test("close ends what is under way and what waits", async () => {
  const pool = open();
  const endless = pool.run(work("for (;;) {}"));
  const waiting = pool.run(work("return 1"));
  await pool.close();
  expect(await endless).toMatchObject({ kind: "died" });
  expect(await waiting).toMatchObject({ kind: "died" });
  expect(await pool.run(work("return 1"))).toMatchObject({ kind: "died" });
});

test("the process does not outlive an engine that was killed", async () => {
  const isolate = JSON.stringify(fileURLToPath(new URL("../../engine/mapping/isolate.ts", import.meta.url)));
  const parent = spawn(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      `const { createIsolatedPool } = await import(${isolate});
       const pool = createIsolatedPool({ url: new URL(${JSON.stringify(pathToFileURL(script).href)}), threads: 1, deadlineMs: 1000 });
       const { outcomes } = await pool.run({ sources: ["return process.pid"], input: null, variables: {}, receivedAt: 0 });
       console.log(outcomes[0].value);
       setInterval(() => {}, 1000);`,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const pid = await new Promise<number>((resolve) =>
    parent.stdout.once("data", (text) => resolve(Number(String(text)))),
  );
  parent.kill("SIGKILL");
  const alive = () => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };
  await expect.poll(alive, { timeout: 10_000 }).toBe(false);
});

test("a batch that was there when another one's process ended is tried again, and not blamed", async () => {
  const pool = open();
  expect(await pool.run(work("setTimeout(() => process.abort(), 50); return 1"))).toEqual(done(1));
  // The first has left behind what ends the process while the second is under way.
  expect(await pool.run(work("return new Promise((answer) => setTimeout(() => answer(2), 300))"))).toEqual(done(2));
});

test("after a batch was stopped the process it was in is not used again", async () => {
  const stopped = join(folder, "stopped.mjs");
  writeFileSync(
    stopped,
    `process.on("message", (message) => {
      if ("start" in message) return process.send({ ready: true });
      const stop = message.work.sources[0] === "stop";
      const answer = stop ? { kind: "killed", index: 0 } : { kind: "done", outcomes: [{ ok: true, value: process.pid }] };
      process.send({ id: message.id, answer });
    });`,
  );
  const pool = open(pathToFileURL(stopped));
  const before = await pool.run(work("pid"));
  expect((await pool.run(work("stop"))).kind).toBe("killed");
  expect(await pool.run(work("pid"))).not.toEqual(before);
});
