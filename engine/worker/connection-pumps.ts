/** One loop and one pump for each connection and direction: what is sent over it, and what rules fetch over it. */
import type { DeliverLoop } from "./deliver-loop.ts";
import { createPump, type Pump } from "./pump.ts";

export interface ConnectionPumps {
  /** Makes what is missing. Loops outlive revisions: what is in flight stays known to the one that looks for more. */
  open(connections: Iterable<string>): void;
  kick(direction: Direction, connection: string): void;
  kickAll(): void;
  /** When some loop has something to do, ms since the epoch. */
  dues(): Promise<(number | undefined)[]>;
  /** Resolves when no delivery is being begun or sent. */
  rest(): Promise<void>;
  /** Resolves when nothing is in flight. */
  idle(): Promise<unknown>;
  /** Does what is due, one after the other, until nothing is. */
  drain(): Promise<void>;
}

export type Direction = "deliver" | "fetch";

export interface ConnectionPumpsOptions {
  readonly make: (direction: Direction, connection: string) => DeliverLoop;
  /** A step that may fail. */
  readonly guarded: (where: string, step: () => Promise<number>) => () => Promise<number>;
}

interface Running {
  readonly loop: DeliverLoop;
  readonly pump: Pump;
}

export function createConnectionPumps({ make, guarded }: ConnectionPumpsOptions): ConnectionPumps {
  const running: Readonly<Record<Direction, Map<string, Running>>> = { deliver: new Map(), fetch: new Map() };
  const all = (): Running[] => [...running.fetch.values(), ...running.deliver.values()];
  const start = (direction: Direction, connection: string): void => {
    if (running[direction].has(connection)) return;
    const loop = make(direction, connection);
    const where = direction === "deliver" ? `deliver to ${connection}` : `fetch over ${connection}`;
    running[direction].set(connection, { loop, pump: createPump(guarded(where, () => loop.startDue())) });
  };
  return {
    open(connections) {
      for (const connection of connections) {
        start("fetch", connection);
        start("deliver", connection);
      }
    },
    kick: (direction, connection) => running[direction].get(connection)?.pump.kick(),
    kickAll() {
      for (const { pump } of all()) pump.kick();
    },
    async dues() {
      const instants: (number | undefined)[] = [];
      for (const { loop } of all()) instants.push(await loop.nextAt());
      return instants;
    },
    async rest() {
      for (const { loop, pump } of running.deliver.values()) {
        await pump.rest();
        await loop.idle();
      }
    },
    idle: () => Promise.all(all().map(({ loop }) => loop.idle())),
    async drain() {
      for (const { loop, pump } of all()) {
        // What ends kicks the pump again.
        do {
          pump.kick();
          await pump.rest();
          await loop.idle();
        } while (pump.busy);
      }
    },
  };
}
