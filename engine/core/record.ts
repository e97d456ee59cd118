/** An entity as it is stored: the shape that ordering decides on and the store keeps. */
import type { EntityRef, Json, Version } from "./types.ts";

/** One write of a protected attribute that late events are still judged against (ordering/ladder.ts). */
export interface Rung {
  readonly value: Json;
  readonly version: Version;
  /** Its rule may lower the attribute: whatever is older does not count. */
  readonly floor?: true;
}

/** One attribute of an entity. */
export interface StoredAttribute {
  /** Null: it was cleared. */
  readonly value: Json;
  /** Absent for computed values and seeds. */
  readonly version?: Version;
  /** Pipeline that wrote it. */
  readonly writer?: string;
  /** What late events are judged against: of protected attributes with an order; where a deletion may come late, of all that hide others. */
  readonly ladder?: readonly Rung[];
}

export interface EntityRecord extends EntityRef {
  readonly ids: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, StoredAttribute>>;
  /** `unknown` until the first state. */
  readonly state: string;
  readonly stateVersion?: Version;
  readonly parent?: EntityRef;
  /** Counts changes; 0 is never stored. The commit of a change names the one it read. */
  readonly changes: number;
  readonly seeded: boolean;
  /** `mergedInto`: it turned out to be another one, whose key this is. */
  readonly tombstone?: { readonly version: Version; readonly erased: boolean; readonly mergedInto?: string };
  /** The oldest event that told of it; kept where a merge rule may ask. */
  readonly first?: Version;
  /** The last deletion by each clock: what is older there counts no more. */
  readonly deletions?: readonly Version[];
  /** The newest event of each clock that wrote to it; kept where it can be deleted. */
  readonly newest?: readonly Version[];
  /** Keys of those that turned out to be this one. */
  readonly absorbed?: readonly string[];
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** `type/key`: how an entity is found within a step, and what its lane is called. */
export const refKey = (ref: EntityRef): string => `${ref.type}/${ref.key}`;
