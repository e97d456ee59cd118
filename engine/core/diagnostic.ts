import type { ErrorCode } from "./errors.ts";

/** Severity as `check` prints it: errors stop `run`, warnings do not. */
export type Severity = "error" | "warning";

/** A stretch of a file, 1-based; the end column is exclusive. */
export interface Span {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** A fault found in the config: collected, never thrown one by one. */
export interface Diagnostic {
  readonly code: ErrorCode;
  readonly severity: Severity;
  readonly message: string;
  readonly span: Span;
  /** What was expected there, e.g. `one of keep, reject, { initial: … }, { value: … }`. */
  readonly expected?: string;
  /** What to do, or the nearest right name: `did you mean \`tier\`?` */
  readonly hint?: string;
  /** A second place that belongs to the fault, e.g. the other of two sources on one path. */
  readonly related?: { readonly message: string; readonly span: Span };
  /** What `check --fix` writes, and in place of what: only where it is safe. */
  readonly fix?: { readonly span: Span; readonly text: string };
}

/**
 * A fault inside an expression, found by a room that knows nothing of files: an offset and length in the
 * expression's own text. config/ turns it into a `Diagnostic`.
 */
export interface ExpressionFault {
  readonly code: ErrorCode;
  readonly severity: Severity;
  readonly message: string;
  readonly offset: number;
  readonly length: number;
  readonly hint?: string;
  /** What would be right in place of the stretch, where that is safe to say. */
  readonly replacement?: string;
}
