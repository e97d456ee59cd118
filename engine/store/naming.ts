/** What a revision declares by name, and what happens to the live rows of names that it no longer declares. */
import type { RevisionRecord } from "./readings.ts";

/** In the order in which they are moved: attributes and states are found under their entity's new name. */
export const NAME_KINDS = ["sources", "pipelines", "connections", "entities", "attributes", "states"] as const;
export type NameKind = (typeof NAME_KINDS)[number];

/** Attributes and states as `entity.name`. */
export type RevisionNames = { readonly [K in NameKind]: readonly string[] };

/** Old name -> new name. */
export type Renamed = { readonly [K in NameKind]: Readonly<Record<string, string>> };

export interface RevisionTaking {
  readonly revision: RevisionRecord;
  readonly names: RevisionNames;
  readonly moved: Renamed;
  readonly drop: RevisionNames;
  /** Who put it in force, and why, for the audit. */
  readonly actor: string;
  readonly reason: string;
}

/** Live rows of one name, in words: `12 entities`, `3 open deliveries`. */
export interface HeldName {
  readonly kind: NameKind;
  readonly name: string;
  readonly rows: readonly { readonly count: number; readonly what: string }[];
}

/** What was done to the live rows of one name. */
export interface NameChange extends HeldName {
  /** Absent: dropped. */
  readonly to?: string;
}

/** Anything but `taken`: nothing was written. */
export type RevisionTaken =
  | { readonly kind: "taken"; readonly changes: readonly NameChange[] }
  /** Names that it no longer declares, and that live rows hold. */
  | { readonly kind: "held"; readonly names: readonly HeldName[] }
  /** Names that are to become one with a name that has rows of its own. */
  | {
      readonly kind: "occupied";
      readonly names: readonly { readonly kind: NameKind; readonly from: string; readonly to: string }[];
    };

/** `entity.name` apart; names of attributes and states may hold dots, and entities too: the declared one decides. */
export function splitName(
  full: string,
  entities: Iterable<string>,
): { readonly entity: string; readonly name: string } {
  let entity = full.slice(0, full.indexOf("."));
  for (const one of entities) if (full.startsWith(`${one}.`) && one.length > entity.length) entity = one;
  return { entity, name: full.slice(entity.length + 1) };
}
