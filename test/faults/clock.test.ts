/** Time that a sender claims: tolerance of signatures at its edges, and events from a future that must move nothing. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation, query } from "../support/fault-installation.ts";
import { PATH, signed } from "../support/payments.ts";
import { settled } from "../support/verdict.ts";

let installation: Installation;
let engine: RunningEngine;

beforeAll(async () => {
  installation = createFaultInstallation();
  engine = await installation.start();
});

afterAll(async () => {
  await engine?.end("SIGKILL");
  installation?.remove();
});

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
let count = 0;

async function post(payment: {
  readonly account: string;
  readonly number: number;
  readonly aheadMs?: number;
  readonly signedAheadMs?: number;
}): Promise<{ status: number; event: string }> {
  const { account, number, aheadMs = 0, signedAheadMs = 0 } = payment;
  const body = JSON.stringify({
    id: `evt_c${++count}`,
    type: "payment.made",
    created: Math.trunc((Date.now() + aheadMs) / 1000),
    data: { object: { account, number, amount: number } },
  });
  const headers = signed(body, Date.now() + signedAheadMs);
  const answer = await fetch(`${engine.hooks}${PATH}`, { method: "POST", body, headers });
  await answer.arrayBuffer();
  return { status: answer.status, event: answer.headers.get("x-hookrail-event") ?? "" };
}

describe("the signature's time", () => {
  // Ten seconds to either side of the five minutes, so that a slow machine can not decide.
  test.each([
    [-(5 * MINUTE - 10_000), 202],
    [-(5 * MINUTE + 10_000), 401],
    [5 * MINUTE - 10_000, 202],
    [5 * MINUTE + 10_000, 401],
    [-20 * 365 * 24 * HOUR, 401],
  ])("%i ms from now is %i", async (signedAheadMs, status) => {
    expect((await post({ account: "acct_signature", number: 1, signedAheadMs })).status).toBe(status);
  });
});

const lastOf = (account: string) =>
  query<{ last: number }>(installation.root, "crm.db", `SELECT last FROM account WHERE account_id = '${account}'`)[0]
    ?.last;

describe("an event's time", () => {
  test("far in the future moves nothing: the event waits for a person, and the honest ones after it are applied", async () => {
    expect((await post({ account: "acct_future", number: 1 })).status).toBe(202);
    const future = await post({ account: "acct_future", number: 2, aheadMs: 48 * HOUR });
    expect(future.status).toBe(202);
    expect((await post({ account: "acct_future", number: 3, aheadMs: 2_000 })).status).toBe(202);
    await settled(engine);
    await eventually(
      async () => lastOf("acct_future"),
      (last) => last === 3,
    );
    const sql = `SELECT d.code FROM dead_letters d JOIN events e ON e.seq = d.event_seq WHERE e.id = '${future.event}'`;
    expect(query(installation.root, "hookrail.db", sql)).toEqual([{ code: "HK6001" }]);
  });

  test("within a day of whole-second clocks counts, and an older event after it has nothing left to write", async () => {
    expect((await post({ account: "acct_ahead", number: 1, aheadMs: 23 * HOUR })).status).toBe(202);
    const older = await post({ account: "acct_ahead", number: 2 });
    await settled(engine);
    expect(lastOf("acct_ahead")).toBe(1);
    const sql = `SELECT o.status, o.reason FROM outcomes o JOIN events e ON e.seq = o.event_seq WHERE e.id = '${older.event}'`;
    expect(query(installation.root, "hookrail.db", sql)).toEqual([{ status: "skipped", reason: "stale" }]);
  });

  test("of long ago is applied to what nobody has written yet", async () => {
    expect((await post({ account: "acct_past", number: 7, aheadMs: -3 * 365 * 24 * HOUR })).status).toBe(202);
    await settled(engine);
    expect(lastOf("acct_past")).toBe(7);
  });
});
