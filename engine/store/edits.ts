/** Corrections of dead letters' bodies: kept beside the body as received, with who, why and where; the event gets another turn with them. */
import type { Handlers } from "./calls.ts";
import type { Db } from "./connection.ts";
import { createAuditWriter } from "./operate.ts";
import { createReplayMemory } from "./replay.ts";
import { fromJson } from "./rows.ts";
import type { EditRecord, EditResult } from "./store.ts";

interface EditedLetter {
  readonly event_seq: number;
  readonly delivery_seq: number | null;
}

/** Makes the `editDead` handler. All is checked before anything is written. */
export function createEditHandlers(db: Db): Pick<Handlers, "editDead"> {
  const open = db.prepare<[string], EditedLetter>(
    "SELECT event_seq, delivery_seq FROM dead_letters WHERE id = ? AND status = 'open'",
  );
  const insert = db.prepare(
    "INSERT INTO edits (event_seq, at, actor, reason, before_hash, after_hash, paths, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const identify = db.prepare(
    "UPDATE events SET type = ?, occurred_at = ?, clock_resolution_ms = ?, rank = ? WHERE seq = ?",
  );
  const busy = db.prepare<[number, string], number>("SELECT 1 FROM work WHERE event_seq = ? AND pipeline = ?").pluck();
  const close = db.prepare("UPDATE dead_letters SET status = 'retried', resolved_at = ?, resolution = ? WHERE id = ?");
  const deliveries = createDeliveryEdit(db);
  const work = db.prepare("INSERT INTO work (event_seq, pipeline) VALUES (?, ?)");
  const replays = createReplayMemory(db);
  const audits = createAuditWriter(db);

  const refusal = ({ event_seq, delivery_seq }: EditedLetter, pipelines: readonly string[]): EditResult | undefined => {
    if (pipelines.some((pipeline) => busy.get(event_seq, pipeline) !== undefined)) return "busy";
    return delivery_seq === null ? undefined : deliveries.refusal(delivery_seq);
  };
  return {
    editDead({ id, edit, audit }) {
      const letter = open.get(id);
      if (letter === undefined) return "closed";
      const refused = refusal(letter, edit.pipelines);
      if (refused !== undefined) return refused;
      const { event_seq: seq, delivery_seq: delivery } = letter;
      const { at, actor, reason } = audit;
      const hashes = [edit.beforeHash, edit.afterHash].map((hex) => Buffer.from(hex, "hex"));
      insert.run(seq, at, actor, reason, ...hashes, JSON.stringify(edit.paths), edit.body);
      const { identity } = edit;
      if (identity !== undefined)
        identify.run(identity.type, identity.occurredAt, identity.clockResolutionMs, identity.rank, seq);
      if (delivery !== null) deliveries.end(delivery, at);
      for (const pipeline of edit.pipelines) {
        if (delivery !== null) deliveries.again(seq, pipeline);
        else replays.restore(id, Number(work.run(seq, pipeline).lastInsertRowid));
      }
      close.run(at, `edited: ${reason}`, id);
      audits.insert(audit);
      return "done";
    },
  };
}

/** A delivery that was never sent gives way to what the corrected event gives birth to: another turn, without effects. */
function createDeliveryEdit(db: Db) {
  const find = db.prepare<[number], { kind: string; sent: number }>(
    "SELECT kind, EXISTS (SELECT 1 FROM requests r WHERE r.delivery_seq = d.seq) AS sent FROM deliveries d WHERE seq = ?",
  );
  const end = db.prepare(
    "UPDATE deliveries SET status = 'superseded', done_at = ?, note = 'the body of its event was corrected' WHERE seq = ?",
  );
  const again = db.prepare(
    `INSERT INTO work (event_seq, pipeline, generation, effects)
     SELECT @seq, @pipeline, 1 + coalesce((SELECT generation FROM outcomes WHERE event_seq = @seq AND pipeline = @pipeline), 0), 0`,
  );
  return {
    refusal(seq: number): EditResult | undefined {
      const row = find.get(seq);
      if (row === undefined) return "closed";
      if (row.sent === 1) return "sent";
      return row.kind === "upsert" ? undefined : "effect";
    },
    end: (seq: number, at: number) => void end.run(at, seq),
    again: (seq: number, pipeline: string) => void again.run({ seq, pipeline }),
  };
}

/** Makes the read of an event's corrections, oldest first. */
export function createEditReads(db: Db): (eventSeq: number) => readonly EditRecord[] {
  const rows = db.prepare<
    [number],
    { at: number; actor: string; reason: string; before_hash: Buffer; after_hash: Buffer; paths: string }
  >("SELECT at, actor, reason, before_hash, after_hash, paths FROM edits WHERE event_seq = +? ORDER BY seq");
  return (seq) =>
    rows.all(seq).map(({ before_hash: before, after_hash: after, paths, ...row }) => ({
      ...row,
      beforeHash: before.toString("hex"),
      afterHash: after.toString("hex"),
      paths: fromJson<string[]>(paths),
    }));
}
