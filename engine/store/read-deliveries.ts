/** Reads of deliveries: what is due, what a newer upsert may take over. */
import type { DeliveryStatus } from "../core/types.ts";
import type { Db } from "./connection.ts";
import { fromJson, present } from "./rows.ts";
import type { DeliveryRecord, OpenUpsert, Store } from "./store.ts";

/** A delivery with its event's names, its frozen request and, while open, its row in the outbox. */
export interface DeliveryRow {
  readonly seq: number;
  readonly id: DeliveryRecord["id"];
  readonly event_seq: number;
  readonly pipeline: string;
  readonly deliver_id: string;
  readonly connection: string;
  readonly entity_type: string;
  readonly entity_key: string;
  readonly ids: string;
  readonly state: string | null;
  readonly action: string;
  readonly kind: DeliveryRecord["kind"];
  readonly event_name: string;
  readonly attributes: string;
  readonly params: string;
  readonly entity_version: number;
  readonly idempotency_key: string;
  readonly not_after: number | null;
  readonly retry_base_ms: number;
  readonly retry_cap_ms: number;
  readonly retry_horizon_ms: number;
  readonly created_at: number;
  readonly now_status: DeliveryStatus;
  readonly now_attempts: number;
  readonly next_at: number | null;
  readonly first_at: number | null;
  readonly merged_into: number | null;
  readonly done_at: number | null;
  readonly event_id: DeliveryRecord["event"]["id"];
  readonly provider_id: string;
  readonly type: string;
  readonly source: string;
  readonly occurred_at: number;
  readonly received_at: number;
  readonly traceparent: string | null;
  readonly note: string | null;
  readonly summary: string | null;
  readonly data: string | null;
}

/** Selects `DeliveryRow`s; to be followed by WHERE on `d` (archive), `o` (outbox) or `e` (event). */
export const SELECT_DELIVERY = `SELECT d.*, coalesce(d.status, o.status) AS now_status, coalesce(o.attempts, d.attempts) AS now_attempts,
    o.next_at, coalesce(o.first_attempt_at, d.first_attempt_at) AS first_at, e.id AS event_id, e.provider_id, e.type, e.source,
    e.occurred_at, e.received_at, e.headers ->> '$.traceparent' AS traceparent, r.summary, r.data
  FROM deliveries d JOIN events e ON e.seq = d.event_seq
    LEFT JOIN outbox o ON o.delivery_seq = d.seq LEFT JOIN requests r ON r.delivery_seq = d.seq`;

export function toDelivery(row: DeliveryRow): DeliveryRecord {
  const frozen =
    row.summary === null || row.data === null
      ? null
      : { summary: row.summary, data: fromJson<DeliveryRecord["params"]>(row.data) };
  return {
    seq: row.seq,
    id: row.id,
    pipeline: row.pipeline,
    deliverId: row.deliver_id,
    connection: row.connection,
    entity: { type: row.entity_type, key: row.entity_key },
    ids: fromJson(row.ids),
    action: row.action,
    kind: row.kind,
    eventName: row.event_name,
    attributes: fromJson(row.attributes),
    params: fromJson(row.params),
    entityVersion: row.entity_version,
    idempotencyKey: row.idempotency_key,
    retry: { baseMs: row.retry_base_ms, capMs: row.retry_cap_ms, horizonMs: row.retry_horizon_ms },
    createdAt: row.created_at,
    event: {
      seq: row.event_seq,
      id: row.event_id,
      providerId: row.provider_id,
      type: row.type,
      source: row.source,
      occurredAt: row.occurred_at,
      receivedAt: row.received_at,
      ...present("traceparent", row.traceparent),
    },
    status: row.now_status,
    attempts: row.now_attempts,
    nextAt: row.next_at ?? row.created_at,
    ...present("state", row.state),
    ...present("notAfter", row.not_after),
    ...present("frozen", frozen),
    ...present("note", row.note),
    ...present("horizonFrom", row.first_at),
  };
}

/** Makes the reads that delivery loops and the apply step go by. */
export function createDeliveryReads(db: Db): Pick<Store, "dueDeliveries" | "nextDue" | "openUpserts"> & {
  bySeq(seq: number): DeliveryRecord | undefined;
} {
  const heads = "FROM outbox WHERE connection = +? AND head = 1 AND status <> 'sending'";
  const due = db.prepare<[string, number], Head>(
    `SELECT delivery_seq, entity_type, entity_key, next_at ${heads} AND next_at <= +? ORDER BY next_at, delivery_seq`,
  );
  const next = db.prepare<[string], Head>(
    `SELECT delivery_seq, entity_type, entity_key, next_at ${heads} ORDER BY next_at, delivery_seq`,
  );
  const one = db.prepare<[number], DeliveryRow>(`${SELECT_DELIVERY} WHERE d.seq = +?`);
  // An attempt that was marked and never settled is one that had no answer. What was before a retry by hand is a person's word.
  const perhaps = db.prepare<[number, number, number], { since: number | null; unknown: number | null }>(
    `SELECT min(started_at) AS since, max(outcome IS NULL OR outcome = 'unknown') AS unknown FROM attempts
     WHERE delivery_seq = +? AND (outcome IS NULL OR outcome = 'unknown' OR (outcome = 'retry' AND http_status >= 500))
       AND started_at >= coalesce((SELECT max(resolved_at) FROM dead_letters WHERE event_seq = +? AND delivery_seq = +? AND status = 'retried'), 0)`,
  );
  const bySeq = (seq: number): DeliveryRecord | undefined => {
    const row = one.get(seq);
    if (row === undefined || row.now_attempts === 0) return row === undefined ? undefined : toDelivery(row);
    const found = perhaps.get(seq, row.event_seq, seq);
    const sent = found?.since == null ? null : { since: found.since, unknown: found.unknown === 1 };
    return { ...toDelivery(row), ...present("perhapsSent", sent) };
  };
  return {
    bySeq,
    async dueDeliveries(connection, now, limit, busy) {
      const records: DeliveryRecord[] = [];
      for (const head of due.iterate(connection, now)) {
        if (records.length >= limit) break;
        const record = busy.has(laneOf(head)) ? undefined : bySeq(head.delivery_seq);
        if (record !== undefined) records.push(record);
      }
      return records;
    },
    async nextDue(connection, busy) {
      for (const head of next.iterate(connection)) if (busy?.has(laneOf(head)) !== true) return head.next_at;
      return undefined;
    },
    openUpserts: createOpenUpserts(db),
  };
}

interface Head {
  readonly delivery_seq: number;
  readonly entity_type: string;
  readonly entity_key: string;
  readonly next_at: number;
}

function laneOf(head: Head): string {
  return `${head.entity_type}/${head.entity_key}`;
}

/** `mergeable` by the same rule as `Lanes.mergeable`. */
function createOpenUpserts(db: Db): Store["openUpserts"] {
  const open = db.prepare<
    [string, string],
    Omit<OpenUpsert, "attributes" | "params" | "entity" | "deliverId" | "mergeable" | "entityVersion"> & {
      deliver_id: string;
      entity_version: number;
      attributes: string;
      params: string;
      mergeable: number;
    }
  >(
    `SELECT d.id, d.seq, d.connection, d.action, d.deliver_id, d.attributes, d.params, d.entity_version,
       o.status = 'pending' AND o.first_attempt_at IS NULL
         AND NOT EXISTS (SELECT 1 FROM outbox f WHERE f.entity_key = o.entity_key AND f.entity_type = o.entity_type
           AND f.connection = o.connection AND f.delivery_seq > o.delivery_seq AND f.kind = 'effect') AS mergeable
     FROM outbox o JOIN deliveries d ON d.seq = o.delivery_seq
     WHERE o.entity_key = +? AND o.entity_type = +? AND o.kind = 'upsert' ORDER BY o.delivery_seq`,
  );
  return async (entity) =>
    open.all(entity.key, entity.type).map((row) => ({
      id: row.id,
      seq: row.seq,
      connection: row.connection,
      action: row.action,
      params: fromJson(row.params),
      deliverId: row.deliver_id,
      entity,
      attributes: fromJson(row.attributes),
      entityVersion: row.entity_version,
      mergeable: row.mergeable === 1,
    }));
}
