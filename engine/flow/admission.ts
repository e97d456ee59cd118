/**
 * Who is let in before the body is read: the source's networks and rate, the installation's rate and backlog, and the
 * store's queue. Only verified requests count against rates, so that a stranger can not use up a sender's share.
 */
import type { LimitsModel, SourceModel } from "../config/revision.ts";
import type { Clock } from "../core/clock.ts";
import type { Rate } from "../core/duration.ts";
import { inNetworks, type Network, parseNetwork } from "../core/networks.ts";
import { createRateLimit, type RateLimit } from "../delivery/rate.ts";
import type { AcceptRequest, AcceptResult } from "../store/store.ts";
import type { Observer } from "./observer.ts";
import { createPressure } from "./pressure.ts";

/** Why a request is turned away, and when to come again. */
export interface TurnedAway {
  readonly reason: "network" | "rate" | "accept_rate" | "backlog" | "busy";
  /** Whole seconds; 0: coming again changes nothing. */
  readonly retryAfterS: number;
}

export interface Admission {
  /** Looks, and takes nothing. Undefined: let in. */
  judge(remoteAddress: string, source: SourceModel, limits: LimitsModel): TurnedAway | undefined;
  /** A verified request with events in it: it counts against the rates. The answer is set when the store's queue is over full. */
  count(source: SourceModel, limits: LimitsModel): TurnedAway | undefined;
  /** Hands a request to the store and watches how long it takes. */
  accept(
    request: AcceptRequest,
    store: (request: AcceptRequest) => Promise<readonly AcceptResult[]>,
  ): Promise<readonly AcceptResult[]>;
  /** The same observer; what it hears of work that has ended is taken off the backlog. */
  watch(observer: Observer): Observer;
}

/** What is counted here drifts when work is held or redriven: the store knows better. */
const COUNT_AGAIN_MS = 5_000;
const BUSY_RETRY_S = 2;
const BACKLOG_RETRY_S = 15;
/** Key of the installation's own rate; no source has this name. */
const ALL = "";

/**
 * One for each engine; it outlives revisions, and what was used of a rate with it. `ready`: pieces of work that wait in
 * the store; asked every few seconds, and only where a backlog is declared.
 */
export function createAdmission(clock: Clock, ready: () => Promise<number>): Admission {
  const pressure = createPressure();
  const rates = new Map<string, { readonly rate: Rate; readonly limit: RateLimit }>();
  const networks = new WeakMap<readonly string[], readonly Network[]>();
  let waitingWork = 0;
  let countedAt = Number.NEGATIVE_INFINITY;

  function rateOf(name: string, rate: Rate): RateLimit {
    const known = rates.get(name);
    if (known?.rate.count === rate.count && known.rate.perMs === rate.perMs) return known.limit;
    const limit = createRateLimit(rate);
    rates.set(name, { rate, limit });
    return limit;
  }

  /** Seconds until the rate has room again; 0: it has. */
  function roomIn(name: string, rate: Rate | undefined, now: number): number {
    return rate === undefined ? 0 : Math.ceil((rateOf(name, rate).nextAt(now) - now) / 1_000);
  }

  function networksOf(texts: readonly string[]): readonly Network[] {
    const known = networks.get(texts);
    if (known !== undefined) return known;
    const made = texts.flatMap((text) => {
      const parsed = parseNetwork(text);
      return parsed.ok ? [parsed.value] : [];
    });
    networks.set(texts, made);
    return made;
  }

  /** The backlog as far as is known now; in between it is kept by what is accepted and what ends. */
  function backlog(): number {
    const now = clock.monotonic();
    if (now - countedAt >= COUNT_AGAIN_MS) {
      countedAt = now;
      void ready().then(
        (counted) => (waitingWork = counted),
        // A store that can't be read is said elsewhere.
        () => {},
      );
    }
    return waitingWork;
  }

  return {
    judge(remoteAddress, source, limits) {
      if (source.networks !== undefined && !inNetworks(networksOf(source.networks), remoteAddress))
        return { reason: "network", retryAfterS: 0 };
      const now = clock.now();
      const rate = roomIn(source.name, source.rate, now);
      if (rate > 0) return { reason: "rate", retryAfterS: rate };
      const all = roomIn(ALL, limits.acceptRate, now);
      if (all > 0) return { reason: "accept_rate", retryAfterS: all };
      if (limits.backlog !== undefined && backlog() >= limits.backlog)
        return { reason: "backlog", retryAfterS: BACKLOG_RETRY_S };
      return pressure.full(clock.monotonic()) ? { reason: "busy", retryAfterS: BUSY_RETRY_S } : undefined;
    },
    count(source, limits) {
      if (pressure.overfull(clock.monotonic())) return { reason: "busy", retryAfterS: BUSY_RETRY_S };
      const now = clock.now();
      if (source.rate !== undefined) rateOf(source.name, source.rate).take(now);
      if (limits.acceptRate !== undefined) rateOf(ALL, limits.acceptRate).take(now);
      return undefined;
    },
    async accept(request, store) {
      const leave = pressure.enter(clock.monotonic());
      try {
        const results = await store(request);
        for (const [index, result] of results.entries())
          if (result.kind === "new") waitingWork += request.pipelines[index]?.length ?? 0;
        return results;
      } finally {
        leave(clock.monotonic());
      }
    },
    watch: (observer) => ({
      ...observer,
      applied(fact) {
        waitingWork = Math.max(0, waitingWork - 1);
        observer.applied(fact);
      },
    }),
  };
}
