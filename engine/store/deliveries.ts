/** Attempts: marked before they are sent, settled after, and found again after a crash. */
import { fail } from "../core/errors.ts";
import { placeOf } from "../core/place.ts";
import { DELIVERY_EDGES, type DeliveryId, type DeliveryStatus } from "../core/types.ts";
import { type AcknowledgedWriter, createAcknowledgedWriter } from "./acknowledged.ts";
import type { Handlers } from "./calls.ts";
import type { Db } from "./connection.ts";
import { createDeadLetterWriter, type DeadLetterWriter } from "./dead-letters.ts";
import type { Lanes, OpenDelivery } from "./lanes.ts";
import { fromJson, orNull } from "./rows.ts";
import type { AttemptMark, DeliverySettlement } from "./store.ts";

/** Makes the handlers of one delivery's life after its birth. */
export function createDeliveryHandlers(db: Db, lanes: Lanes): Pick<Handlers, "markAttempt" | "settle" | "recover"> {
  const tools: Tools = {
    lanes,
    statements: prepareDeliveries(db),
    acknowledged: createAcknowledgedWriter(db),
    deadLetters: createDeadLetterWriter(db),
  };
  return {
    markAttempt(mark) {
      markAttempt(tools, mark);
      return null;
    },
    settle({ settlement, at }) {
      settle(tools, settlement, at);
      return null;
    },
    recover: ({ at, waits = {} }) => recover(tools, at, new Map(Object.entries(waits))),
  };
}

function markAttempt({ statements, lanes }: Tools, mark: AttemptMark): void {
  const { row, delivery } = findDelivery({ statements, lanes }, mark.delivery);
  checkMove(row, delivery, "sending");
  if (mark.remade !== undefined) remake(statements, delivery.seq, mark.remade);
  if (mark.frozen !== undefined) freeze(statements, delivery.seq, mark.frozen);
  statements.attemptStarted.run(delivery.seq, mark.attempt, mark.at);
  if (row !== undefined) statements.sending.run(mark.attempt, mark.at, delivery.seq);
}

function settle(tools: Tools, settlement: DeliverySettlement, at: number): void {
  const { statements } = tools;
  const { row, delivery } = findDelivery(tools, settlement.delivery);
  // Nothing of it may come back: not the request, nor what was acknowledged.
  if (delivery.status === "discarded" && delivery.note === "erased") return;
  // An attempt that needs no mark may be under way while its upsert is merged: what it came to still counts.
  const late = delivery.status === "merged";
  if (!late) checkMove(row, delivery, settlement.status);
  if (settlement.frozen !== undefined) freeze(statements, delivery.seq, settlement.frozen);
  if (settlement.attempt !== undefined) recordAttempt(statements, delivery.seq, settlement.attempt);
  acknowledge(tools, delivery, settlement);
  if (settlement.quietUntil !== undefined) tools.lanes.quiet(delivery, settlement.quietUntil);
  if (late || row === undefined) return;
  if (settlement.status === "delivered" || settlement.status === "superseded" || settlement.status === "dead") {
    close(tools, { row, delivery, settlement, at });
    return;
  }
  const attempts = attemptsAfter(row, settlement);
  const first = settlement.horizonFrom ?? row.first_attempt_at ?? settlement.attempt?.startedAt ?? null;
  statements.reschedule.run(settlement.status, attempts, settlement.nextAt ?? at, first, delivery.seq);
  if (settlement.note !== undefined) statements.note.run(settlement.note, delivery.seq);
}

function close(
  { statements, lanes, deadLetters }: Tools,
  end: { row: OpenDelivery; delivery: Found; settlement: DeliverySettlement; at: number },
): void {
  const { row, delivery, settlement, at } = end;
  if (settlement.status === "dead") {
    if (settlement.dead === undefined) fail("HK4016", { delivery: settlement.delivery });
    deadLetters.insert({
      letter: settlement.dead,
      kind: "delivery",
      eventSeq: delivery.event_seq,
      deliverySeq: delivery.seq,
    });
  }
  const attempts = attemptsAfter(row, settlement);
  const first = row.first_attempt_at ?? settlement.attempt?.startedAt ?? null;
  const doneAt = settlement.attempt?.finishedAt ?? at;
  statements.close.run(settlement.status, attempts, first, doneAt, orNull(settlement.note), delivery.seq);
  lanes.close(row);
}

/** A pause (401, 403, 407) is the connection's fault and burns no attempt. */
function attemptsAfter(row: OpenDelivery, { attempt }: DeliverySettlement): number {
  if (attempt === undefined) return row.attempts;
  return attempt.outcome === "pause" ? attempt.attempt - 1 : Math.max(attempt.attempt, row.attempts);
}

function recordAttempt(statements: Statements, seq: number, attempt: NonNullable<DeliverySettlement["attempt"]>): void {
  const { finishedAt, outcome, httpStatus, detail } = attempt;
  const finished = statements.attemptFinished.run(
    finishedAt,
    outcome,
    orNull(httpStatus),
    detail,
    seq,
    attempt.attempt,
  );
  if (finished.changes > 0) return;
  statements.attemptWhole.run(seq, attempt.attempt, attempt.startedAt, finishedAt, outcome, orNull(httpStatus), detail);
}

function acknowledge({ acknowledged }: Tools, delivery: Found, settlement: DeliverySettlement): void {
  if (settlement.acknowledged === undefined && settlement.forgotten === undefined) return;
  const { connection, entity_type: type, entity_key: key } = delivery;
  acknowledged.change(
    { connection, entity: { type, key } },
    {
      place: placeOf({ action: delivery.action, params: fromJson(delivery.params) }),
      learnt: settlement.acknowledged ?? {},
      forgotten: settlement.forgotten ?? [],
      ...(settlement.attempt === undefined ? {} : { tried: delivery.seq }),
    },
  );
}

/** What it was before stands in the history of its event; from now on this is what is tried again. */
function remake(statements: Statements, seq: number, remade: NonNullable<AttemptMark["remade"]>): void {
  const { attributes, state, entityVersion, idempotencyKey } = remade;
  statements.remake.run(JSON.stringify(attributes), orNull(state), entityVersion, idempotencyKey, seq);
  statements.thaw.run(seq);
}

/**
 * Nobody knows whether the sink got them, or is still at it: they are unknown, due when it must have ended, and the
 * connection's marks are gone.
 */
function recover(
  { statements, acknowledged, lanes }: Tools,
  at: number,
  waits: ReadonlyMap<string, number>,
): readonly number[] {
  const rows = statements.interrupted.all();
  for (const row of rows) {
    statements.attemptFinished.run(
      at,
      "unknown",
      null,
      "interrupted: the engine ended before the answer",
      row.delivery_seq,
      row.attempts,
    );
    const wait = waits.get(row.connection) ?? 0;
    const due = at + wait;
    statements.reschedule.run("unknown", row.attempts, due, row.first_attempt_at, row.delivery_seq);
    if (wait > 0) lanes.quiet(row, due);
    if (row.kind !== "upsert") continue;
    // All of the entity's marks: what the attempt wrote besides its attributes (a state) is not known either.
    const entity = { type: row.entity_type, key: row.entity_key };
    acknowledged.forgetAll({ connection: row.connection, entity }, row.delivery_seq);
  }
  return rows.map((row) => row.delivery_seq);
}

function freeze(statements: Statements, seq: number, frozen: NonNullable<AttemptMark["frozen"]>): void {
  statements.freeze.run(seq, frozen.summary, JSON.stringify(frozen.data));
}

function findDelivery(
  { statements, lanes }: Pick<Tools, "statements" | "lanes">,
  id: DeliveryId,
): { row: OpenDelivery | undefined; delivery: Found } {
  const found = statements.delivery.get(id);
  if (found === undefined) return fail("HK4014", { delivery: id });
  const row = found.status === null ? lanes.find(found.seq) : undefined;
  return { row, delivery: { ...found, status: found.status ?? row?.status ?? "pending" } };
}

/** Only an open delivery moves, along an edge or put off as it is; a dead one by its dead letter alone. */
function checkMove(row: OpenDelivery | undefined, delivery: Found, to: DeliveryStatus): void {
  const putOff = to === delivery.status && to !== "sending";
  const allowed = row !== undefined && (putOff || DELIVERY_EDGES[delivery.status].includes(to));
  if (!allowed) fail("HK4013", { delivery: delivery.id, from: delivery.status, to });
}

interface Tools {
  readonly lanes: Lanes;
  readonly statements: Statements;
  readonly acknowledged: AcknowledgedWriter;
  readonly deadLetters: DeadLetterWriter;
}

interface Found {
  readonly seq: number;
  readonly id: DeliveryId;
  readonly event_seq: number;
  readonly connection: string;
  readonly action: string;
  readonly params: string;
  readonly entity_type: string;
  readonly entity_key: string;
  readonly status: DeliveryStatus;
  readonly note: string | null;
}

type Statements = ReturnType<typeof prepareDeliveries>;

function prepareDeliveries(db: Db) {
  return {
    delivery: db.prepare<[string], Omit<Found, "status"> & { status: DeliveryStatus | null }>(
      "SELECT seq, id, event_seq, connection, action, params, entity_type, entity_key, status, note FROM deliveries WHERE id = ?",
    ),
    interrupted: db.prepare<[], OpenDelivery>("SELECT * FROM outbox WHERE status = 'sending' ORDER BY delivery_seq"),
    remake: db.prepare(
      "UPDATE deliveries SET attributes = ?, state = ?, entity_version = ?, idempotency_key = ? WHERE seq = ?",
    ),
    thaw: db.prepare("DELETE FROM requests WHERE delivery_seq = ?"),
    freeze: db.prepare("INSERT OR IGNORE INTO requests (delivery_seq, summary, data) VALUES (?, ?, ?)"),
    attemptStarted: db.prepare("INSERT INTO attempts (delivery_seq, attempt, started_at) VALUES (?, ?, ?)"),
    attemptFinished: db.prepare(
      "UPDATE attempts SET finished_at = ?, outcome = ?, http_status = ?, detail = ? WHERE delivery_seq = ? AND attempt = ? AND finished_at IS NULL",
    ),
    attemptWhole: db.prepare(
      "INSERT INTO attempts (delivery_seq, attempt, started_at, finished_at, outcome, http_status, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
    ),
    sending: db.prepare(
      "UPDATE outbox SET status = 'sending', attempts = ?, first_attempt_at = coalesce(first_attempt_at, ?) WHERE delivery_seq = ?",
    ),
    reschedule: db.prepare(
      "UPDATE outbox SET status = ?, attempts = ?, next_at = ?, first_attempt_at = ? WHERE delivery_seq = ?",
    ),
    close: db.prepare(
      "UPDATE deliveries SET status = ?, attempts = ?, first_attempt_at = ?, done_at = ?, note = ? WHERE seq = ?",
    ),
    note: db.prepare("UPDATE deliveries SET note = ? WHERE seq = ?"),
  };
}
