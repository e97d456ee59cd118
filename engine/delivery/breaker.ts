/**
 * The circuit breaker of a connection, as a pure state machine.
 *
 * - **closed**: all go. So many failures in a row open it.
 * - **open**: nobody goes until `until`; then one may, as a probe, and it is half open.
 * - **half open**: the probe is on its way. A success closes it; a failure opens it again, for twice as long up to
 *   the plan's limit. A probe that is never heard of again is given up after `openMs`, and another may go.
 */
import type { BreakerPlan } from "./model.ts";

export type BreakerState =
  | { readonly kind: "closed"; readonly failures: number }
  | { readonly kind: "open"; readonly until: number; readonly openMs: number }
  | { readonly kind: "half_open"; readonly probeUntil: number; readonly openMs: number };

/** The state at the start. */
export const closedBreaker: BreakerState = { kind: "closed", failures: 0 };

/** Whether one may go now, and the state after that. */
export function askBreaker(
  state: BreakerState,
  now: number,
  plan: BreakerPlan,
): { readonly state: BreakerState; readonly retryAt?: number } {
  switch (state.kind) {
    case "closed":
      return { state };
    case "open":
      if (now < state.until) return { state, retryAt: state.until };
      return { state: { kind: "half_open", probeUntil: now + plan.openMs, openMs: state.openMs } };
    case "half_open":
      if (now < state.probeUntil) return { state, retryAt: state.probeUntil };
      return { state: { ...state, probeUntil: now + plan.openMs } };
  }
}

/** The state after a probe that told nothing, since nothing was sent or a person is asked: another may go at once. */
export function abandonProbe(state: BreakerState, now: number): BreakerState {
  return state.kind === "half_open" ? { kind: "open", until: now, openMs: state.openMs } : state;
}

/** The state after an attempt: the sink answered (`ok`), or did not or could not. */
export function tellBreaker(state: BreakerState, ok: boolean, now: number, plan: BreakerPlan): BreakerState {
  if (plan.failures === 0) return closedBreaker;
  if (ok) return state.kind === "open" ? state : closedBreaker;
  switch (state.kind) {
    case "closed": {
      const failures = state.failures + 1;
      return failures < plan.failures
        ? { kind: "closed", failures }
        : { kind: "open", until: now + plan.openMs, openMs: plan.openMs };
    }
    case "half_open": {
      const openMs = Math.min(state.openMs * 2, plan.maxOpenMs);
      return { kind: "open", until: now + openMs, openMs };
    }
    case "open":
      return state;
  }
}
