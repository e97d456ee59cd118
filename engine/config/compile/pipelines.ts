/** `pipelines/*.yaml` -> models: source, rules, deliveries, tests; one pipeline at a time. */
import { parsePercent } from "../../core/duration.ts";
import type { EntityModel } from "../../core/entity.ts";
import type { DeliverEntry } from "../../delivery/deliver.schema.ts";
import { compileDeliver, duplicateEntries } from "../../delivery/deliver.ts";
import type { ConnectionModel, DeliverModel } from "../../delivery/model.ts";
import type { Contract } from "../../mapping/contract.ts";
import { matchesType } from "../../mapping/event-type.ts";
import { compileExpression } from "../../mapping/expression.ts";
import { positionOf } from "../position.ts";
import type { PipelineModel, SourceModel } from "../revision.ts";
import type { PipelineYaml, RuleYaml } from "../schema/pipeline.schema.ts";
import { reportEntryFault } from "./connections.ts";
import { type CompileContext, checkName, durationOr } from "./context.ts";
import type { Contracts } from "./contracts.ts";
import type { Fragments } from "./lets.ts";
import { markAt } from "./places.ts";
import { BASE_VARIABLES, type CompiledRule, compileHold, compileRules, DEFAULT_HOLD } from "./rules.ts";
import type { Tables } from "./tables.ts";

export interface PipelineDeps {
  readonly sources: ReadonlyMap<string, SourceModel>;
  /** Sources written inline, by pipeline. */
  readonly inlineSources: ReadonlyMap<PipelineYaml, SourceModel>;
  readonly entities: ReadonlyMap<string, EntityModel>;
  readonly tables: Tables;
  readonly connections: ReadonlyMap<string, ConnectionModel>;
  readonly contracts: Contracts;
  readonly fragments: Fragments;
}

/** A pipeline without its tests, which need to know all sources' samples. */
export type CompiledPipeline = Omit<PipelineModel, "tests" | "traces" | "source"> & {
  readonly source: SourceModel | undefined;
  readonly yaml: PipelineYaml;
};

export function compilePipeline(context: CompileContext, yaml: PipelineYaml, deps: PipelineDeps): CompiledPipeline {
  const { positions } = context;
  checkName(context, "team", yaml.owner, {
    names: Object.keys(context.config.teams ?? {}),
    mark: positions.value(yaml, "owner"),
  });
  const source = sourceOf(context, yaml, deps);
  const rules = compileRules(context, yaml, deps);
  const objective = parsePercent(yaml.sla?.objective);
  const contract = source === undefined ? undefined : deps.contracts.forPipeline(yaml, source);
  if (contract !== undefined) checkFetchedTypes(context, yaml, contract);
  const versions =
    contract === undefined || source === undefined ? undefined : deps.contracts.versionsFor(yaml, contract, source);
  return {
    name: yaml.pipeline,
    ...(yaml.description === undefined ? {} : { description: yaml.description }),
    owner: yaml.owner,
    ...(yaml.runbook === undefined ? {} : { runbook: yaml.runbook }),
    source,
    enabled: yaml.enabled ?? true,
    sla: {
      lagMs: durationOr(yaml.sla?.lag, 60_000),
      objective: objective.ok ? Number(objective.value.toFixed(8)) : 0.99,
    },
    hold: compileHold(yaml.hold, DEFAULT_HOLD),
    rules: rules.map((rule) => rule.model),
    deliver: compileDeliveries(context, { yaml, rules }, deps),
    ...(contract === undefined ? {} : { contract }),
    ...(versions === undefined ? {} : { versions }),
    position: positionOf(positions.of(yaml)),
    yaml,
  };
}

/** A schema that is not there would be kept by everything. */
function checkFetchedTypes(context: CompileContext, yaml: PipelineYaml, { provider, version, checks }: Contract): void {
  for (const { fetch } of yaml.rules) {
    const type = fetch?.contract;
    if (fetch === undefined || type === undefined || checks.some(({ pattern }) => matchesType(pattern, type))) continue;
    const data = { contract: `${provider}/${version}`, type };
    context.reporter.report("HK1224", context.positions.value(fetch, "contract"), data);
  }
}

function sourceOf(context: CompileContext, yaml: PipelineYaml, deps: PipelineDeps): SourceModel | undefined {
  if (typeof yaml.source !== "string") return deps.inlineSources.get(yaml);
  const names = Object.keys(context.config.sources ?? {});
  checkName(context, "source", yaml.source, { names, mark: context.positions.value(yaml, "source") });
  return deps.sources.get(yaml.source);
}

interface PipelineRules {
  readonly yaml: PipelineYaml;
  readonly rules: readonly CompiledRule[];
}

function compileDeliveries(
  context: CompileContext,
  pipeline: PipelineRules,
  deps: PipelineDeps,
): readonly (readonly DeliverModel[])[] {
  const entities = [...deps.entities.keys()];
  const shared = sharedLets(pipeline.rules);
  const common = compileEntries(
    context,
    {
      list: pipeline.yaml.deliver ?? [],
      variables: [...shared, ...entities],
      touched: touchedBy(pipeline.rules, deps),
    },
    deps,
  );
  return pipeline.rules.map((rule, index) => {
    const yaml: RuleYaml | undefined = pipeline.yaml.rules[index];
    const own = compileEntries(
      context,
      { list: yaml?.deliver ?? [], variables: [...rule.variables, ...entities], touched: touchedBy([rule], deps) },
      deps,
    );
    const all = [...own, ...common];
    const models = all.map((entry) => entry.model);
    for (const { index: at, fault } of duplicateEntries(models)) {
      const entry = all[at];
      if (entry !== undefined) reportEntryFault(context, entry.yaml, fault);
    }
    return models;
  });
}

/** Names a pipeline's own entries may use: those every rule defines. */
function sharedLets(rules: readonly CompiledRule[]): readonly string[] {
  const [first, ...others] = rules;
  const shared = (first?.variables ?? []).filter((name) => others.every((rule) => rule.variables.includes(name)));
  return [...new Set([...BASE_VARIABLES, ...shared])];
}

interface Entries {
  readonly list: readonly DeliverEntry[];
  readonly variables: readonly string[];
  readonly touched: readonly string[];
}

/** Entities that the rules write, and their parents, whose rollups may change with them. */
function touchedBy(rules: readonly CompiledRule[], { entities }: PipelineDeps): readonly string[] {
  const written = rules.flatMap(({ model }) => model.writes.map(({ entity }) => entity));
  const parents = written.flatMap((name) => entities.get(name)?.parent ?? []);
  return [...new Set([...written, ...parents])];
}

function compileEntries(
  context: CompileContext,
  entries: Entries,
  deps: PipelineDeps,
): readonly { readonly yaml: DeliverEntry; readonly model: DeliverModel }[] {
  return entries.list.flatMap((yaml) => {
    const declared = Object.hasOwn(context.config.connections ?? {}, yaml.to);
    // A connection that is there but broken has been reported where it stands.
    if (!context.configSound || yaml.to === "" || (declared && !deps.connections.has(yaml.to))) return [];
    const { model, faults } = compileDeliver(yaml, {
      connections: deps.connections,
      entities: deps.entities,
      touched: entries.touched,
      compile: (source, path) => compileAt(context, { yaml, source, path, variables: entries.variables }),
      position: positionOf(context.positions.of(yaml)),
    });
    for (const fault of faults) reportEntryFault(context, yaml, fault);
    return model === undefined ? [] : [{ yaml, model }];
  });
}

interface ExpressionPlace {
  readonly yaml: DeliverEntry;
  readonly source: string;
  readonly path: readonly (string | number)[];
  readonly variables: readonly string[];
}

function compileAt(context: CompileContext, place: ExpressionPlace): ReturnType<typeof compileExpression> {
  const mark = markAt(context.positions, place.yaml, place.path);
  const result = compileExpression(place.source, {
    variables: place.variables,
    position: positionOf(mark),
    functionsAllowed: place.path[0] !== "once",
  });
  if (result.ok) for (const warning of result.warnings) context.reporter.expression(warning, mark);
  return result;
}
