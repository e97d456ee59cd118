/** One line for one event: what became of it, over all pipelines. Pure: rows in, summary out. */
import type { DeliveryStatus, EventId, WorkStatus } from "../core/types.ts";
import type { EventOutcome, EventSummary } from "./store.ts";

/** A pipeline's turn: from `outcomes`, or from `work` while it is ready or held. */
export interface TurnRow {
  readonly pipeline: string;
  readonly status: WorkStatus;
  readonly reason: string | null;
  /** When it was decided; absent while it is open. */
  readonly at: number | null;
  /** The event that came later in the source's order, for what was skipped because of it. */
  readonly superseding: EventId | null;
}

/** A delivery of the event, or the one it was merged into. */
export interface DeliveryState {
  readonly pipeline: string;
  readonly status: DeliveryStatus;
  readonly done_at: number | null;
}

/** Worst first. */
const WORST: readonly EventOutcome[] = [
  "dead_letter",
  "held",
  "accepted",
  "pending",
  "discarded",
  "delivered",
  "skipped",
];

const BY_WORK: Readonly<Record<WorkStatus, EventOutcome>> = {
  ready: "accepted",
  held: "held",
  skipped: "skipped",
  dead: "dead_letter",
  discarded: "discarded",
  applied: "delivered",
};

const BY_DELIVERY: Readonly<Record<DeliveryStatus, EventOutcome>> = {
  pending: "pending",
  sending: "pending",
  retrying: "pending",
  unknown: "pending",
  dead: "dead_letter",
  discarded: "discarded",
  delivered: "delivered",
  merged: "delivered",
  superseded: "delivered",
};

/** `unreadable`: status of the dead letter of an event that could not be read and has no turns. */
export function summarize(
  event: Omit<EventSummary, "outcome" | "pipelines" | "lagMs">,
  found: {
    turns: readonly TurnRow[];
    deliveries: readonly DeliveryState[];
    unreadable?: "open" | "retried" | "discarded";
  },
): EventSummary {
  const pipelines = found.turns.map((turn) => {
    const own = found.deliveries.filter((delivery) => delivery.pipeline === turn.pipeline);
    const outcome = worst([BY_WORK[turn.status], ...own.map((delivery) => BY_DELIVERY[delivery.status])]);
    return {
      pipeline: turn.pipeline,
      status: turn.status,
      outcome,
      ...(turn.reason === null ? {} : { reason: turn.reason }),
      ...(turn.superseding === null ? {} : { supersededBy: turn.superseding }),
    };
  });
  const outcome = worst([...pipelines.map((pipeline) => pipeline.outcome), ...withoutTurns(found)]);
  const lagMs = lagOf(event.receivedAt, outcome, found);
  return { ...event, outcome, pipelines, ...(lagMs === undefined ? {} : { lagMs }) };
}

/** No pipeline listens: nothing was to be done. */
function withoutTurns(found: { turns: readonly TurnRow[]; unreadable?: string }): readonly EventOutcome[] {
  if (found.turns.length > 0) return [];
  if (found.unreadable === undefined) return ["skipped"];
  return [found.unreadable === "discarded" ? "discarded" : "dead_letter"];
}

function worst(outcomes: readonly EventOutcome[]): EventOutcome {
  return WORST.find((outcome) => outcomes.includes(outcome)) ?? "skipped";
}

function lagOf(
  receivedAt: number,
  outcome: EventOutcome,
  found: { turns: readonly TurnRow[]; deliveries: readonly DeliveryState[] },
): number | undefined {
  if (WORST.indexOf(outcome) < WORST.indexOf("discarded")) return undefined;
  const ends = [...found.turns.map((turn) => turn.at), ...found.deliveries.map((delivery) => delivery.done_at)];
  const last = Math.max(...ends.filter((end) => end !== null));
  return Number.isFinite(last) ? Math.max(0, last - receivedAt) : undefined;
}
