/** What a person may do to the running work: audited, the same through the admin API and without an engine. */
import type { Clock } from "../core/clock.ts";
import type { DeadLetterId } from "../core/types.ts";
import type { AuditRow, DeadLetter, Pause, Store } from "../store/store.ts";

/** Who does it, and why. */
export interface Decision {
  readonly actor: string;
  readonly reason: string;
}

export interface Operations {
  /** The dead letter as it was, or undefined when none is open under this id. */
  retry(id: string, decision: Decision): Promise<DeadLetter | undefined>;
  discard(id: string, decision: Decision): Promise<DeadLetter | undefined>;
  pause(kind: Pause["kind"], name: string, decision: Decision): Promise<void>;
  /** False when it was not paused. */
  resume(kind: Pause["kind"], name: string, decision: Decision): Promise<boolean>;
}

type OperationsStore = Pick<Store, "deadLetter" | "retryDeadLetter" | "discardDeadLetter" | "setPause" | "clearPause">;

/** `wake` tells the loops that there is something to look at. */
export function createOperations(deps: {
  readonly store: OperationsStore;
  readonly clock: Clock;
  readonly wake: () => void;
}): Operations {
  const { store, clock, wake } = deps;
  const audit = (action: string, target: string, decision: Decision): AuditRow => ({
    at: clock.now(),
    action,
    target,
    ...decision,
  });

  async function close(id: string, how: (id: DeadLetterId) => Promise<boolean>): Promise<DeadLetter | undefined> {
    const letter = await store.deadLetter(id);
    if (letter === undefined || letter.status !== "open" || !(await how(letter.id))) return undefined;
    wake();
    return letter;
  }

  return {
    retry: (id, decision) => close(id, (known) => store.retryDeadLetter(known, audit("dead.retry", known, decision))),
    discard: (id, decision) =>
      close(id, (known) => store.discardDeadLetter(known, audit("dead.discard", known, decision))),
    async pause(kind, name, decision) {
      const pause: Pause = { kind, name, since: clock.now(), by: decision.actor, reason: decision.reason };
      await store.setPause(pause, audit("pause", `${kind}/${name}`, decision));
      wake();
    },
    async resume(kind, name, decision) {
      const cleared = await store.clearPause(kind, name, audit("resume", `${kind}/${name}`, decision));
      wake();
      return cleared;
    },
  };
}
