/** Every metric there is: one table makes the registry and the page docs/metrics.md. Units are base units: seconds, bytes. */

export interface Definition {
  readonly name: `hookrail_${string}`;
  readonly type: "counter" | "gauge" | "histogram";
  /** One sentence: goes to the scrape and to the page. */
  readonly help: string;
  /** Each label takes its values from the config or from a list in the code: never from what a sender says. */
  readonly labels: readonly Label[];
  /** Of a histogram; default: those of the lag. */
  readonly buckets?: readonly number[];
}

export type Label =
  | "source"
  | "provider"
  | "pipeline"
  | "connection"
  | "outcome"
  | "reason"
  | "state"
  | "severity"
  | "kind"
  | "lane"
  | "operation"
  | "signal"
  | "revision"
  | "environment"
  | "name"
  | "file"
  | "stat"
  | "version"
  | "node";

/** Seconds. From what nobody notices to what a whole day of outage does. */
export const LAG_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3_600, 21_600, 86_400];

/** Seconds. What is done while a sender or a sink waits. */
const SHORT_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export const METRICS = {
  accepted: {
    name: "hookrail_events_accepted_total",
    type: "counter",
    help: "Events stored for the first time; one request may bring several.",
    labels: ["source"],
  },
  duplicates: {
    name: "hookrail_events_duplicates_total",
    type: "counter",
    help: "Events that came again and were answered without being stored again.",
    labels: ["source"],
  },
  conflicts: {
    name: "hookrail_events_conflicts_total",
    type: "counter",
    help: "Events whose id came again with another body; the first is kept.",
    labels: ["source"],
  },
  refused: {
    name: "hookrail_requests_refused_total",
    type: "counter",
    help: "Requests to a source's path that were not taken, by why.",
    labels: ["source", "reason"],
  },
  requestTime: {
    name: "hookrail_request_duration_seconds",
    type: "histogram",
    help: "From the last byte of a verified request until its answer, the durable commit among it.",
    labels: ["source"],
    buckets: SHORT_BUCKETS,
  },
  applied: {
    name: "hookrail_events_applied_total",
    type: "counter",
    help: "Turns of events in a pipeline by how they ended: applied, skipped, held or dead; held ones have another turn.",
    labels: ["source", "pipeline", "outcome"],
  },
  skipped: {
    name: "hookrail_events_skipped_total",
    type: "counter",
    help: "Turns that had nothing to do, by why; stale: newer events had written all of it already.",
    labels: ["pipeline", "reason"],
  },
  contractViolations: {
    name: "hookrail_contract_violations_total",
    type: "counter",
    help: "Events that broke their contract: dead where a rule reads what is broken, else drift, which goes on.",
    labels: ["pipeline", "outcome"],
  },
  lag: {
    name: "hookrail_event_lag_seconds",
    type: "histogram",
    help: "From the receipt of an event until a connection had taken what it brings; connection is empty for events that bring nothing.",
    labels: ["pipeline", "connection"],
  },
  attempts: {
    name: "hookrail_delivery_attempts_total",
    type: "counter",
    help: "Attempts to deliver by what the delivery came to; dead counts those given up without an attempt too.",
    labels: ["pipeline", "connection", "outcome"],
  },
  attemptTime: {
    name: "hookrail_delivery_attempt_duration_seconds",
    type: "histogram",
    help: "From the making of a request to a sink until its outcome was stored.",
    labels: ["connection"],
    buckets: SHORT_BUCKETS,
  },
  fetches: {
    name: "hookrail_fetches_total",
    type: "counter",
    help: "GETs for thin events by what they came to.",
    labels: ["connection", "outcome"],
  },
  unknown: {
    name: "hookrail_unknown_outcomes_total",
    type: "counter",
    help: "Attempts after which nobody knows whether the sink acted.",
    labels: ["pipeline", "connection"],
  },
  possiblyDuplicate: {
    name: "hookrail_possibly_duplicate_deliveries_total",
    type: "counter",
    help: "Deliveries that went well after an earlier attempt without an answer, which may have acted too.",
    labels: ["pipeline", "connection"],
  },
  judged: {
    name: "hookrail_slo_events_total",
    type: "counter",
    help: "Events by whether their last delivery was done within the pipeline's `sla.lag`: good or late; counted once, at the end of that time.",
    labels: ["pipeline", "outcome"],
  },
  budgetLeft: {
    name: "hookrail_slo_budget_left_ratio",
    type: "gauge",
    help: "Share of the error budget that is left: 1 is untouched, 0 used up, below 0 overdrawn.",
    labels: ["pipeline"],
  },
  alertsOpen: {
    name: "hookrail_alerts_open",
    type: "gauge",
    help: "Alerts that are open, by the worst of what they are made of: page, alert or off.",
    labels: ["severity"],
  },
  deadLetters: {
    name: "hookrail_dead_letters",
    type: "gauge",
    help: "Dead letters that wait for a person; pipeline is empty for events that could not be read.",
    labels: ["pipeline"],
  },
  deadLetterAge: {
    name: "hookrail_dead_letter_oldest_seconds",
    type: "gauge",
    help: "Age of the oldest open dead letter; 0 when there is none.",
    labels: ["pipeline"],
  },
  eventsWaiting: {
    name: "hookrail_events_waiting",
    type: "gauge",
    help: "Turns of events that have not begun, by lane: live, replay, or fetch for those that wait for a GET.",
    labels: ["lane"],
  },
  eventsWaitingAge: {
    name: "hookrail_events_waiting_oldest_seconds",
    type: "gauge",
    help: "Time since the receipt of the oldest event whose turn has not begun; 0 when there is none.",
    labels: [],
  },
  unprocessedAge: {
    name: "hookrail_events_unprocessed_oldest_seconds",
    type: "gauge",
    help: "Time since the receipt of the oldest event that is not done: waiting, held, or with deliveries open; 0 when there is none.",
    labels: [],
  },
  deliveriesWaiting: {
    name: "hookrail_deliveries_waiting",
    type: "gauge",
    help: "Deliveries that are not done, those under way among them.",
    labels: ["connection"],
  },
  keysWaiting: {
    name: "hookrail_delivery_keys_waiting",
    type: "gauge",
    help: "Entities with deliveries that are not done; of each, one goes at a time.",
    labels: ["connection"],
  },
  keysBlocked: {
    name: "hookrail_delivery_keys_blocked",
    type: "gauge",
    help: "Those of them whose oldest delivery failed and waits for another attempt, and all behind it with it.",
    labels: ["connection"],
  },
  held: {
    name: "hookrail_held_events",
    type: "gauge",
    help: "Events that came too early and wait for another event.",
    labels: ["pipeline"],
  },
  breaker: {
    name: "hookrail_breaker_state",
    type: "gauge",
    help: "1 for the state a connection's breaker is in, 0 for the others: closed, open, half_open.",
    labels: ["connection", "state"],
  },
  paused: {
    name: "hookrail_paused",
    type: "gauge",
    help: "1 while a pipeline or connection is paused, by a person or by the engine.",
    labels: ["kind", "name"],
  },
  secretsWaiting: {
    name: "hookrail_secrets_waiting",
    type: "gauge",
    help: "Secrets that a provider told in a handshake and that verify nothing until a person accepts them.",
    labels: ["source"],
  },
  reloads: {
    name: "hookrail_reloads_total",
    type: "counter",
    help: "Reloads of the config by what came of them: taken, unchanged or refused.",
    labels: ["outcome"],
  },
  reloadedAt: {
    name: "hookrail_config_taken_timestamp_seconds",
    type: "gauge",
    help: "When the config at work was taken, by the start or a reload; Unix time.",
    labels: [],
  },
  config: {
    name: "hookrail_config_info",
    type: "gauge",
    help: "Always 1: the revision at work and the environment it says it is in.",
    labels: ["revision", "environment"],
  },
  sources: {
    name: "hookrail_source_info",
    type: "gauge",
    help: "Always 1: which provider a source speaks for, to be joined on source.",
    labels: ["source", "provider"],
  },
  commit: {
    name: "hookrail_store_commit_duration_seconds",
    type: "histogram",
    help: "How long what changes the store waited for its durable commit, the queue before it among it, by what was changed.",
    labels: ["operation"],
    buckets: SHORT_BUCKETS,
  },
  telemetry: {
    name: "hookrail_telemetry_items_total",
    type: "counter",
    help: "Spans and metric points for OpenTelemetry: sent, or dropped since the collector did not take them in time.",
    labels: ["signal", "outcome"],
  },
  faults: {
    name: "hookrail_engine_faults_total",
    type: "counter",
    help: "Faults of the engine's own; the work stays in the store. The log says which.",
    labels: [],
  },
  storeBytes: {
    name: "hookrail_store_bytes",
    type: "gauge",
    help: "Size of the store by file: main, wal, and the reserve that is given up when the disk is full.",
    labels: ["file"],
  },
  diskFree: {
    name: "hookrail_store_disk_free_bytes",
    type: "gauge",
    help: "Room left on the disk below the store.",
    labels: [],
  },
  loopDelay: {
    name: "hookrail_event_loop_delay_seconds",
    type: "gauge",
    help: "How late the engine's event loop was since it was asked before, at most every 5 s: mean, p99 and max.",
    labels: ["stat"],
  },
  build: {
    name: "hookrail_build_info",
    type: "gauge",
    help: "Always 1: the version of Hookrail and of Node.",
    labels: ["version", "node"],
  },
} as const satisfies Readonly<Record<string, Definition>>;
