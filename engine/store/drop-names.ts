/** Ends the live rows of names that are gone on purpose, inside the transaction that puts a revision in force. */
import type { Db } from "./connection.ts";
import type { NameKind } from "./naming.ts";
import { type Attributes, createEntityRewriter, rewriteByAttribute } from "./rewrite-json.ts";
import { fromJson } from "./rows.ts";

/** `entity`: whose attribute or state it is. */
export interface Drop {
  readonly name: string;
  readonly entity: string;
  readonly revision: string;
  readonly at: number;
}

/** Work ends as skipped, deliveries and dead letters as discarded: none of them vanishes. */
export type DropNames = Readonly<Record<NameKind, (drop: Drop) => void>>;

const NOTE = "dropped by the config";

export function createDropNames(db: Db): DropNames {
  const run = (sql: string, values: Readonly<Record<string, string | number>>): void => {
    const asked = Object.entries(values).filter(([name]) => new RegExp(`@${name}\\b`).test(sql));
    db.prepare(sql).run(Object.fromEntries(asked));
  };
  const all = (statements: readonly string[], { name, entity, revision, at }: Drop): void => {
    for (const sql of statements) run(sql, { name, entity, revision, at, note: NOTE });
  };
  const rewrite = createEntityRewriter(db);
  return {
    pipelines: (drop) =>
      all([...endWork("w.pipeline = @name"), ...endLetters("delivery_seq IS NULL AND pipeline = @name")], drop),
    sources: (drop) => all([...endWork("e.source = @name"), "DELETE FROM learned_secrets WHERE source = @name"], drop),
    connections: (drop) =>
      all(
        [
          ...endDeliveries("connection = @name"),
          "DELETE FROM acknowledged WHERE connection = @name",
          "DELETE FROM pauses WHERE kind = 'connection' AND name = @name",
        ],
        drop,
      ),
    entities: (drop) =>
      all(
        [
          ...endDeliveries("entity_type = @name"),
          "DELETE FROM acknowledged WHERE entity_type = @name",
          "DELETE FROM links WHERE type = @name",
          "UPDATE entities SET parent_type = NULL, parent_key = NULL, changes = changes + 1 WHERE parent_type = @name",
          "DELETE FROM entities WHERE type = @name",
          "DELETE FROM seeds WHERE entity = @name",
        ],
        drop,
      ),
    attributes(drop) {
      const { entity, name } = drop;
      rewrite(
        { sql: "type = @entity AND instr(attributes, json_quote(@name)) > 0", values: { entity, name } },
        (texts) => ({ ...texts, attributes: JSON.stringify(without(fromJson<Attributes>(texts.attributes), name)) }),
      );
      rewriteByAttribute(db, { entity, from: name }, (values) => without(values, name));
      // An upsert that has nothing left to write, and was not sent yet.
      all(
        endDeliveries(
          `entity_type = @entity AND kind = 'upsert' AND status = 'pending' AND first_attempt_at IS NULL
             AND delivery_seq IN (SELECT seq FROM deliveries WHERE attributes = '{}' AND done_at IS NULL)`,
          false,
        ),
        drop,
      );
    },
    states: (drop) =>
      all(
        [
          `UPDATE entities SET state = 'unknown', state_version = NULL, changes = changes + 1
             WHERE type = @entity AND state = @name`,
        ],
        drop,
      ),
  };
}

/** `which`: over `work w JOIN events e`. */
function endWork(which: string): string[] {
  const chosen = `SELECT w.seq FROM work w JOIN events e ON e.seq = w.event_seq WHERE ${which}`;
  return [
    `INSERT OR REPLACE INTO outcomes (event_seq, pipeline, status, reason, revision, at)
       SELECT w.event_seq, w.pipeline, 'skipped', 'dropped', @revision, @at FROM work w WHERE w.seq IN (${chosen})`,
    `DELETE FROM waits WHERE work_seq IN (${chosen})`,
    `DELETE FROM work WHERE seq IN (${chosen})`,
  ];
}

/** `which`: over `dead_letters`. */
function endLetters(which: string): string[] {
  return [
    `UPDATE outcomes SET status = 'discarded' WHERE (event_seq, pipeline) IN (
       SELECT event_seq, pipeline FROM dead_letters WHERE status = 'open' AND ${which}) AND status = 'dead'`,
    `UPDATE dead_letters SET status = 'discarded', resolved_at = @at, resolution = @note WHERE status = 'open' AND ${which}`,
  ];
}

/** `which`: over `outbox`; with `letters` also those whose dead letter is open. Lanes of a whole connection or entity go, or get a new head. */
function endDeliveries(which: string, letters = true): string[] {
  const open = `SELECT delivery_seq FROM outbox WHERE ${which}`;
  return [
    `UPDATE deliveries SET status = 'discarded', done_at = @at, note = @note,
       attempts = (SELECT o.attempts FROM outbox o WHERE o.delivery_seq = deliveries.seq),
       first_attempt_at = (SELECT o.first_attempt_at FROM outbox o WHERE o.delivery_seq = deliveries.seq)
     WHERE seq IN (${open})`,
    ...(letters
      ? [
          `UPDATE deliveries SET status = 'discarded', done_at = @at, note = @note WHERE status = 'dead' AND ${which}
             AND seq IN (SELECT delivery_seq FROM dead_letters WHERE status = 'open')`,
          `UPDATE dead_letters SET status = 'discarded', resolved_at = @at, resolution = @note
             WHERE status = 'open' AND delivery_seq IN (SELECT seq FROM deliveries WHERE ${which})`,
        ]
      : []),
    `DELETE FROM outbox WHERE ${which}`,
    `UPDATE outbox SET head = 1 WHERE head = 0 AND NOT EXISTS (
       SELECT 1 FROM outbox o WHERE o.entity_key = outbox.entity_key AND o.entity_type = outbox.entity_type
         AND o.connection = outbox.connection AND o.delivery_seq < outbox.delivery_seq)`,
  ];
}

function without<T>(object: Readonly<Record<string, T>>, name: string): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
}
