/**
 * Glossary and domain types: the words that every other file uses, and no others (docs/glossary.md).
 *
 * - **provider**: who sends (Stripe). A YAML recipe in `plugins/providers/`.
 * - **source**: an inbound path + provider + secrets. Dedupe belongs to the source.
 * - **event**: one verified, deduplicated request (or batch item), stored with its raw body.
 * - **pipeline**: what one team does with the events of one source; **rule**: what it does with an event type.
 * - **work**: one event's turn in one pipeline, from accept to its outcome.
 * - **entity**: what events are about (customer, subscription): attributes, a state, ids, maybe a parent.
 * - **delivery**: one event's work for one sink action; **attempt**: one try of it.
 * - **connection**: a configured sink. **dead letter**: an event or delivery that needs a person.
 * - **revision**: one validated config, by content hash.
 */

/** Any value JSON can carry. Objects that come from payloads have no `__proto__` key. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** A value or a promise of it: the mapping fast path answers at once, the interpreter later. */
export type MaybePromise<T> = T | Promise<T>;

/** Public id of an event, `evt_` + UUIDv7 without dashes; sorts by creation. */
export type EventId = string & { readonly __brand: "EventId" };
/** Public id of a delivery, `dlv_` + UUIDv7 without dashes. */
export type DeliveryId = string & { readonly __brand: "DeliveryId" };
/** Public id of a dead letter, `dead_` + UUIDv7 without dashes. */
export type DeadLetterId = string & { readonly __brand: "DeadLetterId" };

/** One HTTP request as it came from the socket. Header names are lower case; repeated headers stay in `rawHeaders`. */
export interface RawRequest {
  readonly method: string;
  /** Path and query exactly as received, e.g. `/hooks/stripe?x=1`. */
  readonly target: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly rawHeaders: readonly string[];
  /** The body as received, untouched. */
  readonly body: Uint8Array;
  readonly remoteAddress: string;
  /** Wall clock, milliseconds since the epoch. */
  readonly receivedAt: number;
}

/**
 * The place of an event in its source's own order: the source's clock, then the recipe's rank of the
 * event type, then receipt. Ids never break ties. Versions of different sources are not comparable.
 */
export interface Version {
  readonly source: string;
  /**
   * Where it is not the source's own clock: `receipt`, `by:EXPRESSION` (a time of the payload) or `count:EXPRESSION` (a
   * counter). Versions of different clocks are not comparable either.
   */
  readonly clock?: string;
  /** Milliseconds since the epoch by the source's clock; receipt time where the source gives none. */
  readonly time: number;
  /** Rank of the event type in the recipe (`ranks:`); higher is later within one instant. */
  readonly rank: number;
  /** Sequence of the event in the store: order of receipt. */
  readonly seq: number;
}

/** One entity by its key: `customer` / `cus_1`. */
export interface EntityRef {
  readonly type: string;
  readonly key: string;
}

/** Where an event's turn in one pipeline stands. `applied` and `skipped` are final; `dead` needs a person. */
export type WorkStatus = "ready" | "held" | "applied" | "skipped" | "dead" | "discarded";

/** Why an event was skipped: nothing was wrong, and nothing was to be done. */
export type SkipReason =
  | "stale"
  | "no_rule"
  | "type_not_listed"
  | "not_selected"
  | "not_found"
  | "tombstone"
  | "hold_ended"
  | "dropped";

/** Allowed moves of a delivery are in `DELIVERY_EDGES`; the store refuses any other. */
export type DeliveryStatus =
  | "pending"
  | "sending"
  | "retrying"
  | "delivered"
  | "merged"
  | "superseded"
  | "unknown"
  | "dead"
  | "discarded";

/** An attempt that needs no mark (SQL) goes past `sending`, so each open status also has its edges. */
export const DELIVERY_EDGES: Readonly<Record<DeliveryStatus, readonly DeliveryStatus[]>> = {
  pending: ["sending", "delivered", "retrying", "merged", "superseded", "unknown", "dead", "discarded"],
  sending: ["delivered", "retrying", "superseded", "unknown", "dead", "pending"],
  retrying: ["sending", "delivered", "retrying", "merged", "superseded", "unknown", "dead", "discarded", "pending"],
  unknown: ["sending", "retrying", "delivered", "superseded", "dead", "discarded", "pending"],
  dead: ["retrying", "pending", "discarded"],
  delivered: [],
  merged: [],
  superseded: [],
  discarded: [],
};

/** `upsert` writes attributes and may be merged; `effect` (track, message, create) never is. */
export type ActionKind = "upsert" | "effect";

/** What a sink is told about one attribute. An attribute that is kept is not in the map at all. */
export type AttributeWrite = { readonly set: Json } | { readonly clear: true };

/** Position of a piece of YAML, 1-based, for messages. */
export interface SourcePosition {
  /** Path relative to the folder of `config.yaml`. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}
