/** What the intake asks of a compiled provider recipe. */
import type { Secret } from "../core/secret.ts";
import type { Json, RawRequest } from "../core/types.ts";

/** One secret of a source. Several may hold while rotating. */
export interface SourceSecret {
  /** Position in `secrets:`, 1-based: what messages and `explain` name. */
  readonly index: number;
  readonly value: Secret;
  /** ms since the epoch; outside the interval the secret does not count. */
  readonly notBefore?: number;
  readonly until?: number;
}

/** Why a request was refused: stable names, for metrics, logs and `verify`; never told to the sender. */
export type RejectReason =
  | "method_not_allowed"
  | "signature_missing"
  | "signature_malformed"
  | "signature_mismatch"
  | "timestamp_missing"
  | "timestamp_malformed"
  | "timestamp_too_old"
  | "timestamp_in_future"
  | "header_missing"
  | "header_repeated"
  | "required_value_mismatch"
  | "token_malformed"
  | "claim_mismatch"
  | "key_unavailable"
  /** The one that has the key can't be reached: the sender may try again. */
  | "key_unreachable"
  | "no_valid_secret"
  | "body_malformed";

export type Verdict =
  | {
      readonly ok: true;
      readonly scheme: string;
      /** Which entry of `verify:` passed, from 0. */
      readonly entry: number;
      /** Which secret matched, 1-based; 0 for schemes without one. */
      readonly secretIndex: number;
      /** Receipt minus the signed timestamp, ms; absent where none is signed. */
      readonly skewMs?: number;
      /** The smaller of what is allowed in the past and in the future, ms; there where `skewMs` is. */
      readonly toleranceMs?: number;
      /** What was signed, as the names of its parts, e.g. `timestamp . raw_body`. */
      readonly signed: string;
    }
  | { readonly ok: false; readonly reason: RejectReason; readonly detail?: string };

/** A request that passed verification: only `verify` makes one. */
export interface VerifiedRequest extends RawRequest {
  readonly __verified: true;
  readonly verdict: Extract<Verdict, { ok: true }>;
}

/** What a recipe found in one verified request or batch item. */
export interface IdentifiedEvent {
  /** Provider's id, or the composite or hash the recipe falls back to. */
  readonly id: string;
  /** `hash` ids dedupe only within the source's short window. */
  readonly idKind: "provider" | "composite" | "hash";
  readonly type: string;
  /** ms since the epoch by the source's clock; absent where the provider gives none or it can't be read. */
  readonly occurredAt?: number;
  /** Resolution of that clock, ms (1000 for whole seconds): bounds "far ahead of receipt". */
  readonly clockResolutionMs: number;
  readonly rank: number;
  /** Index in the batch; 0 for single events. */
  readonly itemIndex: number;
  /** This item of a batch can't be read: kept as a dead letter while the others go on. */
  readonly unreadable?: { readonly code: string; readonly message: string };
}

/** The answer to a handshake: it is not an event and is not stored. */
export interface HandshakeReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Which handshake it was, for the log. */
  readonly name: string;
  /** A secret the provider gave away in this request, to be kept before the reply is sent. */
  readonly learned?: { readonly name: string; readonly value: Secret };
  /** A URL of the provider that has to be called (GET) to confirm the subscription: https, on a listed host. */
  readonly fetch?: string;
}

export type Identified =
  | { readonly kind: "events"; readonly events: readonly IdentifiedEvent[] }
  /** Verified, but not to be parsed (too deep, not JSON, no type): kept as a dead letter, never refused. */
  | { readonly kind: "unreadable"; readonly code: string; readonly message: string; readonly id: string };

/** What the provider wants to hear for an accepted event. */
export interface Ack {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
  /** Body of a 401, where the provider looks at it. */
  readonly refusedBody?: string;
}

/** A sample event a recipe ships, for `send` and `tests:`. */
export interface Sample {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json;
}
