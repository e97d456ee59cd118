/**
 * W3C trace context. Every id follows from ids that are stored anyway, so that a retry days later, after any number of
 * restarts, belongs to the same trace: an event's trace is its sender's, where a `traceparent` came with it, else its own id.
 */
import { hash } from "node:crypto";

export interface TraceContext {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;
const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);

/** Of a header; undefined for what the standard says to ignore. */
export function parseTraceparent(header: string | undefined): TraceContext | undefined {
  const [, version, traceId, spanId, more] = TRACEPARENT.exec(header ?? "") ?? [];
  if (traceId === undefined || spanId === undefined || version === "ff") return undefined;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  // Version 00 has four parts and no more.
  return version === "00" && more !== undefined ? undefined : { traceId, spanId };
}

/** Says that what it points to was recorded. */
export function traceparentOf({ traceId, spanId }: TraceContext): string {
  return `00-${traceId}-${spanId}-01`;
}

/** The trace an event belongs to. */
export function traceOfEvent(event: string, traceparent: string | undefined): string {
  return parseTraceparent(traceparent)?.traceId ?? ownTraceId(event);
}

/** Ids of ours are `PREFIX_` and 32 hex digits: they are valid trace ids, and can be pasted into a search for traces. */
export function ownTraceId(id: string): string {
  const own = /_([0-9a-f]{32})$/.exec(id)?.[1];
  return own === undefined || own === NO_TRACE ? hash("sha256", id, "hex").slice(0, 32) : own;
}

/** The same parts give the same id. */
export function spanIdOf(...parts: readonly (string | number)[]): string {
  return hash("sha256", parts.join("\n"), "hex").slice(0, 16);
}

/** The event's first span: what comes after it is below it. */
export const intakeSpanId = (event: string): string => spanIdOf("intake", event);
export const applySpanId = (event: string, pipeline: string): string => spanIdOf("apply", event, pipeline);

/** After this long an attempt has a trace of its own, linked to the event's: stores of traces do not keep one open for days. */
const ONE_TRACE_MS = 3_600_000;
export const isLong = (sinceReceiptMs: number): boolean => sinceReceiptMs > ONE_TRACE_MS;

export interface AttemptTrace extends TraceContext {
  readonly eventTraceId: string;
  /** In a trace of its own. */
  readonly isLate: boolean;
}

export interface TracedAttempt {
  readonly event: string;
  readonly delivery: string;
  readonly attempt: number;
  readonly receivedAt: number;
  readonly startedAt: number;
  readonly traceparent?: string | undefined;
}

/** Where an attempt stands. */
export function attemptTrace({ event, delivery, attempt, ...one }: TracedAttempt): AttemptTrace {
  const eventTraceId = traceOfEvent(event, one.traceparent);
  const isLate = isLong(one.startedAt - one.receivedAt);
  const spanId = spanIdOf("attempt", delivery, attempt);
  const traceId = isLate ? hash("sha256", `${delivery}\n${attempt}`, "hex").slice(0, 32) : eventTraceId;
  return { traceId, spanId, eventTraceId, isLate };
}

/** Whether a share of all traces has this one in it: the same answer everywhere and at any time. */
export function isSampled(traceId: string, share: number): boolean {
  return share >= 1 || Number.parseInt(hash("sha256", traceId, "hex").slice(0, 8), 16) / 2 ** 32 < share;
}
