/** `rules:` -> models: which events, which names, what is written. Rows are in rows.ts. */
import type { EntityModel } from "../../core/entity.ts";
import type { ConnectionModel } from "../../delivery/model.ts";
import { compileEach } from "../../mapping/each.ts";
import type { HoldYaml, WriteYaml } from "../../mapping/mapping.schema.ts";
import type { EachModel, EntityWriteModel, HoldModel, KeyModel, RuleModel } from "../../mapping/model.ts";
import { positionOf } from "../position.ts";
import type { PipelineYaml, RuleYaml } from "../schema/pipeline.schema.ts";
import { type CompileContext, checkName, compileMember, durationOr, listOf } from "./context.ts";
import { compileFetch, fetchedName } from "./fetch.ts";
import { compileLets, type Fragments, ITEM } from "./lets.ts";
import { compileFields, compileState, compileTextRow, type RowContext } from "./rows.ts";
import type { Tables } from "./tables.ts";

// biome-ignore lint/suspicious/noThenProperty: a key of the language, never awaited
export const DEFAULT_HOLD: HoldModel = { windowMs: 15 * 60_000, then: "dead_letter" };

export interface RuleDeps {
  readonly entities: ReadonlyMap<string, EntityModel>;
  readonly tables: Tables;
  readonly connections: ReadonlyMap<string, ConnectionModel>;
  readonly fragments: Fragments;
}

export function compileHold(yaml: HoldYaml | undefined, fallback: HoldModel): HoldModel {
  // biome-ignore lint/suspicious/noThenProperty: a key of the language, never awaited
  return { windowMs: durationOr(yaml?.window, fallback.windowMs), then: yaml?.then ?? fallback.then };
}

/** A compiled rule, and the names its `deliver:` entries may use. */
export interface CompiledRule {
  readonly model: RuleModel;
  readonly variables: readonly string[];
}

export function compileRules(context: CompileContext, pipeline: PipelineYaml, deps: RuleDeps): readonly CompiledRule[] {
  warnUnreachable(context, pipeline);
  const hold = compileHold(pipeline.hold, DEFAULT_HOLD);
  return pipeline.rules.map((rule, index) => compileRule(context, { rule, index, hold }, deps));
}

interface RulePlace {
  readonly rule: RuleYaml;
  readonly index: number;
  readonly hold: HoldModel;
}

function compileRule(context: CompileContext, place: RulePlace, deps: RuleDeps): CompiledRule {
  const { rule, index } = place;
  const when =
    rule.when === undefined ? undefined : compileMember(context, rule, "when", { variables: BASE_VARIABLES });
  const base = [...BASE_VARIABLES, ...listOf(fetchedName(rule))];
  const each = compileItems(context, rule, base);
  const { lets, variables } = compileLets(context, rule, {
    base: each === undefined ? base : [...base, ITEM],
    fragments: deps.fragments,
    item: rule.each !== undefined,
  });
  const fetch = compileFetch(context, rule, {
    connections: deps.connections,
    variables: BASE_VARIABLES,
    lets: variables.slice(base.length),
  });
  const order = compileOrder(context, rule, variables);
  const rows: RowContext = { context, tables: deps.tables, variables };
  const writes = Object.entries(rule.write ?? {}).flatMap(([entity, write]) => {
    const model = deps.entities.get(entity);
    if (model === undefined) {
      checkName(context, "entity", entity, {
        names: deps.entities.keys(),
        mark: context.positions.key(rule.write ?? {}, entity),
      });
      return [];
    }
    return [compileWrite(rows, { write, rule }, model)];
  });
  checkLowers(context, rule, deps.entities);
  return {
    variables,
    model: {
      index,
      ...(rule.name === undefined ? {} : { name: rule.name }),
      on: listOf(rule.on),
      ...(when === undefined ? {} : { when }),
      ...(each === undefined ? {} : { each }),
      ...(fetch === undefined ? {} : { fetch }),
      ...(order === undefined ? {} : { order }),
      lets,
      writes,
      lowers: new Set(rule.lowers ?? []),
      hold: compileHold(rule.hold, place.hold),
      position: positionOf(context.positions.of(rule)),
    },
  };
}

/** `$event` is the whole body. */
export const BASE_VARIABLES = ["event"];

function compileItems(context: CompileContext, rule: RuleYaml, variables: readonly string[]): EachModel | undefined {
  if (rule.each === undefined) return undefined;
  const list = compileMember(context, rule, "each", { variables });
  return list === undefined ? undefined : compileEach(list, { variables });
}

function compileOrder(
  context: CompileContext,
  rule: RuleYaml,
  variables: readonly string[],
): RuleModel["order"] | undefined {
  const { order } = rule;
  if (order === undefined || order === "version") return undefined;
  if (order === "receipt") return { kind: "receipt" };
  const expression = compileMember(context, order, "by", { variables });
  return expression === undefined ? undefined : { kind: "by", expression };
}

interface WritePlace {
  readonly write: WriteYaml;
  readonly rule: RuleYaml;
}

function compileWrite(rows: RowContext, place: WritePlace, entity: EntityModel): EntityWriteModel {
  const { context } = rows;
  const { write } = place;
  const key = compileKey(rows, place, entity);
  const ids = entity.ids;
  const links = Object.keys(write.link ?? {}).flatMap((id) => {
    const holder = write.link ?? {};
    checkName(context, "id", id, { names: ids, mark: context.positions.key(holder, id) });
    const row = compileTextRow(rows, holder, { name: id, missing: "keep" });
    return row === undefined ? [] : [row];
  });
  const state = write.state === undefined ? undefined : compileState(rows, write, entity);
  const byKey = key?.kind === "id" && key.idName === ids[0];
  if (!byKey && write.unknown === "create" && key !== undefined) {
    context.reporter.report(
      "HK1075",
      context.positions.value(write, "unknown"),
      { entity: entity.name, key: ids[0] ?? "id" },
      { expected: "unknown: hold, or unknown: reject" },
    );
  }
  return {
    entity: entity.name,
    key: key ?? { kind: "parent_of", childType: "" },
    links,
    ...(state === undefined ? {} : { state }),
    fields: compileFields(rows, write, entity),
    unknown: write.unknown ?? (byKey ? "create" : "hold"),
    ...(write.delete === undefined ? {} : { delete: write.delete }),
    position: positionOf(context.positions.of(write)),
  };
}

function compileKey(rows: RowContext, place: WritePlace, entity: EntityModel): KeyModel | undefined {
  const { context } = rows;
  const { write, rule } = place;
  const { key } = write;
  if (typeof key === "string") {
    const row = compileTextRow(rows, write, { name: "key", missing: "reject" });
    return row === undefined ? undefined : { kind: "id", idName: entity.ids[0] ?? "id", row };
  }
  if ("parent_of" in key && typeof key.parent_of === "string")
    return compileParentKey(context, { key: { ...key, parent_of: key.parent_of }, holder: key, rule }, entity);
  const [idName] = Object.keys(key);
  if (idName === undefined) return undefined;
  checkName(context, "id", idName, { names: entity.ids, mark: context.positions.key(key, idName) });
  const row = compileTextRow(rows, key, { name: idName, missing: "reject" });
  return row === undefined ? undefined : { kind: "id", idName, row };
}

interface ParentKey {
  readonly key: { readonly parent_of: string };
  readonly holder: object;
  readonly rule: RuleYaml;
}

function compileParentKey(context: CompileContext, parent: ParentKey, entity: EntityModel): KeyModel {
  const child = parent.key.parent_of;
  const mark = context.positions.value(parent.holder, "parent_of");
  if (checkName(context, "entity", child, { names: Object.keys(context.config.entities ?? {}), mark })) {
    if (!entity.children.includes(child)) {
      context.reporter.report(
        "HK1076",
        mark,
        { problem: `\`${entity.name}\` is not the parent of \`${child}\`` },
        { hint: `declare \`parent: ${entity.name}\` in \`${child}\`` },
      );
    } else if (parent.rule.write?.[child] === undefined) {
      context.reporter.report("HK1076", mark, {
        problem: `this rule does not write \`${child}\`, so its parent can't be found`,
      });
    }
  }
  return { kind: "parent_of", childType: child };
}

function checkLowers(context: CompileContext, rule: RuleYaml, entities: ReadonlyMap<string, EntityModel>): void {
  const { lowers } = rule;
  if (lowers === undefined) return;
  const all = [...entities.values()];
  const names = all.flatMap((entity) =>
    [...entity.attributes.keys()].flatMap((attribute) => [attribute, `${entity.name}.${attribute}`]),
  );
  lowers.forEach((name, index) => {
    const mark = context.positions.value(lowers, index);
    if (!checkName(context, "attribute", name, { names, mark })) return;
    const meant = all.flatMap((entity) =>
      [...entity.attributes.values()].filter(
        (attribute) => attribute.name === name || `${entity.name}.${attribute.name}` === name,
      ),
    );
    if (!meant.some((attribute) => attribute.protected))
      context.reporter.report("HK1077", mark, { attribute: name }, { severity: "warning" });
  });
}

/** A rule behind one that takes all its types unconditionally is never reached. */
function warnUnreachable(context: CompileContext, pipeline: PipelineYaml): void {
  const taken: { readonly pattern: string; readonly rule: RuleYaml }[] = [];
  for (const rule of pipeline.rules) {
    const types = listOf(rule.on);
    const by = types.map((type) => taken.find(({ pattern }) => covers(pattern, type)));
    const [first] = by;
    if (types.length > 0 && first !== undefined && by.every((found) => found !== undefined)) {
      context.reporter.report(
        "HK1078",
        context.positions.value(rule, "on"),
        { types: types.join(", ") },
        {
          severity: "warning",
          related: { message: "this rule takes them first", mark: context.positions.value(first.rule, "on") },
        },
      );
    }
    if (rule.when === undefined) taken.push(...types.map((pattern) => ({ pattern, rule })));
  }
}

const covers = (pattern: string, type: string) =>
  pattern === type || (pattern.endsWith("*") && type.startsWith(pattern.slice(0, -1)));
