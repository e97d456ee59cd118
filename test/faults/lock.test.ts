/** Other hands on the store: a second engine is refused, and a shell that holds the write lock costs a 503 and nothing else. */
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Crm, startCrm } from "../support/crm.ts";
import type { Installation, RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation, query } from "../support/fault-installation.ts";
import { createLedger } from "../support/ledger.ts";
import { yesterday } from "../support/payments.ts";
import { expectApplied, expectHttp, expectSql, settled } from "../support/verdict.ts";

let crm: Crm;
let installation: Installation;
let engine: RunningEngine;
const ledger = createLedger(yesterday());

beforeAll(async () => {
  crm = await startCrm();
  installation = createFaultInstallation({ crm: crm.url });
  engine = await installation.start();
});

afterAll(async () => {
  await engine?.end("SIGKILL");
  installation?.remove();
  await crm?.close();
});

test("a second engine on the same store says who holds it and leaves the first one at work", async () => {
  await expect(installation.start()).rejects.toThrow(new RegExp(`HK4007.*${engine.child.pid}`, "s"));
  await ledger.send(engine.hooks, { fresh: 10, width: 5 });
  await settled(engine);
  expectApplied(installation.root, ledger);
});

test("a foreign write lock gets 503 within its bound; once it is gone all is taken, applied and delivered", async () => {
  await ledger.send(engine.hooks, { fresh: 5, width: 5 });
  const shell = new Database(join(installation.root, "data/hookrail.db"));
  shell.exec("BEGIN IMMEDIATE");
  await ledger.send(engine.hooks, { fresh: 5, width: 5 });
  const locked = ledger.unanswered();
  expect(locked.map(({ answers }) => answers.map(({ status }) => status))).toEqual(Array(5).fill([503]));
  shell.exec("ROLLBACK");
  shell.close();
  await ledger.send(engine.hooks, { fresh: 5, width: 5 });
  await settled(engine);
  expectApplied(installation.root, ledger);
  expectSql(installation.root, ledger);
  expectHttp(installation.root, crm);
  expect(query(installation.root, "hookrail.db", "SELECT * FROM dead_letters")).toEqual([]);
  expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
}, 120_000);
