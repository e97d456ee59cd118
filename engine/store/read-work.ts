/** Reads of events as stored and of the work that is ready or held. */
import type { EntityRef } from "../core/types.ts";
import type { Db } from "./connection.ts";
import { fromJson, present } from "./rows.ts";
import type { Store, StoredEvent, WorkItem } from "./store.ts";

/** A row of `events` with its body. */
export interface EventRow {
  readonly seq: number;
  readonly id: StoredEvent["id"];
  readonly source: string;
  readonly provider: string;
  readonly dedupe_key: string;
  readonly provider_id: string;
  readonly type: string;
  readonly occurred_at: number;
  readonly clock_resolution_ms: number;
  readonly rank: number;
  readonly received_at: number;
  readonly headers: string;
  readonly content_type: string;
  readonly body: Uint8Array | null;
  readonly edited: Uint8Array | null;
  readonly body_hash: Buffer;
  readonly item_index: number;
  readonly verification: string;
  readonly revision: string;
  readonly duplicates: number;
}

/** The newest correction of an event's body. */
const EDITED = "(SELECT x.body FROM edits x WHERE x.event_seq = e.seq ORDER BY x.seq DESC LIMIT 1) AS edited";

/** An event with the body that it shares or owns, as `EventRow`; takes its seq. */
export const SELECT_EVENT = `SELECT e.*, b.body, ${EDITED} FROM events e LEFT JOIN bodies b ON b.seq = e.body_seq WHERE e.seq = +?`;

export function toStoredEvent(row: EventRow): StoredEvent {
  return {
    seq: row.seq,
    id: row.id,
    source: row.source,
    provider: row.provider,
    dedupeKey: row.dedupe_key,
    providerId: row.provider_id,
    type: row.type,
    occurredAt: row.occurred_at,
    clockResolutionMs: row.clock_resolution_ms,
    rank: row.rank,
    receivedAt: row.received_at,
    headers: fromJson(row.headers),
    contentType: row.content_type,
    body: row.body ?? new Uint8Array(),
    bodyHash: row.body_hash.toString("hex"),
    itemIndex: row.item_index,
    verification: fromJson(row.verification),
    revision: row.revision,
    ...(row.body === null ? { bodyPurged: true as const } : {}),
    ...present("edited", row.edited),
  };
}

export type WorkRow = EventRow & {
  readonly work_seq: number;
  readonly pipeline: string;
  readonly held_since: number | null;
  readonly held_until: number | null;
  readonly hold_reason: string | null;
  readonly generation: number;
  readonly effects: number;
  readonly fetch_request: string | null;
  readonly fetched_at: number | null;
  readonly fetched: string | null;
};

/** Work joined with its event and body, as `WorkRow`. */
export const WORK_WITH_EVENT = `SELECT e.*, b.body, ${EDITED}, w.seq AS work_seq, w.pipeline, w.held_since, w.held_until, w.hold_reason,
    w.generation, w.effects, f.request AS fetch_request, a.at AS fetched_at, a.body AS fetched
  FROM work w JOIN events e ON e.seq = w.event_seq LEFT JOIN bodies b ON b.seq = e.body_seq
    LEFT JOIN fetches f ON f.event_seq = w.event_seq AND f.pipeline = w.pipeline AND f.work_seq = w.seq
    LEFT JOIN answers a ON a.seq = f.answer_seq`;

/** Does not wait for a GET. */
export const NOT_FETCHING = "(f.connection IS NULL OR f.answer_seq IS NOT NULL)";

export function toWorkItem(row: WorkRow): WorkItem {
  return {
    seq: row.work_seq,
    pipeline: row.pipeline,
    status: row.held_until === null ? "ready" : "held",
    event: toStoredEvent(row),
    ...present("heldSince", row.held_since),
    ...present("holdReason", row.hold_reason),
    ...(row.fetched === null || row.fetched_at === null || row.fetch_request === null
      ? {}
      : { fetched: { request: row.fetch_request, at: row.fetched_at, body: row.fetched } }),
    ...(row.generation === 0 ? {} : { replay: { generation: row.generation, effects: row.effects === 1 } }),
  };
}

/** Makes the reads of events and work. */
export function createWorkReads(db: Db): Pick<Store, "event" | "readyWork" | "heldWork" | "nextHoldEnd"> {
  const from = WORK_WITH_EVENT;
  const event = db.prepare<[number], EventRow>(SELECT_EVENT);
  const ready = db.prepare<[number, number], WorkRow>(
    `${from} WHERE w.seq > +? AND w.held_until IS NULL AND w.generation = 0 AND ${NOT_FETCHING} ORDER BY w.seq LIMIT +?`,
  );
  const ended = db.prepare<[number, number], WorkRow>(
    `${from} WHERE w.held_until IS NOT NULL AND w.held_until <= +? ORDER BY w.held_until, w.seq LIMIT +?`,
  );
  const all = db.prepare<[number, number], WorkRow>(
    `${from} WHERE w.seq > +? AND w.held_until IS NOT NULL ORDER BY w.seq LIMIT +?`,
  );
  // An id that the entity has got is waited for as `@id_name=value`.
  const waiting = db.prepare<{ type: string; key: string; limit: number }, WorkRow>(
    `${from} WHERE w.held_until IS NOT NULL AND w.seq IN (
       SELECT work_seq FROM waits WHERE entity_type = +@type AND (entity_key = +@key OR entity_key IN (
         SELECT '@' || i.key || '=' || i.value FROM entities n, json_each(n.ids) i WHERE n.type = +@type AND n.key = +@key)))
     ORDER BY w.seq LIMIT +@limit`,
  );
  const nextEnd = db
    .prepare<[], number | null>("SELECT min(held_until) FROM work WHERE held_until IS NOT NULL")
    .pluck();
  const held = (filter: { entity?: EntityRef; endedBy?: number; after?: number; limit: number }): WorkRow[] => {
    const rows = new Map<number, WorkRow>();
    const { entity, endedBy, after, limit } = filter;
    if (entity !== undefined) {
      for (const row of waiting.all({ type: entity.type, key: entity.key, limit })) rows.set(row.work_seq, row);
    }
    if (endedBy !== undefined) for (const row of ended.all(endedBy, limit)) rows.set(row.work_seq, row);
    if (after !== undefined) for (const row of all.all(after, limit)) rows.set(row.work_seq, row);
    return [...rows.values()].slice(0, limit);
  };
  return {
    async event(seq) {
      const row = event.get(seq);
      return row === undefined ? undefined : toStoredEvent(row);
    },
    readyWork: async (after, limit) => ready.all(after, limit).map(toWorkItem),
    heldWork: async (filter) => held(filter).map(toWorkItem),
    nextHoldEnd: async () => nextEnd.get() ?? undefined,
  };
}
