/** What one attempt comes to in the store: delivered, due again, or a dead letter. Pure. */
import { nextAttempt } from "../core/backoff.ts";
import { type ErrorCode, errorMessage } from "../core/errors.ts";
import type { DeadLetterId, Json } from "../core/types.ts";
import type { ConnectionModel } from "../delivery/model.ts";
import type { FrozenRequest, Outcome } from "../plugin/index.ts";
import type { AttemptRecord, DeliveryRecord, DeliverySettlement, NewDeadLetter } from "../store/store.ts";
import { acknowledgedState } from "./born.ts";

export interface SettleContext {
  readonly connection: Pick<ConnectionModel, "timeoutMs" | "atMostOnce" | "retry">;
  readonly startedAt: number;
  readonly now: number;
  /** In [0, 1): the jitter of the next retry. */
  readonly random: number;
  readonly deadId: () => DeadLetterId;
  /** Given with the first attempt of a sink that does not mark attempts. */
  readonly frozen?: FrozenRequest;
  /** What newer upserts had brought to the sink before this attempt: an old value stands there now, so no mark may. */
  readonly newer?: readonly string[];
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
      if (record.kind !== "upsert") return { ...base, status: "delivered" };
      const newer = context.newer ?? [];
      const learnt = Object.entries(acknowledgedBy(record)).filter(([name]) => !newer.includes(name));
      return {
        ...base,
        status: "delivered",
        acknowledged: Object.fromEntries(learnt),
        ...(newer.length === 0 ? {} : { forgotten: newer }),
      };
    }
    case "rejected": {
      const { code, message } = context.fault ?? refused(connection, outcome.detail);
      return { ...base, ...dieOf(record, { code, message }, context) };
    }
    case "pause":
      // Not the event's fault: it waits for the connection and has lost no attempt.
      if (!outcome.dead) return { ...base, status: "retrying", nextAt: context.now, ...unsure(record) };
      return { ...base, ...dieOf(record, refused(connection, outcome.detail), context) };
    case "unknown": {
      const code = "HK5303";
      if (context.connection.atMostOnce) {
        return { ...base, ...dieOf(record, { code, message: errorMessage(code, { connection }) }, context) };
      }
      // The sink may still be at work on it: its own timeout is waited out before anything else is written there.
      return {
        ...base,
        ...again(record, { ...outcome, earliest: context.now + context.connection.timeoutMs }, context),
      };
    }
    case "retry":
      return { ...base, ...again(record, { ...outcome, earliest: context.now }, context) };
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
}

type Rest = Pick<DeliverySettlement, "status" | "nextAt" | "forgotten" | "dead">;

function again(record: DeliveryRecord, failed: Again, context: SettleContext): Rest {
  const next = nextAttempt(
    { ...record.retry, ...context.connection.retry },
    {
      attempt: record.attempts + 1,
      firstAttemptAt: record.firstAttemptAt ?? context.startedAt,
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
  return {
    status: unknown ? "unknown" : "retrying",
    nextAt: Math.max(next.at, failed.earliest),
    ...unsure(record),
  };
}

/** A dead upsert clears its marks, so that the next event of the entity repairs what is missing there. */
function dieOf(
  record: DeliveryRecord,
  fault: { readonly code: ErrorCode; readonly message: string },
  context: SettleContext,
): Rest {
  const dead: NewDeadLetter = { id: context.deadId(), pipeline: record.pipeline, ...fault, createdAt: context.now };
  return { status: "dead", dead, ...unsure(record) };
}

/** What is still to be sent, or may have been, makes what was acknowledged before no measure of what is there. */
function unsure(record: DeliveryRecord): Pick<DeliverySettlement, "forgotten"> {
  return record.kind === "upsert" ? { forgotten: marksOf(record) } : {};
}

function marksOf(record: DeliveryRecord): string[] {
  return [...Object.keys(record.attributes), acknowledgedState];
}

function acknowledgedBy(record: DeliveryRecord): Record<string, Json> {
  const values: Record<string, Json> = {};
  for (const [name, write] of Object.entries(record.attributes)) values[name] = "set" in write ? write.set : null;
  if (record.state !== undefined) values[acknowledgedState] = record.state;
  return values;
}
