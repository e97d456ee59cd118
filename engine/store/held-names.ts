/** Counts the live rows of a name: what a revision may not lose sight of without saying so. */
import type { Db } from "./connection.ts";
import { type HeldName, NAME_KINDS, type NameKind, type RevisionNames } from "./naming.ts";

/** Rows of each kind of name; `entity` is set for attributes and states. */
export type CountRows = (kind: NameKind, name: { readonly name: string; readonly entity: string }) => HeldName["rows"];

type Question = readonly [what: string, sql: string];

/** In JSON that `JSON.stringify` wrote, `"writer":"x"` stands only where a key has that value: quotes in texts are escaped. */
const QUESTIONS: Readonly<Record<NameKind, readonly Question[]>> = {
  pipelines: [
    ["events to apply", "SELECT count(*) FROM work WHERE pipeline = @name AND held_until IS NULL"],
    ["held events", "SELECT count(*) FROM work WHERE pipeline = @name AND held_until IS NOT NULL"],
    [
      "open dead letters",
      "SELECT count(*) FROM dead_letters WHERE status = 'open' AND delivery_seq IS NULL AND pipeline = @name",
    ],
    [
      "entities whose values it wrote",
      `SELECT count(*) FROM entities WHERE instr(attributes, '"writer":' || json_quote(@name)) > 0`,
    ],
  ],
  sources: [
    ["events to apply", "SELECT count(*) FROM work w JOIN events e ON e.seq = w.event_seq WHERE e.source = @name"],
    [
      "entities with versions of its clock",
      `SELECT count(*) FROM entities WHERE instr(attributes, '"source":' || json_quote(@name)) > 0
         OR instr(coalesce(state_version, ''), '"source":' || json_quote(@name)) > 0
         OR instr(coalesce(tombstone, ''), '"source":' || json_quote(@name)) > 0
         OR instr(coalesce(life, ''), '"source":' || json_quote(@name)) > 0`,
    ],
  ],
  connections: [
    ["open deliveries", "SELECT count(*) FROM outbox WHERE connection = @name"],
    [
      "open dead letters",
      `SELECT count(*) FROM dead_letters l JOIN deliveries d ON d.seq = l.delivery_seq
         WHERE l.status = 'open' AND d.connection = @name`,
    ],
    [
      "entities that it has acknowledged",
      "SELECT count(*) FROM acknowledged WHERE connection = @name AND attributes <> '{}'",
    ],
  ],
  entities: [
    ["entities", "SELECT count(*) FROM entities WHERE type = @name"],
    ["open deliveries", "SELECT count(*) FROM outbox WHERE entity_type = @name"],
  ],
  attributes: [
    [
      "entities",
      "SELECT count(*) FROM entities WHERE type = @entity AND EXISTS (SELECT 1 FROM json_each(attributes) WHERE key = @name)",
    ],
  ],
  states: [["entities", "SELECT count(*) FROM entities WHERE type = @entity AND state = @name"]],
};

export function createRowCounter(db: Db): CountRows {
  return (kind, { entity, name }) =>
    QUESTIONS[kind].flatMap(([what, sql]) => {
      const count = db.prepare<{ name: string; entity: string }, number>(sql).pluck().get({ name, entity }) ?? 0;
      return count === 0 ? [] : [{ count, what }];
    });
}

const DISTINCT: Readonly<Record<NameKind, string>> = {
  pipelines: "SELECT DISTINCT pipeline FROM work",
  sources: "SELECT name FROM sources",
  connections: "SELECT connection FROM outbox UNION SELECT connection FROM acknowledged",
  entities: "SELECT DISTINCT type FROM entities",
  attributes: "SELECT DISTINCT n.type || '.' || j.key FROM entities n, json_each(n.attributes) j",
  states: "SELECT DISTINCT type || '.' || state FROM entities WHERE state <> 'unknown'",
};

/** The names that rows hold: for a store that no revision has been declared in yet. */
export function namesInRows(db: Db): RevisionNames {
  const names = NAME_KINDS.map((kind) => [kind, db.prepare<[], string>(DISTINCT[kind]).pluck().all()]);
  return Object.fromEntries(names) as RevisionNames;
}
