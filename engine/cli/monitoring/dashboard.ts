/** A dashboard for Grafana over the metrics of the engine: promises first, then what waits, then why. */
import { METRICS } from "../../metrics/definitions.ts";

interface Panel {
  readonly title: string;
  readonly kind: "stat" | "timeseries";
  readonly unit: "percentunit" | "short" | "s" | "ops" | "bytes";
  readonly width: number;
  readonly queries: readonly { readonly expr: string; readonly legend: string }[];
  /** Below the first it is red; between them yellow. */
  readonly red?: { readonly above?: number; readonly below?: number };
}

const M = METRICS;
const of = '{pipeline=~"$pipeline"}';
const every = "$__rate_interval";

const PANELS: readonly Panel[] = [
  {
    title: "Error budget left",
    kind: "stat",
    unit: "percentunit",
    width: 12,
    queries: [{ expr: `min by (pipeline) (${M.budgetLeft.name}${of})`, legend: "{{pipeline}}" }],
    red: { below: 0.1 },
  },
  {
    title: "Open alerts",
    kind: "stat",
    unit: "short",
    width: 4,
    queries: [{ expr: `sum by (severity) (${M.alertsOpen.name})`, legend: "{{severity}}" }],
    red: { above: 1 },
  },
  {
    title: "Dead letters",
    kind: "stat",
    unit: "short",
    width: 4,
    queries: [{ expr: `sum(${M.deadLetters.name}${of})`, legend: "open" }],
    red: { above: 1 },
  },
  {
    title: "Oldest event that is not done",
    kind: "stat",
    unit: "s",
    width: 4,
    queries: [{ expr: `max(${M.unprocessedAge.name})`, legend: "age" }],
    red: { above: 300 },
  },
  {
    title: "Events too late, share",
    kind: "timeseries",
    unit: "percentunit",
    width: 12,
    queries: [
      {
        expr: `sum by (pipeline) (rate(${M.judged.name}{pipeline=~"$pipeline",outcome="late"}[${every}])) / sum by (pipeline) (rate(${M.judged.name}${of}[${every}]))`,
        legend: "{{pipeline}}",
      },
    ],
  },
  {
    title: "Lag, 95th percentile",
    kind: "timeseries",
    unit: "s",
    width: 12,
    queries: [
      {
        expr: `histogram_quantile(0.95, sum by (pipeline, le) (rate(${M.lag.name}_bucket${of}[${every}])))`,
        legend: "{{pipeline}}",
      },
    ],
  },
  {
    title: "Events accepted",
    kind: "timeseries",
    unit: "ops",
    width: 12,
    queries: [{ expr: `sum by (source) (rate(${M.accepted.name}[${every}]))`, legend: "{{source}}" }],
  },
  {
    title: "Attempts by outcome",
    kind: "timeseries",
    unit: "ops",
    width: 12,
    queries: [
      {
        expr: `sum by (connection, outcome) (rate(${M.attempts.name}${of}[${every}]))`,
        legend: "{{connection}} {{outcome}}",
      },
    ],
  },
  {
    title: "Deliveries waiting",
    kind: "timeseries",
    unit: "short",
    width: 8,
    queries: [{ expr: `sum by (connection) (${M.deliveriesWaiting.name})`, legend: "{{connection}}" }],
  },
  {
    title: "Connections stopped (paused, or breaker not closed)",
    kind: "timeseries",
    unit: "short",
    width: 8,
    queries: [
      { expr: `max by (name) (${M.paused.name}{kind="connection"})`, legend: "{{name}} paused" },
      { expr: `max by (connection) (${M.breaker.name}{state!="closed"})`, legend: "{{connection}} breaker" },
    ],
  },
  {
    title: "Requests refused by reason",
    kind: "timeseries",
    unit: "ops",
    width: 8,
    queries: [{ expr: `sum by (source, reason) (rate(${M.refused.name}[${every}]))`, legend: "{{source}} {{reason}}" }],
  },
  {
    title: "On hold",
    kind: "timeseries",
    unit: "short",
    width: 8,
    queries: [{ expr: `sum by (pipeline) (${M.held.name}${of})`, legend: "{{pipeline}}" }],
  },
  {
    title: "Durable commit, 99th percentile",
    kind: "timeseries",
    unit: "s",
    width: 8,
    queries: [
      { expr: `histogram_quantile(0.99, sum by (le) (rate(${M.commit.name}_bucket[${every}])))`, legend: "commit" },
    ],
  },
  {
    title: "Store",
    kind: "timeseries",
    unit: "bytes",
    width: 8,
    queries: [
      { expr: `sum by (file) (${M.storeBytes.name})`, legend: "{{file}}" },
      { expr: `min(${M.diskFree.name})`, legend: "disk free" },
    ],
  },
];

const WIDTH = 24;
const HEIGHTS = { stat: 5, timeseries: 8 } as const;
const SOURCE = { type: "prometheus", uid: "${datasource}" };

export function grafanaDashboard(): string {
  let [x, y, height] = [0, 0, 0];
  const panels = PANELS.map((panel, index) => {
    if (x + panel.width > WIDTH) [x, y, height] = [0, y + height, 0];
    height = Math.max(height, HEIGHTS[panel.kind]);
    const gridPos = { x, y, w: panel.width, h: HEIGHTS[panel.kind] };
    x += panel.width;
    return panelOf(panel, { id: index + 1, gridPos });
  });
  return `${JSON.stringify(
    {
      uid: "hookrail",
      title: "Hookrail",
      tags: ["hookrail"],
      schemaVersion: 39,
      version: 1,
      editable: true,
      refresh: "30s",
      time: { from: "now-6h", to: "now" },
      timezone: "browser",
      annotations: { list: [] },
      templating: { list: [sourceVariable, pipelineVariable] },
      panels,
    },
    undefined,
    2,
  )}\n`;
}

const sourceVariable = { name: "datasource", label: "Prometheus", type: "datasource", query: "prometheus" };
const pipelineVariable = {
  name: "pipeline",
  label: "Pipeline",
  type: "query",
  datasource: SOURCE,
  query: { query: `label_values(${M.applied.name}, pipeline)`, refId: "pipelines" },
  includeAll: true,
  multi: true,
  allValue: ".*",
  current: { text: "All", value: "$__all" },
  refresh: 2,
  sort: 1,
};

function panelOf(panel: Panel, placed: { readonly id: number; readonly gridPos: object }) {
  const { title, kind, unit, queries, red } = panel;
  return {
    ...placed,
    title,
    type: kind,
    datasource: SOURCE,
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: SOURCE,
      expr,
      legendFormat: legend,
    })),
    fieldConfig: {
      defaults: {
        unit,
        min: red?.below === undefined ? 0 : null,
        ...(red === undefined ? {} : { thresholds: thresholds(red) }),
      },
      overrides: [],
    },
    options: kind === "stat" ? { colorMode: "value", reduceOptions: { calcs: ["lastNotNull"] } } : {},
  };
}

function thresholds({ above, below }: NonNullable<Panel["red"]>) {
  const steps =
    below === undefined
      ? [
          { color: "green", value: null },
          { color: "red", value: above ?? 0 },
        ]
      : [
          { color: "red", value: null },
          { color: "green", value: below },
        ];
  return { mode: "absolute", steps };
}
