/** Intake's write: dedupe key, event, body and one work row for each listening pipeline, all or nothing. */
import { fail } from "../core/errors.ts";
import type { EventId } from "../core/types.ts";
import type { Handlers } from "./calls.ts";
import type { Db } from "./connection.ts";
import { createDedupe } from "./dedupe.ts";
import { createHashedAs, dedupeHash } from "./hashed-names.ts";
import type { AcceptRequest, AcceptResult, NewEvent } from "./store.ts";

/** Makes the `accept` handler. */
export function createAccept(db: Db): Handlers["accept"] {
  const statements = prepareAccept(db);
  return (request) => {
    // Row of `bodies` for the bytes of this request: its items mostly share one.
    const bodies = new Map<Uint8Array, number>();
    const first = request.events[0];
    if (first !== undefined) statements.source.run(first.source);
    return request.events.map((event, index) =>
      acceptEvent(statements, { event, pipelines: pipelinesOf(request, index), bodies }),
    );
  };
}

/** Dead letter of an event that could not be read: its id follows from the event's. */
export function unreadableDeadLetterId(event: string): string {
  return `dead_${event.replace(/^evt_/, "")}`;
}

function pipelinesOf(request: AcceptRequest, index: number): readonly string[] {
  return request.pipelines[index] ?? [];
}

function acceptEvent(
  statements: Statements,
  { event, pipelines, bodies }: { event: NewEvent; pipelines: readonly string[]; bodies: Map<Uint8Array, number> },
): AcceptResult {
  const key = dedupeHash(statements.hashedAs, event.source, event.dedupeKey);
  const known = statements.dedupe.find(key);
  if (known !== undefined && known.until > event.receivedAt) return acceptAgain(statements, event, known.event_seq);
  const seq = insertEvent(statements, event, bodies);
  statements.dedupe.remember(key, seq, event.dedupeUntil);
  if (event.unreadable === undefined) for (const pipeline of pipelines) statements.work.run(seq, pipeline);
  else insertUnreadable(statements, { event, seq, pipelines });
  return { kind: "new", id: event.id, seq };
}

/** The first body of a key stays; another body under the same key is recorded. */
function acceptAgain(statements: Statements, event: NewEvent, seq: number): AcceptResult {
  const first = statements.first.get(seq);
  if (first === undefined) return fail("HK9001", { what: "dedupe key without its event", value: seq });
  const hash = Buffer.from(event.bodyHash, "hex");
  if (first.body_hash.equals(hash)) {
    statements.duplicate.run(seq);
    return { kind: "duplicate", of: first.id };
  }
  statements.conflict.run(seq, event.receivedAt, hash);
  return { kind: "conflict", of: first.id };
}

function insertEvent(statements: Statements, event: NewEvent, bodies: Map<Uint8Array, number>): number {
  const seq = Number(statements.nextSeq.get() ?? 1);
  const bodySeq = sharedBody(bodies, event.body) ?? seq;
  statements.event.run(
    seq,
    event.id,
    event.source,
    event.provider,
    event.dedupeKey,
    event.providerId,
    event.type,
    event.occurredAt,
    event.clockResolutionMs,
    event.rank,
    event.receivedAt,
    JSON.stringify(event.headers),
    event.contentType,
    bodySeq,
    Buffer.from(event.bodyHash, "hex"),
    event.itemIndex,
    JSON.stringify(event.verification),
    event.revision,
  );
  if (bodySeq === seq) {
    statements.body.run(seq, event.body);
    bodies.set(event.body, seq);
  }
  return seq;
}

function sharedBody(bodies: Map<Uint8Array, number>, body: Uint8Array): number | undefined {
  const same = bodies.get(body);
  if (same !== undefined) return same;
  const first = bodies.entries().next().value;
  return first !== undefined && Buffer.compare(first[0], body) === 0 ? first[1] : undefined;
}

function insertUnreadable(
  statements: Statements,
  { event, seq, pipelines }: { event: NewEvent; seq: number; pipelines: readonly string[] },
): void {
  const { code, message } = event.unreadable ?? { code: "", message: "" };
  statements.unreadable.run(
    unreadableDeadLetterId(event.id),
    seq,
    code,
    message,
    event.receivedAt,
    JSON.stringify(pipelines),
  );
}

type Statements = ReturnType<typeof prepareAccept>;

function prepareAccept(db: Db) {
  return {
    dedupe: createDedupe(db),
    hashedAs: createHashedAs(db),
    source: db.prepare("INSERT OR IGNORE INTO sources (name) VALUES (?)"),
    first: db.prepare<[number], { id: EventId; body_hash: Buffer }>("SELECT id, body_hash FROM events WHERE seq = ?"),
    nextSeq: db.prepare<[], number>("SELECT max(seq) + 1 FROM events").pluck(),
    event: db.prepare(
      `INSERT INTO events (seq, id, source, provider, dedupe_key, provider_id, type, occurred_at, clock_resolution_ms, rank,
         received_at, headers, content_type, body_seq, body_hash, item_index, verification, revision)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    body: db.prepare("INSERT INTO bodies (seq, body) VALUES (?, ?)"),
    work: db.prepare("INSERT INTO work (event_seq, pipeline) VALUES (?, ?)"),
    duplicate: db.prepare("UPDATE events SET duplicates = duplicates + 1 WHERE seq = ?"),
    conflict: db.prepare("INSERT INTO conflicts (event_seq, received_at, body_hash) VALUES (?, ?, ?)"),
    unreadable: db.prepare(
      `INSERT INTO dead_letters (id, kind, event_seq, pipeline, code, message, created_at, status, pipelines)
       VALUES (?, 'event', ?, '', ?, ?, ?, 'open', ?)`,
    ),
  };
}
