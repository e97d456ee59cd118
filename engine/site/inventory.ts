/** The event inventory: which events come in, what shows their payload, who owns them, who hears of failures, and the target. */

import type { PipelineModel, Revision } from "../config/revision.ts";
import { formatDuration } from "../core/duration.ts";
import type { SourcePosition } from "../core/types.ts";
import { matchesType } from "../mapping/event-type.ts";
import type { RuleModel } from "../mapping/model.ts";

export interface InventoryLine {
  readonly event: string;
  readonly source: string;
  readonly provider: string;
  readonly pipeline: string;
  readonly enabled: boolean;
  readonly rule: string;
  /** The selection of the rule, as written; empty: every such event. */
  readonly when: string;
  /** The contract that types the payload, e.g. `stripe/2025-10-15`; empty: none. */
  readonly contract: string;
  /** Names of samples that show such a payload. */
  readonly samples: readonly string[];
  readonly owner: string;
  /** Where a failure is told, in words. */
  readonly alerts: string;
  readonly lag: string;
  readonly objective: string;
  /** File or URL; empty: none. */
  readonly runbook: string;
  readonly entities: readonly string[];
  readonly connections: readonly string[];
  readonly position: SourcePosition;
}

/** A line for each event type of each rule, in the order of the files. */
export function inventoryLines(revision: Revision): readonly InventoryLine[] {
  return revision.pipelines.flatMap((pipeline) =>
    pipeline.rules.flatMap((rule, index) =>
      rule.on.map((event) => lineOf(revision, pipeline, rule, { event, connections: connectionsOf(pipeline, index) })),
    ),
  );
}

function lineOf(
  revision: Revision,
  pipeline: PipelineModel,
  rule: RuleModel,
  { event, connections }: { readonly event: string; readonly connections: readonly string[] },
): InventoryLine {
  const { source, contract } = pipeline;
  const covered = contract?.checks.some(({ pattern }) => pattern === event || matchesType(pattern, event));
  return {
    event,
    source: source.name,
    provider: source.provider,
    pipeline: pipeline.name,
    enabled: pipeline.enabled && source.enabled,
    rule: ruleName(rule),
    when: rule.when?.source.trim() ?? "",
    contract: contract !== undefined && covered === true ? `${contract.provider}/${contract.version}` : "",
    samples: samplesOf(pipeline, event),
    owner: pipeline.owner,
    alerts: alertWords(revision, pipeline),
    lag: formatDuration(pipeline.sla.lagMs),
    objective: percent(pipeline.sla.objective),
    runbook: pipeline.runbook ?? "",
    entities: [...new Set(rule.writes.map((write) => write.entity))],
    connections,
    position: rule.position,
  };
}

/** `99.9%`, without the noise of floating point. */
export const percent = (share: number): string => `${Number((share * 100).toFixed(6))}%`;

export const ruleName = (rule: RuleModel): string => rule.name ?? `rule ${rule.index + 1}`;

/** Connections that a rule's events can reach. */
export function connectionsOf(pipeline: PipelineModel, rule: number): readonly string[] {
  return [...new Set((pipeline.deliver[rule] ?? []).map((entry) => entry.connection))];
}

function samplesOf({ source }: PipelineModel, event: string): readonly string[] {
  return [...source.recipe.samples.keys()].filter((name) => name === event || matchesType(event, name));
}

/** Rules of `alerts:` that mean this pipeline, else where its team wants to hear. */
export function alertWords(revision: Revision, pipeline: PipelineModel): string {
  const team = revision.teams.get(pipeline.owner);
  const rules = revision.alerts.filter(
    ({ pipelines, sources }) =>
      (pipelines.length === 0 || pipelines.includes(pipeline.name)) &&
      (sources.length === 0 || sources.includes(pipeline.source.name)),
  );
  const route = (to: string | undefined) => to ?? "nobody";
  const told = rules.map((rule) => {
    const to = rule.to ?? (rule.severity === "page" ? (team?.page ?? team?.alerts) : team?.alerts);
    return `${rule.on}: ${rule.severity === "page" ? "pages" : "tells"} ${route(to)}`;
  });
  if (told.length > 0) return told.join("; ");
  if (team?.alerts === undefined && team?.page === undefined) return "";
  const alert = team.alerts === undefined ? [] : [`tells ${route(team.alerts)}`];
  const page = team.page === undefined ? [] : [`pages ${route(team.page)}`];
  return [...alert, ...page].join("; ");
}
