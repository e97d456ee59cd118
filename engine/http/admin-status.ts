/** Routes of the admin API about the engine itself: alive, ready, how it is, what a scrape gets. */
import { Type } from "typebox";
import type { MaybePromise } from "../core/types.ts";
import type { StoreReader, StoreSize } from "../store/store.ts";
import { type AlertsDeps, alertsSummaryShape, budgetShape } from "./admin-alerts.ts";
import type { ReloadDeps, ReloadStatus } from "./admin-reload.ts";
import type { Answer, Page, Route } from "./admin-route.ts";
import { list, orNull, shape, statusShape, text, time, words } from "./admin-shapes.ts";
import { countsDocument, pauseDocument, type StatusDocument } from "./documents.ts";
import { secretDocuments, waitingSecrets } from "./told-secrets.ts";

export interface StatusDeps extends Pick<ReloadDeps, "reloadStatus">, AlertsDeps {
  readonly reader: StoreReader;
  readonly status: () => StatusDocument;
  /** Why the engine is not ready to take hooks; undefined when it is. */
  readonly notReady: () => MaybePromise<string | undefined>;
  /** Why nothing but a new start can help; undefined while the process does its work. */
  readonly failing: () => string | undefined;
  /** What a scrape gets; absent: there is no such path. */
  readonly metrics?: () => Promise<Page>;
}

export const STATUS_ROUTES: readonly Route<StatusDeps>[] = [
  {
    id: "alive",
    summary: "Whether the process does its work; what a new start can't mend is no reason to end it",
    method: "GET",
    path: "/healthz",
    right: "nothing",
    answer: shape({ status: words(["ok", "failing"]), reason: Type.Optional(text()) }),
    statuses: { 503: "It should be started anew; `reason` says why." },
    run: (_call, { failing }) => {
      const reason = failing();
      return reason === undefined
        ? { document: { status: "ok" } }
        : { status: 503, document: { status: "failing", reason } };
    },
  },
  {
    id: "ready",
    summary: "Whether it takes hooks",
    method: "GET",
    path: "/readyz",
    right: "nothing",
    answer: shape({
      status: words(["ready", "not ready"]),
      reason: Type.Optional(text()),
      revision: text(),
      reload: orNull(shape({ at: time(), result: text(), error: orNull(text("An error code.")) })),
    }),
    statuses: { 503: "It does not take hooks; `reason` says why." },
    run: (_call, deps) => readiness(deps),
  },
  {
    id: "metrics",
    summary: "What Prometheus scrapes",
    method: "GET",
    path: "/metrics",
    right: "read",
    answer: "text/plain",
    run: async (_call, { metrics }) => {
      const page = await metrics?.();
      return { document: undefined, ...(page !== undefined && { page }) };
    },
  },
  {
    id: "status",
    summary: "How the engine is, with which config, and how much waits",
    method: "GET",
    path: "/api/v1/status",
    right: "read",
    answer: Type.Object({
      ...statusShape.properties,
      alerts: Type.Optional(alertsSummaryShape),
      budgets: Type.Optional(list(budgetShape)),
    }),
    run: status,
  },
  {
    id: "listSecrets",
    summary: "Secrets that providers told in their handshakes, without their values",
    method: "GET",
    path: "/api/v1/secrets",
    right: "read",
    answer: shape({
      secrets: list(
        shape({
          source: text(),
          secret: text("Its fingerprint."),
          name: text(),
          status: words(["pending", "accepted"]),
          learned_at: time(),
        }),
      ),
    }),
    run: async (_call, { reader }) => ({ document: { secrets: secretDocuments(await reader.learnedSecrets()) } }),
  },
];

/** A config that was refused does not make it unready: it works on with the one before. */
async function readiness({ notReady, reloadStatus, status }: StatusDeps): Promise<Answer> {
  const reason = await notReady();
  const { last_reload: last } = reloadStatus();
  const config = { revision: status().revision, reload: last === null ? null : shortReload(last) };
  return reason === undefined
    ? { document: { status: "ready", ...config } }
    : { status: 503, document: { status: "not ready", reason, ...config } };
}

/** Without what stands in the files: this answer is open to whoever may reach the port. */
function shortReload({ at, result, error }: NonNullable<ReloadStatus["last_reload"]>): object {
  return { at, result, error: error?.code ?? null };
}

async function status(_call: unknown, { reader, ...deps }: StatusDeps): Promise<Answer> {
  const [counts, size, pauses, secrets] = await Promise.all([
    reader.counts(),
    reader.size(),
    reader.pauses(),
    reader.learnedSecrets(),
  ]);
  return {
    document: {
      ...deps.status(),
      ...deps.reloadStatus(),
      counts: countsDocument(counts),
      store: sizeDocument(size),
      paused: pauses.map(pauseDocument),
      waiting_secrets: waitingSecrets(secrets),
      ...(deps.alerts !== undefined && { alerts: deps.alerts.summary(), budgets: deps.alerts.budgetDocuments() }),
    },
  };
}

/** In bytes; `disk_free`: null where it can not be known. */
export function sizeDocument({ bytes, freeBytes, walBytes, reserveBytes, diskFreeBytes }: StoreSize) {
  return { bytes, free: freeBytes, wal: walBytes, reserve: reserveBytes, disk_free: diskFreeBytes ?? null };
}
