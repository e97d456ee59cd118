/** Bounds how often one cause may be written to the log: 10^5 bad signatures must not fill the disk. */
import type { Clock } from "./clock.ts";

export interface RepeatLimit {
  /** Whether a line of this cause is to be written now. */
  admit(cause: string): boolean;
  /** Ends all open windows: the summaries that are due are written at once. */
  flush(): void;
}

interface Window {
  shown: number;
  hidden: number;
  cancel: () => void;
}

/**
 * The first `perWindow` lines of a cause are written; the rest of the window is counted, and `summary` is told
 * the count when the window ends. At most `maxCauses` windows are open; further causes share one.
 */
export function createRepeatLimit(options: {
  readonly clock: Clock;
  readonly summary: (cause: string, hidden: number) => void;
  readonly perWindow?: number;
  readonly windowMs?: number;
  readonly maxCauses?: number;
}): RepeatLimit {
  const { clock, summary, perWindow = 5, windowMs = 60_000, maxCauses = 500 } = options;
  const windows = new Map<string, Window>();

  function end(cause: string): void {
    const window = windows.get(cause);
    windows.delete(cause);
    if (window !== undefined && window.hidden > 0) summary(cause, window.hidden);
  }

  return {
    admit(asked) {
      const cause = windows.has(asked) || windows.size < maxCauses ? asked : "other";
      let window = windows.get(cause);
      if (window === undefined) {
        window = { shown: 0, hidden: 0, cancel: clock.after(windowMs, () => end(cause)) };
        windows.set(cause, window);
      }
      if (window.shown < perWindow) {
        window.shown++;
        return true;
      }
      window.hidden++;
      return false;
    },
    flush() {
      for (const [cause, window] of [...windows]) {
        window.cancel();
        end(cause);
      }
    },
  };
}
