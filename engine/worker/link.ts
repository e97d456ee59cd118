/** A connection as one revision has it: model, gate and opened sink as one value, which a reload replaces whole. */
import type { Clock } from "../core/clock.ts";
import type { ConnectionGate } from "../delivery/gate.ts";
import { createGate } from "../delivery/gate.ts";
import type { ConnectionModel } from "../delivery/model.ts";
import type { Observer } from "../flow/observer.ts";
import type { OpenSink } from "../plugin/index.ts";

export interface Link {
  readonly connection: ConnectionModel;
  readonly gate: ConnectionGate;
  /** Opened at first use. `undefined`: it could not be opened; asked again later, it is tried again. */
  sink(): Promise<OpenSink | undefined>;
  /** An attempt goes over it; call what is returned when the attempt has ended. */
  use(): () => void;
  /** Resolves when no attempt goes over it. */
  idle(): Promise<void>;
  /** Closes the sink, if it was opened. */
  close(): Promise<void>;
}

/** A sink that could not be opened is left alone this long. */
const retryOpenMs = 5_000;

export function createLink(
  connection: ConnectionModel,
  { clock, observer }: { readonly clock: Clock; readonly observer: Observer },
): Link {
  let open: Promise<OpenSink | undefined> | undefined;
  let failedAt: number | undefined;
  let users = 0;
  let waiting: (() => void)[] = [];
  return {
    connection,
    gate: createGate(connection, clock),
    sink() {
      if (open !== undefined) return open;
      if (failedAt !== undefined && clock.now() < failedAt + retryOpenMs) return Promise.resolve(undefined);
      open = Promise.resolve()
        .then(() => connection.open())
        .catch((error: unknown) => {
          observer.fault({ where: `open connection ${connection.name}`, error });
          failedAt = clock.now();
          open = undefined;
          return undefined;
        });
      return open;
    },
    use() {
      users++;
      return () => {
        if (--users > 0) return;
        const woken = waiting;
        waiting = [];
        for (const wake of woken) wake();
      };
    },
    async idle() {
      while (users > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    async close() {
      const opened = open;
      open = undefined;
      await (await opened)?.close().catch(() => undefined);
    },
  };
}
