/** `entities:` -> models: types, owners, states, parents; rollups and derived attributes are in computed.ts. */
import type { AttributeModel, EntityModel } from "../../core/entity.ts";
import { isOrdered, readValue } from "../../core/values.ts";
import type { AttributeYaml, EntityYaml } from "../schema/entities.schema.ts";
import { expectKeys } from "../schema/tests.schema.ts";
import { compileDerive, compileRollup } from "./computed.ts";
import { type CompileContext, checkName, checkNames } from "./context.ts";
import { type AttributePlace, compiles, statesOf, valueModelOf } from "./entity-shape.ts";

/** Variables of expressions that an entity of this name would hide. */
const RESERVED_ENTITIES = new Set(["event", "item", "fetched", ...Object.keys(expectKeys)]);
/** Words that stand beside attributes in history, rows and tests. */
const RESERVED_ATTRIBUTES = new Set(["state", "key", "delete"]);

export function compileEntities(context: CompileContext): ReadonlyMap<string, EntityModel> {
  const raw = context.config.entities ?? {};
  checkParents(context, raw);
  const models = new Map<string, EntityModel>();
  for (const [name, entity] of Object.entries(raw)) {
    if (RESERVED_ENTITIES.has(name))
      context.reporter.report("HK1055", context.positions.key(raw, name), { kind: "entity", name });
    models.set(name, compileEntity(context, name, entity));
  }
  return models;
}

function compileEntity(context: CompileContext, name: string, entity: EntityYaml): EntityModel {
  const attributes = new Map<string, AttributeModel>();
  for (const [attribute, yaml] of Object.entries(entity.attributes ?? {})) {
    attributes.set(attribute, compileAttribute(context, { entity: name, entityYaml: entity, attribute }, yaml));
  }
  const children = Object.entries(context.config.entities ?? {}).flatMap(([child, yaml]) =>
    yaml.parent === name ? [child] : [],
  );
  const transitions = transitionsOf(context, entity);
  const isDeleted = context.pipelines.some((pipeline) =>
    (pipeline.rules ?? []).some((rule) => rule.write?.[name]?.delete === "tombstone"),
  );
  return {
    name,
    ...(isDeleted ? { deletable: true } : {}),
    ids: entity.ids ?? ["id"],
    ...(entity.parent === undefined ? {} : { parent: entity.parent }),
    ...(entity.merge === undefined || entity.merge === "refuse" ? {} : { merge: entity.merge }),
    attributes,
    states: statesOf(entity),
    ...(transitions === undefined ? {} : { transitions }),
    children,
  };
}

function transitionsOf(
  context: CompileContext,
  entity: EntityYaml,
): ReadonlyMap<string, ReadonlySet<string>> | undefined {
  const { states } = entity;
  if (states === undefined || Array.isArray(states)) return undefined;
  const names = Object.keys(states);
  for (const targets of Object.values(states)) {
    checkNames(context, "state", targets, names);
  }
  return new Map(Object.entries(states).map(([from, to]) => [from, new Set(to)]));
}

function checkParents(context: CompileContext, raw: Readonly<Record<string, EntityYaml>>): void {
  for (const [name, entity] of Object.entries(raw)) {
    if (entity.parent === undefined) continue;
    const mark = context.positions.value(entity, "parent");
    if (!checkName(context, "entity", entity.parent, { names: Object.keys(raw), mark })) continue;
    const chain = [name];
    for (let up: string | undefined = entity.parent; up !== undefined; up = raw[up]?.parent) {
      if (chain.includes(up)) {
        if (up === name && name === [...chain].sort()[0])
          context.reporter.report("HK1070", mark, { chain: [...chain, up].join(" -> ") });
        break;
      }
      chain.push(up);
    }
  }
}

function compileAttribute(context: CompileContext, place: AttributePlace, yaml: AttributeYaml): AttributeModel {
  const { positions, reporter } = context;
  if (RESERVED_ATTRIBUTES.has(place.attribute)) {
    reporter.report("HK1055", positions.key(place.entityYaml.attributes ?? {}, place.attribute), {
      kind: "attribute",
      name: place.attribute,
    });
  }
  checkName(context, "team", yaml.owner, {
    names: Object.keys(context.config.teams ?? {}),
    mark: positions.value(yaml, "owner"),
  });
  checkDeclaredValues(context, yaml);
  checkWriters(context, yaml);
  const rollup =
    yaml.rollup === undefined ? undefined : compileRollup(context, place, { ...yaml, rollup: yaml.rollup });
  const derive = yaml.derive === undefined ? undefined : compileDerive(context, place, yaml);
  const model: AttributeModel = {
    name: place.attribute,
    ...valueModelOf(yaml),
    owner: yaml.owner,
    protected: yaml.protected ?? false,
    sensitive: yaml.sensitive ?? false,
    clearable: yaml.clearable ?? false,
    write: yaml.write ?? "latest",
    writers: yaml.writers ?? [],
    ...(rollup === undefined ? {} : { rollup }),
    ...(derive === undefined ? {} : { derive }),
  };
  if (model.write === "up" && !isOrdered(model)) {
    reporter.report(
      "HK1071",
      positions.value(yaml, "write"),
      { problem: `\`write: up\` needs an order, and ${orderless(yaml)} has none` },
      { hint: "declare `enum:`, low to high" },
    );
  }
  return model;
}

const orderless = (yaml: AttributeYaml) => `\`type: ${yaml.type}\` without \`enum:\``;

function checkDeclaredValues(context: CompileContext, yaml: AttributeYaml): void {
  const { positions, reporter } = context;
  if (yaml.pattern !== undefined && !compiles(yaml.pattern)) {
    reporter.report("HK1071", positions.value(yaml, "pattern"), { problem: "`pattern:` is no regular expression" });
  }
  const { enum: values, ...rest } = valueModelOf(yaml);
  (values ?? []).forEach((value, index) => {
    const read = readValue(rest, value, { times: "iso" });
    if (read.ok || yaml.enum === undefined) return;
    reporter.report(
      "HK1072",
      positions.value(yaml.enum, index),
      { value: String(value), what: `\`type: ${yaml.type}\`` },
      { expected: read.expected },
    );
  });
}

function checkWriters(context: CompileContext, yaml: AttributeYaml): void {
  const { writers } = yaml;
  if (writers === undefined) return;
  const names = context.pipelines.map((pipeline) => pipeline.pipeline);
  checkNames(context, "pipeline", writers, names);
}
