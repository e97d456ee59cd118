/** What goes into the store and is worked on there: accepted events, work, entities, and the deliveries they give birth to. */
import type { EntityRecord } from "../core/record.ts";
import type {
  ActionKind,
  AttributeWrite,
  DeadLetterId,
  DeliveryId,
  EntityRef,
  EventId,
  Json,
  JsonObject,
  SkipReason,
} from "../core/types.ts";

/** One line of the audit trail. */
export interface AuditRow {
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly reason: string;
}

// ---- intake ----

export interface NewEvent {
  readonly id: EventId;
  readonly source: string;
  readonly provider: string;
  /** Unique within the source: `p:` + provider id, `c:` + composite, `h:` + body hash; replays add `#generation`. */
  readonly dedupeKey: string;
  /** Until when the key is remembered, ms since the epoch. A hash key's window is short. */
  readonly dedupeUntil: number;
  readonly providerId: string;
  readonly type: string;
  /** By the source's clock, ms; receipt time where it gives none. */
  readonly occurredAt: number;
  readonly clockResolutionMs: number;
  readonly rank: number;
  readonly receivedAt: number;
  /** Headers kept for mapping and replay: never credentials or signatures. */
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly body: Uint8Array;
  /** SHA-256 of the item's or body's raw bytes, hex: tells a conflict from a duplicate. */
  readonly bodyHash: string;
  readonly itemIndex: number;
  readonly verification: {
    readonly scheme: string;
    readonly secretIndex: number;
    readonly skewMs?: number;
    /** How far the signed time might lie from ours, ms; there where `skewMs` is. */
    readonly toleranceMs?: number;
    readonly signed: string;
  };
  /** The revision that accepted it. */
  readonly revision: string;
  /** Set for what can't be read: it is stored as a dead letter and gets no work. */
  readonly unreadable?: { readonly code: string; readonly message: string };
}

export interface AcceptRequest {
  /** One event, or all items of a batch: stored together or not at all. */
  readonly events: readonly NewEvent[];
  /** Pipelines that listen to each event: one work row each. Same length as `events`. */
  readonly pipelines: readonly (readonly string[])[];
}

export type AcceptResult =
  | { readonly kind: "new"; readonly id: EventId; readonly seq: number }
  | { readonly kind: "duplicate"; readonly of: EventId }
  /** Same key, other body: the first is kept, the second recorded as a conflict. */
  | { readonly kind: "conflict"; readonly of: EventId };

export interface StoredEvent extends Omit<NewEvent, "dedupeUntil" | "unreadable"> {
  readonly seq: number;
  /** Retention has removed the body: `body` is empty. Never set while work or an open dead letter needs it. */
  readonly bodyPurged?: true;
  /** What a person corrected, read in place of `body`: the whole body, or of a batch the one item, as JSON. */
  readonly edited?: Uint8Array;
}

/** A correction of an event's body; the body as received stays beside it. */
export interface BodyEdit {
  readonly body: Uint8Array;
  /** SHA-256, hex: of what was read until now, and of `body`. */
  readonly beforeHash: string;
  readonly afterHash: string;
  /** Places that were changed: names, never values. */
  readonly paths: readonly string[];
  /** Where the event gets its turn. */
  readonly pipelines: readonly string[];
  /** For an event that could not be read, and so had no type and no time. */
  readonly identity?: Pick<NewEvent, "type" | "occurredAt" | "clockResolutionMs" | "rank">;
}

export interface EditRequest {
  /** The dead letter. */
  readonly id: DeadLetterId;
  readonly edit: BodyEdit;
  readonly audit: AuditRow;
}

/** `closed`: no such open dead letter. `sent`: its request was sent and is frozen. `effect`: an effect is not mapped anew. `busy`: the event is at work in that pipeline. */
export type EditResult = "done" | "closed" | "sent" | "effect" | "busy";

// ---- apply ----

export interface WorkItem {
  readonly seq: number;
  readonly pipeline: string;
  readonly status: "ready" | "held";
  readonly event: StoredEvent;
  /** When it was first held; the window counts from here. */
  readonly heldSince?: number;
  readonly holdReason?: string;
  /** What its rule has fetched, as text of JSON; `at`: when that GET began. */
  readonly fetched?: StoredAnswer;
  /** It had its turn before: the how manieth other one this is, and whether effects are repeated. */
  readonly replay?: { readonly generation: number; readonly effects: boolean };
}

export type { EntityRecord, StoredAttribute } from "../core/record.ts";

/** The answer to a GET: `request` as the rule wrote it, `body` JSON text. */
export interface StoredAnswer {
  readonly request: string;
  readonly at: number;
  readonly body: string;
}

/** A turn that can go on only when something has been fetched. */
export interface FetchWait {
  readonly workSeq: number;
  readonly eventSeq: number;
  readonly pipeline: string;
  readonly connection: string;
  readonly request: string;
  readonly at: number;
  readonly dueAt: number;
}

/** One turn that waits. `since`: the retry horizon counts from here. */
export interface WaitingTurn {
  readonly workSeq: number;
  readonly eventSeq: number;
  readonly pipeline: string;
  readonly since: number;
  readonly dueAt: number;
  readonly attempts: number;
  readonly event: EventId;
  readonly receivedAt: number;
  /** As the sender gave it. */
  readonly traceparent: string | null;
}

/** One GET, and the turns that wait for it: all of them were received before it begins. */
export interface FetchTask {
  readonly connection: string;
  readonly request: string;
  readonly turns: readonly WaitingTurn[];
}

/** What a GET came to: an answer for all of its turns, or another try of each. */
export type FetchSettlement =
  | { readonly kind: "answered"; readonly turns: readonly WaitingTurn[]; readonly at: number; readonly body: string }
  | { readonly kind: "later"; readonly turns: readonly WaitingTurn[] };

/** An entity as it is to be after the commit; `expected` is its `changes` when it was read (0: not there). */
export interface EntityWrite {
  readonly record: EntityRecord;
  readonly expected: number;
  /** Keys of entities that turned out to be this one: their ids become its own. */
  readonly absorbs?: { readonly idName: string; readonly keys: readonly string[] };
}

export interface HistoryRow {
  readonly entity: EntityRef;
  /** Attribute name; `state`, `link:NAME` and `delete` for the others. */
  readonly attribute: string;
  readonly before: Json | undefined;
  readonly after: Json | undefined;
  /** `refused`: a protected value that would have fallen; `stale`: an older version lost. */
  readonly result: "set" | "cleared" | "kept" | "refused" | "stale" | "computed";
  /** Mapping line that wrote it: `file:line`. Absent for computed values. */
  readonly mapping?: string;
  readonly note?: string;
  /** The event that superseded this one, for `stale`. */
  readonly supersededBy?: number;
}

/** `once` and `on_enter` memory: an effect that fired for this entity and values never fires again. */
export interface OnceMark {
  /** `pipeline/deliverId`. */
  readonly effect: string;
  readonly entity: EntityRef;
  /** Canonical text of the values of the named paths; "" for once in a life. */
  readonly values: string;
}

export interface NewDelivery {
  readonly id: DeliveryId;
  readonly pipeline: string;
  readonly deliverId: string;
  readonly connection: string;
  readonly entity: EntityRef;
  readonly ids: Readonly<Record<string, string>>;
  readonly state?: string;
  readonly action: string;
  readonly kind: ActionKind;
  readonly eventName: string;
  readonly attributes: Readonly<Record<string, AttributeWrite>>;
  readonly params: JsonObject;
  readonly entityVersion: number;
  readonly idempotencyKey: string;
  /** Not attempted after this instant (`not_after`). */
  readonly notAfter?: number;
  /** From the pipeline's SLA, unless the connection declares it. */
  readonly retry: { readonly baseMs: number; readonly capMs: number; readonly horizonMs: number };
  readonly createdAt: number;
}

export interface NewDeadLetter {
  readonly id: DeadLetterId;
  readonly pipeline: string;
  readonly code: string;
  readonly message: string;
  readonly createdAt: number;
}

/** The decision of the apply step, committed as one. */
export interface ApplyCommit {
  readonly workSeq: number;
  readonly eventSeq: number;
  readonly pipeline: string;
  readonly revision: string;
  readonly at: number;
  readonly outcome:
    | { readonly status: "applied"; readonly rule: string; readonly detail: JsonObject }
    | {
        readonly status: "skipped";
        readonly reason: SkipReason;
        readonly rule?: string;
        readonly detail?: JsonObject;
        readonly supersededBy?: number;
      }
    | {
        readonly status: "held";
        readonly reason: string;
        readonly until: number;
        readonly rule?: string /** Found again by `heldWork({ entity })`; a key of the form `@id_name=value` waits for whoever gets that id. */;
        readonly waitsFor: readonly EntityRef[];
      }
    | { readonly status: "dead"; readonly dead: NewDeadLetter; readonly rule?: string; readonly detail?: JsonObject };
  readonly entities: readonly EntityWrite[];
  readonly history: readonly HistoryRow[];
  readonly once: readonly OnceMark[];
  readonly deliveries: readonly NewDelivery[];
  /** Exceptions the author wrote out, such as a forced move. */
  readonly audit?: readonly AuditRow[];
  /** Pending upserts that a new delivery took over: they become `merged`. */
  readonly merged: readonly MergedUpsert[];
}

export interface MergedUpsert {
  readonly delivery: DeliveryId;
  readonly into: DeliveryId;
  /** For sinks that mark no attempt: it may have arrived all the same, so these marks are no measure any more. */
  readonly forgotten?: readonly string[];
}

/** `conflict`: an entity changed since it was read, or a once mark exists; nothing was written, read again. */
export type ApplyResult = { readonly kind: "ok" } | { readonly kind: "conflict"; readonly entity?: EntityRef };

/** An upsert that is pending, on the wire, to be tried again, or perhaps applied. */
export interface OpenUpsert {
  /** Never attempted, and no effect waits behind it: a newer one may take it over. */
  readonly mergeable: boolean;
  readonly id: DeliveryId;
  readonly seq: number;
  readonly connection: string;
  readonly action: string;
  readonly params: JsonObject;
  readonly deliverId: string;
  readonly entity: EntityRef;
  readonly attributes: Readonly<Record<string, AttributeWrite>>;
  readonly entityVersion: number;
}

/** All that one apply step reads, as one snapshot. */
export interface Snapshot {
  /** By `type/key`; absent entities are not in it. */
  readonly entities: ReadonlyMap<string, EntityRecord>;
  readonly children: ReadonlyMap<string, readonly EntityRecord[]>;
}
