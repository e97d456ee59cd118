/**
 * Takes ready work from the store in order of receipt and applies it. It holds no claim: on one node the store's
 * lock makes this process the only one, and after a crash everything not done is ready again.
 *
 * Each pipeline has a lane of its own: within it events are mapped and begun in order of receipt; a pipeline whose
 * expressions are slow, or have to be stopped, holds up nobody else. What a full lane can not take is left in the
 * store and looked at again when the lane has room.
 */
import type { Clock } from "../core/clock.ts";
import { HookrailError } from "../core/errors.ts";
import { type Applied, applyPrepared } from "../flow/apply.ts";
import { awaitFetch } from "../flow/fetch.ts";
import { type ApplyDeps, type Prepared, prepareWork } from "../flow/prepare.ts";
import type { Store, WorkItem } from "../store/store.ts";
import { createKeyedChain } from "./keyed-chain.ts";
import { createOpenWork } from "./open-work.ts";
import type { Pace } from "./pace.ts";
import { isPassing, storeRetryMs } from "./passing.ts";
import { faultOf, lockKeys, namesOf } from "./turn.ts";

export interface ApplyLoopOptions {
  /** Asked anew for each batch, so that a reload takes effect at an event boundary. */
  readonly deps: () => ApplyDeps;
  readonly store: Store;
  readonly clock: Clock;
  readonly pace: Pace;
  readonly isPaused: (pipeline: string) => boolean;
  /** True: what is ready and not begun goes back to the store; `rewind` follows. */
  readonly isHeld?: () => boolean;
  /** Deliveries were born for these connections. */
  readonly onDeliveries: (connections: readonly string[]) => void;
  /** A turn waits for a GET over this connection. */
  readonly onFetch: (connection: string) => void;
  /** There is something to take up again: what failed, or what a full lane left behind. */
  readonly onRetry: () => void;
  /** Items read at once (default 128). */
  readonly batch?: number;
}

export interface ApplyLoop {
  /** Begins one batch of what is ready; how many items were looked at. */
  applyReady(): Promise<number>;
  /** Begins held work whose window has ended; how many items were begun. */
  applyEnded(): Promise<number>;
  /** Begins held work that is to be tried though its window has not ended; how many items were looked at. */
  applyHeld(): Promise<number>;
  /** Begins a few replayed items, for when nothing live is ready; how many were begun. */
  applyReplayed(): Promise<number>;
  /** Replayed work waits for deliveries to end. */
  readonly waitsForDeliveries: boolean;
  /** What is ready and what has waited long enough; replays only when there is neither. */
  applySome(): Promise<number>;
  /** Goes on with work whose GET is done. */
  goOn(seqs: readonly number[]): void;
  /** Resolves when all that was begun is done. */
  idle(): Promise<void>;
  /** Looks at all ready work again: after a resume or a failure. */
  rewind(): void;
  /** Looks at all held work once: it may be free under another revision, or was woken while its pipeline was paused. */
  retryHeld(): void;
}

/** Of one pipeline. */
interface Lane {
  /** Resolves when the items before have been mapped and begun. */
  tail: Promise<void>;
  /** Items taken and not done. */
  taken: number;
}

/** A fault of the engine's own is tried again this often before the event is set aside for a person. */
const maxFaults = 3;
const maxOpen = 512;
const maxInLane = 128;
/** Replayed items that are begun and not done: what a live event may have to wait behind. */
const maxReplaying = 16;

export function createApplyLoop(options: ApplyLoopOptions): ApplyLoop {
  const { store, clock, pace } = options;
  const chain = createKeyedChain();
  const open = createOpenWork();
  const lanes = new Map<string, Lane>();
  const inFlight = new Set<number>();
  const faults = new Map<number, number>();
  /** Work up to this seq has been taken, or left behind, by this process. */
  let cursor = 0;
  /** The same for held work that is tried before its window ends; undefined: only what is woken. A crash may have come just before that. */
  let heldCursor: number | undefined = 0;
  /** The same for replayed work. */
  let replayCursor = 0;
  let replaying = 0;
  let waitsForDeliveries = false;
  /** The first item that a full lane could not take. */
  let leftBehind: number | undefined;
  let heldLeftBehind = false;
  /** While the store can not write, nothing is taken: each try would fail like the one before. */
  let heldBackUntil = 0;
  let lookingAgain = false;

  /** Puts items into the lanes of their pipelines; how many were begun. */
  function begin(items: readonly WorkItem[]): number {
    const deps = options.deps();
    const byPipeline = new Map<string, WorkItem[]>();
    for (const item of items) {
      if (inFlight.has(item.seq) || options.isPaused(item.pipeline)) continue;
      const lane = laneOf(item.pipeline);
      if (lane.taken >= maxInLane) {
        leftBehind = Math.min(leftBehind ?? item.seq, item.seq);
        heldLeftBehind ||= item.status === "held";
        continue;
      }
      lane.taken++;
      if (item.replay !== undefined) replaying++;
      inFlight.add(item.seq);
      const group = byPipeline.get(item.pipeline);
      if (group === undefined) byPipeline.set(item.pipeline, [item]);
      else group.push(item);
    }
    let begun = 0;
    for (const [pipeline, group] of byPipeline) {
      const lane = laneOf(pipeline);
      lane.tail = lane.tail.then(() => run(group, lane, deps));
      open.track(lane.tail);
      begun += group.length;
    }
    return begun;
  }

  function laneOf(pipeline: string): Lane {
    const known = lanes.get(pipeline);
    if (known !== undefined) return known;
    const lane: Lane = { tail: Promise.resolve(), taken: 0 };
    lanes.set(pipeline, lane);
    return lane;
  }

  /** Maps in slices, all items of a slice at once, since mapping needs no state; then begins them in order. */
  async function run(items: readonly WorkItem[], lane: Lane, deps: ApplyDeps): Promise<void> {
    for (let start = 0; start < items.length; ) {
      if (start > 0) await pace.turn();
      if (options.isHeld?.() === true && items[start]?.status === "ready") {
        for (const item of items.slice(start)) leave(item, lane);
        return;
      }
      const slice = items.slice(start, start + pace.slice());
      start += slice.length;
      const prepared = slice.map((item) =>
        prepareWork(item, deps).catch((error): Prepared => faultOf(item, error, deps)),
      );
      for (const [index, item] of slice.entries()) {
        const ready = await (prepared[index] as Promise<Prepared>);
        open.track(chain.run(lockKeys(ready, item), () => take(item, ready, deps)).finally(() => leave(item, lane)));
      }
    }
  }

  function leave(item: WorkItem, lane: Lane): void {
    inFlight.delete(item.seq);
    lane.taken--;
    if (item.replay !== undefined && --replaying === 0) options.onRetry();
    if (leftBehind === undefined || lane.taken > maxInLane / 2) return;
    cursor = Math.min(cursor, leftBehind - 1);
    if (heldLeftBehind) heldCursor = Math.min(heldCursor ?? leftBehind, leftBehind - 1);
    leftBehind = undefined;
    heldLeftBehind = false;
    options.onRetry();
  }

  async function take(item: WorkItem, prepared: Prepared, deps: ApplyDeps): Promise<void> {
    try {
      if (prepared.kind === "fetch") {
        await awaitFetch(item, prepared, deps);
        return options.onFetch(prepared.fetch.connection);
      }
      const applied = await applyPrepared(item, prepared, deps);
      faults.delete(item.seq);
      if (applied.connections.length > 0) options.onDeliveries(applied.connections);
      if (applied.changed.length > 0) open.track(wakeHeld(applied, deps));
    } catch (error) {
      // Read while another turn of it was ending: that one's result stands.
      if (error instanceof HookrailError && error.code === "HK4015") return;
      await putOff(item, error, deps);
    }
  }

  /** Held work is tried again after each apply of what it waits for. */
  async function wakeHeld(applied: Applied, deps: ApplyDeps): Promise<void> {
    try {
      const held = new Map<number, WorkItem>();
      for (const entity of namesOf(applied)) {
        for (const item of await store.heldWork({ entity, limit: 1_000 })) held.set(item.seq, item);
      }
      if (held.size > 0) begin([...held.values()].sort((a, b) => a.seq - b.seq));
    } catch (error) {
      // It stays held, and its window brings it up again.
      deps.observer.fault({ where: "looking for held work", error });
    }
  }

  async function putOff(item: WorkItem, error: unknown, deps: ApplyDeps): Promise<void> {
    const dead = faultOf(item, error, deps);
    if (item.status === "held") heldCursor = Math.min(heldCursor ?? item.seq, item.seq - 1);
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
      // A timer may fire a millisecond early by the wall clock; nobody would look again after this.
      heldBackUntil = 0;
      rewind();
      options.onRetry();
    });
  }

  /** Live work is begun at once; replays come when it is their time. */
  async function goOn(seqs: readonly number[]): Promise<void> {
    const items = await store.workItems(seqs);
    begin(items.filter(({ replay }) => replay === undefined));
    const replayed = items.filter(({ replay }) => replay !== undefined).map(({ seq }) => seq);
    if (replayed.length === 0) return;
    replayCursor = Math.min(replayCursor, ...replayed.map((seq) => seq - 1));
    options.onRetry();
  }

  function rewind(): void {
    cursor = 0;
    replayCursor = 0;
  }

  const loop: ApplyLoop = {
    async applyReady() {
      if (clock.now() < heldBackUntil) return 0;
      await open.below(maxOpen);
      const items = await store.readyWork(cursor, options.batch ?? 128);
      const last = items.at(-1);
      if (last === undefined) return 0;
      cursor = last.seq;
      begin(items);
      return items.length;
    },
    async applyEnded() {
      if (clock.now() < heldBackUntil) return 0;
      return begin(await store.heldWork({ endedBy: clock.now(), limit: options.batch ?? 128 }));
    },
    async applyHeld() {
      if (heldCursor === undefined || clock.now() < heldBackUntil) return 0;
      await open.below(maxOpen);
      const after = heldCursor;
      const items = await store.heldWork({ after, limit: options.batch ?? 128 });
      if (heldCursor === after) heldCursor = items.at(-1)?.seq;
      begin(items);
      return items.length;
    },
    async applyReplayed() {
      if (clock.now() < heldBackUntil || replaying > 0) return 0;
      const items = await store.replayWork(replayCursor, maxReplaying);
      waitsForDeliveries = items === "wait";
      if (items === "wait") return 0;
      // A lane that is busy with live work takes no replays: they would go before what comes next.
      const free = items.filter((item) => laneOf(item.pipeline).taken < maxInLane / 2);
      const last = free.length === items.length ? items.at(-1) : undefined;
      if (last !== undefined) replayCursor = last.seq;
      const begun = begin(free);
      // All of a paused pipeline: what is behind them may go.
      return begun > 0 ? begun : last === undefined ? 0 : 1;
    },
    async applySome() {
      const live = (await loop.applyReady()) + (await loop.applyEnded()) + (await loop.applyHeld());
      return live > 0 ? live : loop.applyReplayed();
    },
    get waitsForDeliveries() {
      return waitsForDeliveries;
    },
    goOn: (seqs) =>
      open.track(
        goOn(seqs).catch((error: unknown) => {
          options.deps().observer.fault({ where: "looking for fetched work", error });
          lookAgain(storeRetryMs);
        }),
      ),
    idle: () => open.idle(),
    rewind,
    retryHeld() {
      heldCursor = 0;
    },
  };
  return loop;
}
