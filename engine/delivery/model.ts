/** The compiled shape of `deliver:` entries and of `connections:`, and what an attempt comes to. */
import type { ExpressionFault, Severity } from "../core/diagnostic.ts";
import type { ErrorCode } from "../core/errors.ts";
import type { Expression } from "../core/expression.ts";
import type { ActionKind, Json, SourcePosition } from "../core/types.ts";
import type { OpenSink, Settings, SinkDescriptor } from "../plugin/index.ts";

/** One entry of `deliver:` of a pipeline or rule. */
export interface DeliverModel {
  /** Stable within a pipeline: `to/action/entity[/event]`; with the event id it makes the idempotency key. */
  readonly id: string;
  readonly connection: string;
  readonly action: string;
  readonly kind: ActionKind;
  /** Entity type it is about; absent: every entity the event touched. */
  readonly entity?: string;
  /** What a `track` is called at the sink. */
  readonly event?: string;
  /** Only when one of these attributes changed; upserts then send only these. */
  readonly onChange?: readonly string[];
  /** Only when the entity enters one of these states. */
  readonly onEnter?: readonly string[];
  /** With `on_enter`: only from one of these states. `unknown` must be named to count. */
  readonly from?: readonly string[];
  /** Once in the entity's life (empty list), or once for each value of these paths. */
  readonly once?: readonly Expression[];
  readonly when?: Expression;
  /** Not sent when this instant lies before the attempt. */
  readonly notAfter?: Expression;
  /** Extra fields the sink's action takes (`channel`, `template`, …), constants or expressions. */
  readonly params: Readonly<Record<string, Json | Expression>>;
  /** Attributes to send, when narrowed by `fields:`. */
  readonly fields?: readonly string[];
  readonly position: SourcePosition;
}

/** Retry plan of a connection, in ms: declared, or derived from the pipeline's `sla.lag`. */
export interface RetryPlan {
  readonly baseMs: number;
  readonly capMs: number;
  readonly horizonMs: number;
  /** Declared delays override the computed ones. */
  readonly scheduleMs?: readonly number[];
}

/** When a connection stops sending because its sink is down, in ms. */
export interface BreakerPlan {
  /** Failures in a row that open it; 0: never. */
  readonly failures: number;
  readonly openMs: number;
  /** The pause doubles with each failed probe, up to this. */
  readonly maxOpenMs: number;
}

/** A fault in a deliver entry or connection; config/ finds its place in the file by the path. */
export interface EntryFault {
  readonly code: ErrorCode;
  readonly severity: Severity;
  /** Keys and indexes below the entry. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly expected?: string;
  readonly hint?: string;
  /** Set for a fault inside an expression: where in its text. */
  readonly expression?: ExpressionFault;
}

/** Compiles one expression of an entry; given by config/, since rooms never import each other. */
export type CompileExpression = (
  source: string,
  path: readonly (string | number)[],
) =>
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly faults: readonly ExpressionFault[] };

/** One of `connections:`, compiled. */
export interface ConnectionModel {
  readonly name: string;
  readonly sink: SinkDescriptor;
  /** The validated settings of the sink, secrets as `Secret`. */
  readonly settings: Settings;
  readonly open: () => Promise<OpenSink>;
  readonly concurrency: number;
  /** All of them hold: the connection's own, else the sink's. */
  readonly rates: readonly { readonly count: number; readonly perMs: number }[];
  readonly timeoutMs: number;
  readonly retry?: Partial<RetryPlan>;
  readonly atMostOnce: boolean;
  /** The author has said, either way, whether an attempt without an answer is repeated. */
  readonly repeatsDecided: boolean;
  /** How long the other side remembers an idempotency key, ms; absent: it does not, or nobody knows. */
  readonly idempotencyWindowMs?: number;
  /** May connect to private and loopback addresses. */
  readonly allowPrivate: boolean;
  readonly breaker: BreakerPlan;
  readonly position: SourcePosition;
}
