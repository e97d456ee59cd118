/** An alert as people and programs read it: what is wrong, since when, who owns it, where it is written what to do, what to type. */
import type { Revision } from "../config/revision.ts";
import { formatDuration } from "../core/duration.ts";
import { type Alert, pipelinesIn } from "./alert.ts";
import { split } from "./silences.ts";
import { plural } from "./words.ts";

export interface AlertDocument {
  readonly id: string;
  readonly status: "waiting" | "firing" | "resolved";
  readonly severity: "page" | "alert" | "off";
  readonly title: string;
  /** What is to blame. */
  readonly cause: { readonly kind: string; readonly name: string };
  readonly environment: string;
  readonly opened_at: string;
  readonly resolved_at: string | null;
  readonly pipelines: readonly { readonly name: string; readonly owner: string; readonly runbook: string | null }[];
  readonly findings: readonly {
    readonly kind: string;
    readonly rule: string;
    readonly severity: string;
    readonly since: string;
    readonly text: string;
    readonly runbook: string | null;
  }[];
  /** Commands, in order. */
  readonly type: readonly string[];
  readonly told: readonly string[];
  readonly silenced: string | null;
}

type Named = Pick<Revision, "pipelines" | "environment">;

export function alertDocument(alert: Alert, revision: Named): AlertDocument {
  const { members, resolvedAt, told, silenced } = alert;
  const [kind, name] = split(alert.subject);
  const ordered = [...members].sort((a, b) => rank(b.severity) - rank(a.severity) || a.firstSeen - b.firstSeen);
  return {
    id: alert.id,
    status: resolvedAt !== undefined ? "resolved" : told.length > 0 ? "firing" : "waiting",
    severity: alert.severity,
    title: titleOf(alert),
    cause: { kind, name },
    environment: revision.environment,
    opened_at: iso(alert.openedAt),
    resolved_at: resolvedAt === undefined ? null : iso(resolvedAt),
    pipelines: pipelinesIn(members).map((pipeline) => {
      const model = revision.pipelines.find((one) => one.name === pipeline);
      return { name: pipeline, owner: model?.owner ?? "", runbook: model?.runbook ?? null };
    }),
    findings: ordered.map((member) => ({
      kind: member.kind,
      rule: member.rule,
      severity: member.severity,
      since: iso(member.firstSeen),
      text: member.text,
      runbook: member.runbook ?? null,
    })),
    type: [...new Set(ordered.flatMap((member) => member.type))].slice(0, 6),
    told: told.map(({ channel }) => channel).sort(),
    silenced: silenced ?? null,
  };
}

const rank = (severity: string): number => ["off", "alert", "page"].indexOf(severity);
const iso = (at: number): string => new Date(at).toISOString();

/** One line: what is to blame, and whom it hits. */
function titleOf({ subject, members }: Alert): string {
  const [kind, name] = split(subject);
  const pipelines = pipelinesIn(members);
  const hit =
    pipelines.length === 0
      ? ""
      : `: ${pipelines.length > 5 ? plural(pipelines.length, "pipeline") : pipelines.join(", ")}`;
  if (kind === "connection") return `${name} is in trouble${hit}`;
  if (kind === "source") return `source ${name} needs a look${hit}`;
  if (kind === "engine") return `the engine's ${name} needs a person`;
  return `${name} is in trouble`;
}

/** The message of one telling, as it is kept until it has been sent. */
export interface MessageDocument {
  readonly kind: "firing" | "update" | "repeat" | "eased" | "resolved" | "test";
  readonly at: string;
  readonly alert: AlertDocument;
}

const HEADS = {
  firing: "",
  update: "update: ",
  repeat: "still: ",
  eased: "no page any more: ",
  resolved: "resolved: ",
  test: "test: ",
} as const;

/** A line for lists, chats and pagers. */
export function summaryOf({ kind, alert }: MessageDocument): string {
  const where = alert.environment === "production" ? "" : ` (${alert.environment})`;
  return `${HEADS[kind]}${alert.title}${where}`;
}

/** The rest, line by line. */
export function linesOf({ kind, alert }: MessageDocument): readonly string[] {
  if (kind === "resolved") {
    const lasted = Date.parse(alert.resolved_at ?? "") - Date.parse(alert.opened_at);
    return [`well again after ${formatDuration(Math.round(lasted / 1000) * 1000)}`];
  }
  return [
    ...alert.findings.map(({ text }) => text),
    `since ${alert.opened_at}`,
    ...alert.pipelines.map(({ name, owner }) => `${name} is owned by ${owner}`),
    ...runbooksOf(alert).map((runbook) => `runbook: ${runbook}`),
    ...alert.type.map((command) => `type: ${command}`),
  ];
}

/** A rule's own before the pipelines'. */
export function runbooksOf(alert: AlertDocument): readonly string[] {
  const all = [...alert.findings.map(({ runbook }) => runbook), ...alert.pipelines.map(({ runbook }) => runbook)];
  return [...new Set(all.filter((one) => one !== null))];
}
