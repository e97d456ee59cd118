/** Requests go in together; now and then something has to happen while none is inside. */

export interface IntakeGate {
  /** Does the work when the gate is open; many at once. */
  pass<T>(work: () => Promise<T>): Promise<T>;
  /** Lets nobody new in, waits until all are out, does the work, opens again. One at a time. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

export function createIntakeGate(): IntakeGate {
  let inside = 0;
  let closed: Promise<void> | undefined;
  let left = (): void => {};
  return {
    async pass(work) {
      while (closed !== undefined) await closed;
      inside++;
      try {
        return await work();
      } finally {
        if (--inside === 0) left();
      }
    },
    async alone(work) {
      while (closed !== undefined) await closed;
      const opening = Promise.withResolvers<void>();
      closed = opening.promise;
      try {
        if (inside > 0)
          await new Promise<void>((resolve) => {
            left = resolve;
          });
        return await work();
      } finally {
        left = () => {};
        closed = undefined;
        opening.resolve();
      }
    },
  };
}
