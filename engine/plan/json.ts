/** The report as JSON: stable keys in snake case, new ones only added. */
import { hasChanges, type PlanReport, type PlanSide } from "./report.ts";

const time = (at: number | undefined) => (at === undefined ? null : new Date(at).toISOString());
const side = ({ label, revision, gitCommit }: PlanSide) => ({ label, revision, git_commit: gitCommit ?? null });

export function planDocument(report: PlanReport) {
  const { basis } = report;
  return {
    changes_present: hasChanges(report),
    before: side(report.before),
    after: side(report.after),
    basis: {
      kind: basis.kind,
      events: basis.events,
      from: time(basis.from),
      to: time(basis.to),
      left_out: { more: basis.more, bodies_gone: basis.bodiesGone, not_fetched: basis.notFetched },
    },
    pipelines: report.pipelines,
    breaking: report.breaking,
    unchanged: report.unchanged,
  };
}
