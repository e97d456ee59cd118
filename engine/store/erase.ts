/**
 * Forgets an entity and what belongs to it, in one transaction: its rows, the bodies and outcomes of its events, what was
 * sent about it. Hashes of its ids stay as tombstones. What is left of its events is metadata: when, from where, of which type.
 */
import type { Handlers } from "./calls.ts";
import type { Db } from "./connection.ts";
import { createErasures, pseudonymOf } from "./erased.ts";
import type { Lanes } from "./lanes.ts";
import { createAuditWriter } from "./operate.ts";
import type { ErasePlan } from "./readings.ts";

const NOTE = "erased";

/** Makes the `erase` and `unerase` handlers. */
export function createEraseHandlers(db: Db, lanes: Lanes): Pick<Handlers, "erase" | "unerase"> {
  const erasures = createErasures(db);
  const audits = createAuditWriter(db);
  const forget = {
    entities: createForgetEntities(db),
    events: createForgetEvents(db),
    deliveries: createForgetDeliveries(db, lanes),
  };
  const sending = db
    .prepare<[number], number>("SELECT 1 FROM outbox WHERE delivery_seq = ? AND status = 'sending'")
    .pluck();
  const lift = db.prepare<[string]>("DELETE FROM erased WHERE entity_hash = ?");
  const byHash = db.prepare<[Buffer], string>("SELECT entity_hash FROM erased WHERE id_hash = ?").pluck();
  return {
    erase({ plan, at, actor, reason }) {
      const busy = plan.deliveries.filter((one) => sending.get(one.seq) !== undefined).length;
      const none = { entities: 0, events: 0, bodies: 0, deliveries: 0, history: 0, deadLetters: 0, kept: 0 };
      // What is on its way right now can still fail and be wanted again: the caller waits for its end.
      if (busy > 0) return { ...none, busy };
      // Bytes that are deleted are overwritten, within the pages that this transaction writes anyway.
      db.pragma("secure_delete = ON");
      try {
        const names = new Map(plan.entities.map((one) => [`${one.type}/${one.key}`, nameOf(one)]));
        const deliveries = forget.deliveries({ plan, names, at });
        const { history } = forget.entities({ plan, at });
        const events = forget.events({ plan, at });
        const [first] = plan.entities;
        if (first !== undefined) audits.insert({ at, actor, action: "erase", target: nameOf(first), reason });
        const { letters, ...counts } = events;
        return {
          entities: plan.entities.length,
          busy: 0,
          history,
          ...counts,
          deliveries: deliveries.count,
          deadLetters: letters + deliveries.letters,
        };
      } finally {
        db.pragma("secure_delete = OFF");
      }
    },
    unerase({ type, key, at, actor, reason }) {
      const hash = byHash.get(erasures.hashOf(type, "", key));
      if (hash === undefined) return false;
      lift.run(hash);
      audits.insert({ at, actor, action: "erase.lift", target: `${type} ${pseudonymOf(hash)}`, reason });
      return true;
    },
  };

  /** What the audit and what is left of deliveries call it. */
  function nameOf({ type, key }: ErasePlan["entities"][number]): string {
    return `${type} ${pseudonymOf(erasures.hashOf(type, "", key).toString("hex"))}`;
  }
}

function createForgetEntities(db: Db) {
  const erasures = createErasures(db);
  const tomb = db.prepare(
    "INSERT OR REPLACE INTO erased (id_hash, entity_hash, type, tombstone, at) VALUES (?, ?, ?, ?, ?)",
  );
  const remove = [
    "DELETE FROM entities WHERE type = ? AND key = ?",
    "DELETE FROM waits WHERE entity_type = ? AND entity_key = ?",
    "DELETE FROM acknowledged WHERE entity_type = ? AND entity_key = ?",
  ].map((sql) => db.prepare<[string, string]>(sql));
  const history = db.prepare<[string, string]>("DELETE FROM history WHERE entity_type = ? AND entity_key = ?");
  const link = db.prepare<[string, string, string]>("DELETE FROM links WHERE type = ? AND id_name = ? AND value = ?");
  return ({ plan, at }: { plan: ErasePlan; at: number }): { history: number } => {
    let rows = 0;
    for (const { type, key, ids } of plan.entities) {
      const own = erasures.hashOf(type, "", key).toString("hex");
      // Of no source's clock: no event is newer than an erasure.
      const tombstone = JSON.stringify({ version: { source: "", time: at, rank: 0, seq: 0 }, erased: true });
      for (const [name, value] of [["", key], ...Object.entries(ids)] as const) {
        tomb.run(erasures.hashOf(type, name, value), own, type, tombstone, at);
        if (name === "") continue;
        link.run(type, name, value);
        remove[1]?.run(type, `@${name}=${value}`);
      }
      rows += history.run(type, key).changes;
      for (const one of remove) one.run(type, key);
    }
    return { history: rows };
  };
}

function createForgetEvents(db: Db) {
  const find = db.prepare<[number], { body_seq: number; provider_id: string; dedupe_key: string }>(
    "SELECT body_seq, provider_id, dedupe_key FROM events WHERE seq = ?",
  );
  // Items of one batch share a body: it goes once no other item still needs it.
  const needed = db
    .prepare<{ body: number; at: number }, number>(
      `SELECT 1 FROM events s WHERE (s.seq = @body OR (s.body_seq = @body AND s.body_seq <> s.seq)) AND s.erased_at IS NULL AND (
         EXISTS (SELECT 1 FROM work w WHERE w.event_seq = s.seq)
         OR EXISTS (SELECT 1 FROM outbox o WHERE o.event_seq = s.seq)
         OR EXISTS (SELECT 1 FROM dead_letters d WHERE d.event_seq = s.seq AND d.status = 'open')) LIMIT 1`,
    )
    .pluck();
  const body = db.prepare<[number]>("DELETE FROM bodies WHERE seq = ?");
  const mark = db.prepare(
    "UPDATE events SET erased_at = ?, headers = '{}', provider_id = ?, dedupe_key = ? WHERE seq = ?",
  );
  const skip = db.prepare(
    `INSERT OR REPLACE INTO outcomes (event_seq, pipeline, status, reason, revision, at)
     SELECT w.event_seq, w.pipeline, 'skipped', 'tombstone', e.revision, +@at FROM work w JOIN events e ON e.seq = w.event_seq WHERE w.event_seq = +@seq`,
  );
  const tidy = [
    "DELETE FROM waits WHERE work_seq IN (SELECT seq FROM work WHERE event_seq = ?)",
    "DELETE FROM work WHERE event_seq = ?",
    "DELETE FROM fetches WHERE event_seq = ?",
    "UPDATE outcomes SET detail = NULL WHERE event_seq = ?",
    "DELETE FROM edits WHERE event_seq = ?",
  ].map((sql) => db.prepare<[number]>(sql));
  const letters = db.prepare(
    `UPDATE dead_letters SET message = '${NOTE}', resolved_at = coalesce(resolved_at, +@at),
       resolution = iif(status = 'open', '${NOTE}', resolution), status = iif(status = 'open', 'discarded', status)
     WHERE event_seq = +@seq AND delivery_seq IS NULL`,
  );
  const discard = db.prepare<[number]>(
    "UPDATE outcomes SET status = 'discarded' WHERE event_seq = ? AND status = 'dead'",
  );
  return ({ plan, at }: { plan: ErasePlan; at: number }) => {
    const counts = { events: 0, bodies: 0, kept: 0, letters: 0 };
    const ids = plan.entities.flatMap((one) => [one.key, ...Object.values(one.ids)]);
    const shown = (text: string) => (ids.some((id) => text.includes(id)) ? NOTE : text);
    const bodies = new Set<number>();
    for (const seq of plan.events) {
      const event = find.get(seq);
      if (event === undefined) continue;
      bodies.add(event.body_seq);
      skip.run({ seq, at });
      for (const one of tidy) one.run(seq);
      counts.letters += letters.run({ seq, at }).changes;
      discard.run(seq);
      mark.run(at, shown(event.provider_id), shown(event.dedupe_key), seq);
      counts.events += 1;
    }
    for (const seq of bodies) {
      if (needed.get({ body: seq, at }) === undefined) counts.bodies += body.run(seq).changes;
      else counts.kept += 1;
    }
    return counts;
  };
}

/** What was to be sent is not sent any more; of what was sent, only that it was. */
function createForgetDeliveries(db: Db, lanes: Lanes) {
  const blank = db.prepare(
    `UPDATE deliveries SET entity_key = ?, ids = '{}', state = NULL, attributes = '{}', params = '{}',
       note = '${NOTE}', status = iif(status IS NULL OR status = 'dead', 'discarded', status), done_at = coalesce(done_at, ?) WHERE seq = ?`,
  );
  const requests = db.prepare<[number]>("DELETE FROM requests WHERE delivery_seq = ?");
  const attempts = db.prepare<[number]>("UPDATE attempts SET detail = '' WHERE delivery_seq = ?");
  const letters = db.prepare(
    `UPDATE dead_letters SET message = '${NOTE}', resolved_at = coalesce(resolved_at, +@at),
       resolution = iif(status = 'open', '${NOTE}', resolution), status = iif(status = 'open', 'discarded', status)
     WHERE delivery_seq = +@seq AND event_seq = +@event`,
  );
  return ({ plan, names, at }: { plan: ErasePlan; names: ReadonlyMap<string, string>; at: number }) => {
    let closed = 0;
    for (const { seq, event, entity } of plan.deliveries) {
      const row = lanes.find(seq);
      if (row !== undefined) lanes.close(row);
      const name = names.get(`${entity.type}/${entity.key}`) ?? NOTE;
      blank.run(name.slice(name.indexOf(" ") + 1), at, seq);
      requests.run(seq);
      attempts.run(seq);
      closed += letters.run({ seq, at, event }).changes;
    }
    return { count: plan.deliveries.length, letters: closed };
  };
}
