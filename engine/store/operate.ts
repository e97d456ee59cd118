/** What operators change: pauses, revisions, seeded entities; each with its audit row. */
import type { Handlers } from "./calls.ts";
import type { Db } from "./connection.ts";
import { createEntityWriter } from "./entities.ts";
import { createErasures } from "./erased.ts";
import { orNull } from "./rows.ts";
import type { AuditRow } from "./store.ts";

/** Appends to the audit trail, inside the caller's transaction. */
export interface AuditWriter {
  insert(row: AuditRow): void;
}

export function createAuditWriter(db: Db): AuditWriter {
  const insert = db.prepare("INSERT INTO audit (at, actor, action, target, reason) VALUES (?, ?, ?, ?, ?)");
  return {
    insert: (row) => {
      insert.run(row.at, row.actor, row.action, row.target, row.reason);
    },
  };
}

/** Makes the handlers for pauses, revisions and seeds. */
export function createOperateHandlers(
  db: Db,
): Pick<Handlers, "setPause" | "clearPause" | "recordAudit" | "saveRevision" | "markClosed" | "seed"> {
  const audits = createAuditWriter(db);
  const setPause = db.prepare(
    "INSERT OR REPLACE INTO pauses (kind, name, since, paused_by, reason) VALUES (?, ?, ?, ?, ?)",
  );
  const clearPause = db.prepare("DELETE FROM pauses WHERE kind = ? AND name = ?");
  const revision = db.prepare("INSERT OR IGNORE INTO revisions (hash, git_commit, files, at) VALUES (?, ?, ?, ?)");
  const closed = db.prepare("DELETE FROM running");
  return {
    setPause({ pause, audit }) {
      setPause.run(pause.kind, pause.name, pause.since, pause.by, pause.reason);
      audits.insert(audit);
      return null;
    },
    clearPause({ kind, name, audit }) {
      if (clearPause.run(kind, name).changes === 0) return false;
      audits.insert(audit);
      return true;
    },
    recordAudit(audit) {
      audits.insert(audit);
      return null;
    },
    saveRevision({ hash, gitCommit, files, at }) {
      revision.run(hash, orNull(gitCommit), JSON.stringify(files), at);
      return null;
    },
    markClosed() {
      closed.run();
      return null;
    },
    seed: createSeed(db, audits),
  };
}

/** Entities that exist, that were erased, and whose ids belong to another one, are left alone. */
function createSeed(db: Db, audits: AuditWriter): Handlers["seed"] {
  const entities = createEntityWriter(db);
  const erasures = createErasures(db);
  const there = db.prepare<[string, string], number>("SELECT 1 FROM entities WHERE type = ? AND key = ?").pluck();
  const mark = db.prepare(
    `INSERT INTO seeds (entity, at, created) VALUES (@entity, @at, @created)
     ON CONFLICT (entity) DO UPDATE SET at = excluded.at, created = created + excluded.created`,
  );
  return ({ entity, records, audit, at }) => {
    const result = { created: 0, existing: 0, taken: 0, erased: 0 };
    for (const record of records) {
      const write = { record: { ...record, seeded: true }, expected: 0 };
      if (there.get(record.type, record.key) !== undefined) result.existing += 1;
      else if (erasures.isErased(record)) result.erased += 1;
      else if (entities.findConflict([write]) !== undefined) result.taken += 1;
      else {
        entities.write(write);
        result.created += 1;
      }
    }
    mark.run({ entity, at, created: result.created });
    if (audit !== undefined) audits.insert(audit);
    return result;
  };
}
