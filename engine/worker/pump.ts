/** Runs a step again and again while it finds something to do, one run at a time. */
import { nextTurn } from "./pace.ts";

export interface Pump {
  /** There may be something to do. */
  kick(): void;
  /** Resolves when the pump has come to rest. */
  rest(): Promise<void>;
  /** A kick has not been followed up to its end yet. */
  readonly busy: boolean;
}

/**
 * `step` resolves to how much it did; 0 lets the pump rest until the next kick. It must not throw. It starts with the
 * next turn of the event loop, so that a burst of kicks is one look and intake comes between two.
 */
export function createPump(step: () => Promise<number>): Pump {
  let running: Promise<void> | undefined;
  let kicked = false;
  async function run(): Promise<void> {
    do {
      await nextTurn();
      kicked = false;
      while ((await step()) > 0) await nextTurn();
    } while (kicked);
    running = undefined;
  }
  return {
    kick() {
      kicked = true;
      running ??= run();
    },
    rest: async () => {
      while (running !== undefined) await running;
    },
    get busy() {
      return running !== undefined;
    },
  };
}
