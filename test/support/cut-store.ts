/** What a store may not be after a power cut: opened as the engine opens it, then looked at row by row, beside the SQL sink's file. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { systemClock } from "../../engine/core/clock.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import type { DiskRecord } from "./disk-log.ts";

/** What the world was told before the cut. */
export interface Told {
  /** Ids of events that a 2xx was sent for. */
  readonly acknowledged: ReadonlySet<string>;
  /** Idempotency keys of requests to sinks, with how often each was sent. */
  readonly sent: ReadonlyMap<string, number>;
}

/** All that left by the network before record `end`. */
export function toldBefore(records: readonly DiskRecord[], end: number): Told {
  const acknowledged = new Set<string>();
  const sent = new Map<string, number>();
  for (const { kind, data } of records.slice(0, end)) {
    if (kind !== "answer" && kind !== "request") continue;
    const head = data.toString("latin1");
    const event = /^x-hookrail-event: (\S+)/im.exec(head)?.[1];
    const key = /^idempotency-key: (\S+)/im.exec(head)?.[1];
    if (kind === "answer" && event !== undefined) acknowledged.add(event);
    if (kind === "request" && key !== undefined) sent.set(key, (sent.get(key) ?? 0) + 1);
  }
  return { acknowledged, sent };
}

/** Puts the files into an empty folder. */
export function writeState(folder: string, files: ReadonlyMap<string, Buffer>): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, data] of files) writeFileSync(join(folder, name), data);
}

/** Each is a list of what is wrong; `is` names it. */
const RULES: readonly { readonly is: string; readonly sql: string }[] = [
  { is: "stored twice", sql: "SELECT provider_id FROM events GROUP BY source, provider_id HAVING count(*) > 1" },
  {
    is: "an event without its dedupe key",
    sql: "SELECT id FROM events WHERE seq NOT IN (SELECT event_seq FROM dedupe)",
  },
  {
    is: "an event with neither work nor outcome",
    sql: "SELECT id FROM events WHERE seq NOT IN (SELECT event_seq FROM work) AND seq NOT IN (SELECT event_seq FROM outcomes)",
  },
  {
    is: "an event with work and an outcome",
    sql: "SELECT w.event_seq FROM work w JOIN outcomes o ON o.event_seq = w.event_seq AND o.pipeline = w.pipeline",
  },
  { is: "work without its event", sql: "SELECT seq FROM work WHERE event_seq NOT IN (SELECT seq FROM events)" },
  {
    is: "work without its body",
    sql: "SELECT e.id FROM work w JOIN events e ON e.seq = w.event_seq WHERE e.body_seq NOT IN (SELECT seq FROM bodies)",
  },
  {
    is: "an open delivery that nobody will make",
    sql: "SELECT id FROM deliveries WHERE status IS NULL AND seq NOT IN (SELECT delivery_seq FROM outbox)",
  },
  {
    is: "a done delivery that will be made again",
    sql: "SELECT d.id FROM outbox o LEFT JOIN deliveries d ON d.seq = o.delivery_seq WHERE d.seq IS NULL OR d.status IS NOT NULL",
  },
  {
    is: "a delivery of an event that was not applied",
    sql: "SELECT id FROM deliveries d WHERE NOT EXISTS (SELECT 1 FROM outcomes o WHERE o.event_seq = d.event_seq AND o.status = 'applied')",
  },
  {
    is: "an applied event without its three effects",
    sql: "SELECT event_seq FROM outcomes o WHERE status = 'applied' AND (SELECT count(*) FROM deliveries d WHERE d.event_seq = o.event_seq AND d.kind = 'effect') <> 3",
  },
  {
    is: "an applied event without its history",
    sql: "SELECT event_seq FROM outcomes WHERE status = 'applied' AND event_seq NOT IN (SELECT event_seq FROM history)",
  },
  {
    is: "an attempt that began and is open, without its frozen request",
    sql: "SELECT a.seq FROM attempts a JOIN outbox o ON o.delivery_seq = a.delivery_seq WHERE o.connection <> 'local' AND a.delivery_seq NOT IN (SELECT delivery_seq FROM requests)",
  },
];

/** Everything that is wrong, in words; empty when nothing is. */
export async function faultsOf(folder: string, { acknowledged, sent }: Told): Promise<string[]> {
  const path = join(folder, "hookrail.db");
  try {
    const store = await openSqliteStore({ path, clock: systemClock, thread: false });
    await store.close();
  } catch (error) {
    return [`the store does not open: ${error}`];
  }
  const db = new Database(path, { readonly: true });
  try {
    const column = (sql: string) => db.prepare<[], string | number>(sql).pluck().all();
    const faults = column("PRAGMA integrity_check").filter((line) => line !== "ok");
    const missing = acknowledged.difference(new Set(column("SELECT id FROM events").map(String)));
    const marked = new Set(
      column("SELECT idempotency_key FROM deliveries WHERE seq IN (SELECT delivery_seq FROM attempts)").map(String),
    );
    return [
      ...faults.map(String),
      ...[...missing].map((id) => `lost: ${id}`),
      ...[...new Set(sent.keys()).difference(marked)].map((key) => `sent, but no attempt is known: ${key}`),
      ...RULES.flatMap(({ is, sql }) => column(sql).map((row) => `${is}: ${row}`)),
      ...sinkFaults(
        folder,
        column("SELECT idempotency_key FROM deliveries WHERE connection = 'local' AND status = 'delivered'"),
      ),
    ];
  } finally {
    db.close();
  }
}

/** What the store takes for delivered is in the sink's file, once. */
function sinkFaults(folder: string, delivered: readonly (string | number)[]): string[] {
  const path = join(folder, "crm.db");
  if (!existsSync(path)) return delivered.map((key) => `delivered to a sink that has no file: ${key}`);
  // As the sink opens it: what its WAL holds is put in place first.
  const db = new Database(path);
  try {
    const column = (sql: string) => db.prepare<[], string>(sql).pluck().all();
    const tables = new Set(column("SELECT name FROM sqlite_schema"));
    const applied = new Set(
      tables.has("hookrail_applied") ? column("SELECT idempotency_key FROM hookrail_applied") : [],
    );
    const doubled = tables.has("effects")
      ? column("SELECT params FROM effects GROUP BY params HAVING count(*) > 1")
      : [];
    return [
      ...column("PRAGMA integrity_check").filter((line) => line !== "ok"),
      ...delivered.filter((key) => !applied.has(String(key))).map((key) => `delivered, but not in the sink: ${key}`),
      ...doubled.map((params) => `an effect twice: ${params}`),
    ];
  } finally {
    db.close();
  }
}
