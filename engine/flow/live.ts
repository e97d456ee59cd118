/**
 * What the engine does, as it happens: an observer that keeps the last facts and tells each new one to whoever listens.
 * Metadata only, as the observer gets it; keys may be personal, so whoever shows a fact masks it.
 */
import type { Clock } from "../core/clock.ts";
import type { EntityRef } from "../core/types.ts";
import { matchesType } from "../mapping/event-type.ts";
import { type Observer, silentObserver } from "./observer.ts";

export const STAGES = ["received", "refused", "applied", "skipped", "held", "attempted", "delivered", "dead"] as const;

/** Where an event is. `refused`: a request that never became one. `attempted`: an attempt that was not the end. */
export type Stage = (typeof STAGES)[number];

export interface LiveFact {
  /** Counts from 1 with each start of the engine. */
  readonly seq: number;
  readonly at: number;
  readonly stage: Stage;
  /** In the words of that stage: `duplicate`, `stale`, `retrying`, … */
  readonly outcome: string;
  readonly event?: string;
  readonly source?: string;
  readonly type?: string;
  readonly pipeline?: string;
  readonly entities: readonly EntityRef[];
  readonly delivery?: string;
  readonly connection?: string;
  readonly action?: string;
  readonly attempt?: number;
  readonly httpStatus?: number;
  /** How many deliveries were born. */
  readonly deliveries?: number;
  readonly reason?: string;
  readonly code?: string;
  readonly detail?: string;
  readonly lagMs?: number;
  readonly nextAt?: number;
}

/** What is not named lets everything through, but for refused requests: outsiders can make any number of those. */
export interface LiveFilter {
  readonly stages?: ReadonlySet<Stage>;
  readonly source?: string;
  /** `customer.*` stands for all that begin so. */
  readonly type?: string;
  readonly pipeline?: string;
  readonly connection?: string;
  readonly outcome?: string;
  /** Of this type, or this one entity. */
  readonly entity?: { readonly type: string; readonly key?: string };
}

export interface Listening {
  readonly hear: (fact: LiveFact) => void;
  /** The engine stops: nothing more will come. */
  readonly end: () => void;
}

export interface Live {
  readonly observer: Observer;
  /** Another one with each start of the engine: a `seq` counts only beside it. */
  readonly name: string;
  /** The facts after a seq that are still known, oldest first; `missed`: there were more. */
  since(seq: number): { readonly facts: readonly LiveFact[]; readonly missed: boolean };
  /** Returns what ends it. */
  listen(listening: Listening): () => void;
  /** How many listen. */
  readonly listeners: number;
  close(): void;
}

/** Facts that are kept for those who come back. */
const RING = 2_000;

export function createLive({ clock, name }: { readonly clock: Pick<Clock, "now">; readonly name: string }): Live {
  const listening = new Set<Listening>();
  // A ring: `ring[seq % RING]`. Refused requests are told and not kept, so that a flood of them pushes nothing out.
  const ring: LiveFact[] = [];
  let kept = 0;
  let seq = 0;
  const tell = (fact: Omit<LiveFact, "seq" | "at">) => {
    if (fact.stage === "refused" && listening.size === 0) return;
    const told: LiveFact = { seq: ++seq, at: clock.now(), ...fact };
    if (fact.stage !== "refused") ring[kept++ % RING] = told;
    for (const one of listening) one.hear(told);
  };
  return {
    name,
    observer: createLiveObserver(tell),
    get listeners() {
      return listening.size;
    },
    since(after) {
      const first = Math.max(0, kept - RING);
      const all = Array.from({ length: kept - first }, (_, n) => ring[(first + n) % RING] as LiveFact);
      const oldest = all[0]?.seq ?? 1;
      return { facts: all.filter((fact) => fact.seq > after), missed: first > 0 && oldest > after + 1 };
    },
    listen(one) {
      listening.add(one);
      return () => void listening.delete(one);
    },
    close() {
      for (const one of [...listening]) one.end();
      listening.clear();
    },
  };
}

type Tell = (fact: Omit<LiveFact, "seq" | "at">) => void;

function createLiveObserver(tell: Tell): Observer {
  return {
    ...silentObserver,
    ingested({ source, outcome, reason, events, kinds, types }) {
      const from = source === undefined ? {} : { source };
      const why = reason === undefined ? {} : { reason };
      // A handshake is no event, and nothing was refused.
      if (outcome === "handshake") return;
      if (events.length === 0 && outcome !== "accepted")
        tell({ stage: "refused", outcome, entities: [], ...from, ...why });
      events.forEach((event, index) => {
        const kind = kinds?.[index];
        const type = types?.[index];
        tell({
          stage: "received",
          outcome: kind === undefined || kind === "new" ? (outcome === "unreadable" ? outcome : "accepted") : kind,
          event,
          entities: [],
          ...from,
          ...(type === undefined ? {} : { type }),
        });
      });
    },
    applied({ event, source, type, pipeline, status, reason, code, deliveries, lagMs, entities = [] }) {
      const told = { event, source, type, pipeline, entities, deliveries, lagMs };
      const why = reason === undefined ? {} : { reason };
      tell({
        ...told,
        ...why,
        stage: status,
        outcome: status === "skipped" ? (reason ?? status) : status,
        ...(code === undefined ? {} : { code }),
      });
    },
    attempted(fact) {
      const { outcome } = fact;
      tell({
        stage: outcome === "delivered" || outcome === "dead" ? outcome : "attempted",
        outcome,
        event: fact.event,
        pipeline: fact.pipeline,
        entities: fact.entity === undefined ? [] : [fact.entity],
        delivery: fact.delivery,
        connection: fact.connection,
        action: fact.action,
        attempt: fact.attempt,
        detail: fact.detail,
        lagMs: fact.lagMs,
        ...(fact.source === undefined ? {} : { source: fact.source }),
        ...(fact.type === undefined ? {} : { type: fact.type }),
        ...(fact.httpStatus === undefined ? {} : { httpStatus: fact.httpStatus }),
        ...(fact.nextAt === undefined ? {} : { nextAt: fact.nextAt }),
      });
    },
  };
}

/** Whether a fact is asked for. */
export function passes(fact: LiveFact, filter: LiveFilter): boolean {
  const { stages, type, entity } = filter;
  if (stages === undefined ? fact.stage === "refused" : !stages.has(fact.stage)) return false;
  if (type !== undefined && (fact.type === undefined || !matchesType(type, fact.type))) return false;
  for (const name of ["source", "pipeline", "connection", "outcome"] as const)
    if (filter[name] !== undefined && filter[name] !== fact[name]) return false;
  if (entity === undefined) return true;
  return fact.entities.some((ref) => ref.type === entity.type && (entity.key === undefined || entity.key === ref.key));
}
