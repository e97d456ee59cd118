/** What a person does to the store as a whole, through a running engine or without one: the same steps, both audited. */
import type { Clock } from "../core/clock.ts";
import type { EntityModel } from "../core/entity.ts";
import { fail } from "../core/errors.ts";
import type { AuditRow, SeedResult, Store } from "../store/store.ts";
import type { Actor } from "./engine.ts";
import { type JudgedSecret, judgeSecret, type SecretJudging } from "./learned.ts";
import { type SeedRow, toSeedRecord } from "./seed.ts";

/** Some rows of a seed; each part is loaded whole or not at all. */
export interface SeedPart {
  readonly entity: string;
  readonly rows: readonly SeedRow[];
  /** With the last part: where it all came from, for the audit. */
  readonly last?: { readonly from: string; readonly rows: number };
}

/** What is to be erased: an entity by its key or one of its ids. */
export interface Erasing {
  readonly entity: string;
  readonly id: string;
  /** `look`: only count. `lift`: let an erased entity come back. */
  readonly mode: "look" | "erase" | "lift";
}

/** Counts of what is (or would be) gone; `lifted` for `lift`. */
export interface Erased {
  readonly entities: number;
  readonly events: number;
  readonly deliveries: number;
  readonly bodies: number;
  readonly kept: number;
  readonly lifted: boolean;
}

export interface StoreLife {
  /** Fails (HK8051) at the first row that does not fit; callers have looked at all rows before. */
  seed(part: SeedPart, by: Actor): Promise<SeedResult>;
  /** Fails when nothing is known of it (HK8060), or when deliveries about it do not end (HK8061). */
  erase(erasing: Erasing, by: Actor): Promise<Erased>;
  /** Fails (HK8090) when there is no such learned secret. */
  secret(judging: SecretJudging, by: Actor): Promise<JudgedSecret>;
}

/** How often and how long it is waited for deliveries that are on their way, ms. */
const TRIES = 60;
const PAUSE_MS = 500;

export function createStoreLife(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly entities: ReadonlyMap<string, EntityModel>;
}): StoreLife {
  const { store, clock, entities } = deps;
  const audit = (action: string, target: string, by: Actor): AuditRow => ({ at: clock.now(), action, target, ...by });
  return {
    async seed({ entity: name, rows, last }, by) {
      const entity = entities.get(name) ?? fail("HK8050", { entity: name });
      const at = clock.now();
      const records = rows.map((row, index) => {
        const read = toSeedRecord(entity, row, at);
        return read.ok ? read.value : fail("HK8051", { place: `row ${index + 1} of this part`, problem: read.problem });
      });
      if (last === undefined) return store.seed({ entity: name, records, at });
      // What this part makes new is known only after it: the audit says how many rows were read, and `seeds` the rest.
      const target = `${name} from ${last.from}: ${last.rows} rows`;
      return store.seed({ entity: name, records, at, audit: audit("seed", target, by) });
    },
    erase: (erasing, by) => erase(erasing, { store, clock, entities }, by),
    secret: (judging, by) => judgeSecret(judging, { store, clock }, by),
  };
}

type Deps = Parameters<typeof createStoreLife>[0];

async function erase({ entity: name, id, mode }: Erasing, deps: Deps, by: Actor): Promise<Erased> {
  const { store, clock } = deps;
  const entity = deps.entities.get(name) ?? fail("HK8050", { entity: name });
  const sum = { entities: 0, events: 0, deliveries: 0, bodies: 0, kept: 0, lifted: false };
  if (mode === "lift") {
    const lifted = await store.unerase({ type: name, key: id, at: clock.now(), ...by });
    return lifted ? { ...sum, lifted } : fail("HK8060", { entity: name });
  }
  const key = await keyOf(store, entity, id);
  // A second look finds what came in beside the first.
  for (let look = 0; look < 2; look++) {
    const plan = await store.erasePlan(name, key);
    const there = plan.entities.filter((one) => one.there).length;
    const empty = there + plan.events.length + plan.deliveries.length === 0;
    if (empty && look === 0) fail("HK8060", { entity: name });
    if (empty) break;
    if (mode === "look")
      return { ...sum, entities: there, events: plan.events.length, deliveries: plan.deliveries.length };
    const done = await erasePatiently(clock, () => store.erase({ plan, at: clock.now(), ...by }));
    sum.entities += there;
    sum.kept = done.kept;
    for (const count of ["events", "deliveries", "bodies"] as const) sum[count] += done[count];
  }
  return sum;
}

/** The entity's own key, where another of its ids was given. */
async function keyOf(store: Store, entity: EntityModel, id: string): Promise<string> {
  if ((await store.entity(entity.name, id)) !== undefined) return id;
  for (const idName of entity.ids) {
    const found = await store.entity(entity.name, id, idName);
    if (found !== undefined) return found.key;
  }
  return id;
}

async function erasePatiently(clock: Clock, attempt: () => ReturnType<Store["erase"]>) {
  for (let tries = 0; tries < TRIES; tries++) {
    const done = await attempt();
    if (done.busy === 0) return done;
    await new Promise<void>((resolve) => void clock.after(PAUSE_MS, resolve));
  }
  return fail("HK8061");
}
