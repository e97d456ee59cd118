/** Deliveries as they are sent: where they stand, their attempts, and what an attempt came to. */
import type { DeliveryId, DeliveryStatus, EventId, Json, JsonObject } from "../core/types.ts";
import type { NewDeadLetter, NewDelivery } from "./records.ts";

export interface DeliveryRecord extends NewDelivery {
  readonly seq: number;
  readonly event: {
    readonly seq: number;
    readonly id: EventId;
    readonly providerId: string;
    readonly type: string;
    readonly source: string;
    readonly occurredAt: number;
    readonly receivedAt: number;
    /** As its sender gave it. */
    readonly traceparent?: string;
  };
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly nextAt: number;
  /** Frozen at the first attempt. */
  readonly frozen?: { readonly summary: string; readonly data: JsonObject };
  /** Why it ended without an attempt, or what is to be known of how it ended. */
  readonly note?: string;
  /** From when the retries' horizon counts: the first attempt, moved on by the time the connection was held back. */
  readonly horizonFrom?: number;
  /** Attempts since birth, or since a person sent it again, that may have had an effect. */
  readonly perhapsSent?: PerhapsSent;
}

export interface PerhapsSent {
  /** Start of the first attempt that may have acted: it had no answer, or a 5xx. */
  readonly since: number;
  /** One of them had no answer at all. */
  readonly unknown: boolean;
}

export interface AttemptRecord {
  readonly attempt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly outcome: "delivered" | "retry" | "rejected" | "pause" | "unknown";
  readonly httpStatus?: number;
  readonly detail: string;
}

export interface AttemptMark {
  readonly delivery: DeliveryId;
  readonly attempt: number;
  readonly at: number;
  /** Given with the first attempt, and with what is made anew. */
  readonly frozen?: { readonly summary: string; readonly data: JsonObject };
  /** An overtaken upsert is another from here on, with another key. */
  readonly remade?: Pick<DeliveryRecord, "attributes" | "state" | "entityVersion" | "idempotencyKey">;
}

export interface DeliverySettlement {
  readonly delivery: DeliveryId;
  readonly status: "delivered" | "retrying" | "unknown" | "superseded" | "dead" | "pending";
  /** For retrying, unknown and pending: when it is due again. */
  readonly nextAt?: number;
  readonly attempt?: AttemptRecord;
  /** Moves the start of the horizon. */
  readonly horizonFrom?: number;
  /** Frozen request, for sinks that do not mark attempts. */
  readonly frozen?: { readonly summary: string; readonly data: JsonObject };
  /** What the connection has now acknowledged, for upserts that were delivered. */
  readonly acknowledged?: Readonly<Record<string, Json>>;
  /** Attributes whose mark is cleared: after a dead or unknown upsert the next event repairs them. */
  readonly forgotten?: readonly string[];
  /** The sink may still be at work: nothing is sent to the entity before this instant, whatever becomes of this delivery. */
  readonly quietUntil?: number;
  readonly dead?: NewDeadLetter;
  readonly note?: string;
}
