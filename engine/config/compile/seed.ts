/** `seed:`: where what the CRM knows already is found, and which column is what. */
import type { EntityModel } from "../../core/entity.ts";
import type { ConnectionModel } from "../../delivery/model.ts";
import { staysInside } from "../files.ts";
import { positionOf } from "../position.ts";
import type { SeedModel } from "../revision.ts";
import type { ConfigYaml } from "../schema/config.schema.ts";
import { type CompileContext, checkName, shortList } from "./context.ts";

/** What a column of this entity can be: an id, the state, the parent's key, an attribute. */
export function seedTargets(entity: EntityModel): readonly string[] {
  return [
    ...entity.ids,
    ...(entity.states.length > 0 ? ["state"] : []),
    ...(entity.parent === undefined ? [] : ["parent"]),
    ...entity.attributes.keys(),
  ];
}

type SeedYaml = Exclude<NonNullable<ConfigYaml["seed"]>, "none">[string];

/** Models by entity; faults are reported. */
export function compileSeeds(
  context: CompileContext,
  deps: {
    readonly entities: ReadonlyMap<string, EntityModel>;
    readonly connections: ReadonlyMap<string, ConnectionModel>;
  },
): ReadonlyMap<string, SeedModel> {
  const seeds = new Map<string, SeedModel>();
  const { seed } = context.config;
  if (seed === undefined || seed === "none") return seeds;
  for (const [name, yaml] of Object.entries(seed)) {
    const mark = context.positions.key(seed, name);
    if (!checkName(context, "entity", name, { names: Object.keys(context.config.entities ?? {}), mark })) continue;
    const entity = deps.entities.get(name);
    const from = compileOrigin(context, yaml, deps.connections);
    if (entity !== undefined) checkColumns(context, yaml, entity);
    if (from === undefined) continue;
    const columns = new Map(Object.entries(yaml.columns ?? {}));
    seeds.set(name, { entity: name, from, key: yaml.key, columns, position: positionOf(context.positions.of(yaml)) });
  }
  return seeds;
}

/** Exactly one of a file, or a connection and its query. */
function compileOrigin(
  context: CompileContext,
  yaml: SeedYaml,
  connections: ReadonlyMap<string, ConnectionModel>,
): SeedModel["from"] | undefined {
  const { positions, reporter, config } = context;
  const { file, connection, query } = yaml;
  const problem =
    file !== undefined && (connection !== undefined || query !== undefined)
      ? "`file` and `connection` exclude each other"
      : file === undefined && (connection === undefined || query === undefined)
        ? "it names neither a `file` nor a `connection` with its `query`"
        : undefined;
  if (problem !== undefined) {
    const expected = "file: PATH, or connection: NAME with query: SELECT …";
    reporter.report("HK1135", positions.of(yaml), { problem }, { expected });
    return undefined;
  }
  if (file !== undefined) {
    if (staysInside(file)) return { kind: "file", path: file };
    reporter.report("HK1006", positions.value(yaml, "file"), { path: file });
    return undefined;
  }
  const name = connection ?? "";
  const mark = positions.value(yaml, "connection");
  if (!checkName(context, "connection", name, { names: Object.keys(config.connections ?? {}), mark })) return undefined;
  const model = connections.get(name);
  if (model === undefined) return undefined;
  if (model.sink.name !== "sql") {
    reporter.report("HK1137", mark, { connection: name, sink: model.sink.name });
    return undefined;
  }
  return { kind: "query", connection: name, query: query ?? "" };
}

function checkColumns({ positions, reporter }: CompileContext, yaml: SeedYaml, entity: EntityModel): void {
  const targets = seedTargets(entity);
  const { columns = {} } = yaml;
  for (const [column, target] of Object.entries(columns)) {
    if (targets.includes(target)) continue;
    const expected = `one of ${shortList(targets)}`;
    reporter.report("HK1136", positions.value(columns, column), { entity: entity.name, target }, { expected });
  }
}
