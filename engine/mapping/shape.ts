/** From an expression's result to a value of the attribute: `table:` for each element, then `take:`, then the type. Pure. */
import type { AttributeModel } from "../core/entity.ts";
import type { Json } from "../core/types.ts";
import { compareValues, readValue, sameJson, type Times, type ValueModel } from "../core/values.ts";
import type { Row, TableRef, Take } from "./model.ts";
import { isMissing } from "./policy.ts";

export type Shaped =
  | { readonly kind: "value"; readonly value: Json }
  | { readonly kind: "missing"; readonly value: Json | undefined }
  | { readonly kind: "unlisted"; readonly key: Json }
  /** `take: only` on different values. */
  | { readonly kind: "several"; readonly count: number }
  | { readonly kind: "refused"; readonly expected: string; readonly got: Json };

export interface ShapeContext {
  readonly times: Times;
  readonly attribute?: AttributeModel;
}

/** Ids longer than any real one are refused rather than stored. */
const KEY_MODEL: ValueModel = { type: "string", maxLength: 512 };

/** Brings a result that is not missing into the shape the row is to write. */
export function shapeValue(row: Row, value: Json, context: ShapeContext): Shaped {
  if (row.take === undefined) return shapeOne(row, value, context);
  const elements = Array.isArray(value) ? value : [value];
  const gap = elements.find((element) => isMissing(element));
  if (gap !== undefined) return { kind: "missing", value: gap };
  if (row.take === "count") return typed(elements.length, context);
  const values: Json[] = [];
  for (const element of elements) {
    const shaped = shapeOne(row, element, context);
    if (shaped.kind !== "value") return shaped;
    values.push(shaped.value);
  }
  return takeOf(row.take, values, context);
}

function shapeOne(row: Row, value: Json, context: ShapeContext): Shaped {
  if (row.table === undefined) return typed(value, context);
  const looked = lookUp(row.table, value);
  return looked.kind === "value" ? typed(looked.value, context) : looked;
}

function lookUp(table: TableRef, key: Json): Shaped {
  if (typeof key === "object") return { kind: "refused", expected: "a text or number to look up", got: key };
  const value = table.rows.get(String(key));
  if (value === undefined) return { kind: "unlisted", key };
  return isMissing(value) ? { kind: "missing", value } : { kind: "value", value };
}

function typed(value: Json, context: ShapeContext): Shaped {
  const { attribute } = context;
  // Keys, links and states are text; ids that come as numbers keep their digits.
  const read =
    attribute === undefined
      ? readValue(KEY_MODEL, Number.isSafeInteger(value) ? String(value) : value, context)
      : readValue(attribute, value, context);
  return read.ok ? { kind: "value", value: read.value } : { kind: "refused", expected: read.expected, got: value };
}

function takeOf(take: Exclude<Take, "count">, values: readonly Json[], context: ShapeContext): Shaped {
  const [first, ...rest] = values;
  if (first === undefined) return { kind: "missing", value: undefined };
  if (take === "sum") return sumOf(values, context);
  if (take === "only") {
    const different = values.filter((value, i) => values.findIndex((other) => sameJson(other, value)) === i);
    return different.length === 1 ? { kind: "value", value: first } : { kind: "several", count: different.length };
  }
  const sign = take === "highest" ? 1 : -1;
  const model: ValueModel = context.attribute ?? KEY_MODEL;
  let best = first;
  for (const value of rest) {
    const order = compareValues(model, value, best);
    if (order === undefined) return { kind: "refused", expected: "values that have an order", got: value };
    if (order * sign > 0) best = value;
  }
  return { kind: "value", value: best };
}

function sumOf(values: readonly Json[], context: ShapeContext): Shaped {
  let total = 0;
  for (const value of values) {
    if (typeof value !== "number") return { kind: "refused", expected: "numbers to add up", got: value };
    total += value;
  }
  return typed(total, context);
}
