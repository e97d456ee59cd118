/** When a failed attempt is tried again: pure, the random number and the instants are given. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A sink's own wish for a wait is kept up to this long, ms. */
export const MAX_RETRY_AFTER_MS = HOUR;

/** Exponential back-off between `baseMs` and `capMs`, for `horizonMs` after the first attempt. */
export interface BackoffPlan {
  readonly baseMs: number;
  readonly capMs: number;
  readonly horizonMs: number;
  /** Declared delays, by attempt; after the last one the deliveries are given up. */
  readonly scheduleMs?: readonly number[];
}

const clamp = (low: number, value: number, high: number) => Math.min(high, Math.max(low, value));

/**
 * The plan for a pipeline that promised a lag: base = lag/30 within 0.5 s and 60 s, cap = 5 x lag within 30 s
 * and 15 min, horizon = 72 h, or 0.9 of the sink's idempotency window where that is less (a retry after the
 * window would be applied twice).
 */
export function retryPlanFromSla(lagMs: number, idempotencyWindowMs?: number): BackoffPlan {
  const window = idempotencyWindowMs === undefined ? Number.POSITIVE_INFINITY : Math.floor(0.9 * idempotencyWindowMs);
  return {
    baseMs: Math.round(clamp(0.5 * SECOND, lagMs / 30, 60 * SECOND)),
    capMs: Math.round(clamp(30 * SECOND, 5 * lagMs, 15 * MINUTE)),
    horizonMs: Math.min(72 * HOUR, window),
  };
}

/**
 * Full jitter: uniform between 0 and min(cap, base x 2^(attempt-1)), never below a tenth of the base so that a
 * lucky draw is no busy loop. `random` lies in [0, 1); `attempt` is the one that just failed, from 1.
 */
export function backoffDelay(plan: BackoffPlan, attempt: number, random: number): number {
  const declared = plan.scheduleMs;
  if (declared !== undefined) return declared[Math.min(attempt, declared.length) - 1] ?? plan.baseMs;
  const ceiling = Math.min(plan.capMs, plan.baseMs * 2 ** Math.min(attempt - 1, 40));
  return Math.round(clamp(Math.min(plan.baseMs / 10, ceiling), random * ceiling, ceiling));
}

/** What follows a failed attempt: the instant of the next one, or none because the horizon would be passed. */
export type NextAttempt = { readonly retry: true; readonly at: number } | { readonly retry: false };

/** Facts about the attempt that failed; instants in ms since the epoch. */
export interface FailedAttempt {
  readonly attempt: number;
  /** From when the horizon counts: the first attempt, moved on by time in which nothing could be sent. */
  readonly horizonFrom: number;
  readonly now: number;
  readonly random: number;
  /** The sink's Retry-After, ms; it only ever lengthens the wait, and by an hour at most. */
  readonly retryAfterMs?: number;
}

/** When to try again. Waits that end after the horizon are not begun. */
export function nextAttempt(plan: BackoffPlan, failed: FailedAttempt): NextAttempt {
  if (plan.scheduleMs !== undefined && failed.attempt > plan.scheduleMs.length) return { retry: false };
  const own = backoffDelay(plan, failed.attempt, failed.random);
  const wished = clamp(0, failed.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS);
  const at = failed.now + Math.max(own, wished);
  return at - failed.horizonFrom > plan.horizonMs ? { retry: false } : { retry: true, at };
}
