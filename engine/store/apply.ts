/** What the apply step decided, in one transaction: checked whole before a row is written. */
import { fail } from "../core/errors.ts";
import type { DeliveryId } from "../core/types.ts";
import { createAcknowledgedWriter } from "./acknowledged.ts";
import type { Handlers } from "./calls.ts";
import type { Db } from "./connection.ts";
import { createDeadLetterWriter } from "./dead-letters.ts";
import { createEntityWriter } from "./entities.ts";
import { createHashedAs, markKey } from "./hashed-names.ts";
import type { Lanes, OpenDelivery } from "./lanes.ts";
import { createAuditWriter } from "./operate.ts";
import { createReplayMemory } from "./replay.ts";
import { jsonOrNull, orNull } from "./rows.ts";
import type { ApplyCommit, ApplyResult, HistoryRow, NewDelivery } from "./store.ts";

/** Makes the `apply` handler. */
export function createApply(db: Db, lanes: Lanes): Handlers["apply"] {
  const statements = prepareApply(db);
  const entities = createEntityWriter(db);
  const deadLetters = createDeadLetterWriter(db);
  const acknowledged = createAcknowledgedWriter(db);
  const replays = createReplayMemory(db);
  const audits = createAuditWriter(db);
  return (commit) => {
    const replay = replays.of(commit.workSeq, commit.eventSeq);
    if (replay === undefined) {
      // Its content went with an erased entity while it was being worked on.
      if (statements.erased.get(commit.eventSeq) !== undefined) return { kind: "ok" };
      fail("HK4015", { work: commit.workSeq, pipeline: commit.pipeline });
    }
    const conflict = entities.findConflict(commit.entities) ?? findConflict(statements, lanes, commit);
    if (conflict !== undefined) return conflict;
    entities.moveLinks(commit.entities);
    for (const write of commit.entities) entities.write(write);
    for (const row of commit.audit ?? []) audits.insert(row);
    for (const row of commit.history) insertHistory(statements, commit, row);
    for (const mark of commit.once) statements.mark.run(markKey(statements.hashedAs, mark), commit.eventSeq);
    for (const delivery of commit.deliveries)
      insertDelivery(statements, lanes, { delivery, eventSeq: commit.eventSeq });
    for (const one of commit.merged) {
      const row = merge(statements, lanes, { from: one.delivery, into: one.into, at: commit.at });
      const { connection, entity_type: type, entity_key: key } = row;
      if (one.forgotten !== undefined)
        acknowledged.change({ connection, entity: { type, key } }, { place: "", learnt: {}, forgotten: one.forgotten });
    }
    if (commit.outcome.status === "dead") {
      deadLetters.insert({ letter: commit.outcome.dead, kind: "event", eventSeq: commit.eventSeq });
      replays.remember(commit.outcome.dead.id, replay);
    }
    finishWork(statements, commit, replay.generation);
    return { kind: "ok" };
  };
}

function findConflict(statements: Statements, lanes: Lanes, commit: ApplyCommit): ApplyResult | undefined {
  for (const mark of commit.once) {
    if (statements.marked.get(markKey(statements.hashedAs, mark)) !== undefined)
      return { kind: "conflict", entity: mark.entity };
  }
  for (const { delivery } of commit.merged) {
    const seq = statements.deliverySeq.get(delivery);
    const row = seq === undefined ? undefined : lanes.find(seq);
    if (row === undefined || !lanes.mergeable(row)) return { kind: "conflict" };
  }
  return undefined;
}

function insertHistory(statements: Statements, commit: ApplyCommit, row: HistoryRow): void {
  statements.history.run(
    commit.eventSeq,
    commit.pipeline,
    commit.revision,
    commit.at,
    row.entity.type,
    row.entity.key,
    row.attribute,
    jsonOrNull(row.before),
    jsonOrNull(row.after),
    row.result,
    orNull(row.mapping),
    orNull(row.note),
    orNull(row.supersededBy),
  );
}

function insertDelivery(
  statements: Statements,
  lanes: Lanes,
  { delivery, eventSeq }: { delivery: NewDelivery; eventSeq: number },
): void {
  const { entity, connection, kind, retry } = delivery;
  const { lastInsertRowid } = statements.delivery.run(
    delivery.id,
    eventSeq,
    delivery.pipeline,
    delivery.deliverId,
    connection,
    entity.type,
    entity.key,
    JSON.stringify(delivery.ids),
    orNull(delivery.state),
    delivery.action,
    kind,
    delivery.eventName,
    JSON.stringify(delivery.attributes),
    JSON.stringify(delivery.params),
    delivery.entityVersion,
    delivery.idempotencyKey,
    orNull(delivery.notAfter),
    retry.baseMs,
    retry.capMs,
    retry.horizonMs,
    delivery.createdAt,
  );
  const seq = Number(lastInsertRowid);
  lanes.open({ seq, eventSeq, connection, entity, kind, status: "pending", attempts: 0, nextAt: delivery.createdAt });
}

/** What had been merged into the one that goes is now done by the one that stays. */
function merge(
  statements: Statements,
  lanes: Lanes,
  { from, into, at }: { from: DeliveryId; into: DeliveryId; at: number },
): OpenDelivery {
  const fromSeq = statements.deliverySeq.get(from);
  const intoSeq = statements.deliverySeq.get(into);
  if (intoSeq === undefined) fail("HK4014", { delivery: into });
  const row = fromSeq === undefined ? undefined : lanes.find(fromSeq);
  if (row === undefined) return fail("HK4014", { delivery: from });
  statements.merged.run(intoSeq, at, row.delivery_seq);
  statements.mergedAgain.run(intoSeq, row.delivery_seq);
  lanes.close(row);
  return row;
}

function finishWork(statements: Statements, commit: ApplyCommit, generation: number): void {
  const { outcome } = commit;
  statements.unwait.run(commit.workSeq);
  if (outcome.status === "held") {
    statements.hold.run(commit.at, outcome.until, outcome.reason, orNull(outcome.rule), commit.workSeq);
    for (const entity of outcome.waitsFor) statements.wait.run(entity.type, entity.key, commit.workSeq);
    return;
  }
  statements.done.run(commit.workSeq);
  // Of what was not applied nothing that was fetched is kept: the entity may have been erased, and a retry fetches anew.
  if (outcome.status !== "applied") statements.unfetch.run(commit.eventSeq, commit.pipeline);
  const skipped = outcome.status === "skipped" ? outcome : undefined;
  const reason = outcome.status === "dead" ? outcome.dead.code : skipped?.reason;
  statements.outcome.run(
    commit.eventSeq,
    commit.pipeline,
    outcome.status,
    orNull(reason),
    orNull(outcome.rule),
    jsonOrNull(outcome.detail),
    commit.revision,
    commit.at,
    orNull(skipped?.supersededBy),
    generation,
  );
}

type Statements = ReturnType<typeof prepareApply>;

function prepareApply(db: Db) {
  return {
    hashedAs: createHashedAs(db),
    erased: db.prepare<[number], number>("SELECT 1 FROM events WHERE seq = ? AND erased_at IS NOT NULL").pluck(),
    marked: db.prepare<[Buffer], number>("SELECT 1 FROM once_marks WHERE key = ?").pluck(),
    unfetch: db.prepare("DELETE FROM fetches WHERE event_seq = ? AND pipeline = ?"),
    mark: db.prepare("INSERT INTO once_marks (key, event_seq) VALUES (?, ?)"),
    deliverySeq: db.prepare<[string], number>("SELECT seq FROM deliveries WHERE id = ?").pluck(),
    history: db.prepare(
      `INSERT INTO history (event_seq, pipeline, revision, at, entity_type, entity_key, attribute, before, after, result,
         mapping, note, superseded_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    delivery: db.prepare(
      `INSERT INTO deliveries (id, event_seq, pipeline, deliver_id, connection, entity_type, entity_key, ids, state, action,
         kind, event_name, attributes, params, entity_version, idempotency_key, not_after, retry_base_ms, retry_cap_ms,
         retry_horizon_ms, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    merged: db.prepare("UPDATE deliveries SET status = 'merged', merged_into = ?, done_at = ? WHERE seq = ?"),
    mergedAgain: db.prepare("UPDATE deliveries SET merged_into = ? WHERE merged_into = ?"),
    hold: db.prepare(
      "UPDATE work SET held_since = coalesce(held_since, ?), held_until = ?, hold_reason = ?, rule = ? WHERE seq = ?",
    ),
    wait: db.prepare("INSERT OR IGNORE INTO waits (entity_type, entity_key, work_seq) VALUES (?, ?, ?)"),
    unwait: db.prepare("DELETE FROM waits WHERE work_seq = ?"),
    done: db.prepare("DELETE FROM work WHERE seq = ?"),
    outcome: db.prepare(
      `INSERT OR REPLACE INTO outcomes (event_seq, pipeline, status, reason, rule, detail, revision, at, superseded_by, generation)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
  };
}
