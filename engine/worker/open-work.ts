/** How much is begun and not ended: lets a loop run ahead by a bounded amount, and others wait for all of it. */

export interface OpenWork {
  /** Counts until the promise settles; the promise must not reject. */
  track(work: Promise<void>): void;
  /** Resolves when less than `limit` is open. */
  below(limit: number): Promise<void>;
  /** Resolves when nothing is open. */
  idle(): Promise<void>;
}

export function createOpenWork(): OpenWork {
  let open = 0;
  let waiting: (() => void)[] = [];
  const ended = (): void => {
    open--;
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  };
  async function below(limit: number): Promise<void> {
    while (open >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
  }
  return {
    track(work) {
      open++;
      void work.then(ended);
    },
    below,
    idle: () => below(1),
  };
}
