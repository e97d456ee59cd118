/** A team's own checks, ready to be evaluated: what each is asked of, and where that stands. */
import type { Severity, Span } from "../core/diagnostic.ts";
import type { Expression } from "../core/expression.ts";
import type { Json } from "../core/types.ts";

/** One thing a check is asked of. References to secrets stand as they are written. */
export interface CheckSubject {
  readonly value: Json;
  readonly variables: Readonly<Record<string, Json | undefined>>;
  readonly message: string;
  readonly span: Span;
}

export interface OwnCheck {
  readonly name: string;
  readonly require: Expression;
  readonly severity: Severity;
  readonly subjects: readonly CheckSubject[];
  /** Where the condition is written. */
  readonly span: Span;
}
