/** Whether a connection may send now: its rate limit, its breaker, and the sink's own wish to be left alone. */
import type { Clock } from "../core/clock.ts";
import type { Outcome } from "../plugin/index.ts";
import { askBreaker, type BreakerState, closedBreaker, tellBreaker } from "./breaker.ts";
import type { ConnectionModel } from "./model.ts";
import { createRateLimit } from "./rate.ts";

/** `retryAt` is in ms since the epoch. Nobody holds a slot while waiting for it. */
export type Permit =
  | { readonly ok: true }
  | { readonly ok: false; readonly retryAt: number; readonly why: "rate" | "breaker" | "throttled" };

/** What an attempt came to, as far as the gate cares. */
export interface GateReport {
  readonly outcome: Outcome["kind"] | "superseded";
  /** The sink asked to be left alone until then. */
  readonly throttledUntil?: number;
}

/** One for each connection; it lives as long as the engine. */
export interface ConnectionGate {
  tryAcquire(): Permit;
  report(report: GateReport): void;
  /** For metrics and `status`. */
  breaker(): BreakerState["kind"];
}

/** A gate over the connection's declared limits. */
export function createGate(connection: Pick<ConnectionModel, "rate" | "breaker">, clock: Clock): ConnectionGate {
  const rate = connection.rate === undefined ? undefined : createRateLimit(connection.rate);
  let breaker = closedBreaker;
  let throttledUntil = 0;
  return {
    tryAcquire() {
      const now = clock.now();
      if (now < throttledUntil) return { ok: false, retryAt: throttledUntil, why: "throttled" };
      const rateAt = rate?.nextAt(now) ?? now;
      if (rateAt > now) return { ok: false, retryAt: rateAt, why: "rate" };
      const asked = askBreaker(breaker, now, connection.breaker);
      breaker = asked.state;
      if (asked.retryAt !== undefined) return { ok: false, retryAt: asked.retryAt, why: "breaker" };
      rate?.take(now);
      return { ok: true };
    },
    report(report) {
      const now = clock.now();
      if (report.throttledUntil !== undefined) throttledUntil = Math.max(throttledUntil, report.throttledUntil);
      const verdict = healthOf(report);
      if (verdict !== undefined) breaker = tellBreaker(breaker, verdict, now, connection.breaker);
    },
    breaker: () => breaker.kind,
  };
}

/**
 * True: the sink works, whatever it thought of the request. A throttle is an answer too. Undefined says nothing: a
 * delivery that was superseded was not sent, and a pause is a matter for a person.
 */
function healthOf({ outcome, throttledUntil }: GateReport): boolean | undefined {
  switch (outcome) {
    case "delivered":
    case "rejected":
      return true;
    case "retry":
      return throttledUntil !== undefined;
    case "unknown":
      return false;
    case "pause":
    case "superseded":
      return undefined;
  }
}
