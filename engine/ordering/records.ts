/**
 * What ordering reads and writes of an entity. The store's records have these shapes too (rooms do not import
 * each other); flow/ hands them across.
 */
import type { EntityRef, Json, Version } from "../core/types.ts";
import type { GateState } from "./gate.ts";

export interface EntityRecord extends EntityRef {
  readonly ids: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, GateState>>;
  readonly state: string;
  readonly stateVersion?: Version;
  readonly parent?: EntityRef;
  readonly changes: number;
  readonly seeded: boolean;
  readonly tombstone?: { readonly version: Version; readonly erased: boolean };
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface Change {
  readonly entity: EntityRef;
  readonly attribute: string;
  readonly before: Json | undefined;
  readonly after: Json | undefined;
  readonly result: "set" | "cleared" | "refused" | "stale" | "computed";
  readonly mapping?: string;
  readonly note?: string;
  readonly supersededBy?: number;
}

/** `type/key`: how records are found in a step. */
export const refKey = (ref: EntityRef): string => `${ref.type}/${ref.key}`;
