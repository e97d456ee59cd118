/** Rows of the mapping table -> models: one source of the value, its policies, and what they may not be. */
import type { AttributeModel, EntityModel } from "../../core/entity.ts";
import type { Expression } from "../../core/expression.ts";
import type { Json } from "../../core/types.ts";
import { isOrdered, readValue } from "../../core/values.ts";
import type { RowYaml, WriteYaml } from "../../mapping/mapping.schema.ts";
import type { MissingPolicy, Row, RowSource } from "../../mapping/model.ts";
import { UNKNOWN_KEY } from "../leaves.ts";
import { type Mark, positionOf } from "../position.ts";
import { type CompileContext, checkName, compileMember } from "./context.ts";
import { type ResolvedTable, type Tables, typedFor } from "./tables.ts";

export interface RowContext {
  readonly context: CompileContext;
  readonly tables: Tables;
  /** Names expressions may use. */
  readonly variables: readonly string[];
}

type RowMap = Exclude<RowYaml, string>;

/** Which row, and what holds for it unless it says so. */
interface RowPlace {
  readonly name: string;
  readonly missing: "keep" | "reject";
}

/** Keys and links: text that names an entity. */
export function compileTextRow(rows: RowContext, holder: object, place: RowPlace): Row | undefined {
  const raw: unknown = Reflect.get(holder, place.name);
  const made = compileSource(rows, holder, place.name);
  if (made === undefined) return undefined;
  const yaml = isRowMap(raw) ? raw : undefined;
  return {
    name: place.name,
    source: made.source,
    ...(made.table === undefined ? {} : { table: made.table.ref }),
    ...(yaml?.take === undefined ? {} : { take: yaml.take }),
    missing: compileMissing(yaml) ?? { kind: place.missing },
    onNull: "missing",
    invalid: "reject",
    position: made.position,
  };
}

const isRowMap = (raw: unknown): raw is RowMap => typeof raw === "object" && raw !== null && !Array.isArray(raw);

/** The state: a literal, or a row whose values must be declared states. */
export function compileState(rows: RowContext, write: WriteYaml, entity: EntityModel): Row | undefined {
  const { context } = rows;
  const { state } = write;
  const mark = context.positions.value(write, "state");
  if (typeof state === "string") {
    checkName(context, "state", state, { names: entity.states, mark });
    return {
      name: "state",
      source: { kind: "value", value: state },
      missing: { kind: "keep" },
      onNull: "missing",
      invalid: "reject",
      position: positionOf(mark),
    };
  }
  const made = compileSource(rows, write, "state");
  if (made === undefined || state === undefined) return undefined;
  for (const [key, value] of made.table?.ref.rows ?? []) {
    if (typeof value === "string" && entity.states.includes(value)) continue;
    context.reporter.report(
      "HK1080",
      made.table?.markOf(key) ?? mark,
      { value: String(value), what: `a state of \`${entity.name}\`` },
      {
        expected: `one of ${entity.states.join(", ")}`,
        related: { message: "this row reads it", mark },
      },
    );
  }
  if (made.source.kind === "value")
    checkName(context, "state", String(made.source.value), { names: entity.states, mark });
  return {
    name: "state",
    source: made.source,
    ...(made.table === undefined ? {} : { table: made.table.ref }),
    ...(state.take === undefined ? {} : { take: state.take }),
    missing: compileMissing(state) ?? { kind: "keep" },
    onNull: "missing",
    invalid: state.invalid ?? "reject",
    position: made.position,
  };
}

export function compileFields(rows: RowContext, write: WriteYaml, entity: EntityModel): readonly Row[] {
  const fields = write.fields ?? {};
  return Object.keys(fields).flatMap((name) => {
    const attribute = entity.attributes.get(name);
    if (attribute === undefined) {
      checkName(rows.context, "attribute", name, {
        names: entity.attributes.keys(),
        mark: rows.context.positions.key(fields, name),
      });
      compileSource(rows, fields, name);
      return [];
    }
    const row = compileField(rows, fields, attribute);
    return row === undefined ? [] : [row];
  });
}

function compileField(
  rows: RowContext,
  fields: Readonly<Record<string, RowYaml>>,
  attribute: AttributeModel,
): Row | undefined {
  const { context } = rows;
  const { name } = attribute;
  const yaml = isRowMap(fields[name]) ? fields[name] : undefined;
  if (attribute.rollup !== undefined || attribute.derive !== undefined) {
    context.reporter.report("HK1081", context.positions.key(fields, name), {
      attribute: name,
      how: attribute.rollup === undefined ? "derived" : "rolled up from its children",
    });
    return undefined;
  }
  const found = compileSource(rows, fields, name);
  if (yaml !== undefined) checkPolicies(context, yaml, attribute);
  if (found === undefined) return undefined;
  const made = found.table === undefined ? found : { ...found, table: typedFor(found.table, attribute) };
  checkValues(context, { attribute, made, mark: context.positions.value(fields, name), yaml });
  return {
    name,
    source: made.source,
    ...(made.table === undefined ? {} : { table: made.table.ref }),
    ...(yaml?.take === undefined ? {} : { take: yaml.take }),
    missing: compileMissing(yaml) ?? { kind: "keep" },
    onNull: yaml?.on_null ?? "missing",
    invalid: yaml?.invalid ?? (attribute.protected ? "reject" : "keep"),
    owner: attribute.owner,
    position: made.position,
  };
}

function compileMissing(yaml: RowMap | undefined): MissingPolicy | undefined {
  const missing = yaml?.missing;
  if (missing === undefined) return undefined;
  if (typeof missing === "string") return { kind: missing };
  return "initial" in missing ? { kind: "initial", value: missing.initial } : { kind: "value", value: missing.value };
}

function checkPolicies(context: CompileContext, yaml: RowMap, attribute: AttributeModel): void {
  const { positions, reporter } = context;
  const { missing } = yaml;
  if (attribute.protected && typeof missing === "object" && "value" in missing) {
    reporter.report(
      "HK1083",
      positions.value(yaml, "missing"),
      { attribute: attribute.name },
      { expected: "keep, reject, or { initial: … }" },
    );
  }
  if (yaml.on_null === "clear" && !attribute.clearable) {
    reporter.report(
      "HK1074",
      positions.value(yaml, "on_null"),
      { what: `\`on_null: clear\` of \`${attribute.name}\`` },
      { hint: `declare \`clearable: true\` on \`${attribute.name}\`, or leave it out: null then counts as missing` },
    );
  }
  if (yaml.owner !== undefined && yaml.owner !== attribute.owner) {
    reporter.report("HK1084", positions.value(yaml, "owner"), {
      attribute: attribute.name,
      owner: attribute.owner,
      said: yaml.owner,
    });
  }
  if (yaml.take !== undefined && ["highest", "lowest"].includes(yaml.take) && !isOrdered(attribute)) {
    reporter.report(
      "HK1071",
      positions.value(yaml, "take"),
      { problem: `\`take: ${yaml.take}\` needs an order, and \`${attribute.name}\` has none` },
      { hint: "declare `enum:`, low to high" },
    );
  }
}

interface ValuesPlace {
  readonly attribute: AttributeModel;
  readonly made: CompiledSource;
  readonly mark: Mark;
  readonly yaml: RowMap | undefined;
}

/** Constants and table values must be what the attribute takes: a fault here would be a dead letter for each event. */
function checkValues(context: CompileContext, { attribute, made, mark, yaml }: ValuesPlace): void {
  const check = (value: Json, at: Mark, related?: { readonly message: string; readonly mark: Mark }) => {
    const read = readValue(attribute, value, { times: "iso" });
    if (!read.ok)
      context.reporter.report(
        "HK1080",
        at,
        { value: typeof value === "object" ? "this value" : String(value), what: `a value of \`${attribute.name}\`` },
        { expected: read.expected, related },
      );
  };
  if (made.source.kind === "value" && yaml !== undefined)
    check(made.source.value, context.positions.value(yaml, "value"));
  for (const [key, value] of made.table?.ref.rows ?? [])
    check(value, made.table?.markOf(key) ?? mark, { message: "this row reads it", mark });
  const { missing } = yaml ?? {};
  if (yaml !== undefined && typeof missing === "object")
    check("initial" in missing ? missing.initial : missing.value, context.positions.value(yaml, "missing"));
}

interface CompiledSource {
  readonly source: RowSource;
  readonly table: ResolvedTable | undefined;
  readonly position: Row["position"];
}

/** `from`, `first` or `value`: exactly one of them. */
function compileSource(rows: RowContext, holder: object, name: string): CompiledSource | undefined {
  const { context } = rows;
  const raw: unknown = Reflect.get(holder, name);
  const mark = context.positions.value(holder, name);
  const position = positionOf(mark);
  if (typeof raw === "string") {
    const expression = compileMember(context, holder, name, { variables: rows.variables });
    return expression === undefined
      ? undefined
      : { source: { kind: "expression", expression }, table: undefined, position };
  }
  if (!isRowMap(raw)) return undefined;
  const given = (["from", "first", "value"] as const).filter((key) => raw[key] !== undefined);
  if (given.length === 0 && context.faulty.has(raw, UNKNOWN_KEY)) return undefined;
  if (given.length !== 1) {
    const at = given[1] === undefined ? mark : context.positions.key(raw, given[1]);
    context.reporter.report(
      "HK1016",
      at,
      {
        problem:
          given.length === 0
            ? "a row needs `from`, `first` or `value`"
            : `a row has one of ${given.map((key) => `\`${key}\``).join(" and ")}`,
      },
      { expected: "exactly one of from, first, value" },
    );
    return undefined;
  }
  const table =
    raw.table === undefined ? undefined : rows.tables.resolve(raw.table, context.positions.value(raw, "table"));
  if (raw.table !== undefined && table === undefined) return undefined;
  const source = sourceOf(rows, raw);
  return source === undefined ? undefined : { source, table, position };
}

function sourceOf(rows: RowContext, raw: RowMap): RowSource | undefined {
  const { context, variables } = rows;
  const options = {
    variables,
    every: raw.take !== undefined,
    ...(raw.needs === undefined ? {} : { needs: raw.needs }),
  };
  if (raw.value !== undefined) {
    for (const key of ["missing", "needs", "take", "table", "on_null"] as const) {
      if (raw[key] !== undefined)
        context.reporter.report("HK1016", context.positions.key(raw, key), {
          problem: `a constant takes no \`${key}\``,
        });
    }
    return { kind: "value", value: raw.value };
  }
  if (raw.first !== undefined) {
    const list = raw.first;
    const expressions: Expression[] = list.flatMap((_, index) => compileMember(context, list, index, options) ?? []);
    return expressions.length === list.length ? { kind: "first", expressions } : undefined;
  }
  const expression = compileMember(context, raw, "from", options);
  return expression === undefined ? undefined : { kind: "expression", expression };
}
