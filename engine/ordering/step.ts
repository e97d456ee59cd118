/** The shapes of one apply step: what goes into the decision and what comes out. */
import type { EntityModel } from "../core/entity.ts";
import type { Expression } from "../core/expression.ts";
import type { EntityRecord } from "../core/record.ts";
import type { EntityRef, Json, MaybePromise, Version } from "../core/types.ts";
import type { Change } from "./change.ts";

/** One row after mapping: what to do with one attribute. `keep` rows do not get here. */
export interface StepField {
  readonly attribute: string;
  readonly set?: Json;
  readonly clear?: true;
  /** Only when nothing is stored yet (`missing: { initial: … }`). */
  readonly initial?: Json;
  /** `file:line` of the mapping row. */
  readonly mapping: string;
}

/** One entity write with its key resolved. */
export interface StepWrite {
  readonly ref: EntityRef;
  readonly unknown: "create" | "hold" | "reject";
  readonly state?: string;
  readonly fields: readonly StepField[];
  /** Other ids this event knows, and who has them now (by key). */
  readonly links: readonly { readonly idName: string; readonly value: string; readonly owner?: string }[];
  readonly delete?: "tombstone" | "erase";
  /** Which item of the event it is for: a child belongs to the parent of its own item. */
  readonly item?: number;
  /** Where it is not the event's: `order: { by }` is judged for each item. */
  readonly version?: Version;
}

export interface StepInput {
  readonly models: ReadonlyMap<string, EntityModel>;
  readonly version: Version;
  readonly receivedAt: number;
  readonly maxAheadMs: number;
  readonly pipeline: string;
  /** `attribute` or `entity.attribute`, as written in `lowers:`. */
  readonly lowers: ReadonlySet<string>;
  readonly writes: readonly StepWrite[];
  readonly entities: ReadonlyMap<string, EntityRecord>;
  /** By `type/key` of the parent. */
  readonly children: ReadonlyMap<string, readonly EntityRecord[]>;
  /** The hold window has ended and the author wrote that the move is forced then. */
  readonly force: boolean;
  readonly derive: (
    expression: Expression,
    attributes: Readonly<Record<string, Json>>,
  ) => MaybePromise<Json | undefined>;
  readonly at: number;
}

/** An entity the step touched: what deliveries are decided on. */
export interface Touched {
  readonly before: EntityRecord | undefined;
  readonly after: EntityRecord;
  readonly changed: ReadonlySet<string>;
  readonly entered?: { readonly from: string; readonly to: string };
  readonly written: boolean;
  readonly deleted: boolean;
  /** Keys of entities that this step found to be this one. */
  readonly absorbed?: readonly string[];
}

/** `expected` is the record's `changes` when it was read; 0: it was not there. */
export interface DecidedWrite {
  readonly record: EntityRecord;
  readonly expected: number;
  /** Keys of entities that turned out to be this one: their ids become its own. */
  readonly absorbs?: { readonly idName: string; readonly keys: readonly string[] };
}

export type Decision =
  | {
      readonly kind: "apply";
      readonly touched: readonly Touched[];
      readonly writes: readonly DecidedWrite[];
      readonly history: readonly Change[];
    }
  | {
      readonly kind: "skip";
      readonly reason: "stale" | "tombstone";
      readonly writes: readonly DecidedWrite[];
      readonly history: readonly Change[];
      readonly supersededBy?: number;
    }
  | { readonly kind: "hold"; readonly reason: string; readonly waitsFor: readonly EntityRef[] }
  | {
      readonly kind: "dead";
      readonly code: "HK6001" | "HK6002" | "HK6003";
      readonly data: Readonly<Record<string, string>>;
    };
