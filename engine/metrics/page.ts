/** docs/metrics.md, made from the table of definitions. */
import { METRICS } from "./definitions.ts";

export function metricsMarkdown(): string {
  const rows = Object.values(METRICS).map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.map((one) => `\`${one}\``).join(" ")} | ${help} |`,
  );
  return `${HEAD}\n\n| metric | type | labels | what it says |\n|---|---|---|---|\n${rows.join("\n")}\n\n${FOOT}\n`;
}

const HEAD = `# Metrics

<!-- Made by \`npm run gen\`; do not edit. -->

\`GET /metrics\` on the admin listener (\`http://127.0.0.1:8081/metrics\` by default) answers in the text format of
Prometheus. It is guarded as the admin API is: this machine only, or a token with the right \`read\` once \`admin.tokens\` are
set (in Prometheus \`authorization: { credentials_file: … }\`).

Labels take their values from the config and from fixed lists: what a sender says, an event's type among it, never makes a
new series, and no metric carries an id, an address or a value. Counters begin at 0 with the process; gauges of the store are
read at the scrape. Where so much waits that counting it takes long, the counts are kept for a hundred times as long as they
took, at most 30 s: a scrape never costs the engine more than a hundredth of its time.

The same metrics go to an OpenTelemetry collector where \`otel\` is set ([OpenTelemetry](telemetry.md)): there
\`hookrail_event_lag_seconds\` is \`hookrail.event.lag\` in \`s\`, and labels are \`hookrail.pipeline\` and so on.`;

const FOOT = `What a listener refuses before it knows the source (no such path, a body that is too large) is in the log only. Deliveries
that are merged into a later one, or left out because the sink has the values already, are no attempts and have no lag.

To look at first:

| question | expression |
|---|---|
| does a person have to look? | \`sum by (pipeline) (hookrail_dead_letters) > 0\` |
| does a sink not answer? | \`hookrail_breaker_state{state="open"} == 1\` |
| is something paused? | \`hookrail_paused == 1\` |
| does a secret that a provider told wait for a person? | \`hookrail_secrets_waiting > 0\` |
| is a sender's secret wrong? | \`sum by (source) (rate(hookrail_requests_refused_total{reason="signature_mismatch"}[5m])) > 0\` |
| how many arrive within a minute? | \`sum by (pipeline) (rate(hookrail_event_lag_seconds_bucket{le="60"}[1h])) / sum by (pipeline) (rate(hookrail_event_lag_seconds_count[1h]))\` |
| is the oldest event late? | \`hookrail_events_unprocessed_oldest_seconds > 300\` |
| did an upstream team change its payload? | \`sum by (pipeline) (increase(hookrail_contract_violations_total[1h])) > 0\` |
| is the disk slow? | \`histogram_quantile(0.99, sum by (le) (rate(hookrail_store_commit_duration_seconds_bucket{operation="accept"}[5m]))) > 0.1\` |
| does work pile up? | \`hookrail_events_waiting_oldest_seconds > 60\` |
| was a config refused? | \`increase(hookrail_reloads_total{outcome="refused"}[1h]) > 0\` |`;
