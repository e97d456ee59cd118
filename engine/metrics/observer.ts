/** Facts of the flow as counters: called for every event, so it only adds. */
import type { Observer } from "../flow/observer.ts";
import { refusalLabel } from "./reasons.ts";
import type { Metrics } from "./registry.ts";

export function createMetricsObserver(metrics: Metrics): Observer {
  const byKind = { new: metrics.accepted, duplicate: metrics.duplicates, conflict: metrics.conflicts };
  return {
    ingested({ source, outcome, reason, kinds = [] }) {
      if (source === undefined) return;
      for (const kind of kinds) byKind[kind].inc({ source });
      const refused = refusalLabel(outcome, reason);
      if (refused !== undefined) metrics.refused.inc({ source, reason: refused });
    },
    applied({ source, pipeline, status, deliveries, lagMs }) {
      metrics.applied.inc({ source, pipeline, outcome: status });
      if (status === "applied" && deliveries === 0) metrics.lag.observe({ pipeline, connection: "" }, lagMs / 1_000);
    },
    attempted({ pipeline, connection, outcome, lagMs, unanswered, possiblyDuplicate }) {
      metrics.attempts.inc({ pipeline, connection, outcome });
      if (outcome === "delivered") metrics.lag.observe({ pipeline, connection }, lagMs / 1_000);
      if (unanswered === true || outcome === "unknown") metrics.unknown.inc({ pipeline, connection });
      if (possiblyDuplicate === true) metrics.possiblyDuplicate.inc({ pipeline, connection });
    },
    connectionPaused() {},
    fault: () => metrics.faults.inc(),
  };
}
