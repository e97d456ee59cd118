/** How late the event loop is, from Node's own histogram. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { LoopDelay } from "./metrics.ts";

/** Between two looks; the histogram holds what passed between them, this much even when nothing is late. */
const RESOLUTION_MS = 10;

export interface LoopDelayMeter {
  /** Since the last call. */
  read(): LoopDelay;
  stop(): void;
}

export function startLoopDelayMeter(): LoopDelayMeter {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return {
    read() {
      const delay = readOf(histogram);
      histogram.reset();
      return delay;
    },
    stop: () => void histogram.disable(),
  };
}

function readOf(histogram: ReturnType<typeof monitorEventLoopDelay>): LoopDelay {
  // Nothing recorded yet: the mean of none is NaN.
  if (histogram.count === 0) return { mean: 0, p99: 0, max: 0 };
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1e3);
  return { mean: late(histogram.mean), p99: late(histogram.percentile(99)), max: late(histogram.max) };
}
