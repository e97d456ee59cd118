/** The report as JSON: stable keys in snake case, new ones only added. */
import type { JsonObject } from "../core/types.ts";
import { isJsonObject } from "../core/values.ts";
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

/** The report again, of an engine elsewhere; undefined: it is none. */
export function readPlanDocument(document: JsonObject): PlanReport | undefined {
  const { before, after, basis, pipelines, breaking, unchanged } = document;
  if (!isJsonObject(before) || !isJsonObject(after) || !isJsonObject(basis)) return undefined;
  if (!Array.isArray(pipelines) || !Array.isArray(breaking) || typeof unchanged !== "number") return undefined;
  const left = isJsonObject(basis["left_out"]) ? basis["left_out"] : {};
  const instant = (name: "from" | "to") => (typeof basis[name] === "string" ? { [name]: Date.parse(basis[name]) } : {});
  return {
    before: readSide(before),
    after: readSide(after),
    basis: {
      kind: basis["kind"] as PlanReport["basis"]["kind"],
      events: Number(basis["events"]),
      ...instant("from"),
      ...instant("to"),
      more: Number(left["more"] ?? 0),
      bodiesGone: Number(left["bodies_gone"] ?? 0),
      notFetched: Number(left["not_fetched"] ?? 0),
    },
    pipelines: pipelines as unknown as PlanReport["pipelines"],
    breaking: breaking as unknown as PlanReport["breaking"],
    unchanged,
  };
}

function readSide({ label, revision, git_commit: commit }: JsonObject): PlanSide {
  return {
    label: String(label),
    revision: String(revision),
    ...(typeof commit === "string" ? { gitCommit: commit } : {}),
  };
}
