/** The third file of a corpus: what was known before its first event, one entity a line. In and out as JSON in snake case. */
import type { EntityRecord } from "../core/record.ts";
import type { JsonObject } from "../core/types.ts";
import { isJsonObject } from "../core/values.ts";

/** Names of attributes that one place of a connection had been told. `places` as `core/place.ts` writes it. */
export interface Told {
  readonly connection: string;
  readonly places: string;
  readonly names: readonly string[];
}

/** An entity as it stood before the first event. */
export interface CorpusEntity {
  readonly record: EntityRecord;
  readonly told: readonly Told[];
  /** Effects that had fired for it. */
  readonly once: readonly { readonly effect: string; readonly values: string }[];
}

export function entityLine({ record, told, once }: CorpusEntity): JsonObject {
  const { type, key, ids, attributes, state, stateVersion, parent, tombstone, createdAt, updatedAt, ...rest } = record;
  const line = {
    entity: type,
    key,
    ids,
    attributes,
    state,
    state_version: stateVersion,
    parent: parent === undefined ? undefined : { entity: parent.type, key: parent.key },
    tombstone:
      tombstone === undefined
        ? undefined
        : { version: tombstone.version, erased: tombstone.erased, merged_into: tombstone.mergedInto },
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
    ...rest,
    told: told.length === 0 ? undefined : told,
    once: once.length === 0 ? undefined : once,
  };
  // What is undefined is not there.
  return JSON.parse(JSON.stringify(line));
}

/** Undefined: the line lacks what every entity has. */
export function readEntity(raw: JsonObject): CorpusEntity | undefined {
  const { entity, key, ids, attributes, state, parent, tombstone, told = [], once = [] } = raw;
  const { state_version: stateVersion, created_at: createdAt, updated_at: updatedAt } = raw;
  const { changes = 1, seeded = false, first, deletions, newest, absorbed } = raw;
  const isWhole = [entity, key, state, createdAt, updatedAt].every((text) => typeof text === "string");
  if (!isWhole || !isJsonObject(ids) || !isJsonObject(attributes)) return undefined;
  if (!Object.values(attributes).every((one) => isJsonObject(one) && one["value"] !== undefined)) return undefined;
  if (!Array.isArray(told) || !Array.isArray(once)) return undefined;
  const given = Object.entries({ stateVersion, first, deletions, newest, absorbed }).filter(([, v]) => v !== undefined);
  const record = {
    type: entity,
    key,
    ids,
    attributes,
    state,
    ...Object.fromEntries(given),
    ...(isJsonObject(parent) ? { parent: { type: parent["entity"], key: parent["key"] } } : {}),
    ...(isJsonObject(tombstone) ? { tombstone: readTombstone(tombstone) } : {}),
    changes,
    seeded,
    createdAt: Date.parse(String(createdAt)),
    updatedAt: Date.parse(String(updatedAt)),
  } as unknown as EntityRecord;
  return { record, told, once } as unknown as CorpusEntity;
}

function readTombstone({ version, erased = false, merged_into: mergedInto }: JsonObject) {
  return { version, erased, ...(mergedInto === undefined ? {} : { mergedInto }) };
}
