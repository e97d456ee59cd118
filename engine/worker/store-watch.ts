/** Looks at the store's size once a minute, so that a full disk and a WAL that nothing empties are told before they hurt. */
import type { Clock } from "../core/clock.ts";
import type { Observer } from "../flow/observer.ts";
import type { Store, StoreSize } from "../store/store.ts";

const everyMs = 60_000;
/** Twice what a checkpoint cuts the WAL back to: a reader holds it, or checkpoints fail. */
const MAX_WAL_BYTES = 256 * 1024 * 1024;
/** Room for the engine to clean up in, and for a person to act. */
const MIN_DISK_BYTES = 512 * 1024 * 1024;

/** What is wrong with these sizes; none: nothing. */
export function findingsOf(size: StoreSize): readonly ("wal_grows" | "disk_nearly_full")[] {
  return [
    ...(size.walBytes > MAX_WAL_BYTES ? (["wal_grows"] as const) : []),
    ...((size.diskFreeBytes ?? Number.POSITIVE_INFINITY) < MIN_DISK_BYTES ? (["disk_nearly_full"] as const) : []),
  ];
}

/** Starts looking; returns what ends it. */
export function startStoreWatch(parts: {
  readonly store: Pick<Store, "size">;
  readonly clock: Clock;
  readonly observer: Observer;
}): () => void {
  const { store, clock, observer } = parts;
  let cancel = (): void => {};
  let ended = false;
  const look = async () => {
    try {
      const size = await store.size();
      if (!ended) observer.stored?.({ ...size, findings: findingsOf(size) });
    } catch (error) {
      observer.fault({ where: "store size", error });
    }
    if (!ended) cancel = clock.after(everyMs, () => void look());
  };
  cancel = clock.after(0, () => void look());
  return () => {
    ended = true;
    cancel();
  };
}
