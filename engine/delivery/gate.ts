/** Whether a connection may send now: its rate limits, its breaker, and the sink's own wish to be left alone. */
import type { Clock } from "../core/clock.ts";
import type { Outcome } from "../plugin/index.ts";
import { abandonProbe, askBreaker, type BreakerState, closedBreaker, tellBreaker } from "./breaker.ts";
import type { ConnectionModel } from "./model.ts";
import { createRateLimit } from "./rate.ts";

/** `retryAt` is in ms since the epoch. Nobody holds a slot while waiting for it. */
export type Permit =
  | { readonly ok: true }
  | { readonly ok: false; readonly retryAt: number; readonly why: "rate" | "breaker" | "throttled" | "returning" };

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

/**
 * After an outage all that has waited is due at once, and a sink that has just come back would fall over again: it
 * gets 5 a second in the first second, then twice as many in each one that follows, until that is no bound any more.
 */
const RETURN_GAP_MS = 200;
const RETURN_STEPS = 6;

/** A gate over the connection's declared limits. */
export function createGate(connection: Pick<ConnectionModel, "rates" | "breaker">, clock: Clock): ConnectionGate {
  const rates = connection.rates.map(createRateLimit);
  let breaker = closedBreaker;
  let throttledUntil = 0;
  /** When the breaker closed again; while the return lasts. */
  let returnedAt: number | undefined;
  let lastGo = Number.NEGATIVE_INFINITY;
  const returning = (now: number): number => {
    if (returnedAt === undefined) return now;
    const step = Math.floor((now - returnedAt) / 1_000);
    if (step < 0 || step >= RETURN_STEPS) {
      returnedAt = undefined;
      return now;
    }
    return lastGo + RETURN_GAP_MS / 2 ** step;
  };
  return {
    tryAcquire() {
      const now = clock.now();
      if (now < throttledUntil) return { ok: false, retryAt: throttledUntil, why: "throttled" };
      const rateAt = Math.max(now, ...rates.map((rate) => rate.nextAt(now)));
      if (rateAt > now) return { ok: false, retryAt: rateAt, why: "rate" };
      const returnAt = returning(now);
      if (returnAt > now) return { ok: false, retryAt: Math.ceil(returnAt), why: "returning" };
      const asked = askBreaker(breaker, now, connection.breaker);
      breaker = asked.state;
      if (asked.retryAt !== undefined) return { ok: false, retryAt: asked.retryAt, why: "breaker" };
      for (const rate of rates) rate.take(now);
      lastGo = now;
      return { ok: true };
    },
    report(report) {
      const now = clock.now();
      if (report.throttledUntil !== undefined) throttledUntil = Math.max(throttledUntil, report.throttledUntil);
      const verdict = healthOf(report);
      const probed = breaker.kind === "half_open";
      breaker =
        verdict === undefined ? abandonProbe(breaker, now) : tellBreaker(breaker, verdict, now, connection.breaker);
      if (probed && breaker.kind === "closed") returnedAt = now;
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
