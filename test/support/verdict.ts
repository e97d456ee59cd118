/** What must be true once the dust has settled: everything in the ledger is stored once, applied once, and delivered as each sink can promise. */
import { expect } from "vitest";
import type { Crm, CrmRequest } from "./crm.ts";
import { eventually, type RunningEngine } from "./engine-process.ts";
import { query } from "./fault-installation.ts";
import { isAck, type Ledger } from "./ledger.ts";
import { ACCOUNTS, accountOf } from "./payments.ts";

interface StatusDocument {
  readonly pid: number;
  readonly counts: { readonly events: number; readonly ready: number; readonly open_deliveries: number };
}

export async function status(engine: Pick<RunningEngine, "admin">): Promise<StatusDocument> {
  return (await (await fetch(`${engine.admin}/api/v1/status`)).json()) as StatusDocument;
}

/** Waits until nothing is left to apply or to deliver. */
export async function settled(engine: RunningEngine): Promise<void> {
  await eventually(
    () => status(engine).catch((error: unknown) => goneWith(engine, error)),
    ({ counts }) => counts.ready === 0 && counts.open_deliveries === 0,
    120_000,
  );
}

/** An engine that ended unasked is a finding: its last words belong to it. */
function goneWith({ child, lines, stderr }: RunningEngine, error: unknown): never {
  const end = `exit code ${child.exitCode}, signal ${child.signalCode}`;
  throw new Error(["the engine does not answer", end, ...lines.slice(-5), stderr()].join("\n"), { cause: error });
}

interface Stored {
  readonly seq: number;
  readonly id: string;
  readonly provider_id: string;
}

const numberOf = (providerId: string) => Number(providerId.replace("evt_", ""));

/** No 2xx without its event, under the id that was answered; no event twice. */
export function expectStored(root: string, ledger: Ledger): readonly Stored[] {
  const stored = query<Stored>(root, "hookrail.db", "SELECT seq, id, provider_id FROM events ORDER BY seq");
  const byProviderId = new Map(stored.map((event) => [event.provider_id, event]));
  expect(byProviderId.size).toBe(stored.length);
  const wrong = ledger.acknowledged().filter(({ n, answers }) => {
    const event = byProviderId.get(`evt_${n}`);
    return event === undefined || answers.some((answer) => isAck(answer) && answer.event !== event.id);
  });
  expect(wrong).toEqual([]);
  return stored;
}

/** Each payment of the ledger, which must all be acknowledged by now, is one applied event, and nothing else is there. */
export function expectApplied(root: string, ledger: Ledger): readonly Stored[] {
  expect(ledger.unanswered()).toEqual([]);
  const stored = expectStored(root, ledger);
  expect(stored.map(({ provider_id }) => numberOf(provider_id)).sort((a, b) => a - b)).toEqual([
    ...ledger.entries.keys(),
  ]);
  const outcomes = query<{ status: string; n: number }>(
    root,
    "hookrail.db",
    "SELECT status, count(*) AS n FROM outcomes GROUP BY status",
  );
  // An older payment that came later has nothing left to write, and says so.
  expect(outcomes.filter(({ status }) => status !== "applied" && status !== "skipped")).toEqual([]);
  expect(outcomes.reduce((sum, { n }) => sum + n, 0)).toBe(stored.length);
  const skipped = query<{ reason: string }>(
    root,
    "hookrail.db",
    "SELECT reason FROM outcomes WHERE status = 'skipped'",
  );
  expect(skipped.filter(({ reason }) => reason !== "stale")).toEqual([]);
  return stored;
}

/** Numbers of the events that were applied (not stale), per account, in the order of their receipt. */
function appliedByAccount(root: string): Map<string, number[]> {
  const rows = query<{ provider_id: string }>(
    root,
    "hookrail.db",
    "SELECT e.provider_id FROM events e JOIN outcomes o ON o.event_seq = e.seq WHERE o.status = 'applied' AND o.pipeline = 'payments' ORDER BY e.seq",
  );
  return grouped(rows.map(({ provider_id }) => numberOf(provider_id)));
}

function grouped(numbers: readonly number[]): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const n of numbers) groups.set(accountOf(n), [...(groups.get(accountOf(n)) ?? []), n]);
  return groups;
}

/** The newest payment of each account, whatever came when. */
function newest(count: number): Map<string, number> {
  const last = new Map<string, number>();
  for (let n = 0; n < count; n++) last.set(accountOf(n), n);
  return last;
}

/** Rows hold the newest payment, and each effect is there once, in order, with a dedupe row for each write and no other. */
export function expectSql(root: string, ledger: Ledger): void {
  const rows = query<{ account_id: string; last: number; amount: number }>(
    root,
    "crm.db",
    "SELECT account_id, last, amount FROM account ORDER BY account_id",
  );
  const expected = [...newest(ledger.entries.size)].map(([account_id, n]) => ({
    account_id,
    last: n,
    amount: 1_000 + n,
  }));
  expect(rows).toEqual(expected.sort((a, b) => (a.account_id < b.account_id ? -1 : 1)));
  expect(rows.length).toBe(Math.min(ACCOUNTS, ledger.entries.size));
  const effects = query<{ params: string }>(root, "crm.db", "SELECT params FROM effects ORDER BY rowid");
  expect(grouped(effects.map(({ params }) => (JSON.parse(params) as { payment: number }).payment))).toEqual(
    appliedByAccount(root),
  );
  const keys = query<{ idempotency_key: string }>(root, "crm.db", "SELECT idempotency_key FROM hookrail_applied");
  const ours = query<{ idempotency_key: string; status: string }>(
    root,
    "hookrail.db",
    "SELECT idempotency_key, status FROM deliveries WHERE connection = 'local'",
  );
  const applied = new Set(keys.map(({ idempotency_key }) => idempotency_key));
  expect(ours.filter(({ status }) => status !== "delivered" && status !== "merged")).toEqual([]);
  expect(ours.filter((one) => one.status === "delivered" && !applied.has(one.idempotency_key))).toEqual([]);
  expect(applied.difference(new Set(ours.map(({ idempotency_key }) => idempotency_key))).size).toBe(0);
}

/** A CRM that honours keys has each effect once, in order; one that does not has a second one only where the engine says "unknown". */
export function expectHttp(root: string, crm: Crm): void {
  const tracked = (place: string) => crm.requests.filter((one) => one.place === place && one.action === "track");
  const expected = appliedByAccount(root);
  expect(
    grouped(
      tracked("keyed")
        .filter(({ effect }) => effect)
        .map(paymentOf),
    ),
  ).toEqual(expected);
  expect(grouped(firstOfKeys(tracked("plain")).map(paymentOf))).toEqual(expected);
  for (const same of byKey(crm.requests).values())
    expect(new Set(same.map(({ place, action, body }) => `${place} ${action} ${body}`)).size).toBe(1);
  // What a key was sent more than once for: at most one more for each attempt whose outcome is recorded as unknown.
  const unknown = unknownAttempts(root);
  const unflagged = [...byKey(crm.requests)].filter(([key, same]) => same.length - 1 > (unknown.get(key) ?? 0));
  expect(unflagged).toEqual([]);
  expectSaved(crm, expected);
}

/** The last upsert that counted for each account holds the newest payment. */
function expectSaved(crm: Crm, applied: ReadonlyMap<string, readonly number[]>): void {
  const saved = new Map<string, number>();
  for (const { place, action, body, effect } of crm.requests) {
    if (place !== "keyed" || action !== "save" || !effect) continue;
    const { attributes, entity } = JSON.parse(body) as { attributes: { last?: number }; entity: { key: string } };
    if (attributes.last !== undefined) saved.set(entity.key, attributes.last);
  }
  expect(saved).toEqual(new Map([...applied].map(([account, numbers]) => [account, Math.max(...numbers)])));
}

const paymentOf = ({ body }: CrmRequest) => (JSON.parse(body) as { params: { payment: number } }).params.payment;

function byKey(requests: readonly CrmRequest[]): Map<string, CrmRequest[]> {
  return Map.groupBy(requests, ({ key }) => key);
}

function firstOfKeys(requests: readonly CrmRequest[]): CrmRequest[] {
  return [...byKey(requests).values()].flatMap(([first]) => (first === undefined ? [] : [first]));
}

/** How many attempts are recorded as unknown. */
export function unknownOutcomes(root: string): number {
  return [...unknownAttempts(root).values()].reduce((sum, n) => sum + n, 0);
}

/** Attempts recorded as unknown, by idempotency key. */
export function unknownAttempts(root: string): Map<string, number> {
  const rows = query<{ idempotency_key: string; n: number }>(
    root,
    "hookrail.db",
    "SELECT d.idempotency_key, count(*) AS n FROM attempts a JOIN deliveries d ON d.seq = a.delivery_seq WHERE a.outcome = 'unknown' GROUP BY d.idempotency_key",
  );
  return new Map(rows.map(({ idempotency_key, n }) => [idempotency_key, n]));
}
