/** The compiled shape of `rules:` — what one event is turned into, before any state is looked at. */
import type { Expression } from "../core/expression.ts";
import type { Json, SourcePosition } from "../core/types.ts";

/** `missing:` of a row: what happens when an input is absent, null or "". */
export type MissingPolicy =
  | { readonly kind: "keep" }
  | { readonly kind: "initial"; readonly value: Json }
  | { readonly kind: "value"; readonly value: Json }
  | { readonly kind: "reject" };

/** One-or-many: how a list becomes one value. */
export type Take = "highest" | "lowest" | "sum" | "count" | "only";

/** A lookup table of `tables:`; with `column` its rows hold that member of each (`plans.plan`). */
export interface TableRef {
  readonly name: string;
  readonly column?: string;
  /** Key as text -> value. A key that is not in it is a dead letter, never a default. */
  readonly rows: ReadonlyMap<string, Json>;
}

/** Where a row's value comes from. */
export type RowSource =
  | { readonly kind: "expression"; readonly expression: Expression }
  /** `first: [a, b]`: the first whose inputs are all present. */
  | { readonly kind: "first"; readonly expressions: readonly Expression[] }
  | { readonly kind: "value"; readonly value: Json };

/** One row of the mapping table, or the value of a key, link or state, which follow the same policies. */
export interface Row {
  /** Attribute name; `key`, `state` or the id's name for the others. */
  readonly name: string;
  readonly source: RowSource;
  readonly table?: TableRef;
  readonly take?: Take;
  readonly missing: MissingPolicy;
  /** `clear` only for clearable attributes. */
  readonly onNull: "missing" | "clear";
  /** A value the attribute's type refuses. */
  readonly invalid: "reject" | "keep";
  /** Owner team of the attribute. */
  readonly owner?: string;
  readonly position: SourcePosition;
}

/** `key:` of a write. `link` looks the entity up by another of its ids. */
export type KeyModel =
  | { readonly kind: "id"; readonly idName: string; readonly row: Row }
  | { readonly kind: "parent_of"; readonly childType: string };

export interface EntityWriteModel {
  readonly entity: string;
  readonly key: KeyModel;
  /** Other ids of the same entity that this event knows. */
  readonly links: readonly Row[];
  readonly state?: Row;
  readonly fields: readonly Row[];
  /** What to do when the entity was never seen. */
  readonly unknown: "create" | "hold" | "reject";
  readonly delete?: "tombstone" | "erase";
  readonly position: SourcePosition;
}

/** What happens to a transition that is not allowed yet, or an unknown parent. */
export interface HoldModel {
  readonly windowMs: number;
  readonly then: "dead_letter" | "force" | "skip";
}

/** `each:`: the list, and what must be there for it to be a list at all: without it an empty one would be missing. */
export interface EachModel {
  readonly list: Expression;
  /** The list before its predicates. */
  readonly whole: readonly Expression[];
}

/** `order:`: what makes one event newer than another. */
export type OrderModel =
  | { readonly kind: "receipt" }
  /** A number or time of the payload; judged for each item where there is `each:`. */
  | { readonly kind: "by"; readonly expression: Expression };

/** A template of `fetch:`: text and expressions, in turn. */
export type TextParts = readonly (string | Expression)[];

/** `fetch:`: the GET that brings the object before anything is mapped. */
export interface FetchModel {
  readonly connection: string;
  readonly path: TextParts;
  /** Names in lower case. */
  readonly headers: readonly (readonly [string, TextParts])[];
  /** Read as `$name`. */
  readonly as: string;
  /** Rows read what was fetched as the payload. */
  readonly root: boolean;
  readonly when?: Expression;
  readonly notFound: "dead" | "skip";
  readonly burstMs: number;
  /** Its type in the pipeline's contract. */
  readonly contract?: string;
}

/** One name of `let:`. */
export interface LetModel {
  readonly name: string;
  readonly expression: Expression;
  /** The fragment of `config.yaml` that brought it. */
  readonly fragment?: string;
}

export interface RuleModel {
  readonly index: number;
  readonly name?: string;
  /** Event types; `*` at the end matches any rest. */
  readonly on: readonly string[];
  readonly when?: Expression;
  readonly each?: EachModel;
  readonly fetch?: FetchModel;
  /** Absent: the source's clock, then the recipe's rank; with `fetch` the time of the GET. */
  readonly order?: OrderModel;
  /** In order; each may read the ones before. */
  readonly lets: readonly LetModel[];
  readonly writes: readonly EntityWriteModel[];
  /** Names of protected attributes this rule may lower, as `attribute` or `entity.attribute`. */
  readonly lowers: ReadonlySet<string>;
  readonly hold: HoldModel;
  readonly position: SourcePosition;
}

/** What the mapping made of one row, kept for `explain`. */
export type RowResult =
  | { readonly kind: "set"; readonly value: Json }
  | { readonly kind: "initial"; readonly value: Json }
  | { readonly kind: "clear" }
  | { readonly kind: "keep"; readonly why: "missing" | "invalid" | "nothing" };

export interface MappedRow {
  readonly row: Row;
  readonly result: RowResult;
  /** What was read upstream, in the order of the inputs; used by `explain`, masked where sensitive. */
  readonly raw: readonly (Json | undefined)[];
  /** The inputs that were missing, as written. */
  readonly missing: readonly string[];
}

export interface MappedWrite {
  readonly model: EntityWriteModel;
  readonly key:
    | { readonly kind: "id"; readonly idName: string; readonly value: string }
    | { readonly kind: "parent_of"; readonly childType: string };
  readonly links: Readonly<Record<string, string>>;
  readonly state?: string;
  readonly fields: readonly MappedRow[];
  /** Which item of `each:` it is for, from 0. */
  readonly item?: number;
  /** The version that `order: { by }` gives. */
  readonly by?: OwnVersion;
}

/** `time`: it was an ISO time, in ms since the epoch; else a counter. */
export interface OwnVersion {
  readonly value: number;
  readonly time: boolean;
}

/** One item of `each:` and the `let:` names as they are for it. */
export interface MappedItem {
  readonly item: Json;
  readonly lets: Readonly<Record<string, Json | undefined>>;
}

/** What one pipeline makes of one event, before state: deterministic in (event, revision). */
export type Mapped =
  | {
      readonly kind: "mapped";
      readonly rule: RuleModel;
      /** Empty where there is `each:`: then each item has its own. */
      readonly lets: Readonly<Record<string, Json | undefined>>;
      readonly items?: readonly MappedItem[];
      readonly writes: readonly MappedWrite[];
      readonly notes: readonly MappingNote[];
    }
  /** First this has to be fetched. */
  | { readonly kind: "fetch"; readonly rule: RuleModel; readonly fetch: FetchModel; readonly request: string }
  | { readonly kind: "skipped"; readonly reason: "no_rule" | "not_selected"; readonly rule?: RuleModel }
  | {
      readonly kind: "dead";
      readonly code: string;
      readonly message: string;
      readonly rule?: RuleModel;
      readonly row?: Row;
    };

/** Something counted and shown, that did not stop the event. */
export interface MappingNote {
  readonly kind: "invalid_kept" | "missing_kept" | "missing_value_used";
  readonly entity: string;
  readonly attribute: string;
  readonly message: string;
}
