/** Which channels hear of what: those of the teams that own the pipelines. Pure. */
import type { Revision } from "../config/revision.ts";
import type { Finding } from "./finding.ts";
import type { Severity } from "./rules.ts";

/** Where nothing is declared, and what is always there. */
export const LOG_CHANNEL = "log";

type Terms = Pick<Revision, "pipelines" | "teams" | "alerting" | "channels">;

/** Teams that own these pipelines. */
export function ownersOf(revision: Pick<Revision, "pipelines">, pipelines: readonly string[]): readonly string[] {
  const owners = revision.pipelines.filter(({ name }) => pipelines.includes(name)).map(({ owner }) => owner);
  return [...new Set(owners)].sort();
}

/** Channels for the findings of the worst severity: what they explain needs no telling of its own. */
export function channelsFor(
  findings: readonly Pick<Finding, "severity" | "pipelines" | "to">[],
  severity: Severity,
  revision: Terms,
): readonly string[] {
  if (severity === "off") return [];
  const { alerting, teams, channels } = revision;
  const general = severity === "page" ? (alerting.page ?? alerting.default) : alerting.default;
  const named = findings
    .filter((finding) => finding.severity === severity)
    .flatMap((finding) => {
      if (finding.to !== undefined) return [finding.to];
      const owners = ownersOf(revision, finding.pipelines);
      if (owners.length === 0) return [general];
      return owners.map((owner) => {
        const team = teams.get(owner);
        return (severity === "page" ? (team?.page ?? team?.alerts) : team?.alerts) ?? general;
      });
    });
  const known = named.map((name) => (name !== undefined && channels.has(name) ? name : LOG_CHANNEL));
  return [...new Set(known)].sort();
}
