/** Dead letters: written when something gives up, opened again or discarded by a person, each time with an audit row. */
import type { DeadLetterId } from "../core/types.ts";
import type { Handlers } from "./calls.ts";
import type { Db } from "./connection.ts";
import type { Lanes } from "./lanes.ts";
import { createAuditWriter } from "./operate.ts";
import { createReplayMemory } from "./replay.ts";
import { fromJson } from "./rows.ts";
import type { AuditRow, NewDeadLetter } from "./store.ts";

/** Writes new dead letters, inside the caller's transaction. */
export interface DeadLetterWriter {
  insert(entry: { letter: NewDeadLetter; kind: "event" | "delivery"; eventSeq: number; deliverySeq?: number }): void;
}

export function createDeadLetterWriter(db: Db): DeadLetterWriter {
  const insert = db.prepare(
    `INSERT INTO dead_letters (id, kind, event_seq, delivery_seq, pipeline, code, message, created_at, status)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open')`,
  );
  return {
    insert({ letter, kind, eventSeq, deliverySeq }) {
      const { id, pipeline, code, message, createdAt } = letter;
      insert.run(id, kind, eventSeq, deliverySeq ?? null, pipeline, code, message, createdAt);
    },
  };
}

interface OpenLetter {
  readonly id: DeadLetterId;
  readonly kind: "event" | "delivery";
  readonly event_seq: number;
  readonly delivery_seq: number | null;
  readonly pipeline: string;
  readonly pipelines: string | null;
}

/** Makes the `retryDead` and `discardDead` handlers; both answer false for what is not open. */
export function createDeadLetterHandlers(db: Db, lanes: Lanes): Pick<Handlers, "retryDead" | "discardDead"> {
  const open = db.prepare<[string], OpenLetter>(
    "SELECT id, kind, event_seq, delivery_seq, pipeline, pipelines FROM dead_letters WHERE id = ? AND status = 'open'",
  );
  const resolve = db.prepare("UPDATE dead_letters SET status = ?, resolved_at = ?, resolution = ? WHERE id = ?");
  const discardOutcome = db.prepare("UPDATE outcomes SET status = 'discarded' WHERE event_seq = ? AND pipeline = ?");
  const discardDelivery = db.prepare(
    "UPDATE deliveries SET status = 'discarded', done_at = ? WHERE seq = ? AND status = 'dead'",
  );
  const audits = createAuditWriter(db);
  const reopen = createReopen(db, lanes);
  const end = (letter: OpenLetter, status: "retried" | "discarded", audit: AuditRow): void => {
    resolve.run(status, audit.at, audit.reason, letter.id);
    audits.insert(audit);
  };
  return {
    retryDead({ id, audit }) {
      const letter = open.get(id);
      if (letter === undefined || !reopen(letter, audit.at)) return false;
      end(letter, "retried", audit);
      return true;
    },
    discardDead({ id, audit }) {
      const letter = open.get(id);
      if (letter === undefined) return false;
      if (letter.delivery_seq === null) discardOutcome.run(letter.event_seq, letter.pipeline);
      else discardDelivery.run(audit.at, letter.delivery_seq);
      end(letter, "discarded", audit);
      return true;
    },
  };
}

/** Event work gets a new seq, so that readers by cursor find it; a delivery gets back into its lane, due at once. */
function createReopen(db: Db, lanes: Lanes): (letter: OpenLetter, at: number) => boolean {
  const replays = createReplayMemory(db);
  const work = db.prepare("INSERT INTO work (event_seq, pipeline) VALUES (?, ?)");
  const dead = db.prepare<[number], DeadDelivery>(
    `SELECT connection, entity_type, entity_key, kind, attempts,
       EXISTS (SELECT 1 FROM requests r WHERE r.delivery_seq = d.seq) AS frozen
     FROM deliveries d WHERE seq = ? AND status = 'dead'`,
  );
  const undead = db.prepare(
    "UPDATE deliveries SET status = NULL, done_at = NULL, first_attempt_at = NULL, note = NULL WHERE seq = ?",
  );
  const reopenDelivery = (seq: number, eventSeq: number, at: number): boolean => {
    const row = dead.get(seq);
    if (row === undefined) return false;
    undead.run(seq);
    lanes.open({
      seq,
      eventSeq,
      connection: row.connection,
      entity: { type: row.entity_type, key: row.entity_key },
      kind: row.kind,
      status: row.frozen === 1 ? "retrying" : "pending",
      attempts: row.attempts,
      nextAt: at,
    });
    return true;
  };
  return (letter, at) => {
    if (letter.delivery_seq !== null) return reopenDelivery(letter.delivery_seq, letter.event_seq, at);
    const pipelines = letter.pipelines === null ? [letter.pipeline] : fromJson<string[]>(letter.pipelines);
    for (const pipeline of pipelines)
      replays.restore(letter.id, Number(work.run(letter.event_seq, pipeline).lastInsertRowid));
    return pipelines.length > 0;
  };
}

interface DeadDelivery {
  readonly connection: string;
  readonly entity_type: string;
  readonly entity_key: string;
  readonly kind: string;
  readonly attempts: number;
  readonly frozen: number;
}
