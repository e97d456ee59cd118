/** The list of events, newest first, and how one is found by any of its names. */
import type { EventId } from "../core/types.ts";
import type { Db } from "./connection.ts";
import { prepareFind } from "./dedupe.ts";
import { createHashedAs, dedupeHash } from "./hashed-names.ts";
import type { EventFilter, EventOutcome, EventSummary, StoreReader } from "./store.ts";
import { type DeliveryState, summarize, type TurnRow } from "./summary.ts";

/** What a summary takes from `events`. */
export interface SummaryRow {
  readonly seq: number;
  readonly id: EventId;
  readonly providerId: string;
  readonly source: string;
  readonly type: string;
  readonly receivedAt: number;
  readonly occurredAt: number;
}

const SUMMARY_COLUMNS =
  "e.seq, e.id, e.provider_id AS providerId, e.source, e.type, e.received_at AS receivedAt, e.occurred_at AS occurredAt";
const DEFAULT_LIMIT = 20;

/** Events that may have an outcome, so that rare ones are found by index; the summary decides. */
const CANDIDATES: Readonly<Record<EventOutcome, string>> = {
  accepted: "e.seq IN (SELECT event_seq FROM work WHERE held_until IS NULL)",
  held: "e.seq IN (SELECT event_seq FROM work WHERE held_until IS NOT NULL)",
  // A merged delivery is as open as the one it was merged into.
  pending: `(e.seq IN (SELECT event_seq FROM outbox)
    OR e.seq IN (SELECT d.event_seq FROM deliveries d JOIN outbox o ON o.delivery_seq = d.merged_into WHERE d.merged_into IS NOT NULL))`,
  dead_letter: `(e.seq IN (SELECT event_seq FROM dead_letters WHERE status = 'open')
    OR e.seq IN (SELECT d.event_seq FROM dead_letters x JOIN deliveries d ON d.merged_into = x.delivery_seq
      WHERE x.status = 'open' AND d.merged_into IS NOT NULL))`,
  discarded: `(e.seq IN (SELECT event_seq FROM dead_letters WHERE status = 'discarded')
    OR e.seq IN (SELECT d.event_seq FROM dead_letters x JOIN deliveries d ON d.merged_into = x.delivery_seq
      WHERE x.status = 'discarded' AND d.merged_into IS NOT NULL))`,
  delivered: "EXISTS (SELECT 1 FROM outcomes o WHERE o.event_seq = e.seq AND o.status = 'applied')",
  skipped: `(EXISTS (SELECT 1 FROM outcomes o WHERE o.event_seq = e.seq AND o.status = 'skipped')
    OR NOT EXISTS (SELECT 1 FROM outcomes o WHERE o.event_seq = e.seq))`,
};

/** Makes `events` and what the story shares with it. */
export function createEventReads(db: Db): Pick<StoreReader, "events"> & {
  summaryOf(row: SummaryRow): EventSummary;
  find(id: string): number | undefined;
} {
  const summaryOf = createSummaries(db);
  return {
    summaryOf,
    find: createFind(db),
    async events(filter) {
      const limit = filter.limit ?? DEFAULT_LIMIT;
      const found: EventSummary[] = [];
      if (filter.outcome !== undefined && !isOutcome(filter.outcome)) return found;
      const { where, values } = conditions(filter);
      const rows = db.prepare<Record<string, string | number>, SummaryRow>(
        `SELECT ${SUMMARY_COLUMNS} FROM events e ${where} ORDER BY e.seq DESC`,
      );
      for (const row of rows.iterate(values)) {
        if (found.length >= limit) break;
        const summary = summaryOf(row);
        if (filter.outcome === undefined || summary.outcome === filter.outcome) found.push(summary);
      }
      return found;
    },
  };
}

function isOutcome(text: string): text is EventOutcome {
  return Object.hasOwn(CANDIDATES, text);
}

function conditions(filter: EventFilter): { where: string; values: Record<string, string | number> } {
  const parts: string[] = [];
  const values: Record<string, string | number> = {};
  const add = (name: string, value: string | number | undefined, sql: string) => {
    if (value === undefined) return;
    parts.push(sql);
    values[name] = value;
  };
  add("source", filter.source, "e.source = +@source");
  add("type", filter.type, "e.type = +@type");
  add("since", filter.since, "e.received_at >= +@since");
  add("before", filter.before, "e.seq < +@before");
  add(
    "pipeline",
    filter.pipeline,
    `(EXISTS (SELECT 1 FROM work w WHERE w.event_seq = e.seq AND w.pipeline = +@pipeline)
      OR EXISTS (SELECT 1 FROM outcomes o WHERE o.event_seq = e.seq AND o.pipeline = +@pipeline))`,
  );
  if (filter.outcome !== undefined && isOutcome(filter.outcome)) parts.push(CANDIDATES[filter.outcome]);
  return { where: parts.length === 0 ? "" : `WHERE ${parts.join(" AND ")}`, values };
}

function createSummaries(db: Db): (row: SummaryRow) => EventSummary {
  // Work that is open again (a retried dead letter) hides the outcome it had.
  const turns = db.prepare<{ seq: number }, TurnRow>(
    `SELECT pipeline, iif(held_until IS NULL, 'ready', 'held') AS status, hold_reason AS reason, NULL AS at, NULL AS superseding FROM work WHERE event_seq = +@seq
     UNION ALL
     SELECT o.pipeline, o.status, o.reason, o.at, (SELECT s.id FROM events s WHERE s.seq = o.superseded_by) FROM outcomes o WHERE o.event_seq = +@seq
       AND NOT EXISTS (SELECT 1 FROM work w WHERE w.event_seq = +@seq AND w.pipeline = o.pipeline)
     ORDER BY pipeline`,
  );
  const deliveries = db.prepare<[number], DeliveryState>(
    `SELECT d.pipeline, coalesce(t.status, o.status) AS status, t.done_at
     FROM deliveries d JOIN deliveries t ON t.seq = coalesce(d.merged_into, d.seq) LEFT JOIN outbox o ON o.delivery_seq = t.seq
     WHERE d.event_seq = +?`,
  );
  const unreadable = db
    .prepare<[number], "open" | "retried" | "discarded">(
      "SELECT status FROM dead_letters WHERE event_seq = +? AND pipelines IS NOT NULL",
    )
    .pluck();
  return (row) => {
    const status = unreadable.get(row.seq);
    return summarize(row, {
      turns: turns.all({ seq: row.seq }),
      deliveries: deliveries.all(row.seq),
      ...(status === undefined ? {} : { unreadable: status }),
    });
  };
}

/** Shortest start of our id that is taken for one. */
const SHORTEST_START = 8;
/** How far back a provider's id is searched once its dedupe key has gone. */
const LOOK_BACK_EVENTS = 100_000;

/** Seq of an event by our id, a start of ours that only one has, or the provider's id. */
function createFind(db: Db): (id: string) => number | undefined {
  const exact = db.prepare<[string], number>("SELECT seq FROM events WHERE id = +?").pluck();
  const starting = db
    .prepare<[string, string], number>("SELECT seq FROM events WHERE id >= +? AND id < +? LIMIT 2")
    .pluck();
  const sources = db.prepare<[], string>("SELECT name FROM sources").pluck();
  const findKey = prepareFind(db);
  const hashedAs = createHashedAs(db);
  const recent = db
    .prepare<[string, number], number>(
      "SELECT seq FROM events WHERE provider_id = +? AND seq > (SELECT max(seq) FROM events) - +? ORDER BY seq DESC LIMIT 1",
    )
    .pluck();
  const byStart = (id: string): number | undefined => {
    if (id.length < SHORTEST_START) return undefined;
    const start = id.startsWith("evt_") ? id : `evt_${id}`;
    const found = starting.all(start, `${start}\u{10ffff}`);
    return found.length === 1 ? found[0] : undefined;
  };
  const byProviderId = (id: string): number | undefined => {
    const found = sources.all().flatMap((source) => findKey(dedupeHash(hashedAs, source, `p:${id}`))?.event_seq ?? []);
    return found.length > 0 ? Math.max(...found) : recent.get(id, LOOK_BACK_EVENTS);
  };
  return (id) => exact.get(id) ?? byStart(id) ?? byProviderId(id);
}
