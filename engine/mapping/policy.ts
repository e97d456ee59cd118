/** What counts as missing, and how it is told. */
import type { InputReading, Presence } from "../core/expression.ts";
import type { Json } from "../core/types.ts";
import { isBlank } from "../core/values.ts";
import type { Row } from "./model.ts";

/** The readings that make the missing-data policy apply. */
export function missingReadings(readings: readonly InputReading[]): readonly InputReading[] {
  return readings.filter(({ input, presence }) => {
    if (input.optional || presence === "present") return false;
    return presence === "absent" || input.nullable !== true;
  });
}

/** A result that says nothing: undefined, null, "" or white space. */
export function isMissing(value: Json | undefined): value is null | undefined | string {
  return value === undefined || value === null || isBlank(value);
}

/** A row whose inputs are all there and whose result is nothing: told as if the expression itself were the input. */
export function resultMissing(row: Row, value: Json | undefined): readonly InputReading[] {
  const path = row.source.kind === "expression" ? row.source.expression.source : row.name;
  // Never "null": only a null in the payload itself may clear.
  const presence: Presence = value === undefined || value === null ? "absent" : "empty";
  return [{ input: { path, root: "payload", every: false, optional: false }, presence, value: undefined }];
}

const WORDS: Readonly<Record<Presence, string>> = {
  present: "is there",
  absent: "is absent",
  null: "is null",
  empty: "is empty",
};

/** `plan is absent, lines.data[-1].quantity is null`: never a value. */
export function describeMissing(missing: readonly InputReading[]): string {
  return missing
    .map(({ input, presence }) => `\`${input.path}\` ${WORDS[presence]}${input.every ? " in at least one place" : ""}`)
    .join(", ");
}
