/** Runs a step again and again while it finds something to do, one run at a time. */

export interface Pump {
  /** There may be something to do. */
  kick(): void;
  /** Resolves when the pump has come to rest. */
  rest(): Promise<void>;
}

/** `step` resolves to how much it did; 0 lets the pump rest until the next kick. It must not throw. */
export function createPump(step: () => Promise<number>): Pump {
  let running: Promise<void> | undefined;
  let kicked = false;
  async function run(): Promise<void> {
    do {
      kicked = false;
      while ((await step()) > 0);
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
  };
}
