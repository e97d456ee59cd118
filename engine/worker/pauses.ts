/** What is paused, in memory beside the store: the loops ask at every step. */
import type { Observer } from "../flow/observer.ts";
import type { AuditRow, Pause, Store } from "../store/store.ts";

export interface Pauses {
  load(): Promise<void>;
  has(kind: Pause["kind"], name: string): boolean;
  /** The store knows already. */
  mark(kind: Pause["kind"], name: string): void;
  add(pause: Pause, audit: AuditRow): Promise<void>;
  /** False when it was not paused. */
  remove(kind: Pause["kind"], name: string, audit: AuditRow): Promise<boolean>;
}

export function createPauses(store: Pick<Store, "pauses" | "setPause" | "clearPause">): Pauses {
  const paused = new Set<string>();
  const nameOf = (kind: Pause["kind"], name: string): string => `${kind} ${name}`;
  return {
    async load() {
      const stored = await store.pauses();
      paused.clear();
      for (const pause of stored) paused.add(nameOf(pause.kind, pause.name));
    },
    has: (kind, name) => paused.has(nameOf(kind, name)),
    mark: (kind, name) => void paused.add(nameOf(kind, name)),
    async add(pause, audit) {
      await store.setPause(pause, audit);
      paused.add(nameOf(pause.kind, pause.name));
    },
    async remove(kind, name, audit) {
      const was = await store.clearPause(kind, name, audit);
      paused.delete(nameOf(kind, name));
      return was;
    },
  };
}

/** The engine's own pauses are in the store already; the loops must know of them at once. */
export function pausing(observer: Observer, pauses: Pick<Pauses, "mark">): Observer {
  return {
    ...observer,
    connectionPaused(fact) {
      pauses.mark("connection", fact.connection);
      observer.connectionPaused(fact);
    },
  };
}
