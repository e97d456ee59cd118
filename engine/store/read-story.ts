/** The whole story of one event, and the lineage of one value: what `explain` and `plan` tell. */
import type { DeliveryId, EventId, JsonObject, WorkStatus } from "../core/types.ts";
import type { Db } from "./connection.ts";
import { createEditReads } from "./edits.ts";
import { type DeliveryRow, SELECT_DELIVERY, toDelivery } from "./read-deliveries.ts";
import { createEventReads } from "./read-events.ts";
import { type DeadLetterRow, SELECT_DEAD_LETTER, toDeadLetter } from "./read-operate.ts";
import { type EventRow, SELECT_EVENT, toStoredEvent } from "./read-work.ts";
import { fromJson, present, presentJson } from "./rows.ts";
import type { AttemptRecord, EventStory, HistoryRow, LineageRow, StoreReader, Superseding } from "./store.ts";

interface HistorySqlRow {
  readonly pipeline: string;
  readonly at: number;
  readonly revision: string;
  readonly entity_type: string;
  readonly entity_key: string;
  readonly attribute: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly result: HistoryRow["result"];
  readonly mapping: string | null;
  readonly note: string | null;
  readonly superseded_by: number | null;
}

function toHistory(row: HistorySqlRow): HistoryRow & { readonly pipeline: string; readonly at: number } {
  return {
    pipeline: row.pipeline,
    at: row.at,
    entity: { type: row.entity_type, key: row.entity_key },
    attribute: row.attribute,
    before: row.before === null ? undefined : fromJson(row.before),
    after: row.after === null ? undefined : fromJson(row.after),
    result: row.result,
    ...present("mapping", row.mapping),
    ...present("note", row.note),
    ...present("supersededBy", row.superseded_by),
  };
}

/** Makes `events`, `story` and `lineage`. */
export function createStoryReads(db: Db): Pick<StoreReader, "events" | "story" | "lineage"> {
  const { events, summaryOf, find } = createEventReads(db);
  const tell = createStory(db);
  return {
    events,
    async story(id) {
      const seq = find(id);
      return seq === undefined ? undefined : tell(seq, summaryOf);
    },
    lineage: createLineage(db),
  };
}

function createStory(db: Db) {
  const event = db.prepare<[number], EventRow>(SELECT_EVENT);
  const conflicts = db.prepare<[number], { received_at: number; body_hash: Buffer }>(
    "SELECT received_at, body_hash FROM conflicts WHERE event_seq = +? ORDER BY seq",
  );
  const history = db.prepare<[number], HistorySqlRow>("SELECT * FROM history WHERE event_seq = +? ORDER BY seq");
  const superseding = createSuperseding(db);
  const commitOf = createCommits(db);
  const letters = db.prepare<[number], DeadLetterRow>(
    `${SELECT_DEAD_LETTER} WHERE x.event_seq = +? ORDER BY x.created_at, x.id`,
  );
  const outcomes = createOutcomes(db);
  const deliveries = createDeliveryStories(db);
  const edits = createEditReads(db);
  const tell = (seq: number, summaryOf: ReturnType<typeof createEventReads>["summaryOf"]): EventStory | undefined => {
    const row = event.get(seq);
    if (row === undefined) return undefined;
    const stored = toStoredEvent(row);
    return {
      event: stored,
      ...commitOf(stored.revision),
      summary: summaryOf({
        seq,
        id: stored.id,
        providerId: stored.providerId,
        source: stored.source,
        type: stored.type,
        receivedAt: stored.receivedAt,
        occurredAt: stored.occurredAt,
      }),
      conflicts: conflicts.all(seq).map((c) => ({ receivedAt: c.received_at, bodyHash: c.body_hash.toString("hex") })),
      duplicates: row.duplicates,
      outcomes: outcomes(stored),
      history: history.all(seq).map((row) => ({ ...toHistory(row), ...superseding(row.superseded_by) })),
      deliveries: deliveries(seq),
      deadLetters: letters.all(seq).map(toDeadLetter),
      edits: edits(seq),
    };
  };
  return db.transaction(tell);
}

/** The event that came first in the order; gone with its retention. */
function createSuperseding(db: Db): (seq: number | null) => Superseding {
  const find = db.prepare<[number], { id: EventId; occurred_at: number }>(
    "SELECT id, occurred_at FROM events WHERE seq = +?",
  );
  return (seq) => {
    const event = seq === null ? undefined : find.get(seq);
    return event === undefined ? {} : { superseding: event.id, supersedingAt: event.occurred_at };
  };
}

function createCommits(db: Db): (revision: string) => { readonly gitCommit?: string } {
  const find = db.prepare<[string], string | null>("SELECT git_commit FROM revisions WHERE hash = +?").pluck();
  return (revision) => present("gitCommit", find.get(revision) ?? null);
}

function createOutcomes(db: Db): (event: EventStory["event"]) => EventStory["outcomes"] {
  const rows = db.prepare<
    { seq: number },
    {
      pipeline: string;
      status: WorkStatus;
      reason: string | null;
      rule: string | null;
      detail: string | null;
      revision: string | null;
      at: number | null;
      until: number | null;
      superseding: EventId | null;
    }
  >(
    `SELECT w.pipeline, iif(w.held_until IS NULL, 'ready', 'held') AS status, w.hold_reason AS reason, w.rule, NULL AS detail,
       NULL AS revision, w.held_since AS at, w.held_until AS until, NULL AS superseding FROM work w WHERE w.event_seq = +@seq
     UNION ALL
     SELECT o.pipeline, o.status, o.reason, o.rule, o.detail, o.revision, o.at, NULL AS until,
       (SELECT s.id FROM events s WHERE s.seq = o.superseded_by) FROM outcomes o WHERE o.event_seq = +@seq
       AND NOT EXISTS (SELECT 1 FROM work w WHERE w.event_seq = +@seq AND w.pipeline = o.pipeline)
     ORDER BY pipeline`,
  );
  const commitOf = createCommits(db);
  return (event) =>
    rows.all({ seq: event.seq }).map((row) => ({
      pipeline: row.pipeline,
      status: row.status,
      revision: row.revision ?? event.revision,
      ...commitOf(row.revision ?? event.revision),
      at: row.at ?? event.receivedAt,
      ...present("until", row.until),
      ...present("reason", row.reason),
      ...present("rule", row.rule),
      ...presentJson<"detail", JsonObject>("detail", row.detail),
      ...present("supersededBy", row.superseding),
    }));
}

function createDeliveryStories(db: Db): (seq: number) => EventStory["deliveries"] {
  const deliveries = db.prepare<[number], DeliveryRow>(`${SELECT_DELIVERY} WHERE d.event_seq = +? ORDER BY d.seq`);
  const idOf = db.prepare<[number], DeliveryId>("SELECT id FROM deliveries WHERE seq = +?").pluck();
  const attempts = db.prepare<
    [number],
    {
      attempt: number;
      started_at: number;
      finished_at: number | null;
      outcome: AttemptRecord["outcome"] | null;
      http_status: number | null;
      detail: string | null;
    }
  >("SELECT * FROM attempts WHERE delivery_seq = +? ORDER BY seq");
  return (seq) =>
    deliveries.all(seq).map((row) => ({
      delivery: toDelivery(row),
      attempts: attempts.all(row.seq).map((a) =>
        a.outcome === null || a.finished_at === null
          ? { delivery: row.id, attempt: a.attempt, at: a.started_at, outcome: "sending" as const }
          : {
              attempt: a.attempt,
              startedAt: a.started_at,
              finishedAt: a.finished_at,
              outcome: a.outcome,
              detail: a.detail ?? "",
              ...present("httpStatus", a.http_status),
            },
      ),
      ...present("mergedInto", row.merged_into === null ? null : idOf.get(row.merged_into)),
      ...present("doneAt", row.done_at),
    }));
}

function createLineage(db: Db): StoreReader["lineage"] {
  const rows = db.prepare<
    [string, string, string, number],
    HistorySqlRow & {
      event_seq: number;
      event_id: EventId;
      type: string;
      source: string;
      occurred_at: number | null;
      rank: number | null;
    }
  >(
    `SELECT h.*, coalesce(e.id, 'purged') AS event_id, coalesce(e.type, 'purged') AS type, coalesce(e.source, 'purged') AS source,
       e.occurred_at, e.rank FROM history h LEFT JOIN events e ON e.seq = h.event_seq
     WHERE h.entity_key = +? AND h.entity_type = +? AND h.attribute = +? ORDER BY h.seq DESC LIMIT +?`,
  );
  const superseding = createSuperseding(db);
  const commitOf = createCommits(db);
  return async (entity, attribute, limit) =>
    rows.all(entity.key, entity.type, attribute, limit).map(
      (row): LineageRow => ({
        ...toHistory(row),
        ...superseding(row.superseded_by),
        ...commitOf(row.revision),
        event: row.event_id,
        eventType: row.type,
        source: row.source,
        revision: row.revision,
        // A computed value has no place in a source's order; history outlives its events.
        ...(row.result === "computed" || row.occurred_at === null || row.rank === null
          ? {}
          : { version: { source: row.source, time: row.occurred_at, rank: row.rank, seq: row.event_seq } }),
      }),
    );
}
