/** Writes of alerts: counts, alerts, messages to channels, silences. */
import type { AlertMessageEnd } from "./alert-records.ts";
import type { Handlers } from "./calls.ts";
import type { Db } from "./connection.ts";
import { createAuditWriter } from "./operate.ts";
import { orNull } from "./rows.ts";

type AlertHandlers = Pick<Handlers, "saveAlerts" | "endAlertMessage" | "addSilence" | "endSilence" | "purgeAlerts">;

export function createAlertHandlers(db: Db): AlertHandlers {
  const audits = createAuditWriter(db);
  const count = db.prepare(
    `INSERT INTO slo_counts (pipeline, at, cause, good, bad) VALUES (@pipeline, @at, @cause, @good, @bad)
     ON CONFLICT (pipeline, at, cause) DO UPDATE SET good = good + excluded.good, bad = bad + excluded.bad`,
  );
  const cursor = db.prepare("INSERT OR REPLACE INTO slo_cursors (pipeline, seq) VALUES (@pipeline, @seq)");
  const hour = db.prepare(
    `INSERT INTO source_hours (source, hour, events, last_at) VALUES (@source, @hour, @events, @lastAt)
     ON CONFLICT (source, hour) DO UPDATE SET events = events + excluded.events, last_at = max(last_at, excluded.last_at)`,
  );
  const alert = db.prepare(
    `INSERT INTO alerts (id, subject, opened_at, resolved_at, document) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET resolved_at = excluded.resolved_at, document = excluded.document`,
  );
  const message = db.prepare(
    "INSERT INTO alert_messages (alert_id, channel, kind, document, created_at, next_at) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const add = db.prepare(
    `INSERT INTO silences (id, match, from_at, until_at, made_by, reason, made_at)
     VALUES (@id, @match, @from, @until, @by, @reason, @madeAt)`,
  );
  const end = db.prepare("UPDATE silences SET until_at = @at WHERE id = @id AND until_at > @at");
  return {
    saveAlerts(save) {
      for (const one of save.counts) count.run(one);
      for (const one of save.cursors) cursor.run(one);
      for (const one of save.hours) hour.run(one);
      for (const one of save.alerts)
        alert.run(one.id, one.subject, one.openedAt, orNull(one.resolvedAt), JSON.stringify(one.document));
      for (const one of save.messages)
        message.run(one.alert, one.channel, one.kind, JSON.stringify(one.document), one.at, one.at);
      return null;
    },
    endAlertMessage: createMessageEnd(db),
    addSilence({ silence, audit }) {
      add.run(silence);
      audits.insert(audit);
      return null;
    },
    endSilence({ id, audit }) {
      if (end.run({ id, at: audit.at }).changes === 0) return false;
      audits.insert(audit);
      return true;
    },
    purgeAlerts: createAlertPurge(db),
  };
}

function createMessageEnd(db: Db): Handlers["endAlertMessage"] {
  const done = db.prepare(
    `UPDATE alert_messages SET done_at = @at, outcome = @outcome, detail = @detail, attempts = attempts + 1
     WHERE seq = @seq AND done_at IS NULL`,
  );
  const again = db.prepare(
    `UPDATE alert_messages SET next_at = @nextAt, detail = @detail, attempts = attempts + 1
     WHERE seq = @seq AND done_at IS NULL`,
  );
  // A new row: what the first channel came to stays to be seen.
  const hand = db.prepare(
    `INSERT INTO alert_messages (alert_id, channel, kind, document, created_at, next_at)
     SELECT alert_id, @channel, kind, document, created_at, @at FROM alert_messages WHERE seq = @seq`,
  );
  return ({ seq, at, detail, end }: AlertMessageEnd) => {
    if (typeof end === "string") done.run({ seq, at, detail, outcome: end });
    else if ("nextAt" in end) again.run({ seq, detail, nextAt: end.nextAt });
    else if (done.run({ seq, at, detail, outcome: `handed to ${end.handedTo}` }).changes > 0)
      hand.run({ seq, at, channel: end.handedTo });
    return null;
  };
}

function createAlertPurge(db: Db): Handlers["purgeAlerts"] {
  const joined = db.prepare(
    `INSERT INTO slo_counts (pipeline, at, cause, good, bad)
     SELECT pipeline, at - at % @joinMs AS whole, cause, sum(good), sum(bad) FROM slo_counts
     WHERE at < @joinBefore AND at % @joinMs <> 0 GROUP BY pipeline, whole, cause
     ON CONFLICT (pipeline, at, cause) DO UPDATE SET good = good + excluded.good, bad = bad + excluded.bad`,
  );
  const parts = db.prepare("DELETE FROM slo_counts WHERE at < @joinBefore AND at % @joinMs <> 0");
  const old = [
    "DELETE FROM slo_counts WHERE at < @countsBefore",
    "DELETE FROM source_hours WHERE hour < @hoursBefore / 3600000",
    "DELETE FROM alerts WHERE resolved_at < @doneBefore",
    "DELETE FROM alert_messages WHERE done_at < @doneBefore",
    "DELETE FROM silences WHERE until_at < @doneBefore",
  ].map((sql) => ({ sql, statement: db.prepare(sql) }));
  return (purge) => {
    const { joinMs, joinBefore } = purge;
    const whole = { joinMs, joinBefore: joinBefore - (joinBefore % joinMs) };
    joined.run(whole);
    parts.run(whole);
    for (const { sql, statement } of old) statement.run(valuesOf(sql, purge));
    return null;
  };
}

/** A statement takes no value that it does not name. */
function valuesOf(sql: string, purge: object): Record<string, number> {
  return Object.fromEntries(Object.entries(purge).filter(([name]) => sql.includes(`@${name}`)));
}
