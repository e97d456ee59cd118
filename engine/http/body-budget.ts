/**
 * How much memory large bodies may hold at one time, all together. Small ones are always read, so that a few senders of
 * large bodies, or many who only announce them, never keep an ordinary hook waiting.
 */

export interface BodyBudget {
  /** What of a body of this many bytes counts; 0 for small ones. */
  share(bytes: number): number;
  /** Waits until that much is free; first come, first served. Undefined: it was free. */
  take(share: number): Promise<void> | undefined;
  give(share: number): void;
}

const SMALL_BYTES = 64 * 1024;
const DEFAULT_TOTAL_BYTES = 256 * 1024 * 1024;

/** `total`: bytes beyond the small part of each body. */
export function createBodyBudget(total: number = DEFAULT_TOTAL_BYTES): BodyBudget {
  const waiting: { readonly share: number; readonly resume: () => void }[] = [];
  let free = total;

  function resumeNext(): void {
    for (let next = waiting[0]; next !== undefined && next.share <= free; next = waiting[0]) {
      waiting.shift();
      free -= next.share;
      next.resume();
    }
  }

  return {
    // A body larger than the whole budget takes all of it: it is read alone.
    share: (bytes) => Math.min(total, Math.max(0, bytes - SMALL_BYTES)),
    take(share) {
      if (waiting.length === 0 && share <= free) {
        free -= share;
        return undefined;
      }
      return new Promise((resolve) => waiting.push({ share, resume: resolve }));
    },
    give(share) {
      free += share;
      resumeNext();
    },
  };
}
