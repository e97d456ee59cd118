/** Stored events as a scenario: from the state that stood before the first of them. */
import { readRequest } from "../mapping/fetch.ts";
import type { PastAnswer, PastStore, PastWindow } from "../store/read-past.ts";
import type { StoredEvent } from "../store/store.ts";
import type { PlanEvent } from "./events.ts";
import type { KnownAnswer } from "./fetched.ts";
import type { Scenario } from "./plan.ts";

export interface StoredScenario {
  readonly scenario: Scenario;
  /** How many there are to look at. */
  readonly count: number;
  /** Events of the span that were left out. */
  readonly more: number;
  /** Asked after the plan: events whose bodies are gone. */
  readonly bodiesGone: () => number;
}

/** Undefined: the window has no event. */
export function storedScenario(store: PastStore, window: PastWindow, now: number): StoredScenario | undefined {
  const { events, more } = store.window(window);
  const [first] = events;
  if (first === undefined) return undefined;
  let gone = 0;
  async function* read(): AsyncIterable<PlanEvent> {
    for (const seq of events) {
      const stored = await store.event(seq);
      if (stored === undefined || stored.bodyPurged === true || stored.body.byteLength === 0) gone++;
      else yield toPlanEvent(stored, store.answers(seq));
    }
  }
  // A window that ends in the past: what came later would have freed what was still held.
  const until = Math.min(now, window.until ?? now);
  return {
    scenario: { events: read(), past: store.before(first), until },
    count: events.length,
    more,
    bodiesGone: () => gone,
  };
}

function toAnswer({ request, ...answer }: PastAnswer): KnownAnswer {
  return { ...answer, ...readRequest(request) };
}

export function toPlanEvent(stored: StoredEvent, answers: readonly PastAnswer[]): PlanEvent {
  const { id, source, headers, contentType, body, itemIndex, receivedAt } = stored;
  const known = answers.map(toAnswer);
  return { name: id, source, headers, contentType, body, itemIndex, receivedAt, stored, answers: known };
}
