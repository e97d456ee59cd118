/**
 * The store as it stood before one of its events, read-only and as one snapshot: what `plan` starts from. Values come from
 * the history; of each connection it is taken that it had what the entity was then, where it has been told of it at all.
 */
import { type Clock, systemClock } from "../core/clock.ts";
import { fail } from "../core/errors.ts";
import { refKey } from "../core/record.ts";
import type { EntityRef, Json } from "../core/types.ts";
import { type Db, openConnection } from "./connection.ts";
import { createHashedAs, markKey } from "./hashed-names.ts";
import { createRowCounter } from "./held-names.ts";
import { refuseNewer, refuseOlder, shippedMigrations } from "./migrate.ts";
import type { HeldName, NameKind } from "./naming.ts";
import { createEntityReads } from "./read-entities.ts";
import { createOperateReads } from "./read-operate.ts";
import { createWorkReads } from "./read-work.ts";
import { belongsTo, type PastRow, rewind } from "./rewind.ts";
import { fromJson } from "./rows.ts";
import type { EntityRecord, HistoryRow, OnceMark, RevisionRecord, StoredAnswer, StoredEvent } from "./store.ts";

export interface PastWindow {
  /** Received since, and before; ms since the epoch. */
  readonly since?: number;
  readonly until?: number;
  /** The newest so many. */
  readonly last: number;
}

/** Everything an apply step may ask about the state then. Connections, pipelines and entities by the store's names. */
export interface PastState {
  entity(ref: EntityRef): Promise<EntityRecord | undefined>;
  children(parent: EntityRef, childType: string): Promise<readonly EntityRecord[]>;
  resolveId(type: string, idName: string, value: string): Promise<string | undefined>;
  acknowledged(connection: string, entity: EntityRef, places: string): Promise<Readonly<Record<string, Json>>>;
  onceMarked(mark: OnceMark): Promise<boolean>;
}

export interface PastAnswer extends StoredAnswer {
  readonly pipeline: string;
}

export interface PastStore {
  /** Seqs, oldest first; `more`: events of the span that `last` left out. */
  window(window: PastWindow): { readonly events: readonly number[]; readonly more: number };
  event(seq: number): Promise<StoredEvent | undefined>;
  /** What was fetched for the event, whichever pipeline asked. */
  answers(seq: number): readonly PastAnswer[];
  /** As it was before the event with this seq was first worked on. */
  before(seq: number): PastState;
  /** The revision in force. */
  running(): Promise<RevisionRecord | undefined>;
  /** Live rows of a name, now. */
  rows(kind: NameKind, name: string): HeldName["rows"];
  close(): void;
}

const BUSY_TIMEOUT_MS = 2_000;
/** While a snapshot is held nothing empties the WAL of a running engine, so it may not be held for ever. */
const MAX_HELD_MS = 5 * 60_000;

/** `event` and `before` fail with HK4027 once the snapshot has been held for too long. */
export function openPastStore(path: string, clock: Pick<Clock, "monotonic"> = systemClock): PastStore {
  const db = openConnection({ path, mode: "read", busyTimeoutMs: BUSY_TIMEOUT_MS });
  try {
    refuseNewer(db, path, shippedMigrations());
    refuseOlder(db, path, shippedMigrations());
    // One snapshot: what a running engine writes meanwhile is not seen.
    db.exec("BEGIN");
    return bounded(createPastStore(db), clock);
  } catch (error) {
    db.close();
    throw error;
  }
}

function bounded(store: PastStore, clock: Pick<Clock, "monotonic">): PastStore {
  const end = clock.monotonic() + MAX_HELD_MS;
  const check = () => {
    if (clock.monotonic() > end) fail("HK4027", { minutes: MAX_HELD_MS / 60_000 });
  };
  return {
    ...store,
    async event(seq) {
      check();
      return store.event(seq);
    },
    before(seq) {
      check();
      return store.before(seq);
    },
  };
}

function createPastStore(db: Db): PastStore {
  const { event } = createWorkReads(db);
  const { revision } = createOperateReads(db);
  const inForce = db.prepare<[], string>("SELECT revision FROM in_force").pluck();
  const count = createRowCounter(db);
  const answers = db.prepare<[number], PastAnswer>(
    `SELECT f.pipeline, f.request, a.at, a.body FROM fetches f JOIN answers a ON a.seq = f.answer_seq
     WHERE f.event_seq = +? ORDER BY f.pipeline`,
  );
  return {
    window: createWindow(db),
    event,
    answers: (seq) => answers.all(seq),
    before: createBefore(db),
    async running() {
      const hash = inForce.get();
      return hash === undefined ? undefined : revision(hash);
    },
    rows(kind, name) {
      const dot = name.indexOf(".");
      const isPart = kind === "attributes" || kind === "states";
      return count(kind, isPart ? { entity: name.slice(0, dot), name: name.slice(dot + 1) } : { entity: "", name });
    },
    close: () => void db.close(),
  };
}

function createWindow(db: Db): PastStore["window"] {
  const where = "WHERE received_at >= +@since AND received_at < +@until";
  const newest = db
    .prepare<{ since: number; until: number; last: number }, number>(
      `SELECT seq FROM events ${where} ORDER BY seq DESC LIMIT +@last`,
    )
    .pluck();
  const count = db.prepare<{ since: number; until: number }, number>(`SELECT count(*) FROM events ${where}`).pluck();
  return ({ since = 0, until = Number.MAX_SAFE_INTEGER, last }) => {
    const span = { since: Math.trunc(since), until: Math.trunc(until) };
    const events = newest.all({ ...span, last }).reverse();
    return { events, more: (count.get(span) ?? 0) - events.length };
  };
}

/** What a place that was told of these has, if it has what the entity was. */
export function valuesOf(record: EntityRecord, names: readonly string[]): Readonly<Record<string, Json>> {
  const values = names.flatMap((name): [string, Json][] => {
    // The acknowledged state is kept under this name beside the attributes.
    if (name === "state") return record.state === "unknown" ? [] : [[name, record.state]];
    const value = record.attributes[name]?.value;
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(values);
}

interface PastSqlRow {
  readonly seq: number;
  readonly event_seq: number;
  readonly pipeline: string;
  readonly attribute: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly result: HistoryRow["result"];
  readonly source: string | null;
  readonly occurred_at: number;
  readonly rank: number;
  readonly received_at: number;
}

function toPastRow(row: PastSqlRow): PastRow {
  return {
    seq: row.seq,
    pipeline: row.pipeline,
    attribute: row.attribute,
    before: row.before === null ? undefined : fromJson(row.before),
    after: row.after === null ? undefined : fromJson(row.after),
    result: row.result,
    ...(row.source === null
      ? {}
      : {
          event: {
            seq: row.event_seq,
            source: row.source,
            occurredAt: row.occurred_at,
            rank: row.rank,
            receivedAt: row.received_at,
          },
        }),
  };
}

function prepareRows(db: Db) {
  const from = `SELECT h.seq, h.event_seq, h.pipeline, h.attribute, h.before, h.after, h.result,
      e.source, e.occurred_at, e.rank, e.received_at
    FROM history h LEFT JOIN events e ON e.seq = h.event_seq
    WHERE h.entity_key = +@key AND h.entity_type = +@type`;
  const moved = "h.result IN ('set', 'cleared', 'computed')";
  type Of = { type: string; key: string; seq: number };
  return {
    start: db.prepare<[number], number | null>("SELECT min(seq) FROM history WHERE event_seq >= +?").pluck(),
    startedAt: db.prepare<[number], number>("SELECT at FROM history WHERE seq = +?").pluck(),
    since: db.prepare<Of, PastSqlRow>(`${from} AND h.seq >= +@seq ORDER BY h.seq`),
    last: db.prepare<Of, PastSqlRow>(`${from} AND h.seq < +@seq AND ${moved} ORDER BY h.seq DESC LIMIT 1`),
    lastOf: db.prepare<Of & { attribute: string }, PastSqlRow>(
      `${from} AND h.seq < +@seq AND ${moved} AND h.attribute = +@attribute ORDER BY h.seq DESC LIMIT 1`,
    ),
    names: db
      .prepare<Of, string>(
        "SELECT DISTINCT attribute FROM history WHERE entity_key = +@key AND entity_type = +@type AND seq < +@seq",
      )
      .pluck(),
  };
}

function createBefore(db: Db): PastStore["before"] {
  const rows = prepareRows(db);
  const reads = createEntityReads(db);
  const marked = db.prepare<[Buffer], number>("SELECT event_seq FROM once_marks WHERE key = +?").pluck();
  const hashedAs = createHashedAs(db);
  return (firstEvent) => {
    const seq = rows.start.get(firstEvent) ?? Number.MAX_SAFE_INTEGER;
    const startedAt = rows.startedAt.get(seq) ?? Number.MAX_SAFE_INTEGER;
    /** Rewound once: each turn of an entity asks for it, and it may have very many. */
    const rewound = new Map<string, EntityRecord | undefined>();
    const then = (record: EntityRecord): EntityRecord | undefined => {
      const name = refKey(record);
      if (!rewound.has(name)) rewound.set(name, undone(record));
      return rewound.get(name);
    };
    const undone = (record: EntityRecord): EntityRecord | undefined => {
      const of = { type: record.type, key: record.key, seq };
      const toRow = (row: PastSqlRow | undefined) => (row === undefined ? undefined : toPastRow(row));
      return rewind(record, {
        since: rows.since.all(of).map(toPastRow),
        lastOf: (attribute) => toRow(rows.lastOf.get({ ...of, attribute })),
        last: toRow(rows.last.get(of)),
        names: () => rows.names.all(of),
        firstEvent,
        startedAt,
      });
    };
    const state: PastState = {
      async entity(ref) {
        if (rewound.has(refKey(ref))) return rewound.get(refKey(ref));
        const record = (await reads.snapshot([ref], [])).entities.get(refKey(ref));
        return record === undefined ? undefined : then(record);
      },
      async children(parent, childType) {
        const { children } = await reads.snapshot([], [{ parent, childType }]);
        const records = (children.get(refKey(parent)) ?? []).map(then);
        return records.filter((record) => record !== undefined && belongsTo(record, parent)) as EntityRecord[];
      },
      async resolveId(type, idName, value) {
        const key = await reads.resolveId(type, idName, value);
        const record = key === undefined ? undefined : await state.entity({ type, key });
        return record?.ids[idName] === value || record?.tombstone?.erased === true ? key : undefined;
      },
      async acknowledged(connection, entity, places) {
        const now = await reads.acknowledged(connection, entity, places);
        const record = Object.keys(now).length === 0 ? undefined : await state.entity(entity);
        return record === undefined ? {} : valuesOf(record, Object.keys(now));
      },
      async onceMarked(mark) {
        const by = marked.get(markKey(hashedAs, mark));
        return by !== undefined && by < firstEvent;
      },
    };
    return state;
  };
}
