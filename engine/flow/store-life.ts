/** What a person does to the store as a whole, through a running engine or without one: the same steps, both audited. */
import type { Clock } from "../core/clock.ts";
import type { EntityModel } from "../core/entity.ts";
import { fail } from "../core/errors.ts";
import type { AuditRow, SeedResult, Store } from "../store/store.ts";
import type { Actor } from "./engine.ts";
import { type SeedRow, toSeedRecord } from "./seed.ts";

/** Some rows of a seed; each part is loaded whole or not at all. */
export interface SeedPart {
  readonly entity: string;
  readonly rows: readonly SeedRow[];
  /** With the last part: where it all came from, for the audit. */
  readonly last?: { readonly from: string; readonly rows: number };
}

export interface StoreLife {
  /** Fails (HK8051) at the first row that does not fit; callers have looked at all rows before. */
  seed(part: SeedPart, by: Actor): Promise<SeedResult>;
}

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
  };
}
