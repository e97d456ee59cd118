/** What operators, `explain` and `plan` get to read, and what operators change. */
import type { DeadLetterId, DeliveryId, EntityRef, EventId, JsonObject, Version, WorkStatus } from "../core/types.ts";
import type { AttemptMark, AttemptRecord, DeliveryRecord } from "./delivery-records.ts";
import type { AuditRow, EntityRecord, HistoryRow, StoredEvent } from "./records.ts";

export interface DeadLetter {
  readonly id: DeadLetterId;
  readonly kind: "event" | "delivery";
  readonly event: EventId;
  readonly delivery?: DeliveryId;
  readonly source: string;
  readonly type: string;
  readonly pipeline: string;
  readonly code: string;
  readonly message: string;
  readonly createdAt: number;
  readonly status: "open" | "retried" | "discarded";
  readonly resolvedAt?: number;
  readonly resolution?: string;
}

export interface Pause {
  readonly kind: "pipeline" | "connection";
  readonly name: string;
  readonly since: number;
  readonly by: string;
  readonly reason: string;
}

export interface EventFilter {
  readonly source?: string;
  readonly pipeline?: string;
  readonly type?: string;
  readonly outcome?: string;
  readonly since?: number;
  /** Newest first; at most this many (default 20). */
  readonly limit?: number;
  /** Events with a lower seq: for paging. */
  readonly before?: number;
}

/** One line of `hookrail events`. `outcome` sums up all pipelines: the worst of dead, held, pending, delivered, skipped. */
export interface EventSummary {
  readonly seq: number;
  readonly id: EventId;
  readonly providerId: string;
  readonly source: string;
  readonly type: string;
  readonly receivedAt: number;
  readonly occurredAt: number;
  readonly outcome: EventOutcome;
  readonly pipelines: readonly {
    readonly pipeline: string;
    readonly status: WorkStatus;
    readonly reason?: string;
    readonly outcome: EventOutcome;
    readonly supersededBy?: EventId;
  }[];
  /** Receipt to last delivery done, ms; absent while something is open. */
  readonly lagMs?: number;
}

export type EventOutcome = "accepted" | "held" | "pending" | "delivered" | "skipped" | "dead_letter" | "discarded";

/** The whole story of one event. */
export interface EventStory {
  readonly event: StoredEvent;
  /** Of the revision that accepted it. */
  readonly gitCommit?: string;
  readonly summary: EventSummary;
  readonly conflicts: readonly { readonly receivedAt: number; readonly bodyHash: string }[];
  readonly duplicates: number;
  readonly outcomes: readonly {
    readonly pipeline: string;
    readonly status: WorkStatus;
    readonly reason?: string;
    readonly rule?: string;
    readonly detail?: JsonObject;
    readonly revision: string;
    readonly gitCommit?: string;
    readonly at: number;
    /** While held: when its window ends. */
    readonly until?: number;
    readonly supersededBy?: EventId;
  }[];
  readonly history: readonly (HistoryRow &
    Superseding & {
      readonly pipeline: string;
      readonly at: number;
    })[];
  readonly deliveries: readonly {
    readonly delivery: DeliveryRecord;
    readonly attempts: readonly (AttemptRecord | (AttemptMark & { readonly outcome: "sending" }))[];
    readonly mergedInto?: DeliveryId;
    readonly doneAt?: number;
  }[];
  readonly deadLetters: readonly DeadLetter[];
  /** Corrections of its body by people, oldest first. */
  readonly edits: readonly EditRecord[];
}

/** Who corrected a body, and where; hashes are SHA-256, hex. */
export interface EditRecord {
  readonly at: number;
  readonly actor: string;
  readonly reason: string;
  readonly beforeHash: string;
  readonly afterHash: string;
  readonly paths: readonly string[];
}

/** The event that `supersededBy` means, and when it happened by its sender's clock. */
export interface Superseding {
  readonly superseding?: EventId;
  readonly supersedingAt?: number;
}

export interface LineageRow extends HistoryRow, Superseding {
  readonly event: EventId;
  readonly eventType: string;
  readonly source: string;
  readonly pipeline: string;
  readonly at: number;
  readonly version?: Version;
  readonly revision: string;
  readonly gitCommit?: string;
}

export interface RevisionRecord {
  /** SHA-256 of the canonical content, hex. */
  readonly hash: string;
  readonly gitCommit?: string;
  /** The files as read, path -> text; secrets are references, never values. */
  readonly files: Readonly<Record<string, string>>;
  readonly at: number;
}

/** Entities of one type, to be loaded together or not at all. */
export interface SeedRequest {
  readonly entity: string;
  readonly records: readonly EntityRecord[];
  /** Given with the last part of a seed: what was done, in all. */
  readonly audit?: AuditRow;
  readonly at: number;
}

/** `existing`: was there already. `taken`: one of its ids belongs to another entity. `erased`: was erased on request. */
export interface SeedResult {
  readonly created: number;
  readonly existing: number;
  readonly taken: number;
  readonly erased: number;
}

/** That an entity type was seeded: when last, and how many entities in all. */
/** A secret a provider told us in a handshake. Only an accepted one verifies anything. */
export interface LearnedSecret {
  readonly source: string;
  /** As its recipe calls it. */
  readonly name: string;
  readonly fingerprint: string;
  readonly value: string;
  readonly learnedAt: number;
  readonly status: "pending" | "accepted";
}

/** What a person did with one; without a status it is forgotten. */
export interface JudgedSecretCall {
  readonly source: string;
  readonly fingerprint: string;
  readonly status?: LearnedSecret["status"];
  readonly audit: AuditRow;
}

export interface SeedMark {
  readonly entity: string;
  readonly at: number;
  readonly created: number;
}

/** All that the store holds of an entity and what belongs to it. */
export interface ErasePlan {
  /** `there` false: no row of it, but events may carry its id. */
  readonly entities: readonly (EntityRef & {
    readonly ids: Readonly<Record<string, string>>;
    readonly there: boolean;
  })[];
  readonly events: readonly number[];
  readonly deliveries: readonly { readonly seq: number; readonly event: number; readonly entity: EntityRef }[];
}

export interface EraseRequest {
  readonly plan: ErasePlan;
  readonly at: number;
  readonly actor: string;
  readonly reason: string;
}

/** What is gone. `busy`: deliveries that were on their way, so nothing was erased. `kept`: bodies other events of a batch still need. */
export interface EraseResult {
  readonly entities: number;
  readonly events: number;
  readonly bodies: number;
  readonly deliveries: number;
  readonly history: number;
  readonly deadLetters: number;
  readonly kept: number;
  readonly busy: number;
}

/** Events to be worked on again, each in these pipelines. */
export interface ReplayRequest {
  readonly items: readonly { readonly event: EventId; readonly pipelines: readonly string[] }[];
  readonly effects: boolean;
  readonly audit: AuditRow;
}

/** Counts of turns: given, and not given since the event is being worked on; and of events without a body, erased or unknown. */
export interface ReplayResult {
  readonly queued: number;
  readonly busy: number;
  readonly gone: number;
}

/**
 * `bodiesBefore`: bodies received earlier go. `now`: dedupe keys whose window has ended go. `limit`: rows of each, at most.
 * The others, in ms since the epoch too: what is older goes; absent, it stays.
 */
export interface PurgeRequest {
  readonly bodiesBefore: number;
  /** Events whose body and dedupe key are gone, with their deliveries and attempts. */
  readonly eventsBefore?: number;
  /** Dead letters that were open that long are discarded. */
  readonly deadLettersBefore?: number;
  readonly historyBefore?: number;
  readonly auditBefore?: number;
  readonly now: number;
  readonly limit: number;
}

export interface PurgeResult {
  readonly bodies: number;
  readonly keys: number;
  readonly events: number;
  readonly deadLetters: number;
  readonly history: number;
  readonly audit: number;
  readonly more: boolean;
}

/**
 * In bytes. `freeBytes`: free inside the file; `diskFreeBytes`: on the disk below it, where that can be known;
 * `reserveBytes`: of the file that is given up when the disk is full, 0 while it is spent or where there is none.
 */
export interface StoreSize {
  readonly bytes: number;
  readonly freeBytes: number;
  readonly walBytes: number;
  readonly reserveBytes: number;
  readonly diskFreeBytes?: number;
}

/** What waits, by the name of what it waits in; names with nothing are left out. */
export interface StoreBacklog {
  readonly held: readonly { readonly pipeline: string; readonly held: number }[];
  /** Open ones, those under way among them; `keys`: entities they are for; `blocked`: of these, whose oldest failed and waits. */
  readonly deliveries: readonly {
    readonly connection: string;
    readonly open: number;
    readonly keys: number;
    readonly blocked: number;
  }[];
  /** Turns of replays that wait. */
  readonly replays: number;
  /** Open ones; `oldestAt` in ms since the epoch. `pipeline` is empty for events that could not be read. */
  readonly deadLetters: readonly { readonly pipeline: string; readonly open: number; readonly oldestAt: number }[];
}

export interface StoreCounts {
  readonly events: number;
  readonly ready: number;
  /** Turns that wait for a GET. */
  readonly fetching: number;
  readonly held: number;
  readonly openDeliveries: number;
  readonly openDeadLetters: number;
  readonly oldestReadyAt?: number;
  /** Receipt of the oldest event that is not done, whatever it waits for; ms since the epoch. */
  readonly oldestOpenAt?: number;
}
