/** The orders in which events can arrive. */

/** All orders of a list, the given one first; at most `limit`. */
export function* permutations<T>(items: readonly T[], limit: number): Generator<readonly T[]> {
  let given = 0;
  function* place(chosen: readonly T[], left: readonly T[]): Generator<readonly T[]> {
    if (left.length === 0) {
      given++;
      yield chosen;
      return;
    }
    for (const [index, item] of left.entries()) {
      if (given >= limit) return;
      yield* place([...chosen, item], [...left.slice(0, index), ...left.slice(index + 1)]);
    }
  }
  yield* place([], items);
}
