/** Facts of the flow as counters: called for every event, so it only adds. */
import type { Observer } from "../flow/observer.ts";
import { refusalLabel, skipLabel } from "./reasons.ts";
import type { Metrics } from "./registry.ts";

export function createMetricsObserver(metrics: Metrics): Observer {
  const byKind = { new: metrics.accepted, duplicate: metrics.duplicates, conflict: metrics.conflicts };
  return {
    ingested({ source, outcome, reason, kinds = [], taken }) {
      if (source === undefined) return;
      if (taken !== undefined) metrics.requestTime.observe({ source }, taken.tookMs / 1_000);
      for (const kind of kinds) byKind[kind].inc({ source });
      const refused = refusalLabel(outcome, reason);
      if (refused !== undefined) metrics.refused.inc({ source, reason: refused });
    },
    applied({ source, pipeline, status, deliveries, lagMs, reason, code, drift = 0 }) {
      if (status === "skipped") metrics.skipped.inc({ pipeline, reason: skipLabel(reason) });
      if (drift > 0) metrics.contractViolations.inc({ pipeline, outcome: "drift" });
      if (code?.startsWith("HK7") === true) metrics.contractViolations.inc({ pipeline, outcome: "dead" });
      metrics.applied.inc({ source, pipeline, outcome: status });
      if (status === "applied" && deliveries === 0) metrics.lag.observe({ pipeline, connection: "" }, lagMs / 1_000);
    },
    attempted({ pipeline, connection, outcome, lagMs, unanswered, possiblyDuplicate, sent }) {
      if (sent !== undefined) metrics.attemptTime.observe({ connection }, sent.tookMs / 1_000);
      metrics.attempts.inc({ pipeline, connection, outcome });
      if (outcome === "delivered") metrics.lag.observe({ pipeline, connection }, lagMs / 1_000);
      if (unanswered === true || outcome === "unknown") metrics.unknown.inc({ pipeline, connection });
      if (possiblyDuplicate === true) metrics.possiblyDuplicate.inc({ pipeline, connection });
    },
    fetched: ({ connection, outcome }) => metrics.fetches.inc({ connection, outcome }),
    connectionPaused() {},
    judged({ pipeline, good, late, left }) {
      metrics.judged.inc({ pipeline, outcome: "good" }, good);
      metrics.judged.inc({ pipeline, outcome: "late" }, late);
      metrics.budgetLeft.set({ pipeline }, left);
    },
    alerting(counts) {
      for (const severity of ["page", "alert", "off"] as const) metrics.alertsOpen.set({ severity }, counts[severity]);
    },
    fault: () => metrics.faults.inc(),
  };
}
