/**
 * What a connection promises for an action: the one place that says so, for retries, `explain`, the reference and
 * `status`. Two generals: after a send without an answer nobody knows, so the class is the sink's to give, by
 * remembering what it did, and never ours alone.
 */
import { formatDuration } from "../core/duration.ts";
import type { ActionDescriptor, SinkDescriptor } from "../plugin/index.ts";
import type { ConnectionModel } from "./model.ts";

export type GuaranteeClass =
  /** The sink's own transaction holds effect and key together: a repeat changes nothing, however late. */
  | { readonly kind: "exactly_once_effect" }
  /** The sink remembers our key so long, ms; automatic retries end before. */
  | { readonly kind: "once_within"; readonly windowMs: number }
  /**
   * `converges`: a repeat ends the same. `dropped`: it carries the same id, and the sink drops it for as long as it
   * remembers, which it does not say. `acts_again`: it may happen twice.
   */
  | { readonly kind: "at_least_once"; readonly repeat: "converges" | "dropped" | "acts_again" }
  /** What may have arrived is not sent again unasked. */
  | { readonly kind: "at_most_once" };

/** The part of the sink's window that automatic retries may use: clocks differ, and a request takes its time. */
export const WINDOW_SHARE = 0.9;

type Promising = Pick<ConnectionModel, "sink" | "settings" | "atMostOnce" | "idempotencyWindowMs">;

/** The class of one action of a connection. */
export function guaranteeOf(connection: Promising, action: string): GuaranteeClass {
  const { sink, settings, atMostOnce, idempotencyWindowMs: windowMs } = connection;
  const offered = sink.actionsOf?.(settings) ?? sink.actions;
  const declared = sink.idempotencyWindowOf?.(settings) !== undefined;
  return classOf({ sink, atMostOnce, windowMs, declared, action: offered[action] ?? offered["*"] });
}

/** The class of a sink's action as it is shipped, for the reference: no connection has narrowed it. */
export function sinkGuarantee(sink: SinkDescriptor, action: string): GuaranteeClass {
  const windowMs = sink.idempotencyWindowMs;
  return classOf({ sink, atMostOnce: false, windowMs, declared: false, action: sink.actions[action] });
}

interface Facts {
  readonly sink: SinkDescriptor;
  readonly atMostOnce: boolean;
  readonly windowMs: number | undefined;
  /** The connection itself says how long the other side remembers. */
  readonly declared: boolean;
  readonly action: ActionDescriptor | undefined;
}

function classOf({ sink, atMostOnce, windowMs, declared, action }: Facts): GuaranteeClass {
  if (sink.guarantee === "exactly_once_effect") return { kind: "exactly_once_effect" };
  if (atMostOnce) return { kind: "at_most_once" };
  const repeat = action?.repeat;
  if (repeat === "safe") return { kind: "at_least_once", repeat: "converges" };
  if (repeat === "unsafe") return { kind: "at_least_once", repeat: "acts_again" };
  const remembers = declared || repeat === "dedup_key" || sink.guarantee === "once_within_window";
  if (remembers && windowMs !== undefined) return { kind: "once_within", windowMs };
  return { kind: "at_least_once", repeat: repeat === "dedup_key" ? "dropped" : "acts_again" };
}

/** Its name, as docs and listings have it. */
export function guaranteeName(guarantee: GuaranteeClass): string {
  switch (guarantee.kind) {
    case "exactly_once_effect":
      return "exactly-once effect";
    case "once_within":
      return `once within ${formatDuration(guarantee.windowMs)}`;
    case "at_least_once":
      return "at least once";
    case "at_most_once":
      return "at most once";
  }
}

/** The name and what it means, in a line. */
export function guaranteeText(guarantee: GuaranteeClass): string {
  return `${guaranteeName(guarantee)}: ${meaningOf(guarantee)}`;
}

function meaningOf(guarantee: GuaranteeClass): string {
  switch (guarantee.kind) {
    case "exactly_once_effect":
      return "a repeat changes nothing, however late it comes";
    case "once_within":
      return "the sink remembers the idempotency key that long, and automatic retries end before";
    case "at_least_once":
      if (guarantee.repeat === "converges") return "a repeat ends the same";
      if (guarantee.repeat === "dropped")
        return "a repeat carries the same id, which the sink drops while it remembers it";
      return "after an answer that never came it may happen twice";
    case "at_most_once":
      return "an attempt without an answer is not repeated but becomes a dead letter";
  }
}

/** The classes of all actions a connection offers, each named once, for listings. */
export function guaranteeNames(connection: Promising): string {
  const offered = connection.sink.actionsOf?.(connection.settings) ?? connection.sink.actions;
  return [...new Set(Object.keys(offered).map((action) => guaranteeName(guaranteeOf(connection, action))))].join(", ");
}
