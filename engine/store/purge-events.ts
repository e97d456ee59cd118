/**
 * Retention of what is older than bodies: whole events, dead letters that nobody closed, history, the audit. An event goes
 * only when nothing knows it any more: no work, no open delivery or dead letter, no body, and no dedupe key, so that
 * what is sent again is never taken for new before its window has ended.
 */
import type { Db } from "./connection.ts";
import { prepareFind } from "./dedupe.ts";
import { createHashedAs, dedupeHash } from "./hashed-names.ts";
import type { PurgeRequest } from "./store.ts";

/** Purges a chunk; `more` is false once it has been all round. */
export type ChunkPurge = (request: PurgeRequest) => { readonly count: number; readonly more: boolean };

const nothing = { count: 0, more: false } as const;

interface Candidate {
  readonly seq: number;
  readonly source: string;
  readonly dedupe_key: string;
  readonly received_at: number;
  readonly needed: number;
}

/** The newest event stays: its seq says how many there ever were, and the next one counts from it. */
export function createEventPurge(db: Db): ChunkPurge {
  const candidates = db.prepare<[number, number], Candidate>(
    `SELECT e.seq, e.source, e.dedupe_key, e.received_at,
       (EXISTS (SELECT 1 FROM bodies b WHERE b.seq = e.seq)
        OR EXISTS (SELECT 1 FROM events s WHERE s.body_seq = e.seq AND s.body_seq <> s.seq)
        OR EXISTS (SELECT 1 FROM work w WHERE w.event_seq = e.seq)
        OR EXISTS (SELECT 1 FROM outbox o WHERE o.event_seq = e.seq)
        OR EXISTS (SELECT 1 FROM dead_letters d WHERE d.event_seq = e.seq AND d.status = 'open')) AS needed
     FROM events e WHERE e.seq > +? AND e.seq < (SELECT max(seq) FROM events) ORDER BY e.seq LIMIT +?`,
  );
  const ofDeliveries = "delivery_seq IN (SELECT seq FROM deliveries WHERE event_seq = ?)";
  const removals = [
    `DELETE FROM attempts WHERE ${ofDeliveries}`,
    `DELETE FROM requests WHERE ${ofDeliveries}`,
    "DELETE FROM deliveries WHERE event_seq = ?",
    "DELETE FROM outcomes WHERE event_seq = ?",
    "DELETE FROM conflicts WHERE event_seq = ?",
    "DELETE FROM edits WHERE event_seq = ?",
    "DELETE FROM dead_letters WHERE event_seq = ?",
    "DELETE FROM events WHERE seq = ?",
  ].map((sql) => db.prepare<[number]>(sql));
  const find = prepareFind(db);
  const hashedAs = createHashedAs(db);
  const isKnown = ({ seq, source, dedupe_key }: Candidate) =>
    find(dedupeHash(hashedAs, source, dedupe_key))?.event_seq === seq;
  let cursor = 0;
  return ({ eventsBefore, limit }) => {
    if (eventsBefore === undefined) return nothing;
    const rows = candidates.all(cursor, limit);
    let count = 0;
    for (const row of rows) {
      if (row.received_at >= eventsBefore) {
        cursor = 0;
        return { count, more: false };
      }
      cursor = row.seq;
      if (row.needed === 1 || isKnown(row)) continue;
      for (const remove of removals) remove.run(row.seq);
      count += 1;
    }
    if (rows.length < limit) cursor = 0;
    return { count, more: rows.length === limit };
  };
}

/** Open dead letters whose term has ended count as discarded, so that their bodies may go; each chunk is in the audit. */
export function createDeadLetterPurge(db: Db): ChunkPurge {
  const ended = db.prepare<
    [number, number],
    { id: string; event_seq: number; delivery_seq: number | null; pipeline: string }
  >(
    "SELECT id, event_seq, delivery_seq, pipeline FROM dead_letters WHERE status = 'open' AND created_at < +? ORDER BY created_at LIMIT +?",
  );
  const close = db.prepare(
    "UPDATE dead_letters SET status = 'discarded', resolved_at = ?, resolution = 'retention.dead_letters has ended' WHERE id = ?",
  );
  const outcome = db.prepare("UPDATE outcomes SET status = 'discarded' WHERE event_seq = ? AND pipeline = ?");
  const delivery = db.prepare(
    "UPDATE deliveries SET status = 'discarded', done_at = ? WHERE seq = ? AND status = 'dead'",
  );
  const audit = db.prepare(
    "INSERT INTO audit (at, actor, action, target, reason) VALUES (?, 'engine', 'dead.discard', ?, 'retention.dead_letters has ended')",
  );
  return ({ deadLettersBefore, now, limit }) => {
    if (deadLettersBefore === undefined) return nothing;
    const rows = ended.all(deadLettersBefore, limit);
    for (const row of rows) {
      if (row.delivery_seq === null) outcome.run(row.event_seq, row.pipeline);
      else delivery.run(now, row.delivery_seq);
      close.run(now, row.id);
      audit.run(now, row.id);
    }
    return { count: rows.length, more: rows.length === limit };
  };
}

/** Rows of an append-only table, oldest first. */
export function createLogPurge(
  db: Db,
  table: "history" | "audit",
  before: (request: PurgeRequest) => number | undefined,
): ChunkPurge {
  const remove = db.prepare<[number, number]>(
    `DELETE FROM ${table} WHERE seq IN (SELECT seq FROM ${table} ORDER BY seq LIMIT +?) AND at < +?`,
  );
  return (request) => {
    const end = before(request);
    if (end === undefined) return nothing;
    const count = remove.run(request.limit, end).changes;
    return { count, more: count === request.limit };
  };
}
