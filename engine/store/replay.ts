/**
 * Replays: events that had their turn get another one, past dedupe and through the same gates. Their work is a lane of
 * its own (`generation` above 0), which is read only when nothing live is ready.
 */
import type { Handlers } from "./calls.ts";
import type { Db } from "./connection.ts";
import { createAuditWriter } from "./operate.ts";
import { NOT_FETCHING, toWorkItem, WORK_WITH_EVENT, type WorkRow } from "./read-work.ts";
import type { ReplayResult, Store } from "./store.ts";

/** Deliveries of replays that may be open before more replayed work is begun: live ones must not queue up behind them. */
const MAX_OPEN_DELIVERIES = 100;

/** Makes the `replay` handler. Of an event that can not be replayed nothing is touched, and the result counts it. */
export function createReplay(db: Db): Handlers["replay"] {
  const audits = createAuditWriter(db);
  const event = db.prepare<[string], { seq: number; erased: number; body: number }>(
    `SELECT e.seq, e.erased_at IS NOT NULL AS erased, EXISTS (SELECT 1 FROM bodies b WHERE b.seq = e.body_seq) AS body
     FROM events e WHERE e.id = ?`,
  );
  const busy = db.prepare<[number, string], number>("SELECT 1 FROM work WHERE event_seq = ? AND pipeline = ?").pluck();
  const work = db.prepare(
    `INSERT INTO work (event_seq, pipeline, generation, effects)
     SELECT @seq, @pipeline, 1 + coalesce((SELECT generation FROM outcomes WHERE event_seq = @seq AND pipeline = @pipeline), 0), @effects`,
  );
  // What a person was asked to look at is being done again; if it fails again, there is a new dead letter.
  const closeLetters = db.prepare(
    `UPDATE dead_letters SET status = 'retried', resolved_at = ?, resolution = ?
     WHERE event_seq = ? AND pipeline = ? AND kind = 'event' AND status = 'open'`,
  );
  return ({ items, effects, audit }) => {
    const result = { queued: 0, busy: 0, gone: 0 };
    for (const { event: id, pipelines } of items) {
      const row = event.get(id);
      if (row === undefined || row.erased === 1 || row.body === 0) {
        result.gone += 1;
        continue;
      }
      for (const pipeline of pipelines) {
        if (busy.get(row.seq, pipeline) !== undefined) {
          result.busy += 1;
          continue;
        }
        work.run({ seq: row.seq, pipeline, effects: effects ? 1 : 0 });
        closeLetters.run(audit.at, `replayed: ${audit.reason}`, row.seq, pipeline);
        result.queued += 1;
      }
    }
    audits.insert(audit);
    return result satisfies ReplayResult;
  };
}

/** Makes the reads of replayed work. */
export function createReplayReads(db: Db): Pick<Store, "replayWork" | "replaysPending"> {
  const ready = db.prepare<[number, number], WorkRow>(
    `${WORK_WITH_EVENT} WHERE w.generation > 0 AND w.seq > +? AND w.held_until IS NULL AND ${NOT_FETCHING}
     ORDER BY w.seq LIMIT +?`,
  );
  const open = db
    .prepare<[number], number>(
      `SELECT count(*) FROM (SELECT 1 FROM outbox o WHERE EXISTS (SELECT 1 FROM outcomes u
         WHERE u.event_seq = o.event_seq AND u.generation > 0) LIMIT +?)`,
    )
    .pluck();
  const pending = db
    .prepare<[], number>("SELECT count(*) FROM work WHERE generation > 0 AND held_until IS NULL")
    .pluck();
  return {
    async replayWork(after, limit) {
      const rows = ready.all(after, limit);
      if (rows.length > 0 && (open.get(MAX_OPEN_DELIVERIES) ?? 0) >= MAX_OPEN_DELIVERIES) return "wait";
      return rows.map(toWorkItem);
    },
    replaysPending: async () => pending.get() ?? 0,
  };
}

/** What a dead letter of an event needs to be retried as the replay it was. */
export function createReplayMemory(db: Db): {
  /** Generation and effects of a work row; undefined when it is not there. */
  of(workSeq: number, eventSeq: number): { readonly generation: number; readonly effects: number } | undefined;
  remember(letter: string, replay: { readonly generation: number; readonly effects: number }): void;
  /** Gives work that was just opened again the generation its dead letter had. */
  restore(letter: string, workSeq: number): void;
} {
  const of = db.prepare<[number, number], { generation: number; effects: number }>(
    "SELECT generation, effects FROM work WHERE seq = ? AND event_seq = ?",
  );
  const remember = db.prepare("UPDATE dead_letters SET generation = ?, effects = ? WHERE id = ?");
  const restore = db.prepare(
    `UPDATE work SET (generation, effects) = (SELECT generation, effects FROM dead_letters WHERE id = ?) WHERE seq = ?`,
  );
  return {
    of: (workSeq, eventSeq) => of.get(workSeq, eventSeq),
    remember: (letter, { generation, effects }) => {
      if (generation > 0) remember.run(generation, effects, letter);
    },
    restore: (letter, workSeq) => void restore.run(letter, workSeq),
  };
}
