/** From files to validated documents: parse, overlay the environment, resolve references, validate. */
import type { Json } from "../core/types.ts";
import type { Preset } from "../plugin/preset.schema.ts";
import type { RecipeYaml } from "../provider/recipe.schema.ts";
import { isMapping, visitLater } from "./annotations.ts";
import type { ConfigReader } from "./files.ts";
import { interpolate, type ReferenceSource } from "./interpolate.ts";
import { type LeafContext, readLeaves, replaceMember } from "./leaves.ts";
import type { ConfigYaml } from "./schema/config.schema.ts";
import type { ContractYaml } from "./schema/contract.schema.ts";
import type { Language } from "./schema/language.ts";
import type { PipelineYaml } from "./schema/pipeline.schema.ts";
import type { TestFileYaml } from "./schema/tests.schema.ts";
import { type CompiledSchema, validateDocument } from "./validate.ts";
import { parseYaml, sourceFile, type YamlDocument } from "./yaml.ts";

export interface DocumentContext extends LeafContext {
  readonly reader: ConfigReader;
  readonly language: Language;
}

interface Kind {
  readonly schema: CompiledSchema;
  /** What messages call the document. */
  readonly what: string;
}

/** Validates one parsed document; undefined when it can not be used at all. */
function finish<T>(document: YamlDocument, kind: Kind, context: LeafContext): T | undefined {
  if (!document.sound || document.value === undefined) return undefined;
  const root = { value: document.value };
  if (!isMapping(root.value)) {
    const start = { source: document.source, start: 0, end: 1 };
    context.reporter.report("HK1011", start, { where: kind.what, got: "not a mapping" }, { expected: "a mapping" });
    return undefined;
  }
  readLeaves(kind.schema.schema, root.value, context);
  validateDocument(kind.schema, root, kind.what, context);
  warnLater(kind.schema.schema, root.value, context);
  // Validated, or mended until it fits: what is still broken has been reported, and no revision comes of it.
  return root.value as T;
}

/** A key that is read and does nothing must not look as if it did. */
function warnLater(schema: unknown, value: Json, context: LeafContext): void {
  visitLater(schema, value, ({ holder, name, how }) => {
    const severity = how === "refuse" ? "error" : "warning";
    context.reporter.report("HK1058", context.positions.key(holder, name), { key: String(name) }, { severity });
  });
}

/** `config.yaml`. `sound` is false when it did not parse. */
export function readConfig(
  text: string,
  context: DocumentContext,
  sinks: (used: readonly string[]) => CompiledSchema,
): { readonly yaml: ConfigYaml; readonly sound: boolean } {
  const [document, second] = parseYaml("config.yaml", text, context);
  if (second !== undefined) {
    context.reporter.report(
      "HK1002",
      { source: second.source, start: text.indexOf("\n---") + 1, end: text.indexOf("\n---") + 4 },
      { problem: "config.yaml is one document; `---` starts a second one" },
    );
  }
  if (document === undefined || !document.sound) return { yaml: emptyConfig(context), sound: false };
  if (document.value === undefined) return { yaml: emptyConfig(context), sound: true };
  if (isMapping(document.value)) applyEnvironments(document.value, context);
  const schema = sinks(usedSinks(document.value));
  const yaml = finish<ConfigYaml>(document, { schema, what: "config.yaml" }, context);
  return yaml === undefined ? { yaml: emptyConfig(context), sound: false } : { yaml, sound: true };
}

function emptyConfig(context: DocumentContext): ConfigYaml {
  const [document] = parseYaml("config.yaml", "{}", context);
  return (document?.value ?? {}) as ConfigYaml;
}

/** Names of the sinks that connections ask for. */
function usedSinks(value: Json): readonly string[] {
  const connections = isMapping(value) ? value["connections"] : undefined;
  if (connections === undefined || !isMapping(connections)) return [];
  const names = Object.values(connections).flatMap((connection) =>
    isMapping(connection) && typeof connection["sink"] === "string" ? [connection["sink"]] : [],
  );
  return [...new Set(names)].sort();
}

const ENVIRONMENTS = ["production", "staging", "dev"];

/**
 * `environments: { production: { … } }` of a connection: the settings of this environment win over the ones beside
 * them, before references are resolved, so that no other environment's secrets are asked for.
 */
function applyEnvironments(config: { readonly [key: string]: Json }, context: DocumentContext): void {
  const environment = environmentOf(config, context.references);
  const connections = config["connections"];
  if (connections === undefined || !isMapping(connections)) return;
  for (const connection of Object.values(connections)) {
    const environments = isMapping(connection) ? connection["environments"] : undefined;
    if (!isMapping(connection) || environments === undefined || !isMapping(environments)) continue;
    for (const name of Object.keys(environments)) {
      if (!ENVIRONMENTS.includes(name))
        context.reporter.report(
          "HK1013",
          context.positions.key(environments, name),
          { where: "an environment", got: `\`${name}\`` },
          { expected: `one of ${ENVIRONMENTS.join(", ")}` },
        );
    }
    const settings = environments[environment];
    Reflect.deleteProperty(connection, "environments");
    if (settings === undefined || !isMapping(settings)) continue;
    for (const [key, value] of Object.entries(settings)) {
      const marks = { key: context.positions.key(settings, key), value: context.positions.value(settings, key) };
      replaceMember(connection, key, value);
      context.positions.setMember(connection, key, marks);
    }
  }
}

function environmentOf(config: { readonly [key: string]: Json }, references: ReferenceSource | undefined): string {
  const { environment } = config;
  if (typeof environment !== "string") return "dev";
  return references === undefined ? environment : interpolate(environment, references, false).text;
}

/** All pipelines, of all files directly in `pipelines/`. */
export function readPipelines(context: DocumentContext): readonly PipelineYaml[] {
  const files = yamlFiles(context.reader, "pipelines").filter((file) => !isTestFile(file));
  return readAll(files, () => ({ schema: context.language.pipeline, what: "this pipeline" }), context);
}

/** `pipelines/NAME.test.yaml`: tests in a file of their own. */
export function readTestFiles(context: DocumentContext): readonly TestFileYaml[] {
  const files = yamlFiles(context.reader, "pipelines").filter(isTestFile);
  return readAll(files, () => ({ schema: context.language.testFile, what: "this test file" }), context);
}

const isTestFile = (file: string): boolean => /\.test\.ya?ml$/.test(file);

/** The schema is asked for only when it is needed: compiling one takes a while. */
function readAll<T>(files: readonly string[], kind: () => Kind, context: DocumentContext): readonly T[] {
  return files.flatMap((file) => {
    const text = readReported(file, context);
    if (text === undefined) return [];
    return parseYaml(file, text, context).flatMap((document) => finish<T>(document, kind(), context) ?? []);
  });
}

export function yamlFiles(reader: ConfigReader, folder: string): readonly string[] {
  return reader.list(folder).filter((path) => /\.ya?ml$/.test(path));
}

function readReported(file: string, context: DocumentContext): string | undefined {
  const result = context.reader.read(file);
  if (result.ok) return result.text;
  const mark = { source: sourceFile(file, ""), start: 0, end: 1 };
  if (result.failure === "outside") context.reporter.report("HK1006", mark, { path: file });
  else context.reporter.report("HK1001", mark, { file, reason: result.detail ?? result.failure });
  return undefined;
}

/** A file of a plugin folder; a shipped one is known to fit its schema and is only parsed. */
export interface PluginText {
  readonly file: string;
  readonly text: string;
  readonly shipped: boolean;
}

/** A provider recipe. References are not resolved in it: it holds none of this installation's secrets. */
export function readRecipe(plugin: PluginText, context: DocumentContext): RecipeYaml | undefined {
  return readPlain(plugin, () => ({ schema: context.language.provider, what: "this recipe" }), context);
}

/** A sink preset. */
export function readPreset(plugin: PluginText, context: DocumentContext): Preset | undefined {
  return readPlain(plugin, () => ({ schema: context.language.preset, what: "this preset" }), context);
}

export function readContract(file: string, text: string, context: DocumentContext): ContractYaml | undefined {
  return readPlain(
    { file, text, shipped: false },
    () => ({ schema: context.language.contract, what: "this contract" }),
    context,
  );
}

function readPlain<T>(plugin: PluginText, kind: () => Kind, context: DocumentContext): T | undefined {
  const { references: _, ...plain } = context;
  const [document] = parseYaml(plugin.file, plugin.text, plain);
  if (document === undefined) return undefined;
  if (plugin.shipped && document.sound) return document.value as T;
  const value = finish<T>(document, kind(), plain);
  // A plugin with faults in its shape is not compiled: what that would find follows from them.
  return context.reporter.errorsIn(plugin.file) ? undefined : value;
}
