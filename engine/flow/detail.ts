/** What one apply step leaves for `explain`: the mapping table row by row, with sensitive values left out. */
import type { EntityModel } from "../core/entity.ts";
import type { Json, JsonObject } from "../core/types.ts";
import type { Mapped, MappedRow, MappedWrite, Row, RuleModel } from "../mapping/model.ts";
import { rowExpressions } from "../mapping/rows.ts";
import type { Born } from "./born.ts";

/** Stands for a value that must not be shown. */
export const hiddenValue = "[sensitive]";

/** `file:line` of the rule, as outcomes name it. */
export function ruleName(rule: {
  readonly position: { readonly file: string; readonly line: number };
  readonly on: readonly string[];
}): string {
  return `${rule.on.join(", ")} (${rule.position.file}:${rule.position.line})`;
}

/** Where a row reads from, as the author wrote it. */
export function rowSource(row: Row): string {
  const { source } = row;
  const from =
    source.kind === "value"
      ? `value ${JSON.stringify(source.value)}`
      : source.kind === "first"
        ? source.expressions.map((one) => one.source).join(" | ")
        : source.expression.source;
  return row.table === undefined
    ? from
    : `${from} in ${row.table.name}${row.table.column === undefined ? "" : `.${row.table.column}`}`;
}

function policyOf(row: Row): string {
  const { missing } = row;
  return missing.kind === "initial" || missing.kind === "value"
    ? `${missing.kind} ${JSON.stringify(missing.value)}`
    : missing.kind;
}

/** The fragments whose names the row reads. */
export function fragmentsOf(row: Row, lets: RuleModel["lets"]): readonly string[] {
  const read = rowExpressions(row).flatMap(({ inputs }) =>
    inputs.flatMap(({ root }) => (typeof root === "object" ? [root.variable] : [])),
  );
  const named = lets.flatMap(({ name, fragment }) => (fragment !== undefined && read.includes(name) ? [fragment] : []));
  return [...new Set(named)];
}

interface RowPlace {
  readonly write: MappedWrite;
  readonly lets: RuleModel["lets"];
  readonly sensitive: boolean;
}

function rowDetail(mapped: MappedRow, { write, lets, sensitive }: RowPlace): JsonObject {
  const { row, result } = mapped;
  const fragments = fragmentsOf(row, lets);
  const value = result.kind === "set" || result.kind === "initial" ? result.value : null;
  return {
    entity: write.model.entity,
    attribute: row.name,
    ...(write.item === undefined ? {} : { item: write.item + 1 }),
    from: rowSource(row),
    ...(fragments.length === 0 ? {} : { fragments }),
    raw: sensitive ? [hiddenValue] : mapped.raw.map((one) => one ?? null),
    missing: mapped.missing,
    policy: policyOf(row),
    result: result.kind,
    ...(result.kind === "keep" ? { why: result.why } : {}),
    value: sensitive && value !== null ? hiddenValue : value,
    owner: row.owner ?? "",
    at: `${row.position.file}:${row.position.line}`,
  };
}

/** The stored detail of an applied event. */
export function applyDetail(
  mapped: Extract<Mapped, { kind: "mapped" }>,
  models: ReadonlyMap<string, EntityModel>,
  born: Born | undefined,
  extra: JsonObject = {},
): JsonObject {
  const rows = mapped.writes.flatMap((write) =>
    write.fields.map((field) =>
      rowDetail(field, {
        write,
        lets: mapped.rule.lets,
        sensitive: models.get(write.model.entity)?.attributes.get(field.row.name)?.sensitive ?? false,
      }),
    ),
  );
  const states = mapped.writes.flatMap((write): Json[] =>
    write.state === undefined
      ? []
      : [
          {
            entity: write.model.entity,
            state: write.state,
            ...(write.item === undefined ? {} : { item: write.item + 1 }),
          },
        ],
  );
  return {
    rows,
    states,
    notes: mapped.notes.map((note) => ({ ...note })),
    not_sent: (born?.notSent ?? []).map((one) => ({ ...one })),
    ...extra,
  };
}
