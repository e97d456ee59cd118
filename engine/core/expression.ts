/**
 * What one compiled expression looks like to the rooms that use it. mapping/ compiles them; ordering/ (derive),
 * delivery/ (bodies, conditions) and flow/ only evaluate. The interface lies here because rooms never import
 * each other.
 */
import type { Json, MaybePromise, SourcePosition } from "./types.ts";

/** A path an expression reads, judged for presence before the expression's result is used. */
export interface ExpressionInput {
  /** As the author would write it, e.g. `lines.data[proration = false][-1]` or `$line.quantity`. */
  readonly path: string;
  /** `payload` for paths from the input, else the name of the variable it starts from, without `$`. */
  readonly root: "payload" | { readonly variable: string };
  /** Every element of the arrays on the way must have it: set inside aggregates such as `$sum`, and by `take:`. */
  readonly every: boolean;
  /** Never judged: all the expression asks of it is `$exists`. */
  readonly optional: boolean;
  /** Null and "" are values here, not missing, since the expression compares with them; absent is still missing. */
  readonly nullable?: boolean;
}

/** A compiled expression. Immutable; one compile serves all events. */
export interface Expression {
  readonly source: string;
  /** Where the expression starts in YAML; absent for expressions of the engine's own. */
  readonly position?: SourcePosition;
  /** Paths read, from the AST, `let` variables included (as variable roots). */
  readonly inputs: readonly ExpressionInput[];
  /** True when the compiled subset runs it, without the interpreter. */
  readonly fast: boolean;
}

/** What an expression is evaluated on. Never mutated: the evaluator makes its own copy where the interpreter could write. */
export interface Scope {
  /** The payload below the source's `root:`. */
  readonly input: Json;
  /** Variables without `$`: `event` (the whole body), `let` names, entity types (attributes of that entity). */
  readonly variables: Readonly<Record<string, Json | undefined>>;
  /** `$now()` and `$millis()` give this instant, ms since the epoch. */
  readonly receivedAt: number;
}

/** `undefined` is JSONata's "nothing". Values are plain JSON: no functions, NaN or Infinity. */
export type EvaluationResult =
  | { readonly ok: true; readonly value: Json | undefined }
  | {
      readonly ok: false;
      /** `HK2xxx` code, e.g. of a type error, or of an evaluation that was killed at its deadline. */
      readonly code: string;
      readonly message: string;
      /** Offset in the expression's source, where known. */
      readonly offset?: number;
    };

/** Presence of one input: what the missing-data policy decides on. "" and white space count as empty. */
export type Presence = "present" | "absent" | "null" | "empty";

export interface InputReading {
  readonly input: ExpressionInput;
  readonly presence: Presence;
  /** The value read, for `explain`; undefined when absent. */
  readonly value: Json | undefined;
}

/** One expression over one scope: what it read, and what it gave. */
export interface ExpressionAnswer {
  readonly readings: readonly InputReading[];
  readonly result: EvaluationResult;
}

/** Evaluates compiled expressions: the fast path at once, the interpreter in a worker that can be killed. */
export interface Evaluator {
  evaluate(expression: Expression, scope: Scope): MaybePromise<EvaluationResult>;
  /** Reads each input of the expression. */
  read(expression: Expression, scope: Scope): MaybePromise<readonly InputReading[]>;
  /** Readings and results of several expressions over one scope: the slow ones among them cost one round trip together. */
  answer(expressions: readonly Expression[], scope: Scope): MaybePromise<readonly ExpressionAnswer[]>;
  close(): Promise<void>;
}
