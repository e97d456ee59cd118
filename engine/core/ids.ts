import { uuidv7obj } from "uuidv7";
import type { DeadLetterId, DeliveryId, EventId } from "./types.ts";

/** Makes the public ids. Passed in, so that a run can be replayed with the same ids. */
export interface Ids {
  event(): EventId;
  delivery(): DeliveryId;
  deadLetter(): DeadLetterId;
}

const hex = () => uuidv7obj().toHex();

export const randomIds: Ids = {
  event: () => `evt_${hex()}` as EventId,
  delivery: () => `dlv_${hex()}` as DeliveryId,
  deadLetter: () => `dead_${hex()}` as DeadLetterId,
};

/** Ids that count up: for tests and dry runs, where two runs must give the same output. */
export function createCountingIds(): Ids {
  let n = 0;
  const next = () => String(++n).padStart(6, "0");
  return {
    event: () => `evt_${next()}` as EventId,
    delivery: () => `dlv_${next()}` as DeliveryId,
    deadLetter: () => `dead_${next()}` as DeadLetterId,
  };
}
