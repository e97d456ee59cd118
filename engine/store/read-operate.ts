/** Reads for operators: dead letters, revisions, pauses, the audit trail, counts. */
import type { Db } from "./connection.ts";
import { createOpenDeliveries } from "./open-deliveries.ts";
import { createHeldWork, createOpenLetters } from "./open-work.ts";
import { fromJson, present } from "./rows.ts";
import type { AuditRow, DeadLetter, Pause, SeedMark, StoreCounts, StoreReader } from "./store.ts";

/** A dead letter with the names of its event and delivery. */
export interface DeadLetterRow {
  readonly id: DeadLetter["id"];
  readonly kind: DeadLetter["kind"];
  readonly event_id: DeadLetter["event"];
  readonly delivery_id: NonNullable<DeadLetter["delivery"]> | null;
  readonly source: string;
  readonly type: string;
  readonly pipeline: string;
  readonly code: string;
  readonly message: string;
  readonly created_at: number;
  readonly status: DeadLetter["status"];
  readonly resolved_at: number | null;
  readonly resolution: string | null;
}

/** Selects `DeadLetterRow`s; to be followed by WHERE on `x` (the dead letter). */
export const SELECT_DEAD_LETTER = `SELECT x.*, e.id AS event_id, e.source, e.type, d.id AS delivery_id
  FROM dead_letters x JOIN events e ON e.seq = x.event_seq LEFT JOIN deliveries d ON d.seq = x.delivery_seq`;

export function toDeadLetter(row: DeadLetterRow): DeadLetter {
  return {
    id: row.id,
    kind: row.kind,
    event: row.event_id,
    source: row.source,
    type: row.type,
    pipeline: row.pipeline,
    code: row.code,
    message: row.message,
    createdAt: row.created_at,
    status: row.status,
    ...present("delivery", row.delivery_id),
    ...present("resolvedAt", row.resolved_at),
    ...present("resolution", row.resolution),
  };
}

type OperateReads = Pick<
  StoreReader,
  "deadLetters" | "deadLetter" | "revision" | "pauses" | "audit" | "counts" | "backlog" | "seeds"
>;

const DEFAULT_LIMIT = 100;

/** Makes the reads for operators. */
export function createOperateReads(db: Db): OperateReads {
  const list = db.prepare<{ status: string | null; pipeline: string | null; limit: number }, DeadLetterRow>(
    `${SELECT_DEAD_LETTER} WHERE (@status IS NULL OR x.status = +@status) AND (@pipeline IS NULL OR x.pipeline = +@pipeline)
     ORDER BY x.created_at DESC, x.id DESC LIMIT +@limit`,
  );
  // Apart, so that the index of open ones serves it.
  const open = db.prepare<{ pipeline: string | null; limit: number }, DeadLetterRow>(
    `${SELECT_DEAD_LETTER} WHERE x.status = 'open' AND (@pipeline IS NULL OR x.pipeline = +@pipeline)
     ORDER BY x.created_at DESC, x.id DESC LIMIT +@limit`,
  );
  const byId = db.prepare<[string], DeadLetterRow>(`${SELECT_DEAD_LETTER} WHERE x.id = +?`);
  const revision = db.prepare<[string], { hash: string; git_commit: string | null; files: string; at: number }>(
    "SELECT * FROM revisions WHERE hash = +?",
  );
  const pauses = db.prepare<[], Pause>(
    "SELECT kind, name, since, paused_by AS by, reason FROM pauses ORDER BY kind, name",
  );
  const audit = db.prepare<[number], AuditRow>(
    "SELECT at, actor, action, target, reason FROM audit ORDER BY seq DESC LIMIT +?",
  );
  const seeds = db.prepare<[], SeedMark>("SELECT entity, at, created FROM seeds ORDER BY entity");
  return {
    async deadLetters({ status, pipeline, limit = DEFAULT_LIMIT }) {
      const rows =
        status === "open"
          ? open.all({ pipeline: pipeline ?? null, limit })
          : list.all({ status: status ?? null, pipeline: pipeline ?? null, limit });
      return rows.map(toDeadLetter);
    },
    async deadLetter(id) {
      const row = byId.get(id);
      return row === undefined ? undefined : toDeadLetter(row);
    },
    async revision(hash) {
      const row = revision.get(hash);
      if (row === undefined) return undefined;
      return { hash: row.hash, files: fromJson(row.files), at: row.at, ...present("gitCommit", row.git_commit) };
    },
    pauses: async () => pauses.all(),
    audit: async (limit) => audit.all(limit),
    counts: createCounts(db),
    backlog: createBacklog(db),
    seeds: async () => seeds.all(),
  };
}

/** Events are never deleted and their seqs have no gaps: the highest is their number. */
function createCounts(db: Db): StoreReader["counts"] {
  type Oldest = { readonly [K in "oldestReadyAt" | "oldestOpenAt"]: number | null };
  // Events are numbered as they come, so the lowest number is the oldest: two ends of an index.
  const counts = db.prepare<[], Omit<StoreCounts, keyof Oldest> & Oldest>(
    `SELECT coalesce((SELECT max(seq) FROM events), 0) AS events,
       (SELECT count(*) FROM work WHERE held_until IS NULL)
         - (SELECT count(*) FROM fetches WHERE answer_seq IS NULL AND connection IS NOT NULL) AS ready,
       (SELECT count(*) FROM fetches WHERE answer_seq IS NULL AND connection IS NOT NULL) AS fetching,
       (SELECT count(*) FROM work WHERE held_until IS NOT NULL) AS held,
       (SELECT count(*) FROM outbox) AS openDeliveries,
       (SELECT count(*) FROM dead_letters WHERE status = 'open') AS openDeadLetters,
       (SELECT e.received_at FROM work w JOIN events e ON e.seq = w.event_seq WHERE w.held_until IS NULL ORDER BY w.seq LIMIT 1)
         AS oldestReadyAt,
       (SELECT received_at FROM events WHERE seq = (SELECT min(seq) FROM (
         SELECT min(event_seq) AS seq FROM work UNION ALL SELECT min(event_seq) FROM outbox))) AS oldestOpenAt`,
  );
  const none = {
    events: 0,
    ready: 0,
    fetching: 0,
    held: 0,
    openDeliveries: 0,
    openDeadLetters: 0,
    oldestReadyAt: null,
    oldestOpenAt: null,
  };
  return async () => {
    const { oldestReadyAt, oldestOpenAt, ...rest } = counts.get() ?? none;
    return { ...rest, ...present("oldestReadyAt", oldestReadyAt), ...present("oldestOpenAt", oldestOpenAt) };
  };
}

/** The open ones only, each by an index or a table of its own. */
function createBacklog(db: Db): StoreReader["backlog"] {
  const [held, deliveries, deadLetters] = [createHeldWork(db), createOpenDeliveries(db), createOpenLetters(db)];
  const replays = db
    .prepare<[], number>("SELECT count(*) FROM work WHERE generation > 0 AND held_until IS NULL")
    .pluck();
  return async () => ({
    held: (await held()).map((one) => ({ pipeline: one.pipeline, held: one.held })),
    deliveries: await deliveries(),
    deadLetters: await deadLetters(),
    replays: replays.get() ?? 0,
  });
}
