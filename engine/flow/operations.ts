/** What a person may do to the work, with no engine running: the same calls as the engine's, straight on the store. */
import type { Clock } from "../core/clock.ts";
import type { AuditRow, Store } from "../store/store.ts";
import type { Actor, Engine } from "./engine.ts";

/** The audited decisions of a person; an `Engine` keeps this too. */
export type Operations = Pick<Engine, "retryDead" | "discardDead" | "pause" | "resume">;

/** For commands that hold the store's lock themselves. The next engine finds the work. */
export function createStoreOperations(store: Store, clock: Clock): Operations {
  const audit = (action: string, target: string, by: Actor): AuditRow => ({ at: clock.now(), action, target, ...by });
  return {
    retryDead: (id, by) => store.retryDeadLetter(id, audit("dead.retry", id, by)),
    discardDead: (id, by) => store.discardDeadLetter(id, audit("dead.discard", id, by)),
    async pause(kind, name, by) {
      const pause = { kind, name, since: clock.now(), by: by.actor, reason: by.reason };
      await store.setPause(pause, audit("pause", `${kind}/${name}`, by));
    },
    resume: (kind, name, by) => store.clearPause(kind, name, audit("resume", `${kind}/${name}`, by)),
  };
}
