/** Alerts and silences where no engine runs: read from the store, and written to it under its lock. */
import { existsSync } from "node:fs";
import { fromRecord } from "../alerts/alert.ts";
import { type AlertDocument, alertDocument } from "../alerts/document.ts";
import { type SilenceDocument, silenceDocument } from "../alerts/known.ts";
import { formatDuration } from "../core/duration.ts";
import { fail } from "../core/errors.ts";
import { randomIds } from "../core/ids.ts";
import { openSqliteStore } from "../store/sqlite.ts";
import type { AuditRow, Store } from "../store/store.ts";
import { tryLoadRevision } from "./config.ts";
import type { Cli } from "./context.ts";
import type { Installation } from "./installation.ts";
import { withReader } from "./stored.ts";

export async function storedAlerts(
  cli: Cli,
  installation: Installation,
  { all, limit }: { readonly all: boolean; readonly limit: number },
): Promise<{ readonly alerts: readonly AlertDocument[]; readonly silences: readonly SilenceDocument[] }> {
  const revision = await tryLoadRevision(cli, installation.configPath);
  return withReader(installation, async (reader) => {
    const records = await reader.alerts(all ? { limit } : { open: true, limit: 1_000 });
    const named = revision ?? { pipelines: [], environment: "dev" as const };
    return {
      alerts: records.map((record) => alertDocument(fromRecord(record), named)),
      silences: (await reader.silences(cli.clock.now())).map(silenceDocument),
    };
  });
}

export async function storedSilence(
  cli: Cli,
  installation: Installation,
  { match, forMs, reason }: { readonly match: string; readonly forMs: number; readonly reason: string },
): Promise<SilenceDocument> {
  const now = cli.clock.now();
  const silence = {
    id: randomIds.event().replace(/^evt/, "sil"),
    match,
    from: now,
    until: now + forMs,
    by: cli.user,
    reason,
    madeAt: now,
  };
  const target = `${match} for ${formatDuration(forMs)}`;
  await withStore(cli, installation, (store) =>
    store.addSilence(silence, auditOf(cli, { action: "alerts.silence", target, reason })),
  );
  return silenceDocument(silence);
}

export function storedUnsilence(
  cli: Cli,
  installation: Installation,
  { id, reason }: { readonly id: string; readonly reason: string },
): Promise<boolean> {
  const audit = auditOf(cli, { action: "alerts.unsilence", target: id, reason });
  return withStore(cli, installation, (store) => store.endSilence(id, audit));
}

function auditOf(cli: Cli, row: Pick<AuditRow, "action" | "target" | "reason">): AuditRow {
  return { at: cli.clock.now(), actor: cli.user, ...row };
}

async function withStore<T>(cli: Cli, installation: Installation, work: (store: Store) => Promise<T>): Promise<T> {
  if (!existsSync(installation.storePath)) fail("HK8002", { path: installation.storePath });
  const store = await openSqliteStore({ path: installation.storePath, clock: cli.clock });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
