/** Every metric there is: one table makes the registry and the page docs/metrics.md. Units are base units: seconds, bytes. */

export interface Definition {
  readonly name: `hookrail_${string}`;
  readonly type: "counter" | "gauge" | "histogram";
  /** One sentence: goes to the scrape and to the page. */
  readonly help: string;
  /** Each label takes its values from the config or from a list in the code: never from what a sender says. */
  readonly labels: readonly Label[];
}

export type Label =
  | "source"
  | "pipeline"
  | "connection"
  | "outcome"
  | "reason"
  | "state"
  | "kind"
  | "name"
  | "file"
  | "stat"
  | "version"
  | "node";

/** Seconds. From what nobody notices to what a whole day of outage does. */
export const LAG_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3_600, 21_600, 86_400];

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
  applied: {
    name: "hookrail_events_applied_total",
    type: "counter",
    help: "Turns of events in a pipeline by how they ended: applied, skipped, held or dead; held ones have another turn.",
    labels: ["source", "pipeline", "outcome"],
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
    help: "Turns of events that are ready and have not begun.",
    labels: [],
  },
  eventsWaitingAge: {
    name: "hookrail_events_waiting_oldest_seconds",
    type: "gauge",
    help: "Time since the receipt of the oldest event whose turn has not begun; 0 when there is none.",
    labels: [],
  },
  deliveriesWaiting: {
    name: "hookrail_deliveries_waiting",
    type: "gauge",
    help: "Deliveries that are not done, those under way among them.",
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
    help: "How late the engine's event loop was since the scrape before: mean, p99 and max.",
    labels: ["stat"],
  },
  build: {
    name: "hookrail_build_info",
    type: "gauge",
    help: "Always 1: the version of Hookrail and of Node.",
    labels: ["version", "node"],
  },
} as const satisfies Readonly<Record<string, Definition>>;
