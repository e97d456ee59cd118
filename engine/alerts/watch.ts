/** Hears what the flow tells, and keeps what alert rules ask about: counts of the last hour, who was heard when, the store, the clock. */
import type { Clock } from "../core/clock.ts";
import { type Observer, silentObserver } from "../flow/observer.ts";
import type { StoreSize } from "../store/store.ts";
import { createListener, type Listener } from "./heartbeat.ts";
import { createRecent, type Recent } from "./recent.ts";

export interface Watch {
  readonly observer: Observer;
  readonly recent: Recent;
  readonly listener: Listener;
  store(): (StoreSize & { readonly findings: readonly string[] }) | undefined;
  reserveSpent(): boolean;
  skew(): { readonly at: number; readonly sources: readonly string[]; readonly medianMs: number } | undefined;
  /** The store said that the disk is full. */
  full(): void;
  fullAt(): number | undefined;
}

/** Attempts that ended well, or ended what was to be done. */
const WELL: ReadonlySet<string> = new Set(["delivered", "merged", "superseded"]);

export function createWatch(clock: Clock): Watch {
  const recent = createRecent();
  const listener = createListener();
  let store: ReturnType<Watch["store"]>;
  let skew: ReturnType<Watch["skew"]>;
  let hadReserve = false;
  let fullAt: number | undefined;
  const add = (what: string, name: string, count = 1) => recent.add(`${what} ${name}`, count, clock.now());
  return {
    recent,
    listener,
    store: () => store,
    reserveSpent: () => hadReserve && store?.reserveBytes === 0,
    skew: () => skew,
    full: () => {
      fullAt = clock.now();
    },
    fullAt: () => fullAt,
    observer: {
      ...silentObserver,
      ingested({ source, outcome, events, kinds = [] }) {
        if (source === undefined) return;
        if (outcome === "unauthorized") add("unsigned", source);
        // A repeat says as well that the sender is there.
        if (events.length > 0) listener.heard(source, events.length, clock.now());
        const fresh = kinds.filter((kind) => kind === "new").length;
        if (fresh > 0) add("accepted", source, fresh);
        if (kinds.length > fresh) add("duplicate", source, kinds.length - fresh);
      },
      applied({ pipeline, status, deliveries, lagMs }) {
        if (status === "applied" && deliveries === 0) recent.sample(`lag ${pipeline}`, lagMs, clock.now());
      },
      attempted({ pipeline, outcome, lagMs }) {
        add("attempts", pipeline);
        if (outcome === "delivered") recent.sample(`lag ${pipeline}`, lagMs, clock.now());
        if (!WELL.has(outcome)) add("failed", pipeline);
        if (outcome === "retrying" || outcome === "unknown") add("retries", pipeline);
      },
      stored(fact) {
        store = fact;
        hadReserve ||= fact.reserveBytes > 0;
      },
      clockJumped() {
        // What was measured by the clock before says nothing any more.
        skew = undefined;
      },
      clockSkewed({ sources, medianMs }) {
        skew = { at: clock.now(), sources, medianMs };
      },
    },
  };
}
