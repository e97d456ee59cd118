/** Opened sinks, one for each connection, opened at first use and closed together. */
import type { Clock } from "../core/clock.ts";
import type { ConnectionModel } from "../delivery/model.ts";
import type { Observer } from "../flow/observer.ts";
import type { OpenSink } from "../plugin/index.ts";

export interface SinkPool {
  /** `undefined`: it could not be opened; asked again later, it is tried again. */
  get(name: string): Promise<OpenSink | undefined>;
  close(): Promise<void>;
}

/** A sink that could not be opened is left alone this long. */
const retryOpenMs = 5_000;

export function createSinkPool(
  connections: ReadonlyMap<string, ConnectionModel>,
  deps: { readonly clock: Clock; readonly observer: Observer },
): SinkPool {
  const open = new Map<string, Promise<OpenSink | undefined>>();
  const failedAt = new Map<string, number>();
  return {
    get(name) {
      const known = open.get(name);
      if (known !== undefined) return known;
      if (deps.clock.now() < (failedAt.get(name) ?? 0) + retryOpenMs) return Promise.resolve(undefined);
      const opening = Promise.resolve(connections.get(name)?.open()).catch((error: unknown) => {
        deps.observer.fault({ where: `open connection ${name}`, error });
        failedAt.set(name, deps.clock.now());
        open.delete(name);
        return undefined;
      });
      open.set(name, opening);
      return opening;
    },
    async close() {
      for (const opening of open.values()) await (await opening)?.close().catch(() => undefined);
      open.clear();
    },
  };
}
