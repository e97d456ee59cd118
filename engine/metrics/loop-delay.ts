/** How late the event loop is, from Node's own histogram. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock } from "../core/clock.ts";
import type { LoopDelay } from "./metrics.ts";

/** Between two looks; the histogram holds what passed between them, this much even when nothing is late. */
const RESOLUTION_MS = 10;

/** Several readers (scrapes, OpenTelemetry) do not take each other's time away. */
const SHARED_MS = 5_000;

export interface LoopDelayMeter {
  /** Since the last look; within five seconds the same again. */
  read(): LoopDelay;
  stop(): void;
}

export function startLoopDelayMeter(clock: Pick<Clock, "monotonic">): LoopDelayMeter {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  let last: { readonly at: number; readonly delay: LoopDelay } | undefined;
  return {
    read() {
      const at = clock.monotonic();
      if (last !== undefined && at - last.at < SHARED_MS) return last.delay;
      last = { at, delay: readOf(histogram) };
      histogram.reset();
      return last.delay;
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
