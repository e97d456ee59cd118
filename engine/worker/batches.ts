/** Puts deliveries that are due into the requests they may share. Pure. */
import { refKey } from "../core/record.ts";
import type { BatchPlan, SinkBatches } from "../plugin/index.ts";
import type { DeliveryRecord } from "../store/store.ts";

/** What goes now, and what waits a little for others. */
export interface Grouped {
  /** Each is one request; of one entity at most one delivery is in it. */
  readonly groups: readonly (readonly DeliveryRecord[])[];
  /** Lanes (`type/key`) that wait. */
  readonly waiting: ReadonlySet<string>;
  /** When the first of them goes all the same, ms since the epoch. */
  readonly waitUntil?: number;
}

/** `due`: oldest first, one of each lane. */
export function groupDue(due: readonly DeliveryRecord[], batches: SinkBatches | undefined, now: number): Grouped {
  if (batches === undefined) return { groups: due.map((record) => [record]), waiting: new Set() };
  const groups: DeliveryRecord[][] = [];
  const open = new Map<string, { readonly group: DeliveryRecord[]; readonly plan: BatchPlan; readonly most: number }>();
  for (const record of due) {
    const plan = batches.planOf(record.action);
    const most = plan === undefined ? 1 : shareOf(plan, record);
    if (plan === undefined || most === 1) {
      groups.push([record]);
      continue;
    }
    const name = sharedBy(record, plan, most);
    const group = open.get(name)?.group ?? [];
    group.push(record);
    if (group.length === 1) {
      groups.push(group);
      open.set(name, { group, plan, most });
    }
    if (group.length === most) open.delete(name);
  }
  const waiting = new Set<string>();
  const held = new Set<readonly DeliveryRecord[]>();
  let waitUntil: number | undefined;
  for (const { group, plan } of open.values()) {
    const until = Math.min(...group.map(({ nextAt }) => nextAt)) + plan.flushMs;
    if (until <= now) continue;
    held.add(group);
    for (const { entity } of group) waiting.add(refKey(entity));
    waitUntil = Math.min(waitUntil ?? until, until);
  }
  const going = groups.filter((group) => !held.has(group));
  return { groups: going, waiting, ...(waitUntil === undefined ? {} : { waitUntil }) };
}

/** Each failed attempt makes the request smaller, down to one: what fails for one of them does not stop the others. */
const SHRINK = 4;

function shareOf({ maxItems }: BatchPlan, { attempts }: DeliveryRecord): number {
  return Math.max(1, Math.floor(maxItems / SHRINK ** attempts));
}

function sharedBy(record: DeliveryRecord, { byKeySet }: BatchPlan, most: number): string {
  const names = byKeySet
    ? Object.entries(record.attributes).map(([name, write]) => ("clear" in write ? `-${name}` : name))
    : [];
  return JSON.stringify([record.action, record.kind, byKeySet ? record.entity.type : "", most, ...names.sort()]);
}
