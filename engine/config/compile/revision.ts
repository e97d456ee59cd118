/** All compile steps in their order: from validated documents to what a `Revision` is made of. */
import type { SinkDescriptor } from "../../plugin/index.ts";
import type { SinkRegistry } from "../../plugin/registry.ts";
import { type DocumentContext, readContract, readRecipe, yamlFiles } from "../documents.ts";
import { readNamedFile } from "../named-file.ts";
import { type LoadOptions, noSinkContext } from "../options.ts";
import type { PipelineModel, Revision, SourceModel } from "../revision.ts";
import type { ConfigYaml } from "../schema/config.schema.ts";
import type { PipelineYaml } from "../schema/pipeline.schema.ts";
import type { TestFileYaml } from "../schema/tests.schema.ts";
import { namesOf, type ShippedFiles } from "../shipped.ts";
import { compileConnections } from "./connections.ts";
import type { CompileContext } from "./context.ts";
import { type ContractFiles, createContracts } from "./contracts.ts";
import {
  checkHolds,
  checkPipelineNames,
  checkSources,
  checkWriters,
  remindOfSeed,
  sendableNames,
  type WrittenSource,
} from "./cross.ts";
import { compileEntities } from "./entities.ts";
import { compileInstallation, type ReadNamed } from "./installation.ts";
import { createFragments } from "./lets.ts";
import { compileMoves } from "./moves.ts";
import { checkOrders } from "./orders.ts";
import { checkOwners } from "./owners.ts";
import { type CompiledPipeline, compilePipeline } from "./pipelines.ts";
import { checkProduction } from "./production.ts";
import { createRecipes, type RecipeFile, type RecipeFiles, type Recipes } from "./recipes.ts";
import { compileSeeds } from "./seed.ts";
import { compileSource } from "./sources.ts";
import { checkStates } from "./states.ts";
import { compileTables } from "./tables.ts";
import { checkTestFiles, withTestFiles } from "./test-files.ts";
import { compileTests } from "./tests.ts";
import { checkTypes } from "./typed-rules.ts";

export interface CompileInput {
  readonly context: DocumentContext;
  readonly config: { readonly yaml: ConfigYaml; readonly sound: boolean };
  readonly pipelines: readonly PipelineYaml[];
  readonly testFiles: readonly TestFileYaml[];
  readonly sinks: ReadonlyMap<string, SinkDescriptor>;
  readonly sinkNames: readonly string[];
  readonly options: LoadOptions & { readonly shipped: ShippedFiles };
}

type RevisionParts = Omit<Revision, "hash" | "gitCommit" | "files" | "root">;

/** Reports every fault of meaning; undefined when a pipeline has no source to stand on. */
export function compileRevision(input: CompileInput): RevisionParts | undefined {
  const { options } = input;
  const context: CompileContext = {
    positions: input.context.positions,
    reporter: input.context.reporter,
    faulty: input.context.faulty,
    config: input.config.yaml,
    configSound: input.config.sound,
    pipelines: input.pipelines,
    now: options.now,
  };
  const installation = compileInstallation(context, readNamed(input));
  const tables = compileTables(context, input.context.reader);
  const entities = compileEntities(context);
  const connections = compileConnections(context, {
    sinks: input.sinks,
    sinkNames: input.sinkNames,
    environment: installation.environment,
    sinkContext: (connection) => (options.sinkContext ?? noSinkContext)(connection, { root: options.root, entities }),
  });
  const seeds = compileSeeds(context, { entities, connections });
  const { sources, inlineSources } = compileSources(
    context,
    createRecipes(context, recipeFiles(input), codeSchemes(options.registry)),
  );
  const contracts = createContracts(context, contractFiles(input.context));
  const fragments = createFragments(context);
  const pipelines = context.pipelines.map((yaml) =>
    compilePipeline(context, yaml, { sources, inlineSources, entities, tables, connections, contracts, fragments }),
  );
  fragments.reportUnused();
  const production = installation.environment === "production" && !context.faulty.has(context.config, "environment");
  checkTypes(context, pipelines, { contracts, entities, connections, tables, production });
  checkProduction(context, pipelines, { entities, production, exists: options.exists });
  checkPipelineNames(context);
  checkWriters(context, pipelines, entities);
  checkOwners(context, pipelines, entities);
  checkHolds(context, pipelines, installation.retention.bodiesMs);
  checkStates(context, pipelines, entities);
  checkOrders(context, pipelines);
  remindOfSeed(context, pipelines);
  const all = [...sources.values(), ...inlineSources.values()];
  checkTestFiles(context, input.testFiles);
  const tested = pipelines.map((pipeline) =>
    withTests(
      context,
      { ...pipeline, files: input.testFiles },
      {
        entities,
        sources: all,
        sendable: sendableNames(pipelines),
        connections: [...connections.keys()],
      },
    ),
  );
  const moves = compileMoves(context, entities);
  if (tested.some((pipeline) => pipeline === undefined)) return undefined;
  return {
    ...installation,
    ...moves,
    tables: tables.all,
    entities,
    connections,
    seeds,
    sources: new Map(all.map((source) => [source.name, source])),
    pipelines: tested.flatMap((pipeline) => pipeline ?? []),
  };
}

function withTests(
  context: CompileContext,
  pipeline: CompiledPipeline & { readonly files: readonly TestFileYaml[] },
  deps: Parameters<typeof compileTests>[2],
): PipelineModel | undefined {
  const { yaml, source, files, ...model } = pipeline;
  const tests = compileTests(context, { yaml: withTestFiles(yaml, files), source }, deps);
  return source === undefined ? undefined : { ...model, source, ...tests };
}

const codeSchemes = (registry: SinkRegistry) =>
  new Map([...registry.schemes].map(([name, { descriptor }]) => [name, descriptor] as const));

interface Sources {
  readonly sources: ReadonlyMap<string, SourceModel>;
  readonly inlineSources: ReadonlyMap<PipelineYaml, SourceModel>;
}

function compileSources(context: CompileContext, recipes: Recipes): Sources {
  const named: WrittenSource[] = Object.entries(context.config.sources ?? {}).map(([name, yaml]) => ({ name, yaml }));
  const inline = context.pipelines.flatMap((pipeline) =>
    typeof pipeline.source === "string"
      ? []
      : [{ pipeline, written: { name: pipeline.pipeline, yaml: pipeline.source } }],
  );
  checkSources(context, [...named, ...inline.map((entry) => entry.written)]);
  const sources = new Map<string, SourceModel>();
  for (const source of named) {
    const model = compileSource(context, source, recipes);
    if (model !== undefined) sources.set(source.name, model);
  }
  const inlineSources = new Map<PipelineYaml, SourceModel>();
  for (const { pipeline, written } of inline) {
    const model = compileSource(context, written, recipes);
    if (model !== undefined) inlineSources.set(pipeline, model);
  }
  return { sources, inlineSources };
}

const PROVIDERS = "plugins/providers";

/** The installation's own recipes win over the shipped ones, and are checked even when no source uses them. */
function recipeFiles(input: CompileInput): RecipeFiles {
  const { context, options } = input;
  const own = new Map(yamlFiles(context.reader, PROVIDERS).map((path) => [path.replace(/^.*\/|\.ya?ml$/g, ""), path]));
  const shipped = namesOf(options.shipped.list(`${PROVIDERS}/`), PROVIDERS);
  const fromFolder = (path: string) => {
    const text = context.reader.read(path);
    return text.ok ? text.text : undefined;
  };
  const loaded = new Map<string, RecipeFile | undefined>();
  const read = (name: string): RecipeFile | undefined => {
    const ownPath = own.get(name);
    const file = ownPath ?? `${PROVIDERS}/${name}.yaml`;
    const readFile = ownPath === undefined ? (path: string) => options.shipped.read(path) : fromFolder;
    const text = readFile(file);
    const yaml =
      text === undefined
        ? undefined
        : readRecipe({ file, text, shipped: text === options.shipped.read(file) }, context);
    return yaml === undefined ? undefined : { file, yaml, read: readFile };
  };
  const load = (name: string) => {
    if (!loaded.has(name)) loaded.set(name, read(name));
    return loaded.get(name);
  };
  for (const name of own.keys()) load(name);
  return { names: [...new Set([...own.keys(), ...shipped])].sort(), load };
}

function contractFiles(context: DocumentContext): ContractFiles {
  const folder = (provider: string) => `pipelines/contracts/${provider}`;
  return {
    versions: (provider) =>
      yamlFiles(context.reader, folder(provider)).map((path) => path.replace(/^.*\/|\.ya?ml$/g, "")),
    load(provider, version) {
      const path = yamlFiles(context.reader, folder(provider)).find(
        (file) => file.replace(/^.*\/|\.ya?ml$/g, "") === version,
      );
      const text = path === undefined ? undefined : context.reader.read(path);
      return path !== undefined && text?.ok === true ? readContract(path, text.text, context) : undefined;
    },
  };
}

/** For certificates and keys: read past the record, so that no key gets into a revision. */
function readNamed({ context, options }: CompileInput): ReadNamed {
  return (holder, key) => {
    const path: unknown = Reflect.get(holder, key);
    if (typeof path !== "string" || path === "") return undefined;
    return readNamedFile(options.reader, context.reporter, { path, mark: context.positions.value(holder, key) });
  };
}
