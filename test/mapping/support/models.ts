/** Rules, rows and entities as config/ would compile them, written short. */
import type { AttributeModel, EntityModel } from "../../../engine/core/entity.ts";
import type { Expression } from "../../../engine/core/expression.ts";
import { compileExpression } from "../../../engine/mapping/expression.ts";
import type { EntityWriteModel, Row, RowSource, RuleModel } from "../../../engine/mapping/model.ts";

const position = { file: "pipelines/test.yaml", line: 1, column: 1 };

export function expressionOf(source: string, variables: readonly string[] = [], every = false): Expression {
  const compiled = compileExpression(source, { variables: ["event", ...variables], every });
  if (!compiled.ok) throw new Error(`${source}: ${compiled.faults.map((fault) => fault.message).join("; ")}`);
  return compiled.expression;
}

export function attribute(type: AttributeModel["type"], more: Partial<AttributeModel> = {}): AttributeModel {
  return {
    name: "x",
    type,
    owner: "team",
    protected: false,
    sensitive: false,
    clearable: false,
    write: "latest",
    writers: [],
    ...more,
  };
}

type RowText =
  | string
  | (Partial<Omit<Row, "source">> & {
      readonly from?: string;
      readonly first?: readonly string[];
      readonly value?: Row["name"] | number | boolean;
    });

/** A row of the table, with the defaults config/ gives. */
export function row(name: string, text: RowText, variables: readonly string[] = []): Row {
  const { from, first, value, ...more } = typeof text === "string" ? { from: text } : text;
  const every = "take" in more && more.take !== undefined;
  const source: RowSource =
    value !== undefined
      ? { kind: "value", value }
      : first !== undefined
        ? { kind: "first", expressions: first.map((source) => expressionOf(source, variables, every)) }
        : { kind: "expression", expression: expressionOf(from ?? "", variables, every) };
  return { name, source, missing: { kind: "keep" }, onNull: "missing", invalid: "keep", position, ...more };
}

export interface WriteText {
  readonly key?: RowText;
  readonly idName?: string;
  readonly state?: RowText;
  readonly links?: Readonly<Record<string, RowText>>;
  readonly fields?: Readonly<Record<string, RowText>>;
}

export interface RuleText {
  readonly on: readonly string[];
  readonly when?: string;
  readonly let?: Readonly<Record<string, string>>;
  readonly write?: Readonly<Record<string, WriteText>>;
}

export function rule(text: RuleText, index = 0): RuleModel {
  const names: string[] = [];
  const lets = Object.entries(text.let ?? {}).map(([name, source]) => {
    const expression = expressionOf(source, names);
    names.push(name);
    return { name, expression };
  });
  const rows = (table: Readonly<Record<string, RowText>> = {}) =>
    Object.entries(table).map(([name, value]) => row(name, value, names));
  const writes = Object.entries(text.write ?? {}).map(
    ([entity, write]): EntityWriteModel => ({
      entity,
      key: {
        kind: "id",
        idName: write.idName ?? "id",
        row: { ...row("key", write.key ?? "id", names), missing: { kind: "reject" }, invalid: "reject" },
      },
      links: rows(write.links),
      ...(write.state === undefined ? {} : { state: { ...row("state", write.state, names), invalid: "reject" } }),
      fields: rows(write.fields),
      unknown: "create",
      position,
    }),
  );
  return {
    index,
    on: text.on,
    ...(text.when === undefined ? {} : { when: expressionOf(text.when) }),
    lets,
    writes,
    lowers: new Set(),
    // biome-ignore lint/suspicious/noThenProperty: the language's own word
    hold: { windowMs: 900_000, then: "dead_letter" },
    position,
  };
}

export function entity(
  name: string,
  attributes: Readonly<Record<string, AttributeModel>>,
  states: readonly string[] = [],
): EntityModel {
  return {
    name,
    ids: ["id"],
    attributes: new Map(Object.entries(attributes).map(([key, model]) => [key, { ...model, name: key }])),
    states,
    children: [],
  };
}
