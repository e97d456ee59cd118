/** Gives live rows a new name, inside the transaction that puts a revision in force. */
import type { EntityRecord } from "../core/record.ts";
import type { Version } from "../core/types.ts";
import type { Db } from "./connection.ts";
import { createHashedNames } from "./hashed-names.ts";
import type { NameKind } from "./naming.ts";
import {
  type Attributes,
  createEntityRewriter,
  mapAttributes,
  mapText,
  mentions,
  OPEN_OR_DEAD,
  renameKey,
  rewriteByAttribute,
} from "./rewrite-json.ts";
import { fromJson } from "./rows.ts";

/** Old and new name; `entity`: whose attribute or state it is. */
export interface Move {
  readonly from: string;
  readonly to: string;
  readonly entity: string;
}

export type MoveNames = Readonly<Record<NameKind, (move: Move) => void>>;

export function createMoveNames(db: Db): MoveNames {
  const hashed = createHashedNames(db);
  const run = (sql: string, values: Record<string, unknown>): void => void db.prepare(sql).run(values);
  const all = (statements: readonly string[], { from, to, entity }: Move): void => {
    for (const sql of statements) run(sql, namedIn(sql, { from, to, entity }));
  };
  const rewrite = createEntityRewriter(db);
  return {
    pipelines(move) {
      hashed.rename("pipeline", move.from, move.to);
      all(
        [
          "UPDATE work SET pipeline = @to WHERE pipeline = @from",
          "UPDATE OR REPLACE outcomes SET pipeline = @to WHERE pipeline = @from",
          "UPDATE OR REPLACE fetches SET pipeline = @to WHERE pipeline = @from",
          "UPDATE history SET pipeline = @to WHERE pipeline = @from",
          "UPDATE deliveries SET pipeline = @to WHERE pipeline = @from",
          "UPDATE dead_letters SET pipeline = @to WHERE pipeline = @from",
          `UPDATE dead_letters SET pipelines = (SELECT json_group_array(CASE value WHEN @from THEN @to ELSE value END) FROM json_each(pipelines))
             WHERE status = 'open' AND pipelines IS NOT NULL`,
          "UPDATE OR REPLACE pauses SET name = @to WHERE kind = 'pipeline' AND name = @from",
          "UPDATE OR REPLACE slo_counts SET pipeline = @to WHERE pipeline = @from",
          "UPDATE OR REPLACE slo_cursors SET pipeline = @to WHERE pipeline = @from",
        ],
        move,
      );
      rewrite(mentions("writer", move.from), (texts) => ({
        ...texts,
        attributes: mapAttributes(texts, (one) => (one.writer === move.from ? { ...one, writer: move.to } : one)),
      }));
    },
    sources(move) {
      hashed.rename("source", move.from, move.to);
      all(
        [
          "UPDATE OR REPLACE sources SET name = @to WHERE name = @from",
          "UPDATE OR REPLACE learned_secrets SET source = @to WHERE source = @from",
          "UPDATE events SET source = @to WHERE source = @from",
          "UPDATE OR REPLACE source_hours SET source = @to WHERE source = @from",
        ],
        move,
      );
      const version = <V extends Version | undefined>(one: V): V =>
        one !== undefined && one.source === move.from ? { ...one, source: move.to } : one;
      rewrite(mentions("source", move.from), (texts) => ({
        ...texts,
        attributes: mapAttributes(texts, (one) => ({
          ...one,
          ...(one.version !== undefined && { version: version(one.version) }),
          ...(one.ladder !== undefined && {
            ladder: one.ladder.map((rung) => ({ ...rung, version: version(rung.version) })),
          }),
        })),
        state_version: mapText<Version>(texts.state_version, version),
        life: mapText<Pick<EntityRecord, "first" | "deletions" | "newest">>(texts.life, (one) => ({
          ...one,
          ...(one.first !== undefined && { first: version(one.first) }),
          ...(one.deletions !== undefined && { deletions: one.deletions.map(version) }),
          ...(one.newest !== undefined && { newest: one.newest.map(version) }),
        })),
        tombstone: mapText<{ version: Version }>(texts.tombstone, (one) => ({ ...one, version: version(one.version) })),
      }));
    },
    connections(move) {
      hashed.rename("connection", move.from, move.to);
      all(
        [
          `UPDATE deliveries SET deliver_id = @to || substr(deliver_id, length(@from) + 1)
             WHERE connection = @from AND ${OPEN_OR_DEAD} AND substr(deliver_id, 1, length(@from) + 1) = @from || '/'`,
          "UPDATE deliveries SET connection = @to WHERE connection = @from",
          "UPDATE outbox SET connection = @to WHERE connection = @from",
          "UPDATE OR REPLACE acknowledged SET connection = @to WHERE connection = @from",
          "UPDATE OR REPLACE pauses SET name = @to WHERE kind = 'connection' AND name = @from",
          "UPDATE OR REPLACE slo_counts SET cause = @to WHERE cause = @from",
        ],
        move,
      );
    },
    entities(move) {
      hashed.rename("entity", move.from, move.to);
      all(
        [
          "UPDATE entities SET type = @to, changes = changes + 1 WHERE type = @from",
          "UPDATE entities SET parent_type = @to WHERE parent_type = @from",
          "UPDATE links SET type = @to WHERE type = @from",
          "UPDATE OR IGNORE waits SET entity_type = @to WHERE entity_type = @from",
          "UPDATE history SET entity_type = @to WHERE entity_type = @from",
          `UPDATE deliveries SET deliver_id = replace(deliver_id, '/' || action || '/' || @from, '/' || action || '/' || @to)
             WHERE entity_type = @from AND ${OPEN_OR_DEAD}`,
          "UPDATE deliveries SET entity_type = @to WHERE entity_type = @from",
          "UPDATE outbox SET entity_type = @to WHERE entity_type = @from",
          "UPDATE OR REPLACE acknowledged SET entity_type = @to WHERE entity_type = @from",
          "UPDATE OR REPLACE seeds SET entity = @to WHERE entity = @from",
          "UPDATE erased SET type = @to WHERE type = @from",
        ],
        move,
      );
    },
    attributes(move) {
      const { entity, from, to } = move;
      rewrite(
        { sql: "type = @entity AND instr(attributes, json_quote(@from)) > 0", values: { entity, from } },
        (texts) => ({
          ...texts,
          attributes: JSON.stringify(renameKey(fromJson<Attributes>(texts.attributes), from, to)),
        }),
      );
      all(
        [
          `UPDATE entities SET ids = json_remove(json_set(ids, '$.' || json_quote(@to), ids ->> ('$.' || json_quote(@from))), '$.' || json_quote(@from))
             WHERE type = @entity AND (ids ->> ('$.' || json_quote(@from))) IS NOT NULL`,
          "UPDATE links SET id_name = @to WHERE type = @entity AND id_name = @from",
          `UPDATE OR IGNORE waits SET entity_key = '@' || @to || substr(entity_key, length(@from) + 2)
             WHERE entity_type = @entity AND substr(entity_key, 1, length(@from) + 2) = '@' || @from || '='`,
          "UPDATE history SET attribute = @to WHERE entity_type = @entity AND attribute = @from",
        ],
        move,
      );
      rewriteByAttribute(db, move, (values) => renameKey(values, from, to));
    },
    states(move) {
      all(
        [
          "UPDATE entities SET state = @to, changes = changes + 1 WHERE type = @entity AND state = @from",
          `UPDATE deliveries SET state = @to WHERE entity_type = @entity AND state = @from AND ${OPEN_OR_DEAD}`,
        ],
        move,
      );
    },
  };
}

/** better-sqlite3 refuses values that no parameter asks for. */
function namedIn(sql: string, values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => new RegExp(`@${name}\\b`).test(sql)));
}
