/** The engine's own alert rules as a rules file of Prometheus, from the same config: for those who page by Alertmanager. */
import { stringify } from "yaml";
import type { BurnModel } from "../../config/operations.ts";
import type { PipelineModel, Revision } from "../../config/revision.ts";
import { formatDuration } from "../../core/duration.ts";
import { METRICS } from "../../metrics/definitions.ts";

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export function prometheusRules(revision: Revision): string {
  const groups = [
    { name: "hookrail-slo", rules: recordings(revision) },
    { name: "hookrail-budgets", rules: revision.pipelines.flatMap((pipeline) => budgetAlerts(pipeline, revision)) },
    { name: "hookrail-health", rules: healthAlerts() },
  ];
  const head =
    "# Made by `hookrail docs alerts` from this installation's config; make it anew when `sla:`, owners or runbooks change.\n";
  return head + stringify({ groups: groups.filter(({ rules }) => rules.length > 0) }, { lineWidth: 0 });
}

const events = METRICS.judged.name;
const ratio = (ms: number): string => `hookrail:slo_late:ratio_rate${formatDuration(ms)}`;

/** Once for each window that a burn rule looks at. */
function recordings({ alerting }: Revision): readonly Rule[] {
  const windows = new Set(alerting.budget.burn.flatMap(({ longMs, shortMs }) => [longMs, shortMs]));
  return [...windows]
    .sort((a, b) => a - b)
    .map((ms) => ({
      record: ratio(ms),
      expr:
        `sum by (pipeline) (rate(${events}{outcome="late"}[${formatDuration(ms)}]))` +
        ` / sum by (pipeline) (rate(${events}[${formatDuration(ms)}]))`,
    }));
}

function budgetAlerts(pipeline: PipelineModel, { alerting }: Revision): readonly Rule[] {
  const { name, owner, runbook, sla } = pipeline;
  const allowed = Math.max(1 - sla.objective, 0.00001);
  return alerting.budget.burn.map((burn: BurnModel) => {
    const bound = Number((burn.rate * allowed).toPrecision(6));
    const over = (ms: number) => `${ratio(ms)}{pipeline="${name}"} > ${bound}`;
    const long = formatDuration(burn.longMs);
    const enough = (selector: string, least: number) =>
      `sum by (pipeline) (increase(${events}{pipeline="${name}"${selector}}[${long}])) >= ${least}`;
    return {
      alert: "HookrailBudgetBurn",
      expr: [
        over(burn.longMs),
        over(burn.shortMs),
        enough("", alerting.budget.minEvents),
        enough(',outcome="late"', alerting.budget.minLate),
      ].join(" and "),
      labels: { severity: burn.severity, pipeline: name, owner, window: long },
      annotations: {
        summary: `${name} uses up its error budget more than ${burn.rate} times too fast`,
        description: `Too many events of the last ${long} took longer than ${formatDuration(sla.lagMs)}. Type: hookrail alerts; hookrail status`,
        ...(runbook === undefined ? {} : { runbook_url: runbook }),
      },
    };
  });
}

function healthAlerts(): readonly Rule[] {
  const rule = (alert: string, expr: string, text: Text): Rule => ({
    alert,
    expr,
    ...(text.for === undefined ? {} : { for: text.for }),
    labels: { severity: text.severity ?? "alert" },
    annotations: { summary: text.summary, description: `Type: ${text.type}` },
  });
  const { deadLetters, paused, breaker, refused, reloads, secretsWaiting, diskFree, faults, contractViolations } =
    METRICS;
  return [
    rule("HookrailDeadLetters", `sum by (pipeline) (${deadLetters.name}) > 0`, {
      summary: "{{ $labels.pipeline }} has dead letters: a person has to look",
      type: "hookrail dead list --pipeline {{ $labels.pipeline }}",
    }),
    rule("HookrailPaused", `${paused.name} == 1`, {
      summary: "{{ $labels.kind }} {{ $labels.name }} is paused, and its work waits",
      type: "hookrail status",
      for: "1m",
      severity: "page",
    }),
    rule("HookrailBreakerOpen", `max by (connection) (${breaker.name}{state!="closed"}) == 1`, {
      summary: "{{ $labels.connection }} does not answer well; its deliveries are kept and tried again",
      type: "hookrail status",
      for: "5m",
    }),
    rule(
      "HookrailSignaturesFail",
      `sum by (source) (increase(${refused.name}{reason=~"signature_.*|timestamp_.*|no_valid_secret"}[5m])) > 20`,
      {
        summary: "{{ $labels.source }} sends requests without a valid signature; a secret may have been changed there",
        type: "hookrail secrets list",
      },
    ),
    rule("HookrailReloadRefused", `increase(${reloads.name}{outcome="refused"}[15m]) > 0`, {
      summary: "the config was changed and refused; the engine works on with the one before",
      type: "hookrail check",
    }),
    rule("HookrailSecretsWaiting", `sum by (source) (${secretsWaiting.name}) > 0`, {
      summary: "a secret told by the sender of {{ $labels.source }} waits for a person",
      type: "hookrail secrets list",
    }),
    rule("HookrailContractBroken", `sum by (pipeline) (increase(${contractViolations.name}[1h])) > 0`, {
      summary: "events of {{ $labels.pipeline }} break their contract",
      type: "hookrail events --pipeline {{ $labels.pipeline }} --since 1h",
    }),
    rule("HookrailDiskNearlyFull", `min(${diskFree.name}) < 536870912`, {
      summary: "the disk below the store is nearly full; when it is, senders are told to come again",
      type: "hookrail status",
      severity: "page",
    }),
    rule("HookrailFaults", `sum(increase(${faults.name}[15m])) > 0`, {
      summary: "the engine had faults of its own; the work stays in the store",
      type: "hookrail status",
    }),
    rule("HookrailGone", `absent(${METRICS.build.name})`, {
      summary: "no engine is scraped: none runs, or Prometheus can not reach it",
      type: "hookrail status",
      for: "2m",
      severity: "page",
    }),
  ];
}

interface Text {
  readonly summary: string;
  readonly type: string;
  readonly for?: string;
  readonly severity?: "alert" | "page";
}
