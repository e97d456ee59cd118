/** What only shows when all pipelines are side by side: paths, names, writers, effects that fire once. */
import type { EntityModel } from "../../core/entity.ts";
import type { Mark } from "../position.ts";
import type { SourceYaml } from "../schema/source.schema.ts";
import type { CompileContext } from "./context.ts";
import type { CompiledPipeline } from "./pipelines.ts";

/** A source as written, wherever it stands. */
export interface WrittenSource {
  readonly name: string;
  readonly yaml: SourceYaml;
}

/** Two sources on one path, or of one name. */
export function checkSources(context: CompileContext, sources: readonly WrittenSource[]): void {
  const byPath = new Map<string, WrittenSource>();
  const byName = new Map<string, WrittenSource>();
  for (const source of sources) {
    const { path } = source.yaml;
    const first = byPath.get(path);
    if (first !== undefined && path !== "") {
      context.reporter.report(
        "HK1060",
        context.positions.value(source.yaml, "path"),
        { path, first: first.name, second: source.name },
        {
          related: { message: `\`${first.name}\` has it here`, mark: context.positions.value(first.yaml, "path") },
          hint: "let the pipelines share one source by its name",
        },
      );
    } else byPath.set(path, source);
    const namesake = byName.get(source.name);
    if (namesake !== undefined) {
      context.reporter.report(
        "HK1061",
        context.positions.of(source.yaml),
        { kind: "sources", name: source.name },
        {
          related: { message: "the other one", mark: context.positions.of(namesake.yaml) },
          hint: "an inline source is called like its pipeline",
        },
      );
    } else byName.set(source.name, source);
  }
}

/** Two pipelines of one name. */
export function checkPipelineNames(context: CompileContext): void {
  const seen = new Map<string, object>();
  for (const pipeline of context.pipelines) {
    const first = seen.get(pipeline.pipeline);
    if (first !== undefined && pipeline.pipeline !== "") {
      context.reporter.report(
        "HK1061",
        context.positions.value(pipeline, "pipeline"),
        { kind: "pipelines", name: pipeline.pipeline },
        { related: { message: "the other one", mark: context.positions.value(first, "pipeline") } },
      );
    } else seen.set(pipeline.pipeline, pipeline);
  }
}

interface Writer {
  readonly pipeline: CompiledPipeline;
  readonly mark: Mark;
}

/** Several pipelines write one attribute only if it lists them in `writers:`. */
export function checkWriters(
  context: CompileContext,
  pipelines: readonly CompiledPipeline[],
  entities: ReadonlyMap<string, EntityModel>,
): void {
  const writers = collectWriters(context, pipelines);
  for (const entity of entities.values()) {
    for (const attribute of entity.attributes.values()) {
      const found = writers.get(`${entity.name}.${attribute.name}`) ?? [];
      reportUnlisted(context, { name: `${entity.name}.${attribute.name}`, listed: attribute.writers }, found);
      reportIdle(context, { entity: entity.name, attribute: attribute.name, listed: attribute.writers }, found);
    }
  }
}

function collectWriters(
  context: CompileContext,
  pipelines: readonly CompiledPipeline[],
): ReadonlyMap<string, readonly Writer[]> {
  const writers = new Map<string, Writer[]>();
  for (const pipeline of pipelines) {
    for (const rule of pipeline.yaml.rules) {
      for (const [entity, write] of Object.entries(rule.write ?? {})) {
        const fields = write.fields ?? {};
        for (const attribute of Object.keys(fields)) {
          const list = writers.get(`${entity}.${attribute}`) ?? [];
          if (!list.some((writer) => writer.pipeline === pipeline))
            list.push({ pipeline, mark: context.positions.key(fields, attribute) });
          writers.set(`${entity}.${attribute}`, list);
        }
      }
    }
  }
  return writers;
}

function reportUnlisted(
  context: CompileContext,
  attribute: { readonly name: string; readonly listed: readonly string[] },
  found: readonly Writer[],
): void {
  if (found.length < 2) return;
  const names = found.map((writer) => writer.pipeline.name);
  const unlisted = found.filter((writer) => !attribute.listed.includes(writer.pipeline.name));
  const last = unlisted.at(-1);
  const other = found.find((writer) => writer !== last);
  if (last === undefined || other === undefined) return;
  // One team, one source: one clock orders their events, and no precedence is needed. It is told, so that it is meant.
  const harmless = attribute.listed.length === 0 && sameTeamAndSource(found);
  context.reporter.report(
    "HK1062",
    last.mark,
    { attribute: attribute.name, pipelines: names.map((name) => `\`${name}\``).join(" and ") },
    {
      severity: harmless ? "warning" : "error",
      hint: `list them in the attribute, highest precedence first: writers: [${names.join(", ")}]`,
      related: { message: `\`${other.pipeline.name}\` writes it here`, mark: other.mark },
    },
  );
}

function sameTeamAndSource(writers: readonly Writer[]): boolean {
  const [first] = writers;
  return writers.every(
    ({ pipeline }) =>
      pipeline.owner === first?.pipeline.owner &&
      pipeline.source !== undefined &&
      pipeline.source === first.pipeline.source,
  );
}

function reportIdle(
  context: CompileContext,
  attribute: { readonly entity: string; readonly attribute: string; readonly listed: readonly string[] },
  found: readonly Writer[],
): void {
  const yaml = context.config.entities?.[attribute.entity]?.attributes?.[attribute.attribute];
  if (yaml?.writers === undefined) return;
  const known = context.pipelines.map((pipeline) => pipeline.pipeline);
  yaml.writers.forEach((name, index) => {
    if (!known.includes(name) || found.some((writer) => writer.pipeline.name === name)) return;
    context.reporter.report(
      "HK1063",
      context.positions.value(yaml.writers ?? [], index),
      { pipeline: name, attribute: `${attribute.entity}.${attribute.attribute}` },
      { severity: "warning" },
    );
  });
}

/** Effects that fire once would fire for every old customer of an installation that was never seeded. */
export function remindOfSeed(context: CompileContext, pipelines: readonly CompiledPipeline[]): void {
  if (context.config.seed !== undefined || !context.configSound) return;
  for (const pipeline of pipelines) {
    for (const entry of [
      ...pipeline.yaml.rules.flatMap((rule) => rule.deliver ?? []),
      ...(pipeline.yaml.deliver ?? []),
    ]) {
      if (entry.once !== true) continue;
      context.reporter.report(
        "HK1091",
        context.positions.key(entry, "once"),
        {},
        {
          severity: "warning",
          hint: "name what is known under `seed:` in config.yaml and load it with `hookrail seed`, or say `seed: none`",
        },
      );
      return;
    }
  }
}

/** Held events need their bodies: the window must be shorter than bodies are kept. */
export function checkHolds(context: CompileContext, pipelines: readonly CompiledPipeline[], bodiesMs: number): void {
  for (const pipeline of pipelines) {
    pipeline.rules.forEach((rule, index) => {
      if (rule.hold.windowMs < bodiesMs) return;
      const yaml = pipeline.yaml.rules[index];
      const holder = yaml?.hold ?? pipeline.yaml.hold;
      if (holder !== undefined)
        context.reporter.report(
          "HK1095",
          context.positions.value(holder, "window"),
          {},
          { expected: "a window shorter than retention.bodies" },
        );
    });
  }
}

/** All names something can be counted by in `sent:`. */
export function sendableNames(pipelines: readonly CompiledPipeline[]): ReadonlySet<string> {
  return new Set(
    pipelines.flatMap((pipeline) =>
      pipeline.deliver.flat().flatMap((entry) => [entry.action, ...(entry.event === undefined ? [] : [entry.event])]),
    ),
  );
}
