/** What one attempt comes to in the store: delivered, due again, or a dead letter. Pure. */
import { nextAttempt } from "../core/backoff.ts";
import { formatDuration } from "../core/duration.ts";
import { type ErrorCode, errorMessage } from "../core/errors.ts";
import type { DeadLetterId, Json } from "../core/types.ts";
import { type GuaranteeClass, WINDOW_SHARE } from "../delivery/guarantee.ts";
import type { ConnectionModel } from "../delivery/model.ts";
import type { FrozenRequest, Outcome } from "../plugin/index.ts";
import type { AttemptRecord, DeliveryRecord, DeliverySettlement, NewDeadLetter } from "../store/store.ts";
import { acknowledgedState } from "./born-upsert.ts";

export interface SettleContext {
  readonly connection: Pick<ConnectionModel, "timeoutMs" | "retry">;
  /** What the connection promises for the action. */
  readonly guarantee: GuaranteeClass;
  readonly startedAt: number;
  readonly now: number;
  /** In [0, 1): the jitter of the next retry. */
  readonly random: number;
  readonly deadId: () => DeadLetterId;
  /** Given with the first attempt of a sink that does not mark attempts. */
  readonly frozen?: FrozenRequest;
  /** The fault that kept the request from being made. */
  readonly fault?: { readonly code: ErrorCode; readonly message: string };
}

/** The settlement of an attempt that ended with `outcome`. */
export function settlementOf(record: DeliveryRecord, outcome: Outcome, context: SettleContext): DeliverySettlement {
  const attempt = attemptRecord(record, outcome, context);
  const base = { delivery: record.id, attempt, ...(context.frozen === undefined ? {} : { frozen: context.frozen }) };
  const { connection } = record;
  switch (outcome.kind) {
    case "delivered": {
      if (outcome.noEffect === "superseded") return { ...base, status: "superseded", note: attempt.detail };
      const note = outcome.noEffect === "repeated" ? undefined : repeatNote(record, context.guarantee);
      const delivered = { ...base, status: "delivered", ...(note === undefined ? {} : { note }) } as const;
      return record.kind === "upsert" ? { ...delivered, acknowledged: acknowledgedBy(record) } : delivered;
    }
    case "rejected": {
      const { code, message } = context.fault ?? refused(connection, outcome.detail);
      return { ...base, ...dieOf(record, { code, message }, context) };
    }
    case "pause":
      // Not the event's fault: it waits for the connection and has lost no attempt.
      if (!outcome.dead)
        return {
          ...base,
          status: "retrying",
          nextAt: context.now,
          horizonFrom: horizonFrom(record, context),
          ...unsure(record),
        };
      return { ...base, ...dieOf(record, refused(connection, outcome.detail), context) };
    case "unknown": {
      // The sink may still be at work on it: its own timeout is waited out before anything else is written there.
      const quietUntil = context.now + context.connection.timeoutMs;
      const end =
        context.guarantee.kind === "at_most_once"
          ? dieOf(record, parked(record, "HK5303"), context)
          : again(record, { ...outcome, earliest: quietUntil, mayHaveActed: true }, context);
      return { ...base, quietUntil, ...end };
    }
    case "retry":
      return {
        ...base,
        ...again(record, { ...outcome, earliest: context.now, mayHaveActed: (outcome.status ?? 0) >= 500 }, context),
      };
  }
}

function attemptRecord(record: DeliveryRecord, outcome: Outcome, { startedAt, now }: SettleContext): AttemptRecord {
  return {
    attempt: record.attempts + 1,
    startedAt,
    finishedAt: now,
    outcome: outcome.kind,
    ...("status" in outcome && outcome.status !== undefined ? { httpStatus: outcome.status } : {}),
    detail: outcome.detail ?? "",
  };
}

function refused(connection: string, detail: string): { code: ErrorCode; message: string } {
  return { code: "HK5301", message: errorMessage("HK5301", { connection, detail }) };
}

interface Again {
  readonly kind: "unknown" | "retry";
  readonly detail: string;
  readonly afterMs?: number;
  readonly earliest: number;
  /** This attempt may have had an effect at the sink. */
  readonly mayHaveActed: boolean;
}

type Rest = Pick<DeliverySettlement, "status" | "nextAt" | "horizonFrom" | "forgotten" | "dead">;

function again(record: DeliveryRecord, failed: Again, context: SettleContext): Rest {
  const from = horizonFrom(record, context);
  const next = nextAttempt(
    { ...record.retry, ...context.connection.retry },
    {
      attempt: record.attempts + 1,
      horizonFrom: from,
      now: context.now,
      random: context.random,
      ...(failed.afterMs === undefined ? {} : { retryAfterMs: failed.afterMs }),
    },
  );
  if (!next.retry) {
    const message = errorMessage("HK5302", {
      connection: record.connection,
      attempts: record.attempts + 1,
      detail: failed.detail,
    });
    return dieOf(record, { code: "HK5302", message }, context);
  }
  const unknown = failed.kind === "unknown";
  const nextAt = Math.max(next.at, failed.earliest);
  const since = record.perhapsSent?.since ?? (failed.mayHaveActed ? context.startedAt : undefined);
  if (nextAt > windowEnd(since, context.guarantee))
    return dieOf(record, parked(record, "HK5310", context.guarantee), context);
  return { status: unknown ? "unknown" : "retrying", nextAt, horizonFrom: from, ...unsure(record) };
}

/**
 * The horizon counts time in which the delivery could have been sent: an attempt that begins later than it was due
 * was held back by a pause, an open breaker, a rate limit or an engine that was down.
 */
function horizonFrom(record: DeliveryRecord, { startedAt }: SettleContext): number {
  if (record.horizonFrom === undefined) return startedAt;
  return record.horizonFrom + Math.max(0, startedAt - record.nextAt);
}

/** After this instant a repeat could be applied a second time; the sink's memory counts by the clock, whatever held us back. */
function windowEnd(since: number | undefined, guarantee: GuaranteeClass): number {
  if (since === undefined || guarantee.kind !== "once_within") return Number.POSITIVE_INFINITY;
  return since + WINDOW_SHARE * guarantee.windowMs;
}

/**
 * Why a delivery that is due must not be sent after all, since it may have arrived: its promise would be broken.
 * A person may send it all the same (`dead retry`).
 */
export function unsendable(
  record: DeliveryRecord,
  context: Pick<SettleContext, "guarantee" | "now" | "deadId">,
): DeliverySettlement | undefined {
  const { guarantee, now } = context;
  const sent = record.perhapsSent;
  const fault =
    guarantee.kind === "at_most_once" && sent?.unknown === true
      ? parked(record, "HK5303")
      : now > windowEnd(sent?.since, guarantee)
        ? parked(record, "HK5310", guarantee)
        : undefined;
  return fault === undefined ? undefined : { delivery: record.id, ...dieOf(record, fault, context) };
}

function parked(record: DeliveryRecord, code: "HK5303" | "HK5310", guarantee?: GuaranteeClass) {
  const window = guarantee?.kind === "once_within" ? formatDuration(guarantee.windowMs) : "";
  return { code, message: errorMessage(code, { connection: record.connection, window }) } as const;
}

/** What a person should know of a delivery that went well only after an attempt that nobody knows the end of. */
function repeatNote(record: DeliveryRecord, guarantee: GuaranteeClass): string | undefined {
  if (record.perhapsSent?.unknown !== true) return undefined;
  switch (guarantee.kind) {
    case "exactly_once_effect":
      return undefined;
    case "once_within":
      return "sent again with the same key after an attempt without an answer: the sink drops the repeat";
    case "at_least_once":
      if (guarantee.repeat === "converges") return "sent again after an attempt without an answer: it ends the same";
      return POSSIBLY_DUPLICATE;
    case "at_most_once":
      return POSSIBLY_DUPLICATE;
  }
}

/** Stands in `explain`, and in facts as the flag `possiblyDuplicate`. */
export const POSSIBLY_DUPLICATE = "possibly a duplicate: sent again after an attempt without an answer";

/** A dead upsert clears its marks, so that the next event of the entity repairs what is missing there. */
function dieOf(
  record: DeliveryRecord,
  fault: { readonly code: ErrorCode; readonly message: string },
  context: Pick<SettleContext, "now" | "deadId">,
): Rest {
  const dead: NewDeadLetter = { id: context.deadId(), pipeline: record.pipeline, ...fault, createdAt: context.now };
  return { status: "dead", dead, ...unsure(record) };
}

/** What is still to be sent, or may have been, makes what was acknowledged before no measure of what is there. */
export function unsure(record: DeliveryRecord): Pick<DeliverySettlement, "forgotten"> {
  return record.kind === "upsert" ? { forgotten: marksOf(record) } : {};
}

function marksOf(record: DeliveryRecord): string[] {
  return [...Object.keys(record.attributes), acknowledgedState];
}

/** What stands in the sink once an upsert was delivered. */
export function acknowledgedBy(record: Pick<DeliveryRecord, "attributes" | "state">): Record<string, Json> {
  const values: Record<string, Json> = {};
  for (const [name, write] of Object.entries(record.attributes)) values[name] = "set" in write ? write.set : null;
  if (record.state !== undefined) values[acknowledgedState] = record.state;
  return values;
}
