/** Faults of the store that pass by themselves: the work is neither lost nor to blame, and is tried again. */
import { HookrailError } from "../core/errors.ts";

/** A full disk, a busy file, too much waiting to be written. */
const passing: ReadonlySet<string> = new Set(["HK4008", "HK4011", "HK4019"]);

/** How long the store is left alone after one, ms. */
export const storeRetryMs = 1_000;

export function isPassing(error: unknown): boolean {
  return error instanceof HookrailError && passing.has(error.code);
}
