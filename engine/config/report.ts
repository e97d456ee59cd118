/** Collecting faults: all of them, sorted, each once. */
import type { Diagnostic, ExpressionFault, Severity } from "../core/diagnostic.ts";
import { type ErrorCode, errorMessage } from "../core/errors.ts";
import { type Mark, markWithin, spanOf } from "./position.ts";

export interface FaultOptions {
  readonly severity?: Severity;
  readonly expected?: string | undefined;
  readonly hint?: string | undefined;
  readonly related?: { readonly message: string; readonly mark: Mark } | undefined;
  /** What `check --fix` writes in place of the mark: the fault's own, unless another is named. */
  readonly fix?: { readonly text: string; readonly mark?: Mark } | undefined;
}

export interface Reporter {
  /** Adds a fault with the catalogue's message. Never put a value that came from the environment into `data`. */
  report(code: ErrorCode, mark: Mark, data?: Readonly<Record<string, string | number>>, options?: FaultOptions): void;
  /** Adds what a room found in an expression, at its place in the file. */
  expression(fault: ExpressionFault, mark: Mark, related?: FaultOptions["related"]): void;
  /** Adds a fault whose message a room has written. */
  message(code: ErrorCode, mark: Mark, message: string, options?: FaultOptions): void;
  /** From now on a message shows what is written in place of this value. Short values are only concealed where they stand. */
  conceal(value: string, written: string): void;
  hasErrors(): boolean;
  errorsIn(file: string): boolean;
  /** Sorted by file, line and column; of equal ones, one. */
  diagnostics(): readonly Diagnostic[];
}

/** A word that can stand in YAML as it is, as a fix. */
export function fixTo(word: string | undefined): FaultOptions["fix"] {
  const plain = word !== undefined && /^[A-Za-z_][A-Za-z0-9_.-]*$/.test(word) && !/^(?:true|false|null)$/i.test(word);
  return plain ? { text: word } : undefined;
}

/** Shorter values would be found in words that have nothing to do with them. */
const LEAST_CONCEALED = 8;

export function createReporter(): Reporter {
  const found = new Map<string, Diagnostic>();
  const concealed = new Map<string, string>();
  const clean = (text: string, mark: Mark): string => {
    const { reference } = mark;
    let shown =
      reference === undefined || reference.value === "" ? text : text.replaceAll(reference.value, reference.written);
    for (const [value, written] of concealed) shown = shown.replaceAll(value, written);
    return shown;
  };
  const add = (diagnostic: Diagnostic) => {
    const { file, line, column } = diagnostic.span;
    const key = `${file}:${line}:${column}:${diagnostic.code}:${diagnostic.message}`;
    if (!found.has(key)) found.set(key, diagnostic);
  };
  const message: Reporter["message"] = (code, mark, text, options = {}) => {
    add({
      code,
      severity: options.severity ?? "error",
      message: clean(text, mark),
      span: spanOf(mark),
      ...(options.expected === undefined ? {} : { expected: clean(options.expected, mark) }),
      ...(options.hint === undefined ? {} : { hint: clean(options.hint, mark) }),
      ...(options.related === undefined
        ? {}
        : { related: { message: clean(options.related.message, mark), span: spanOf(options.related.mark) } }),
      // A value that came from the environment is no part of the file.
      ...(options.fix === undefined || mark.reference !== undefined
        ? {}
        : { fix: { span: spanOf(options.fix.mark ?? mark), text: options.fix.text } }),
    });
  };
  return {
    message,
    conceal(value, written) {
      if (value.length >= LEAST_CONCEALED) concealed.set(value, written);
    },
    report: (code, mark, data = {}, options = {}) => message(code, mark, errorMessage(code, data), options),
    expression: (fault, mark, related) =>
      message(fault.code, markWithin(mark, fault.offset, fault.length), fault.message, {
        severity: fault.severity,
        hint: fault.hint,
        related,
        fix: fault.replacement === undefined ? undefined : { text: fault.replacement },
      }),
    errorsIn: (file) => [...found.values()].some(({ severity, span }) => severity === "error" && span.file === file),
    hasErrors: () => [...found.values()].some((diagnostic) => diagnostic.severity === "error"),
    diagnostics: () => [...found.values()].sort(byPlace),
  };
}

function byPlace(a: Diagnostic, b: Diagnostic): number {
  if (a.span.file !== b.span.file)
    return fileRank(a.span.file) - fileRank(b.span.file) || (a.span.file < b.span.file ? -1 : 1);
  return a.span.line - b.span.line || a.span.column - b.span.column || (a.code < b.code ? -1 : 1);
}

/** `config.yaml` first: what is wrong there is often the cause of the rest. */
const fileRank = (file: string) => (file.includes("/") ? 1 : 0);
