/**
 * Chance that is named: each roll depends on the seed and on what it is about, and on nothing that was rolled before.
 * So a run that leaves out some events rolls the same for the others, and a failing seed can be made smaller.
 */

export type Label = string | number;

export interface Dice {
  readonly seed: number;
  /** In [0, 1). */
  roll(...about: readonly Label[]): number;
  chance(probability: number, ...about: readonly Label[]): boolean;
  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number, ...about: readonly Label[]): number;
  pick<T>(from: readonly T[], ...about: readonly Label[]): T;
}

/** FNV-1a over the labels, then the finish of MurmurHash3: neighbouring labels must not roll alike. */
function mix(seed: number, about: readonly Label[]): number {
  let hash = 0x811c9dc5 ^ seed;
  const text = about.join("\u0000");
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export function createDice(seed: number): Dice {
  const roll = (...about: readonly Label[]) => mix(seed, about) / 2 ** 32;
  const int = (low: number, high: number, ...about: readonly Label[]) =>
    low + Math.floor(roll(...about) * (high - low + 1));
  return {
    seed,
    roll,
    int,
    chance: (probability, ...about) => roll(...about) < probability,
    pick: (from, ...about) => from[int(0, from.length - 1, ...about)] as (typeof from)[number],
  };
}
