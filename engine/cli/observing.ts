/** Who hears what the flow tells in a running engine: the log, metrics, OpenTelemetry, and whoever else is named. */

import type { Engine } from "../flow/engine.ts";
import type { Observer } from "../flow/observer.ts";
import { tellAll } from "../flow/observers.ts";
import type { Sensitivity } from "../http/documents.ts";
import { startLoopDelayMeter } from "../metrics/loop-delay.ts";
import { createMetrics, type EngineMetrics } from "../metrics/metrics.ts";
import { createSinkHttp } from "../network/client.ts";
import type { Store } from "../store/store.ts";
import { createTelemetry, type Telemetry } from "../telemetry/telemetry.ts";
import { createLogObserver, privacyOf } from "./log-observer.ts";
import type { ServeOptions } from "./serve.ts";
import { createSensitivity } from "./serve-admin.ts";

export interface Observing {
  readonly observer: Observer;
  readonly metrics: EngineMetrics;
  readonly traceparent: Telemetry["traceparent"];
  readonly sensitivity: () => Sensitivity;
  /** Sends what is still to be sent, within `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** `engine` is asked only once it runs. */
export function startObserving(
  { log, clock, version, requestPrefix }: ServeOptions,
  {
    engine,
    store,
    others,
  }: { readonly engine: () => Engine; readonly store: Store; readonly others: readonly Observer[] },
): Observing {
  const delay = startLoopDelayMeter(clock);
  const metrics = createMetrics({
    engine,
    reader: store,
    clock,
    loopDelay: delay.read,
    version,
    node: process.versions.node,
  });
  const telemetry = createTelemetry({
    otel: () => engine().revision.otel,
    environment: () => engine().revision.environment,
    // The operator names the collector: it mostly stands beside the engine.
    http: createSinkHttp({ connections: 2, allowPrivate: true }),
    clock,
    version,
    instance: requestPrefix,
    measure: metrics.measure,
    onDone: metrics.exported,
    onTrouble: (signal, why) =>
      log.repeating("warn", `telemetry ${signal}`, `the OpenTelemetry collector did not take ${signal}; events go on`, {
        reason: why,
      }),
  });
  const sensitivity = createSensitivity(engine);
  const told = createLogObserver(log, {
    privacy: privacyOf(() => engine().revision.log.hashKey, sensitivity),
    sample: () => engine().revision.log.sample,
  });
  return {
    observer: tellAll([...others, told, metrics.observer, telemetry.observer]),
    metrics,
    traceparent: telemetry.traceparent,
    sensitivity,
    async close(graceMs) {
      delay.stop();
      await telemetry.close(graceMs);
    },
  };
}
