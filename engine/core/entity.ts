/** The compiled shape of `entities:`: what mapping validates against and ordering works on. */
import type { Expression } from "./expression.ts";
import type { Json } from "./types.ts";

export type ValueType = "string" | "integer" | "number" | "boolean" | "time" | "list" | "object";

/** `write:` of an attribute: which of several values in version order stays. */
export type WriteMode = "latest" | "once" | "earliest" | "up";

/** `rollup:`: the value is computed from the entity's children after each change of one. */
export interface RollupModel {
  readonly childType: string;
  /** Absent for `take: count`. */
  readonly childAttribute?: string;
  readonly take: "highest" | "lowest" | "sum" | "count";
  /** Only children in these states count; all when absent. */
  readonly inStates?: ReadonlySet<string>;
  /** The value when no child counts; `clear` blanks. Absent: keep. */
  readonly none?: { readonly value: Json } | "clear";
}

export interface AttributeModel {
  readonly name: string;
  readonly type: ValueType;
  /** `enum:`, low to high. */
  readonly enum?: readonly (string | number)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: "email" | "uri" | "date" | "uuid";
  readonly owner: string;
  readonly protected: boolean;
  readonly sensitive: boolean;
  readonly clearable: boolean;
  readonly write: WriteMode;
  /** Pipelines that may write it, highest precedence first; empty: the one pipeline that does. */
  readonly writers: readonly string[];
  readonly rollup?: RollupModel;
  /** `derive:`: an expression over the entity's own attributes. */
  readonly derive?: Expression;
}

export interface EntityModel {
  readonly name: string;
  /** Names of its ids; the first is the key. `["id"]` when not declared. */
  readonly ids: readonly string[];
  readonly parent?: string;
  /** Which key stays when two turn out to be one; absent: such an event is refused. */
  readonly merge?: "oldest" | "newest";
  /** Some rule deletes it (`delete: tombstone`), perhaps late: more is remembered of it. */
  readonly deletable?: true;
  readonly attributes: ReadonlyMap<string, AttributeModel>;
  /** Low to high, for rollups; empty: no states. */
  readonly states: readonly string[];
  /** Allowed moves, when `states:` is a table; absent: every move is allowed. */
  readonly transitions?: ReadonlyMap<string, ReadonlySet<string>>;
  /** Names of entities whose `parent` is this one. */
  readonly children: readonly string[];
}
