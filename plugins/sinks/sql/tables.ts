/** Which tables and columns the sql sink may write: declared, or derived from the entities; never taken from data. */
import type { Json, Setting, Settings, SinkContext } from "hookrail/plugin";

export type ColumnType = "text" | "integer" | "number" | "boolean" | "time" | "json";

/** One column. */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

/** One table, for one entity type. */
export interface Table {
  readonly name: string;
  readonly key: string;
  /** By id name, without the key. */
  readonly ids: ReadonlyMap<string, Column>;
  /** By attribute name. */
  readonly attributes: ReadonlyMap<string, Column>;
  /** Column of the state, if the entity has states. */
  readonly state?: string;
}

/** Columns of Hookrail's own in each table. */
export const VERSION_COLUMN = "hookrail_version";
export const UPDATED_COLUMN = "hookrail_updated_at";

const TYPES: Readonly<Record<string, ColumnType>> = {
  string: "text",
  integer: "integer",
  number: "number",
  boolean: "boolean",
  time: "time",
  list: "json",
  object: "json",
};

/** The tables of a connection, by entity type. */
export function readTables(settings: Settings, entities: SinkContext["entities"]): ReadonlyMap<string, Table> {
  const declared = mapOf(settings["tables"]);
  const tables = new Map<string, Table>();
  for (const [entity, model] of entities) {
    const own = mapOf(declared[entity]);
    const columns = own["columns"] === undefined ? undefined : mapOf(own["columns"]);
    const nameOf = (attribute: string) => (columns === undefined ? attribute : textOf(columns[attribute]));
    const [keyId = "id", ...otherIds] = model.ids;
    const attributes = new Map<string, Column>();
    for (const [name, { type }] of model.attributes) {
      const column = nameOf(name);
      if (column !== undefined) attributes.set(name, { name: column, type: TYPES[type] ?? "text" });
    }
    const ids = new Map<string, Column>();
    for (const id of otherIds) {
      const column = columns === undefined ? id : textOf(columns[id]);
      if (column !== undefined) ids.set(id, { name: column, type: "text" });
    }
    const state = textOf(own["state"]) ?? (attributes.has("state") ? "hookrail_state" : "state");
    tables.set(entity, {
      name: textOf(own["table"]) ?? entity,
      key: textOf(own["key"]) ?? keyId,
      ids,
      attributes,
      ...(model.hasStates ? { state } : {}),
    });
  }
  return tables;
}

/** All columns of a table but the key and Hookrail's own, each once. */
export function columnsOf(table: Table): readonly Column[] {
  const columns = new Map<string, Column>();
  for (const column of [...table.ids.values(), ...table.attributes.values()]) columns.set(column.name, column);
  if (table.state !== undefined) columns.set(table.state, { name: table.state, type: "text" });
  columns.delete(table.key);
  return [...columns.values()];
}

/** A value as a database takes it: JSON columns as text. SQLite knows no booleans. */
export function bindable(
  value: Json,
  type: ColumnType,
  dialect: "sqlite" | "postgres",
): string | number | boolean | null {
  if (value === null) return null;
  if (type === "json" || typeof value === "object") return JSON.stringify(value);
  if (typeof value === "boolean" && dialect === "sqlite") return value ? 1 : 0;
  return value;
}

function mapOf(value: Setting | undefined): Readonly<Record<string, Setting>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {};
}

function textOf(value: Setting | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
