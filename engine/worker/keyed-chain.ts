/** One after the other within a key, all at once across keys. */

/** Runs tasks in the order they are given wherever two share a key. */
export interface KeyedChain {
  run<T>(keys: readonly string[], task: () => Promise<T>): Promise<T>;
}

export function createKeyedChain(): KeyedChain {
  const tails = new Map<string, Promise<unknown>>();
  return {
    run(keys, task) {
      const before = keys.map((key) => tails.get(key)).filter((tail) => tail !== undefined);
      const mine = Promise.all(before).then(task);
      const tail = mine.catch(() => undefined);
      for (const key of keys) tails.set(key, tail);
      void tail.then(() => {
        // Only the last of a key takes the key away, or a later task would not wait.
        for (const key of keys) if (tails.get(key) === tail) tails.delete(key);
      });
      return mine;
    },
  };
}
