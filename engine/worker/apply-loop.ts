/**
 * Takes ready work from the store in order of receipt and applies it. It holds no claim: on one node the store's
 * lock makes this process the only one, and after a crash everything not done is ready again.
 */
import type { Clock } from "../core/clock.ts";
import { errorMessage } from "../core/errors.ts";
import type { EntityRef } from "../core/types.ts";
import { type Applied, applyPrepared } from "../flow/apply.ts";
import { type ApplyDeps, type Prepared, prepareWork } from "../flow/prepare.ts";
import { waitingForId } from "../flow/resolve.ts";
import type { Store, WorkItem } from "../store/store.ts";
import { createKeyedChain } from "./keyed-chain.ts";
import type { Pace } from "./pace.ts";
import { isPassing, storeRetryMs } from "./passing.ts";

export interface ApplyLoopOptions {
  /** Made anew for each batch, so that a reload takes effect at an event boundary. */
  readonly deps: () => ApplyDeps;
  readonly store: Store;
  readonly clock: Clock;
  readonly pace: Pace;
  readonly isPaused: (pipeline: string) => boolean;
  /** Deliveries were born for these connections. */
  readonly onDeliveries: (connections: readonly string[]) => void;
  /** What failed is to be tried again now. */
  readonly onRetry: () => void;
  /** Items taken at once (default 128). */
  readonly batch?: number;
}

export interface ApplyLoop {
  /** Applies one batch of what is ready; how many items were taken. */
  applyReady(): Promise<number>;
  /** Takes up held work whose window has ended. */
  applyEnded(): Promise<number>;
  /** Looks at all ready work again: after a resume or a failure. */
  rewind(): void;
}

/** A fault of the engine's own is tried again this often before the event is set aside for a person. */
const maxFaults = 3;

export function createApplyLoop(options: ApplyLoopOptions): ApplyLoop {
  const { store, clock, pace } = options;
  const chain = createKeyedChain();
  const inFlight = new Set<number>();
  const faults = new Map<number, number>();
  /** Work up to this seq has been taken by this process. */
  let cursor = 0;
  /** While the store can not write, nothing is taken: each try would fail like the one before. */
  let heldBackUntil = 0;
  let lookingAgain = false;

  async function takeAll(items: readonly WorkItem[]): Promise<void> {
    let next = items;
    while (next.length > 0) next = await heldFor(await takeBatch(next));
  }

  /** Returns the names that held work may wait for. */
  async function takeBatch(items: readonly WorkItem[]): Promise<readonly EntityRef[]> {
    const deps = options.deps();
    const mine = items.filter((item) => !inFlight.has(item.seq) && !options.isPaused(item.pipeline));
    for (const item of mine) inFlight.add(item.seq);
    const applied: Promise<readonly EntityRef[]>[] = [];
    for (let start = 0; start < mine.length; ) {
      if (start > 0) await pace.turn();
      const slice = mine.slice(start, start + pace.slice());
      start += slice.length;
      // Mapping needs no state: all at once. What touches entities follows in order of receipt within each key.
      const prepared = slice.map((item) =>
        prepareWork(item, deps).catch((error): Prepared => faultOf(item, error, deps)),
      );
      for (const [index, item] of slice.entries()) {
        const ready = await (prepared[index] as Promise<Prepared>);
        applied.push(chain.run(lockKeys(ready, item), () => take(item, ready, deps)));
      }
    }
    return (await Promise.all(applied)).flat();
  }

  async function take(item: WorkItem, prepared: Prepared, deps: ApplyDeps): Promise<readonly EntityRef[]> {
    try {
      const applied = await applyPrepared(item, prepared, deps);
      faults.delete(item.seq);
      if (applied.connections.length > 0) options.onDeliveries(applied.connections);
      return namesOf(applied);
    } catch (error) {
      await putOff(item, error, deps);
      return [];
    } finally {
      inFlight.delete(item.seq);
    }
  }

  async function putOff(item: WorkItem, error: unknown, deps: ApplyDeps): Promise<void> {
    const dead = faultOf(item, error, deps);
    if (isPassing(error)) {
      heldBackUntil = clock.now() + storeRetryMs;
      return lookAgain(storeRetryMs);
    }
    const count = (faults.get(item.seq) ?? 0) + 1;
    faults.set(item.seq, count);
    if (count < maxFaults) return lookAgain(1_000 * count);
    try {
      await applyPrepared(item, dead, deps);
      faults.delete(item.seq);
    } catch {
      // Even that could not be written: it is as it was, and must not be left behind the cursor.
      lookAgain(storeRetryMs);
    }
  }

  function lookAgain(ms: number): void {
    if (lookingAgain) return;
    lookingAgain = true;
    clock.after(ms, () => {
      lookingAgain = false;
      rewind();
      options.onRetry();
    });
  }

  /** Held work is tried again after each apply of what it waits for. */
  async function heldFor(names: readonly EntityRef[]): Promise<readonly WorkItem[]> {
    const held = new Map<number, WorkItem>();
    for (const entity of names)
      for (const item of await store.heldWork({ entity, limit: 1_000 })) held.set(item.seq, item);
    return [...held.values()].sort((a, b) => a.seq - b.seq);
  }

  function rewind(): void {
    cursor = 0;
  }

  return {
    async applyReady() {
      if (clock.now() < heldBackUntil) return 0;
      const items = await store.readyWork(cursor, options.batch ?? 128);
      const last = items.at(-1);
      if (last === undefined) return 0;
      cursor = last.seq;
      await takeAll(items);
      return items.length;
    },
    async applyEnded() {
      if (clock.now() < heldBackUntil) return 0;
      const items = await store.heldWork({ endedBy: clock.now(), limit: options.batch ?? 128 });
      await takeAll(items);
      return items.length;
    },
    rewind,
  };
}

function namesOf(applied: Applied): EntityRef[] {
  return applied.changed.flatMap((one) => [
    { type: one.type, key: one.key },
    ...Object.entries(one.ids).map(([name, value]) => waitingForId(one.type, name, value)),
  ]);
}

/** The log has the fault; the dead letter names only the place, since a message could carry payload. */
function faultOf(item: WorkItem, error: unknown, deps: ApplyDeps): Extract<Prepared, { kind: "dead" }> {
  const where = `applying ${item.event.type} in ${item.pipeline}`;
  deps.observer.fault({ where, error });
  return { kind: "dead", code: "HK9002", message: errorMessage("HK9002", { where }) };
}

/** The names under which a work item's entities are locked. */
function lockKeys(prepared: Prepared, item: WorkItem): string[] {
  if (prepared.kind !== "mapped") return [`work/${item.seq}`];
  return prepared.mapped.writes.flatMap((write) =>
    write.key.kind === "id" ? [`${write.model.entity}/${write.key.value}`] : [],
  );
}
