/**
 * One row: from what was read to what is written. Missing data is decided first, from the inputs; only then is the
 * result looked at, brought through `table:`, `take:` and the attribute's type.
 */

import type { AttributeModel } from "../core/entity.ts";
import { type ErrorCode, errorMessage } from "../core/errors.ts";
import type {
  EvaluationResult,
  Evaluator,
  Expression,
  ExpressionAnswer,
  InputReading,
  Scope,
} from "../core/expression.ts";
import type { Json, MaybePromise } from "../core/types.ts";
import type { Times } from "../core/values.ts";
import type { MappedRow, Row } from "./model.ts";
import { describeMissing, isMissing, missingReadings, resultMissing } from "./policy.ts";
import { shapeValue } from "./shape.ts";

/** What one row came to. `note` is counted and shown; it did not stop the event. */
export type RowOutcome =
  | { readonly kind: "row"; readonly mapped: MappedRow; readonly note?: RowNote }
  | { readonly kind: "dead"; readonly code: ErrorCode; readonly message: string };

export interface RowNote {
  readonly kind: "invalid_kept" | "missing_kept" | "missing_value_used";
  readonly message: string;
}

export interface RowContext {
  readonly times: Times;
  /** Absent for keys, links and states: those are text. */
  readonly attribute?: AttributeModel;
}

/** The expressions a row may evaluate, for asking all rows of an event at once. */
export function rowExpressions(row: Row): readonly Expression[] {
  switch (row.source.kind) {
    case "expression":
      return [row.source.expression];
    case "first":
      return row.source.expressions;
    case "value":
      return [];
  }
}

/** Evaluates one row. */
export function evaluateRow(
  row: Row,
  scope: Scope,
  options: RowContext & { readonly evaluator: Evaluator },
): MaybePromise<RowOutcome> {
  const answers = options.evaluator.answer(rowExpressions(row), scope);
  return answers instanceof Promise
    ? answers.then((list) => decideRow(row, list, options))
    : decideRow(row, answers, options);
}

/** Decides one row from the answers of its expressions, in their order. Pure. */
export function decideRow(row: Row, answers: readonly ExpressionAnswer[], context: RowContext): RowOutcome {
  if (row.source.kind === "value")
    return fromValue(row, { ok: true, value: row.source.value }, { readings: [], context });
  const chosen = answers.find((answer) => missingReadings(answer.readings).length === 0) ?? answers[0];
  if (chosen === undefined) return dead("HK2020", { name: row.name, missing: "nothing to read" });
  const missing = answers.every((answer) => missingReadings(answer.readings).length > 0)
    ? answers.flatMap((answer) => missingReadings(answer.readings))
    : [];
  if (missing.length > 0)
    return onMissing(row, missing, { readings: answers.flatMap((answer) => answer.readings), context });
  return fromValue(row, chosen.result, { readings: chosen.readings, context });
}

interface Read {
  readonly readings: readonly InputReading[];
  readonly context: RowContext;
}

function fromValue(row: Row, result: EvaluationResult, read: Read): RowOutcome {
  if (!result.ok) return onFailure(row, result, read);
  if (isMissing(result.value)) return onMissing(row, resultMissing(row, result.value), read);
  const shaped = shapeValue(row, result.value, read.context);
  switch (shaped.kind) {
    case "value":
      return kept(row, { kind: "set", value: shaped.value }, read.readings);
    case "missing":
      return onMissing(row, resultMissing(row, shaped.value), read);
    case "unlisted":
      return dead("HK2021", { name: row.name, table: row.table?.name ?? "", key: shown(shaped.key, read.context) });
    case "several":
      return onInvalid(row, { code: "HK2026", data: { name: row.name, count: shaped.count } }, read);
    case "refused":
      return onInvalid(
        row,
        { code: "HK2022", data: { name: row.name, expected: shaped.expected, got: shown(shaped.got, read.context) } },
        read,
      );
  }
}

/** An expression that fails on this event's data is an invalid value; one that had to be stopped is a dead letter. */
function onFailure(row: Row, result: Extract<EvaluationResult, { ok: false }>, read: Read): RowOutcome {
  const message = `${row.name}: ${result.message}`;
  if (result.code !== "HK2010" && result.code !== "HK2013")
    return { kind: "dead", code: result.code as ErrorCode, message };
  return row.invalid === "reject" ? { kind: "dead", code: result.code, message } : invalidKept(row, message, read);
}

interface Fault {
  readonly code: ErrorCode;
  readonly data: Readonly<Record<string, string | number>>;
}

function onInvalid(row: Row, fault: Fault, read: Read): RowOutcome {
  return row.invalid === "reject"
    ? dead(fault.code, fault.data)
    : invalidKept(row, errorMessage(fault.code, fault.data), read);
}

function invalidKept(row: Row, message: string, read: Read): RowOutcome {
  return { ...kept(row, { kind: "keep", why: "invalid" }, read.readings), note: { kind: "invalid_kept", message } };
}

function onMissing(row: Row, missing: readonly InputReading[], read: Read): RowOutcome {
  const names = missing.map((reading) => reading.input.path);
  const told = describeMissing(missing);
  const clearable = row.onNull === "clear" && read.context.attribute?.clearable === true;
  if (clearable && missing.length > 0 && missing.every((reading) => reading.presence === "null"))
    return kept(row, { kind: "clear" }, read.readings);
  switch (row.missing.kind) {
    case "keep":
      return {
        ...kept(row, { kind: "keep", why: "missing" }, read.readings, names),
        note: { kind: "missing_kept", message: told },
      };
    case "initial":
      return kept(row, { kind: "initial", value: row.missing.value }, read.readings, names);
    case "value":
      return {
        ...kept(row, { kind: "set", value: row.missing.value }, read.readings, names),
        note: { kind: "missing_value_used", message: told },
      };
    case "reject":
      return dead("HK2020", { name: row.name, missing: told });
  }
}

function kept(
  row: Row,
  result: MappedRow["result"],
  readings: readonly InputReading[],
  missing: readonly string[] = [],
) {
  return { kind: "row", mapped: { row, result, raw: readings.map((reading) => reading.value), missing } } as const;
}

function dead(code: ErrorCode, data: Readonly<Record<string, string | number>>): RowOutcome {
  return { kind: "dead", code, message: errorMessage(code, data) };
}

/** A value as messages may show it: its kind, and a short scalar itself unless the attribute is sensitive. */
function shown(value: Json, context: RowContext): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value === null) return "null";
  if (typeof value === "object") return "an object";
  const kind = { string: "a text", number: "a number", boolean: "a boolean" }[
    typeof value as "string" | "number" | "boolean"
  ];
  // Keys, links and states have no attribute: an id may be an e-mail address.
  if (context.attribute === undefined || context.attribute.sensitive) return kind;
  const text = JSON.stringify(value);
  return text.length > 60 ? `${kind} of ${text.length} characters` : text;
}
