/** What flow tells about itself, for logs and metrics: metadata only, never bodies, secrets or attribute values. */
import type { DeliveryId, EntityRef, EventId } from "../core/types.ts";
import type { AcceptResult, StoreSize } from "../store/store.ts";

export interface Observer {
  /** A request was answered. `reason` for refusals is a stable name. */
  ingested(fact: {
    readonly source?: string;
    readonly provider?: string;
    readonly outcome: IngestOutcome;
    readonly status: number;
    readonly reason?: string;
    readonly events: readonly EventId[];
    /** What each of `events` was to the store. */
    readonly kinds?: readonly AcceptResult["kind"][];
    /** The type of each of `events`. */
    readonly types?: readonly string[];
    readonly remoteAddress: string;
    /** Of a verified request whose signature covers a time. */
    readonly signedTime?: SignedTime;
    /** Of a verified request. */
    readonly taken?: Taken;
  }): void;
  /** An event's turn in a pipeline ended or was put off. */
  applied(fact: {
    readonly event: EventId;
    readonly source: string;
    readonly type: string;
    readonly pipeline: string;
    readonly status: "applied" | "skipped" | "held" | "dead";
    readonly reason?: string;
    readonly code?: string;
    readonly deliveries: number;
    readonly lagMs: number;
    /** What the event writes to, as far as its turn came. Keys may be personal: whoever shows them masks them. */
    readonly entities?: readonly EntityRef[];
    /** Gates and commit, ms. */
    readonly tookMs?: number;
    /** Places where the payload broke its contract and nothing read. */
    readonly drift?: number;
    readonly traceparent?: string;
    /** The how manieth replay it is of; absent: the first turn. */
    readonly generation?: number;
  }): void;
  /** An attempt was made, or a delivery ended without one. */
  attempted(fact: {
    readonly delivery: DeliveryId;
    readonly event: EventId;
    readonly pipeline: string;
    readonly connection: string;
    readonly action: string;
    readonly source?: string;
    readonly attempt: number;
    readonly outcome: string;
    readonly httpStatus?: number;
    readonly detail: string;
    readonly lagMs: number;
    readonly nextAt?: number;
    /** It had no answer: the sink may have acted, whatever the delivery came to. */
    readonly unanswered?: boolean;
    /** It went well, but an earlier attempt of it had no answer and may have acted too. */
    readonly possiblyDuplicate?: boolean;
    readonly type?: string;
    readonly entity?: EntityRef;
    /** Of an attempt that was made; absent where a delivery ended without one. */
    readonly sent?: SentAttempt;
  }): void;
  /** A GET for thin events ended. `turns`: how many waited for it. */
  fetched?(fact: {
    readonly connection: string;
    readonly outcome: string;
    readonly detail: string;
    readonly turns: number;
    /** One for each turn. */
    readonly events: readonly { readonly id: EventId; readonly receivedAt: number; readonly traceparent?: string }[];
    readonly tookMs: number;
  }): void;
  /** A provider told us a secret: it waits until a person accepts it. */
  secretLearned?(fact: { readonly source: string; readonly name: string; readonly fingerprint: string }): void;
  connectionPaused(fact: { readonly connection: string; readonly detail: string }): void;
  /** A fault of the engine's own: the work stays in the store and is tried again. */
  fault(fact: { readonly where: string; readonly error: unknown }): void;
  /** The store's size, looked at once a minute; `findings`: what will hurt soon. */
  stored?(fact: StoreSize & { readonly findings: readonly ("wal_grows" | "disk_nearly_full")[] }): void;
  /** The machine's wall clock was set, or the machine slept. Negative: set back. */
  clockJumped?(fact: { readonly byMs: number }): void;
  /** Events were counted against what the pipeline promises; `left`: share of its error budget. */
  judged?(fact: {
    readonly pipeline: string;
    readonly good: number;
    readonly late: number;
    readonly left: number;
  }): void;
  /** How many alerts are open, by severity. */
  alerting?(fact: { readonly page: number; readonly alert: number; readonly off: number }): void;
  /** Signed times lie far from our clock, by the median of a source's last requests. */
  clockSkewed?(fact: ClockSkew): void;
}

/** How a verified request was taken in; ms, and times in ms since the epoch. */
export interface Taken {
  readonly receivedAt: number;
  readonly tookMs: number;
  /** Until the store had it durably. */
  readonly commitMs?: number;
  /** As the sender gave it. */
  readonly traceparent?: string;
}

export interface SentAttempt {
  readonly startedAt: number;
  /** From the making of the request until its outcome was stored, ms. */
  readonly tookMs: number;
  readonly receivedAt: number;
  readonly traceparent?: string;
}

/** What a verified request says about its sender's clock. */
export interface SignedTime {
  /** Receipt minus the signed time, ms. */
  readonly skewMs: number;
  /** The smaller of what the recipe allows in the past and in the future, ms. */
  readonly toleranceMs: number;
}

export interface ClockSkew {
  /** `all_sources`: two or more, and each that was heard lately leans the same way, so it is our clock. */
  readonly cause: "one_source" | "all_sources";
  readonly sources: readonly string[];
  /** Of the source that made it a finding; negative: its clock is ahead of ours. */
  readonly medianMs: number;
  readonly limitMs: number;
  /** How many requests of a source the median is of. */
  readonly requests: number;
}

export type IngestOutcome =
  | "accepted"
  | "duplicate"
  | "conflict"
  | "unreadable"
  | "handshake"
  | "not_found"
  | "method_not_allowed"
  | "unauthorized"
  | "rate_limited"
  | "unavailable";

export const silentObserver: Observer = {
  ingested: () => {},
  applied: () => {},
  attempted: () => {},
  connectionPaused: () => {},
  fault: () => {},
};
