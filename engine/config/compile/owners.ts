/** Who may write what: an attribute's `writers:` are all there are; without them its owner is to know of other teams. */
import type { AttributeModel, EntityModel } from "../../core/entity.ts";
import type { Mark } from "../position.ts";
import type { CompileContext } from "./context.ts";
import type { CompiledPipeline } from "./pipelines.ts";

interface Written {
  readonly pipeline: CompiledPipeline;
  readonly attribute: AttributeModel & { readonly full: string };
  /** The row. */
  readonly mark: Mark;
  /** `owner:` and `writers:` of the attribute. */
  readonly ownerMark: Mark;
  readonly writersMark: Mark;
}

/** Every attribute that a pipeline writes, once for each pipeline. */
function writtenBy(
  { config, positions }: CompileContext,
  pipelines: readonly CompiledPipeline[],
  entities: ReadonlyMap<string, EntityModel>,
): readonly Written[] {
  return pipelines.flatMap((pipeline) => {
    const found = new Map<string, Written>();
    for (const [entity, write] of pipeline.yaml.rules.flatMap((rule) => Object.entries(rule.write ?? {}))) {
      for (const name of Object.keys(write.fields ?? {})) {
        const attribute = entities.get(entity)?.attributes.get(name);
        const yaml = config.entities?.[entity]?.attributes?.[name];
        const full = `${entity}.${name}`;
        if (attribute === undefined || yaml === undefined || found.has(full)) continue;
        found.set(full, {
          pipeline,
          attribute: { ...attribute, full },
          mark: positions.key(write.fields ?? {}, name),
          ownerMark: positions.value(yaml, "owner"),
          writersMark: positions.key(yaml, "writers"),
        });
      }
    }
    return [...found.values()];
  });
}

/** Reports pipelines that write an attribute whose `writers:` leave them out. */
export function checkOwners(
  context: CompileContext,
  pipelines: readonly CompiledPipeline[],
  entities: ReadonlyMap<string, EntityModel>,
): void {
  const all = writtenBy(context, pipelines, entities);
  const known = new Set(context.pipelines.map((pipeline) => pipeline.pipeline));
  for (const { pipeline, attribute, mark, writersMark } of all) {
    if (attribute.writers.length === 0 || attribute.writers.includes(pipeline.name)) continue;
    // A name that is not there is told of by itself.
    if (!attribute.writers.every((name) => known.has(name))) continue;
    // Several pipelines at once are told of where they meet.
    if (all.filter((one) => one.attribute.full === attribute.full).length > 1) continue;
    context.reporter.report(
      "HK1240",
      mark,
      { pipeline: pipeline.name, attribute: attribute.full, writers: attribute.writers.join(", ") },
      {
        hint: `list it where it belongs, highest precedence first: writers: [${[...attribute.writers, pipeline.name].join(", ")}]`,
        related: { message: "these may write it", mark: writersMark },
      },
    );
  }
}

/** Pipelines that write an attribute of another team, which names no writers. */
export function strangersOf(
  context: CompileContext,
  pipelines: readonly CompiledPipeline[],
  entities: ReadonlyMap<string, EntityModel>,
): readonly Written[] {
  return writtenBy(context, pipelines, entities).filter(
    ({ pipeline, attribute }) =>
      attribute.writers.length === 0 &&
      attribute.owner !== "" &&
      pipeline.owner !== "" &&
      attribute.owner !== pipeline.owner,
  );
}
