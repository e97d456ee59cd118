/** A small seeded generator for faults that must come back: same seed, same run. Not for anything secret. */

export interface Seeded {
  readonly seed: number;
  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number;
}

/** Mulberry32 (github.com/cprosche/mulberry32): 32 bits of state are plenty for choosing where to kill. */
export function seeded(seed: number): Seeded {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { seed, int: (low, high) => low + Math.floor(next() * (high - low + 1)) };
}

/** Names the seed of all proofs of a run. */
export const SEED = "HOOKRAIL_FAULT_SEED";

/** The seed of this run: HOOKRAIL_FAULT_SEED to repeat one, else a new one, which the test's name and the report show. */
export function runSeed(): number {
  const given = process.env[SEED];
  return given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
}

/** Of a store that has one: small enough for a log of all that is written. */
const RESERVE = "4MiB";
/** So that this choice moves no other. */
const APART = 0x5e5e;

/** What stands at `disk_reserve`: one store in three has a reserve, as installations do; the others have only the store's own writes. */
export function reserveFor(seed: number): string {
  return seeded(seed ^ APART).int(0, 2) === 0 ? RESERVE : "0B";
}

/** How many times as long as the short form: HOOKRAIL_FAULT_FACTOR, 1 by default. */
export function faultFactor(): number {
  const factor = Number(process.env["HOOKRAIL_FAULT_FACTOR"] ?? "1");
  return Number.isFinite(factor) && factor >= 1 ? factor : 1;
}
