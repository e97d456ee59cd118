/** Several observers as one. */
import type { Observer } from "./observer.ts";

/** Tells each in turn: all facts, in the order they are given. */
export function tellAll(observers: readonly Observer[]): Observer {
  return {
    ingested: (fact) => observers.forEach((one) => void one.ingested(fact)),
    applied: (fact) => observers.forEach((one) => void one.applied(fact)),
    attempted: (fact) => observers.forEach((one) => void one.attempted(fact)),
    fetched: (fact) => observers.forEach((one) => void one.fetched?.(fact)),
    secretLearned: (fact) => observers.forEach((one) => void one.secretLearned?.(fact)),
    connectionPaused: (fact) => observers.forEach((one) => void one.connectionPaused(fact)),
    fault: (fact) => observers.forEach((one) => void one.fault(fact)),
    judged: (fact) => observers.forEach((one) => void one.judged?.(fact)),
    alerting: (fact) => observers.forEach((one) => void one.alerting?.(fact)),
    clockJumped: (fact) => observers.forEach((one) => void one.clockJumped?.(fact)),
    clockSkewed: (fact) => observers.forEach((one) => void one.clockSkewed?.(fact)),
    stored: (fact) => observers.forEach((one) => void one.stored?.(fact)),
  } satisfies Required<Observer>;
}
