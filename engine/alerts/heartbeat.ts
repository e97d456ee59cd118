/** What is expected of a source by what it sent in the same hours of past weeks, so that a quiet night is no alert. Pure. */
import type { SourceHour } from "../store/store.ts";

const HOUR = 3_600_000;
const WEEK_HOURS = 168;
const WEEKS = 4;
/** One week says little: it may have had a holiday, or a migration. */
const MIN_WEEKS = 2;
/** As many were to come and none did: by chance that is one in 20 000. */
const EXPECTED = 10;
/** Busy sources pause for a while too: a deployment, a batch. */
const MIN_SILENCE_MS = 15 * 60_000;

/** How far back hours are kept. */
export const HOURS_KEPT_MS = (WEEKS * WEEK_HOURS + 2) * HOUR;

/** Events of one source by hour (ms since the epoch / 3 600 000). */
export type Hours = ReadonlyMap<number, number>;

/**
 * How many events were to come in a stretch of time, by the quietest of the past weeks; each hour counts as the least of
 * itself and its neighbours, so that summer time moves nothing. 0 while less than two weeks are known.
 */
export function expectedEvents(hours: Hours, from: number, to: number): number {
  const first = Math.min(...hours.keys());
  let sum = 0;
  for (let hour = Math.floor(from / HOUR); hour * HOUR < to; hour++) {
    const share = (Math.min(to, (hour + 1) * HOUR) - Math.max(from, hour * HOUR)) / HOUR;
    const weeks: number[] = [];
    for (let week = 1; week <= WEEKS; week++) {
      const then = hour - week * WEEK_HOURS;
      // The week in which it was first heard is no whole one.
      if (then - 1 <= first) break;
      weeks.push(Math.min(...[then - 1, then, then + 1].map((one) => hours.get(one) ?? 0)));
    }
    if (weeks.length >= MIN_WEEKS) sum += share * Math.min(...weeks);
  }
  return sum;
}

export interface Heard {
  /** Of the last event, or since when it is listened to. */
  readonly since: number;
  readonly hours: Hours;
}

/** Whether a source has been silent for too long: by what was declared, else by what was learned. */
export function isSilent(
  { since, hours }: Heard,
  {
    now,
    heartbeatMs,
    learn,
  }: { readonly now: number; readonly heartbeatMs?: number | undefined; readonly learn: boolean },
): boolean {
  const silentMs = now - since;
  if (heartbeatMs !== undefined) return silentMs > heartbeatMs;
  return learn && silentMs >= MIN_SILENCE_MS && expectedEvents(hours, since, now) >= EXPECTED;
}

/** Counts what comes by source and hour; what is new since the last `take` goes to the store. */
export interface Listener {
  heard(source: string, events: number, at: number): void;
  load(hours: readonly SourceHour[]): void;
  take(): readonly SourceHour[];
  of(source: string): { readonly lastAt: number | undefined; readonly hours: Hours };
  forget(before: number): void;
}

export function createListener(): Listener {
  const sources = new Map<string, { lastAt: number; hours: Map<number, number> }>();
  let fresh = new Map<string, SourceHour>();
  const add = (source: string, hour: number, { events, lastAt }: Pick<SourceHour, "events" | "lastAt">): void => {
    const one = sources.get(source) ?? { lastAt, hours: new Map<number, number>() };
    sources.set(source, one);
    one.lastAt = Math.max(one.lastAt, lastAt);
    one.hours.set(hour, (one.hours.get(hour) ?? 0) + events);
  };
  return {
    heard(source, events, at) {
      const hour = Math.floor(at / HOUR);
      add(source, hour, { events, lastAt: at });
      const key = `${hour} ${source}`;
      fresh.set(key, { source, hour, lastAt: at, events: (fresh.get(key)?.events ?? 0) + events });
    },
    load(hours) {
      for (const one of hours) add(one.source, one.hour, one);
    },
    take() {
      const taken = [...fresh.values()];
      fresh = new Map();
      return taken;
    },
    of: (source) => ({ lastAt: sources.get(source)?.lastAt, hours: sources.get(source)?.hours ?? new Map() }),
    forget(before) {
      for (const { hours } of sources.values())
        for (const hour of hours.keys()) if (hour * HOUR < before) hours.delete(hour);
    },
  };
}
