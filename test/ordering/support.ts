import type { AttributeModel, EntityModel } from "../../engine/core/entity.ts";
import { type EntityRecord, refKey } from "../../engine/core/record.ts";
import type { EntityRef, Json, Version } from "../../engine/core/types.ts";
import { decide } from "../../engine/ordering/decide.ts";
import type { Decision, StepInput, StepWrite } from "../../engine/ordering/step.ts";

export function attribute(name: string, parts: Partial<AttributeModel> = {}): AttributeModel {
  return {
    name,
    type: "string",
    owner: "ops",
    protected: false,
    sensitive: false,
    clearable: false,
    write: "latest",
    writers: [],
    ...parts,
  };
}

export function entity(
  name: string,
  attributes: readonly AttributeModel[],
  parts: Partial<EntityModel> = {},
): EntityModel {
  return {
    name,
    ids: ["id"],
    attributes: new Map(attributes.map((one) => [one.name, one])),
    states: [],
    children: [],
    ...parts,
  };
}

export const tiers = ["free", "pro", "team"];

/** A customer whose tier is rolled up from its subscriptions, as in the paid-premium example. */
export const customer = entity(
  "customer",
  [
    attribute("tier", {
      enum: tiers,
      protected: true,
      rollup: {
        childType: "subscription",
        childAttribute: "plan",
        take: "highest",
        inStates: new Set(["active"]),
        none: { value: "free" },
      },
    }),
    attribute("branch", { write: "once" }),
    attribute("note", { clearable: true }),
  ],
  { children: ["subscription"], ids: ["id", "clerk_id"] },
);
export const subscription = entity(
  "subscription",
  [attribute("plan", { enum: tiers, protected: true }), attribute("seats", { type: "integer" })],
  { parent: "customer", states: ["none", "active", "canceled"] },
);
export const models: ReadonlyMap<string, EntityModel> = new Map([
  ["customer", customer],
  ["subscription", subscription],
]);

export function at(time: number, seq: number, rank = 0, source = "stripe"): Version {
  return { source, time, rank, seq };
}

export function write(
  type: string,
  key: string,
  parts: Partial<StepWrite> & { set?: Record<string, Json> } = {},
): StepWrite {
  const { set, ...rest } = parts;
  return {
    ref: { type, key },
    unknown: "create",
    fields: Object.entries(set ?? {}).map(([name, value]) => ({
      attribute: name,
      set: value,
      mapping: "pipelines/p.yaml:1",
    })),
    links: [],
    ...rest,
  };
}

/** A store of records in memory, enough to feed one decision into the next. */
export function createWorld(known: ReadonlyMap<string, EntityModel> = models) {
  const records = new Map<string, EntityRecord>();
  const children = () => {
    const byParent = new Map<string, EntityRecord[]>();
    for (const record of records.values()) {
      if (record.parent === undefined) continue;
      const key = refKey(record.parent);
      byParent.set(key, [...(byParent.get(key) ?? []), record]);
    }
    return byParent;
  };
  return {
    records,
    get: (type: string, key: string) => records.get(`${type}/${key}`),
    values(ref: EntityRef) {
      const record = records.get(refKey(ref));
      return (
        record && Object.fromEntries(Object.entries(record.attributes).map(([name, stored]) => [name, stored.value]))
      );
    },
    async step(version: Version, writes: readonly StepWrite[], parts: Partial<StepInput> = {}): Promise<Decision> {
      const decision = await decide({
        models: known,
        version,
        receivedAt: 1_000_000,
        maxAheadMs: 1_000,
        pipeline: "p",
        lowers: new Set(),
        writes,
        entities: records,
        children: children(),
        force: false,
        derive: () => undefined,
        at: 1_000_000,
        ...parts,
      });
      if (decision.kind === "apply") for (const { record } of decision.writes) records.set(refKey(record), record);
      return decision;
    },
  };
}
