/** A row of what the CRM knows, as an entity: every value by its declared type, or the reason why not. Pure. */
import { cellValue } from "../core/cell.ts";
import type { EntityModel } from "../core/entity.ts";
import type { EntityRecord, StoredAttribute } from "../core/record.ts";
import type { Json } from "../core/types.ts";
import { isBlank, readValue } from "../core/values.ts";

/** One entity as it is handed to the engine: plain data, not yet judged. */
export interface SeedRow {
  readonly key: string;
  /** Ids besides the key. */
  readonly ids: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, Json>>;
  readonly state?: string;
  /** Key of the parent. */
  readonly parent?: string;
}

/** Which columns are what. */
export interface SeedPlan {
  readonly entity: EntityModel;
  readonly key: string;
  /** Column -> id, attribute, `state` or `parent`. */
  readonly columns: ReadonlyMap<string, string>;
}

/** `problem` names columns, never what is in them. */
export type SeedReading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

const refused = (problem: string): { readonly ok: false; readonly problem: string } => ({ ok: false, problem });

/** Cells of one row, as CSV or SQL has them, sorted by what they are. Blank and null cells are absent. */
export function readCells(
  { entity, key, columns }: SeedPlan,
  cells: Readonly<Record<string, unknown>>,
): SeedReading<SeedRow> {
  const keyText = textOf(cells[key]);
  if (keyText === undefined) return refused(`column \`${key}\`: the key is missing`);
  const ids: Record<string, string> = {};
  const attributes: Record<string, Json> = {};
  const places: { state?: string; parent?: string } = {};
  for (const [column, target] of columns) {
    const cell = cells[column];
    const text = textOf(cell);
    if (text === undefined || target === entity.ids[0]) continue;
    if (entity.ids.includes(target)) ids[target] = text;
    else if (target === "state" && entity.states.length > 0) places.state = text;
    else if (target === "parent" && entity.parent !== undefined) places.parent = text;
    else {
      const value = cellValue(entity.attributes.get(target)?.type, cell, text);
      if (value === undefined) return refused(`column \`${column}\`: expected ${expectedOf(entity, target)}`);
      attributes[target] = value;
    }
  }
  return { ok: true, value: { key: keyText, ids, attributes, ...places } };
}

/** The entity of a row, or what does not fit what is declared. */
export function toSeedRecord(entity: EntityModel, row: SeedRow, now: number): SeedReading<EntityRecord> {
  const keyName = entity.ids[0] ?? "id";
  const ids: Record<string, string> = { [keyName]: row.key };
  for (const [name, value] of Object.entries({ [keyName]: row.key, ...row.ids })) {
    if (!entity.ids.includes(name)) return refused(`\`${name}\` is no id of ${entity.name}`);
    if (typeof value !== "string" || isBlank(value) || !isStorable(value)) return refused(`\`${name}\`: expected text`);
    ids[name] = value;
  }
  const attributes: Record<string, StoredAttribute> = {};
  for (const [name, given] of Object.entries(row.attributes)) {
    const model = entity.attributes.get(name);
    if (model === undefined) return refused(`\`${name}\` is no attribute of ${entity.name}`);
    const read = readValue(model, given, { times: "iso" });
    if (!read.ok) return refused(`\`${name}\`: expected ${read.expected}`);
    attributes[name] = { value: read.value };
  }
  const { state, parent } = row;
  if (state !== undefined && !entity.states.includes(state))
    return refused(`state: expected one of ${entity.states.join(", ")}`);
  if (parent !== undefined && entity.parent === undefined) return refused(`${entity.name} has no parent`);
  return {
    ok: true,
    value: {
      type: entity.name,
      key: row.key,
      ids,
      attributes,
      state: state ?? "unknown",
      ...(parent === undefined ? {} : { parent: { type: entity.parent ?? "", key: parent } }),
      changes: 1,
      seeded: true,
      createdAt: now,
      updatedAt: now,
    },
  };
}

/** SQLite and PostgreSQL each lose or refuse NUL and halves of characters in text. */
function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

function textOf(cell: unknown): string | undefined {
  if (cell === null || cell === undefined) return undefined;
  if (cell instanceof Date) return cell.toISOString();
  if (typeof cell === "object") return JSON.stringify(cell);
  const text = String(cell).trim();
  return text === "" ? undefined : text;
}

function expectedOf(entity: EntityModel, target: string): string {
  switch (entity.attributes.get(target)?.type) {
    case "integer":
      return "an integer";
    case "number":
      return "a number";
    case "boolean":
      return "true or false";
    default:
      return "JSON";
  }
}
