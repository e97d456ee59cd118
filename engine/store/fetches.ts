/** What thin events wait for: turns that ask for a GET, GETs that are due, and what they brought. */
import type { Handlers } from "./calls.ts";
import type { Db } from "./connection.ts";
import { toWorkItem, WORK_WITH_EVENT, type WorkRow } from "./read-work.ts";
import type { FetchTask, Store, StoreReader, WaitingTurn } from "./store.ts";

/** Turns that one GET answers; the others are answered by the next. */
const MAX_TURNS = 500;

/** Makes the handlers. */
export function createFetchHandlers(db: Db): Pick<Handlers, "awaitFetch" | "settleFetch"> {
  const there = db.prepare<[number], number>("SELECT 1 FROM work WHERE seq = ?").pluck();
  // A turn that asks again for the same keeps its place in the retries: a reload is no new beginning.
  const ask = db.prepare(
    `INSERT INTO fetches (event_seq, pipeline, work_seq, connection, request, since, due_at, attempts)
     VALUES (@eventSeq, @pipeline, @workSeq, @connection, @request, @at, @dueAt, 0)
     ON CONFLICT (event_seq, pipeline) DO UPDATE SET
       since = iif(work_seq = excluded.work_seq AND request = excluded.request AND answer_seq IS NULL, since, excluded.since),
       due_at = iif(work_seq = excluded.work_seq AND request = excluded.request AND answer_seq IS NULL, due_at, excluded.due_at),
       attempts = iif(work_seq = excluded.work_seq AND request = excluded.request AND answer_seq IS NULL, attempts, 0),
       work_seq = excluded.work_seq, connection = excluded.connection, request = excluded.request, answer_seq = NULL`,
  );
  const waiting = db
    .prepare<[number, string, number], number>(
      "SELECT 1 FROM fetches WHERE event_seq = ? AND pipeline = ? AND work_seq = ? AND answer_seq IS NULL",
    )
    .pluck();
  const answer = db.prepare("INSERT INTO answers (at, body) VALUES (?, ?)");
  const answered = db.prepare(
    "UPDATE fetches SET answer_seq = ? WHERE event_seq = ? AND pipeline = ? AND work_seq = ? AND answer_seq IS NULL",
  );
  const later = db.prepare(
    `UPDATE fetches SET since = @since, due_at = @dueAt, attempts = @attempts
     WHERE event_seq = @eventSeq AND pipeline = @pipeline AND work_seq = @workSeq AND answer_seq IS NULL`,
  );
  return {
    awaitFetch(wait) {
      // Erased, or its pipeline dropped, while it was being looked at.
      if (there.get(wait.workSeq) !== undefined) ask.run(wait);
      return null;
    },
    settleFetch(settlement) {
      if (settlement.kind === "later") {
        for (const turn of settlement.turns) later.run(turn);
        return null;
      }
      const left = settlement.turns.filter((one) => waiting.get(one.eventSeq, one.pipeline, one.workSeq) !== undefined);
      if (left.length === 0) return null;
      const seq = Number(answer.run(settlement.at, settlement.body).lastInsertRowid);
      for (const { eventSeq, pipeline, workSeq } of left) answered.run(seq, eventSeq, pipeline, workSeq);
      return null;
    },
  };
}

interface FetchRoom {
  readonly limit: number;
  readonly busy: ReadonlySet<string>;
}

/** Makes the reads. */
export function createFetchReads(
  db: Db,
): Pick<Store, "dueFetches" | "nextFetch" | "workItems"> & Pick<StoreReader, "fetched"> {
  const waits = "answer_seq IS NULL AND connection IS NOT NULL AND connection = ?";
  // By the index, row by row: while an API is down there may be very many, and only the first few are wanted.
  const inOrder = db.prepare<[string, number], { request: string; due: number }>(
    `SELECT request, due_at AS due FROM fetches WHERE ${waits} AND due_at <= +? ORDER BY due_at`,
  );
  const turns = db.prepare<[string, string, number], WaitingTurn>(
    `SELECT f.work_seq AS workSeq, f.event_seq AS eventSeq, f.pipeline, f.since, f.due_at AS dueAt, f.attempts,
       e.id AS event, e.received_at AS receivedAt, e.headers ->> '$.traceparent' AS traceparent
     FROM fetches f JOIN events e ON e.seq = f.event_seq
     WHERE ${waits} AND f.request = ? ORDER BY f.due_at, f.work_seq LIMIT +?`,
  );
  const work = db.prepare<[string], WorkRow>(
    `${WORK_WITH_EVENT} WHERE w.seq IN (SELECT value FROM json_each(?)) ORDER BY w.seq`,
  );
  const fetched = db.prepare<[number, string], { request: string; at: number; body: string }>(
    `SELECT f.request, a.at, a.body FROM fetches f JOIN answers a ON a.seq = f.answer_seq
     WHERE f.event_seq = +? AND f.pipeline = ?`,
  );
  /** Requests in the order in which they fall due, each once. */
  const first = (connection: string, until: number, { limit, busy }: FetchRoom): Map<string, number> => {
    const found = new Map<string, number>();
    for (const { request, due } of inOrder.iterate(connection, until)) {
      if (found.size >= limit) break;
      if (!busy.has(request) && !found.has(request)) found.set(request, due);
    }
    return found;
  };
  return {
    dueFetches: async (connection, now, room) =>
      [...first(connection, now, room).keys()].map(
        (request): FetchTask => ({
          connection,
          request,
          turns: turns.all(connection, request, MAX_TURNS),
        }),
      ),
    async nextFetch(connection, busy) {
      const [due] = first(connection, Number.MAX_SAFE_INTEGER, { limit: 1, busy }).values();
      return due;
    },
    workItems: async (seqs) => work.all(JSON.stringify(seqs)).map(toWorkItem),
    fetched: async (eventSeq, pipeline) => fetched.get(eventSeq, pipeline),
  };
}
