/** Reads of alerts: how events stand, what was in time, what waits for a person, what channels are to be told. */
import { MAX_RETRY_AFTER_MS } from "../core/backoff.ts";
import type {
  AlertMessage,
  AlertReads,
  AlertRecord,
  EventStanding,
  Silence,
  SloCount,
  SourceHour,
  TurnStanding,
} from "./alert-records.ts";
import type { Db } from "./connection.ts";
import { createHeldWork, createLetterFacts } from "./open-work.ts";
import { fromJson, present } from "./rows.ts";

export function createAlertReads(db: Db): AlertReads {
  const counts = db.prepare<[number], SloCount>(
    "SELECT pipeline, at, cause, good, bad FROM slo_counts WHERE at >= +? ORDER BY at",
  );
  const cursors = db.prepare<[], { pipeline: string; seq: number }>("SELECT pipeline, seq FROM slo_cursors");
  const last = db.prepare<[], number>("SELECT coalesce(max(seq), 0) FROM events").pluck();
  const hours = db.prepare<[number], SourceHour>(
    "SELECT source, hour, events, last_at AS lastAt FROM source_hours WHERE hour >= +?",
  );
  const newest = db.prepare<[], number>("SELECT coalesce(max(seq), 0) FROM history").pluck();
  const refused = db
    .prepare<[number, number], string>(
      "SELECT pipeline FROM history WHERE seq > +? AND seq <= +? AND result = 'refused'",
    )
    .pluck();
  const silences = db.prepare<[number], Silence>(
    `SELECT id, match, from_at AS "from", until_at AS until, made_by AS by, reason, made_at AS madeAt
     FROM silences WHERE until_at > +? ORDER BY made_at`,
  );
  return {
    standings: createStandings(db),
    sloCounts: async (since) => counts.all(since),
    sloCursors: async () => cursors.all(),
    lastEventSeq: async () => last.get() ?? 0,
    sourceHours: async (since) => hours.all(Math.floor(since / 3_600_000)),
    alertFacts: createFacts(db),
    async refusedSince(from) {
      const to = newest.get() ?? 0;
      return { last: to, refused: from === undefined ? [] : refused.all(from, to) };
    },
    alerts: createAlertList(db),
    ...createMessages(db),
    silences: async (now) => silences.all(now),
  };
}

interface Part {
  readonly pipeline: string;
  readonly status: string;
  readonly at: number | null;
  readonly connection: string | null;
  readonly drift: number;
}

/** Work that is open hides the outcome the event had before; a merged delivery stands as the one that does its work. */
function createStandings(db: Db): AlertReads["standings"] {
  const events = db.prepare<[number, number], { seq: number; receivedAt: number }>(
    "SELECT seq, received_at AS receivedAt FROM events WHERE seq > +? ORDER BY seq LIMIT +?",
  );
  const parts = db.prepare<{ seq: number }, Part>(
    `SELECT pipeline, iif(held_until IS NULL, 'open', 'held') AS status, NULL AS at, NULL AS connection, 0 AS drift
       FROM work WHERE event_seq = +@seq
     UNION ALL
     SELECT o.pipeline, o.status, o.at, NULL, json_type(o.detail, '$.drift') IS NOT NULL FROM outcomes o WHERE o.event_seq = +@seq
       AND NOT EXISTS (SELECT 1 FROM work w WHERE w.event_seq = +@seq AND w.pipeline = o.pipeline)
     UNION ALL
     SELECT d.pipeline, coalesce(t.status, 'open'), t.done_at, d.connection, 0
       FROM deliveries d JOIN deliveries t ON t.seq = coalesce(d.merged_into, d.seq) WHERE d.event_seq = +@seq`,
  );
  return async (after, receivedBy, limit) => {
    const standings: EventStanding[] = [];
    for (const event of events.all(after, limit)) {
      // Seqs are in the order of receipt; where the wall clock was set back, later ones wait with it.
      if (event.receivedAt > receivedBy) break;
      standings.push({ ...event, turns: turnsOf(parts.all({ seq: event.seq })) });
    }
    return standings;
  };
}

const ENDED: ReadonlySet<string> = new Set(["applied", "skipped", "delivered", "merged", "superseded"]);

function turnsOf(parts: readonly Part[]): TurnStanding[] {
  const byPipeline = Map.groupBy(parts, (part) => part.pipeline);
  return [...byPipeline].map(([pipeline, own]) => {
    const drift = own.some((part) => part.drift === 1);
    const dead = own.find((part) => part.status === "dead" || part.status === "discarded");
    const open = own.find((part) => part.status !== "held" && !ENDED.has(part.status) && part !== dead);
    const worst = dead ?? open;
    if (worst !== undefined) {
      const status = worst === dead ? "dead" : "open";
      return { pipeline, status, drift, ...present("connection", worst.connection) };
    }
    if (own.some((part) => part.status === "held")) return { pipeline, status: "held", drift };
    // The last to end is the one that was waited for.
    const end = own.reduce((late, part) => ((part.at ?? 0) > (late.at ?? 0) ? part : late));
    return { pipeline, status: "done", endedAt: end.at ?? 0, drift, ...present("connection", end.connection) };
  });
}

/** One after the other: slices of two reads in one turn of the loop would hold it up twice as long. */
function createFacts(db: Db): AlertReads["alertFacts"] {
  const [dead, held] = [createLetterFacts(db), createHeldWork(db)];
  return async () => ({ dead: await dead(), held: await held() });
}

interface AlertRow {
  readonly id: string;
  readonly subject: string;
  readonly opened_at: number;
  readonly resolved_at: number | null;
  readonly document: string;
}

function createAlertList(db: Db): AlertReads["alerts"] {
  const open = db.prepare<[number], AlertRow>(
    "SELECT * FROM alerts WHERE resolved_at IS NULL ORDER BY opened_at DESC LIMIT +?",
  );
  const all = db.prepare<[number], AlertRow>("SELECT * FROM alerts ORDER BY opened_at DESC LIMIT +?");
  return async (filter) =>
    (filter.open === true ? open : all).all(filter.limit).map(
      (row): AlertRecord => ({
        id: row.id,
        subject: row.subject,
        openedAt: row.opened_at,
        ...present("resolvedAt", row.resolved_at),
        document: fromJson(row.document),
      }),
    );
}

interface MessageRow extends Omit<AlertMessage, "document"> {
  readonly document: string;
}

function createMessages(db: Db): Pick<AlertReads, "dueAlertMessages" | "nextAlertMessage"> {
  const first = `NOT EXISTS (SELECT 1 FROM alert_messages e WHERE e.done_at IS NULL AND e.alert_id = m.alert_id
      AND e.channel = m.channel AND e.seq < m.seq)`;
  // No retry is as far away as that: the clock was ahead when it was set.
  const due = db.prepare<{ now: number; far: number; limit: number }, MessageRow>(
    `SELECT seq, alert_id AS alert, channel, kind, document, created_at AS createdAt, next_at AS nextAt, attempts
     FROM alert_messages m WHERE done_at IS NULL AND (next_at <= +@now OR next_at > +@far) AND ${first} ORDER BY next_at, seq LIMIT +@limit`,
  );
  const next = db
    .prepare<[], number | null>(`SELECT min(next_at) FROM alert_messages m WHERE done_at IS NULL AND ${first}`)
    .pluck();
  return {
    dueAlertMessages: async (now, limit) =>
      due
        .all({ now, far: now + MAX_RETRY_AFTER_MS, limit })
        .map((row) => ({ ...row, document: fromJson(row.document) })),
    nextAlertMessage: async () => next.get() ?? undefined,
  };
}
