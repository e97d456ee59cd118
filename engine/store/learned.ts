/** Secrets learned in handshakes: kept, judged, read back. */
import type { Handlers } from "./calls.ts";
import type { Db } from "./connection.ts";
import { createAuditWriter } from "./operate.ts";
import type { LearnedSecret, StoreReader } from "./store.ts";

export function createLearnedHandlers(db: Db): Pick<Handlers, "learnSecret" | "judgeSecret"> {
  const audits = createAuditWriter(db);
  const insert = db.prepare(
    `INSERT OR IGNORE INTO learned_secrets (source, name, fingerprint, value, learned_at, status)
     VALUES (@source, @name, @fingerprint, @value, @learnedAt, @status)`,
  );
  const update = db.prepare("UPDATE learned_secrets SET status = ? WHERE source = ? AND fingerprint = ?");
  const remove = db.prepare("DELETE FROM learned_secrets WHERE source = ? AND fingerprint = ?");
  return {
    learnSecret(secret) {
      insert.run(secret);
      return null;
    },
    judgeSecret({ source, fingerprint, status, audit }) {
      if (status === undefined) remove.run(source, fingerprint);
      else update.run(status, source, fingerprint);
      audits.insert(audit);
      return null;
    },
  };
}

export function createLearnedReads(db: Db): Pick<StoreReader, "learnedSecrets"> {
  const columns = "source, name, fingerprint, value, learned_at AS learnedAt, status";
  const all = db.prepare<[], LearnedSecret>(`SELECT ${columns} FROM learned_secrets ORDER BY source, learned_at DESC`);
  const ofSource = db.prepare<[string], LearnedSecret>(
    `SELECT ${columns} FROM learned_secrets WHERE source = ? ORDER BY learned_at DESC`,
  );
  return {
    learnedSecrets: async (source) => (source === undefined ? all.all() : ofSource.all(source)),
  };
}
