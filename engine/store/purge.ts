/** Retention, a chunk at a time: bodies and frozen requests of what is done, dedupe keys whose window has ended, and what purge-events.ts lets go. */
import type { Handlers } from "./calls.ts";
import type { Db } from "./connection.ts";
import { type ChunkPurge, createDeadLetterPurge, createEventPurge, createLogPurge } from "./purge-events.ts";
import type { PurgeRequest } from "./store.ts";

/** Keys are looked at in key order, since they have no index by time: this many for each one that may be deleted. */
const LOOK_FACTOR = 10;

/** What is purged, in the order in which each makes room for the next: a dead letter holds a body, a body and a key hold an event. */
const FAMILIES = ["deadLetters", "bodies", "keys", "events", "history", "audit"] as const;

/**
 * Makes the `purge` handler. It goes on where it last stopped; `more` is false once it has been all round. What is through
 * with its round waits for the others: else one would always be under way, and the round would never end.
 */
export function createPurge(db: Db): Handlers["purge"] {
  const bodies = createBodyPurge(db);
  const purges: Readonly<Record<(typeof FAMILIES)[number], ChunkPurge>> = {
    deadLetters: createDeadLetterPurge(db),
    bodies: bodies.purge,
    keys: createKeyPurge(db),
    events: createEventPurge(db),
    history: createLogPurge(db, "history", (request) => request.historyBefore),
    audit: createLogPurge(db, "audit", (request) => request.auditBefore),
  };
  const through = new Set<string>();
  return (request) => {
    if (bodies.wasUndone()) through.delete("bodies");
    const counts = { deadLetters: 0, bodies: 0, keys: 0, events: 0, history: 0, audit: 0 };
    for (const family of FAMILIES) {
      if (through.has(family)) continue;
      const { count, more } = purges[family](request);
      counts[family] = count;
      if (!more) through.add(family);
    }
    const more = through.size < FAMILIES.length;
    if (!more) through.clear();
    return { ...counts, more };
  };
}

interface BodyPurge {
  readonly purge: ChunkPurge;
  /** The last call was rolled back (a full disk): what it passed over comes again. */
  wasUndone(): boolean;
}

/** A body stays while work, an open delivery or an open dead letter of any of its events may still need it. */
function createBodyPurge(db: Db): BodyPurge {
  const candidates = db.prepare<[number, number], { seq: number; received_at: number; needed: number }>(
    `SELECT b.seq, e.received_at, EXISTS (
       SELECT 1 FROM events s WHERE (s.seq = b.seq OR (s.body_seq = b.seq AND s.body_seq <> s.seq)) AND (
         EXISTS (SELECT 1 FROM work w WHERE w.event_seq = s.seq)
         OR EXISTS (SELECT 1 FROM outbox o WHERE o.event_seq = s.seq)
         OR EXISTS (SELECT 1 FROM dead_letters d WHERE d.event_seq = s.seq AND d.status = 'open'))) AS needed
     FROM bodies b JOIN events e ON e.seq = b.seq WHERE b.seq > +? ORDER BY b.seq LIMIT +?`,
  );
  const remove = db.prepare("DELETE FROM bodies WHERE seq = ?");
  const requests = db.prepare(
    "DELETE FROM requests WHERE delivery_seq IN (SELECT d.seq FROM deliveries d JOIN events e ON e.seq = d.event_seq WHERE (e.seq = +@seq OR (e.body_seq = +@seq AND e.body_seq <> e.seq)) AND d.status IS NOT NULL)",
  );
  const isThere = db.prepare<[number]>("SELECT 1 FROM bodies WHERE seq = ?");
  let cursor = 0;
  let removed: number | undefined;
  const purge = ({ bodiesBefore, limit }: PurgeRequest): { count: number; more: boolean } => {
    const rows = candidates.all(cursor, limit);
    let count = 0;
    for (const row of rows) {
      if (row.received_at >= bodiesBefore) {
        cursor = 0;
        return { count, more: false };
      }
      cursor = row.seq;
      if (row.needed === 1) continue;
      requests.run({ seq: row.seq });
      remove.run(row.seq);
      removed = row.seq;
      count += 1;
    }
    if (rows.length < limit) cursor = 0;
    return { count, more: rows.length === limit };
  };
  const wasUndone = (): boolean => {
    const undone = removed !== undefined && isThere.get(removed) !== undefined;
    removed = undefined;
    if (undone) cursor = 0;
    return undone;
  };
  return { purge, wasUndone };
}

function createKeyPurge(db: Db): ChunkPurge {
  const page = db.prepare<[number, Buffer, number], { level: number; key: Buffer; until: number }>(
    "SELECT level, key, until FROM dedupe WHERE (level, key) > (+?, +?) ORDER BY level, key LIMIT +?",
  );
  const remove = db.prepare("DELETE FROM dedupe WHERE level = ? AND key = ?");
  const start = { level: 0, key: Buffer.alloc(0) };
  let cursor: { level: number; key: Buffer } = start;
  return ({ now, limit }: PurgeRequest): { count: number; more: boolean } => {
    let count = 0;
    const looked = page.all(cursor.level, cursor.key, limit * LOOK_FACTOR);
    for (const row of looked) {
      cursor = row;
      if (row.until > now) continue;
      remove.run(row.level, row.key);
      count += 1;
      if (count === limit) return { count, more: true };
    }
    const more = looked.length === limit * LOOK_FACTOR;
    if (!more) cursor = start;
    return { count, more };
  };
}
