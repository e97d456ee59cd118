/** The compiled shape of `deliver:` entries and of `connections:`, and what an attempt comes to. */
import type { Expression } from "../core/expression.ts";
import type { ActionKind, Json, JsonObject, SourcePosition } from "../core/types.ts";
import type { OpenSink, SinkDescriptor } from "../plugin/index.ts";

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

/** One of `connections:`, compiled. */
export interface ConnectionModel {
  readonly name: string;
  readonly sink: SinkDescriptor;
  /** The validated settings of the sink, secrets as `Secret`. */
  readonly settings: JsonObject;
  readonly open: () => Promise<OpenSink>;
  readonly concurrency: number;
  readonly rate?: { readonly count: number; readonly perMs: number };
  readonly timeoutMs: number;
  readonly retry?: Partial<RetryPlan>;
  readonly atMostOnce: boolean;
  readonly position: SourcePosition;
}
