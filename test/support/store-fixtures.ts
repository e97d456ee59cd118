/** Small, whole values for tests of the store: each field can be replaced. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeadLetterId, DeliveryId, EntityRef, EventId } from "../../engine/core/types.ts";
import type {
  AcceptResult,
  ApplyCommit,
  AuditRow,
  EntityRecord,
  NewDeadLetter,
  NewDelivery,
  NewEvent,
  Store,
  WorkItem,
} from "../../engine/store/store.ts";

/** Where the tests' clocks start. */
export const START = Date.UTC(2026, 10, 1);

export const customer: EntityRef = { type: "customer", key: "cus_1" };

export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function unique(): string {
  return randomBytes(16).toString("hex");
}

export function newEvent(name: string, changes: Partial<NewEvent> = {}): NewEvent {
  const body = changes.body ?? Buffer.from(JSON.stringify({ id: name }));
  return {
    id: `evt_${unique()}` as EventId,
    source: "stripe",
    provider: "stripe",
    dedupeKey: `p:${name}`,
    dedupeUntil: START + 7 * 86_400_000,
    providerId: name,
    type: "invoice.paid",
    occurredAt: START - 1000,
    clockResolutionMs: 1000,
    rank: 0,
    receivedAt: START,
    headers: { "user-agent": "stripe" },
    contentType: "application/json",
    body,
    bodyHash: sha256(body),
    itemIndex: 0,
    verification: { scheme: "stripe", secretIndex: 0, signed: "body" },
    revision: "rev-1",
    ...changes,
  };
}

/** Accepts one event for one pipeline. */
export async function accept(store: Store, name: string, changes: Partial<NewEvent> = {}): Promise<AcceptResult> {
  const [result] = await store.accept({ events: [newEvent(name, changes)], pipelines: [["paid"]] });
  if (result === undefined) throw new Error("accept gave no result");
  return result;
}

/** Accepts one event and gives its work. */
export async function acceptWork(store: Store, name: string, changes: Partial<NewEvent> = {}): Promise<WorkItem> {
  const result = await accept(store, name, changes);
  if (result.kind !== "new") throw new Error(`${name} is ${result.kind}`);
  const item = (await store.readyWork(0, 1000)).find((work) => work.event.seq === result.seq);
  if (item === undefined) throw new Error(`${name} has no work`);
  return item;
}

/** The commit of an applied event that writes nothing, with changes. */
export function commitOf(work: WorkItem, changes: Partial<ApplyCommit> = {}): ApplyCommit {
  return {
    workSeq: work.seq,
    eventSeq: work.event.seq,
    pipeline: work.pipeline,
    revision: "rev-1",
    at: START + 100,
    outcome: { status: "applied", rule: "rules[0]", detail: {} },
    entities: [],
    history: [],
    once: [],
    deliveries: [],
    merged: [],
    ...changes,
  };
}

export function entityRecord(changes: Partial<EntityRecord> = {}): EntityRecord {
  return {
    ...customer,
    ids: { stripe_id: customer.key },
    attributes: { tier: { value: "team" } },
    state: "unknown",
    changes: 1,
    seeded: false,
    createdAt: START,
    updatedAt: START,
    ...changes,
  };
}

export function newDelivery(name: string, changes: Partial<NewDelivery> = {}): NewDelivery {
  return {
    id: `dlv_${name}` as DeliveryId,
    pipeline: "paid",
    deliverId: "crm/identify/customer",
    connection: "crm",
    entity: customer,
    ids: { stripe_id: customer.key },
    action: "identify",
    kind: "upsert",
    eventName: "invoice.paid",
    attributes: { tier: { set: "team" } },
    params: {},
    entityVersion: 1,
    idempotencyKey: `key-${name}`,
    retry: { baseMs: 1000, capMs: 60_000, horizonMs: 3_600_000 },
    createdAt: START + 100,
    ...changes,
  };
}

export function deadLetter(name: string, changes: Partial<NewDeadLetter> = {}): NewDeadLetter {
  return {
    id: `dead_${name}` as DeadLetterId,
    pipeline: "paid",
    code: "HK2001",
    message: "no such price",
    createdAt: START + 100,
    ...changes,
  };
}

export function audit(changes: Partial<AuditRow> = {}): AuditRow {
  return { at: START + 500, actor: "ann", action: "dead.retry", target: "x", reason: "fixed the table", ...changes };
}

/** Accepts an event and applies it with these deliveries. */
export async function deliverables(store: Store, name: string, deliveries: readonly NewDelivery[]): Promise<WorkItem> {
  const work = await acceptWork(store, name);
  const result = await store.commitApply(commitOf(work, { deliveries }));
  if (result.kind !== "ok") throw new Error(`${name} is in conflict`);
  return work;
}

/** A folder of its own, removed by `remove`. */
export function temporaryFolder(): { readonly path: (name: string) => string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "hookrail-store-"));
  return { path: (name) => join(folder, name), remove: () => rmSync(folder, { recursive: true, force: true }) };
}
