/**
 * Lanes: the open deliveries of one connection and entity, oldest first. Exactly one row of a lane is its `head`, and
 * only a head is ever due, so that finding what is due costs the same however long a lane has grown.
 */
import type { DeliveryStatus, EntityRef } from "../core/types.ts";
import type { Db } from "./connection.ts";

/** Where an open delivery stands. */
export interface OpenDelivery {
  readonly delivery_seq: number;
  readonly connection: string;
  readonly entity_type: string;
  readonly entity_key: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly kind: string;
  readonly first_attempt_at: number | null;
}

/** A row to be put into its lane. */
export interface LaneEntry {
  readonly seq: number;
  readonly eventSeq: number;
  readonly connection: string;
  readonly entity: EntityRef;
  readonly kind: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly nextAt: number;
}

/** Keeps the lanes in the write connection's transaction. */
export interface Lanes {
  open(entry: LaneEntry): void;
  find(seq: number): OpenDelivery | undefined;
  /** True when an upsert may be taken over: never attempted, and no effect behind it that waits for it. */
  mergeable(row: OpenDelivery): boolean;
  close(row: OpenDelivery): void;
  /** Whatever comes to the head of the row's lane is not due before `until`. */
  quiet(row: Pick<OpenDelivery, "connection" | "entity_type" | "entity_key">, until: number): void;
}

export function createLanes(db: Db): Lanes {
  const insert = db.prepare(
    `INSERT INTO outbox (delivery_seq, event_seq, connection, entity_type, entity_key, kind, status, attempts, next_at, head)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
  );
  const find = db.prepare<[number], OpenDelivery>("SELECT * FROM outbox WHERE delivery_seq = ?");
  const remove = db.prepare("DELETE FROM outbox WHERE delivery_seq = ?");
  const lane = "entity_key = +? AND entity_type = +? AND connection = +?";
  const oldest = db.prepare<[string, string, string], { delivery_seq: number; head: number }>(
    `SELECT delivery_seq, head FROM outbox WHERE ${lane} ORDER BY delivery_seq LIMIT 1`,
  );
  const behead = db.prepare(`UPDATE outbox SET head = 0 WHERE ${lane} AND head = 1`);
  const quietUntil = `coalesce((SELECT quiet_until FROM acknowledged a
    WHERE a.connection = outbox.connection AND a.entity_type = outbox.entity_type AND a.entity_key = outbox.entity_key), 0)`;
  const crown = db.prepare(`UPDATE outbox SET head = 1, next_at = max(next_at, ${quietUntil}) WHERE delivery_seq = ?`);
  const hush = db.prepare(
    `INSERT INTO acknowledged (connection, entity_type, entity_key, attributes, quiet_until) VALUES (?, ?, ?, '{}', ?)
     ON CONFLICT (connection, entity_type, entity_key) DO UPDATE SET quiet_until = max(coalesce(quiet_until, 0), excluded.quiet_until)`,
  );
  const delayHead = db.prepare(`UPDATE outbox SET next_at = max(next_at, ?) WHERE ${lane} AND head = 1`);
  const effectBehind = db
    .prepare<[string, string, string, number], number>(
      `SELECT 1 FROM outbox WHERE ${lane} AND delivery_seq > +? AND kind = 'effect' LIMIT 1`,
    )
    .pluck();
  const refresh = (row: { entity_key: string; entity_type: string; connection: string }): void => {
    const first = oldest.get(row.entity_key, row.entity_type, row.connection);
    if (first === undefined || first.head === 1) return;
    behead.run(row.entity_key, row.entity_type, row.connection);
    crown.run(first.delivery_seq);
  };
  return {
    open(entry) {
      const { entity, connection } = entry;
      insert.run(
        entry.seq,
        entry.eventSeq,
        connection,
        entity.type,
        entity.key,
        entry.kind,
        entry.status,
        entry.attempts,
        entry.nextAt,
      );
      refresh({ entity_key: entity.key, entity_type: entity.type, connection });
    },
    find: (seq) => find.get(seq),
    mergeable: (row) =>
      row.kind === "upsert" &&
      row.status === "pending" &&
      row.first_attempt_at === null &&
      effectBehind.get(row.entity_key, row.entity_type, row.connection, row.delivery_seq) === undefined,
    close(row) {
      remove.run(row.delivery_seq);
      refresh(row);
    },
    quiet({ connection, entity_type, entity_key }, until) {
      hush.run(connection, entity_type, entity_key, until);
      delayHead.run(until, entity_key, entity_type, connection);
    },
  };
}
