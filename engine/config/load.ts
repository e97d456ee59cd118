/**
 * Loads an installation: every file read, every fault found, and, where there is none, a frozen `Revision`. In: a
 * reader, the environment and the code plugins. Out: diagnostics, all at once, and the revision.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { Json } from "../core/types.ts";
import { type SchemaNode, visitLeaves } from "./annotations.ts";
import { compileOwnChecks } from "./compile/own-checks.ts";
import { compileRevision } from "./compile/revision.ts";
import { type DocumentContext, readConfig, readPipelines, readTestFiles } from "./documents.ts";
import { createRecordingReader, errorCode } from "./files.ts";
import { deepFreeze } from "./freeze.ts";
import { parseEnvFile, type ReferenceSource } from "./interpolate.ts";
import { createMemberSet, type MemberSet } from "./leaves.ts";
import { readNamedFile } from "./named-file.ts";
import type { Loaded, LoadOptions } from "./options.ts";
import { createPositions, type Mark } from "./position.ts";
import { createReporter, type Reporter } from "./report.ts";
import type { Revision } from "./revision.ts";
import { createLanguage } from "./schema/language.ts";
import { type ShippedFiles, shippedFiles } from "./shipped.ts";
import { createSinkFiles } from "./sinks.ts";
import type { CompiledSchema } from "./validate.ts";
import { parseYaml, sourceFile } from "./yaml.ts";

/** Loads and checks everything. */
export function loadConfig(given: LoadOptions): Loaded {
  const used = new Map<string, string>();
  const options = { ...given, shipped: recordShipped(given.shipped ?? shippedFiles, used) };
  const reader = createRecordingReader(options.reader);
  const reporter = createReporter();
  const language = options.language ?? createLanguage([...options.registry.schemes.keys()]);
  const base = {
    positions: createPositions(),
    reporter,
    resolved: createMemberSet(),
    faulty: createMemberSet(),
    reader,
    language,
  };
  const main = reader.read("config.yaml");
  if (!main.ok) {
    reporter.report(
      "HK1001",
      { source: sourceFile("config.yaml", ""), start: 0, end: 1 },
      { file: "config.yaml", reason: main.failure === "missing" ? "it is not there" : (main.detail ?? main.failure) },
    );
    return { diagnostics: reporter.diagnostics(), files: {}, unreadable: true };
  }
  const context: DocumentContext = { ...base, references: createReferences(main.text, options, base) };
  const sinks = createSinkFiles(context, options);
  let configSchema: CompiledSchema | undefined;
  const config = readConfig(main.text, context, (used) => {
    configSchema = language.configFor(sinks.load(used));
    return configSchema;
  });
  const pipelines = readPipelines(context);
  const compiled = compileRevision({
    context,
    config,
    pipelines,
    testFiles: readTestFiles(context),
    sinks: sinks.loaded(),
    sinkNames: sinks.names(),
    options,
  });
  const documents = { config: config.yaml, configSound: config.sound, pipelines, now: options.now };
  const checks = compileOwnChecks({ ...base, ...documents }, base.resolved);
  const files = Object.fromEntries([...used, ...reader.seen].sort(([a], [b]) => (a < b ? -1 : 1)));
  const diagnostics = reporter.diagnostics();
  if (reporter.hasErrors() || compiled === undefined) return { diagnostics, files, checks, unreadable: false };
  const hash = contentHash(files, codeNames(options.registry));
  const revision: Revision = deepFreeze({
    hash,
    ...(options.gitCommit === undefined ? {} : { gitCommit: options.gitCommit }),
    files,
    root: options.root,
    ...compiled,
  });
  const isSecret = lazily([
    [configSchema?.schema, config.yaml],
    ...pipelines.map((yaml) => [language.pipeline.schema, yaml] as const),
  ]);
  return {
    revision,
    diagnostics,
    files,
    checks,
    unreadable: false,
    written: { config: config.yaml, pipelines, positions: base.positions, isSecret },
  };
}

/** Documents with what they were checked against; not the validators, which are large and not to be kept. */
type Documents = readonly (readonly [SchemaNode | undefined, object])[];

function secretMembers(documents: Documents): MemberSet {
  const members = createMemberSet();
  for (const [schema, value] of documents)
    visitLeaves(schema, value as Json, (leaf) => leaf.secret && members.add(leaf.holder, leaf.name));
  return members;
}

/** Only `echo` asks. */
function lazily(documents: Documents): (holder: object, name: string | number) => boolean {
  let members: MemberSet | undefined;
  return (holder, name) => {
    members ??= secretMembers(documents);
    return members.has(holder, name);
  };
}

/** Shipped files that are used belong to the revision: loaded from its files, it is what it was, whatever ships by then. */
function recordShipped(shipped: ShippedFiles, used: Map<string, string>): ShippedFiles {
  return {
    list: shipped.list,
    read(path) {
      const text = shipped.read(path);
      if (text !== undefined) used.set(path, text);
      return text;
    },
  };
}

/** What is there in code, by name; `scheme:` keeps a scheme from being taken for a sink. */
const codeNames = (registry: LoadOptions["registry"]) => [
  ...registry.names(),
  ...[...registry.schemes.keys()].map((name) => `scheme:${name}`),
];

/** SHA-256 over path and text of every file, line ends normalised, and the names of what is code. */
function contentHash(files: Readonly<Record<string, string>>, code: readonly string[]): string {
  const content = Object.entries(files).map(([path, text]) => [path, text.replaceAll("\r\n", "\n")]);
  return createHash("sha256")
    .update(JSON.stringify([content, code]))
    .digest("hex");
}

/** The reader is the one that keeps no record: what an env file or a key file holds is no part of a revision. */
type ReferenceOptions = Pick<LoadOptions, "root" | "env" | "readSecretFile" | "reader">;

/** Variables come from the process, then from `env_file`. Neither is part of the revision. */
function createReferences(
  configText: string,
  options: ReferenceOptions,
  context: { readonly positions: ReturnType<typeof createPositions>; readonly reporter: Reporter },
): ReferenceSource {
  const envFile = readEnvFile(configText, options, context);
  const readSecret = options.readSecretFile ?? readFromDisk;
  return {
    variable: (name) => options.env[name] ?? envFile.get(name),
    file: (path) => readSecret(isAbsolute(path) ? path : join(options.root, path)),
  };
}

/** Reads an absolute path of `${file:PATH}`. */
export function readFromDisk(
  path: string,
): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string } {
  try {
    return { ok: true, text: readFileSync(path, "utf8") };
  } catch (error) {
    return { ok: false, reason: errorCode(error) };
  }
}

function readEnvFile(
  configText: string,
  options: ReferenceOptions,
  context: { readonly positions: ReturnType<typeof createPositions>; readonly reporter: Reporter },
): ReadonlyMap<string, string> {
  // Parsed apart and silently: `env_file` must be known before the file as a whole is read.
  const [document] = parseYaml("config.yaml", configText, { positions: context.positions, reporter: createReporter() });
  const value = document?.value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return new Map();
  const path: unknown = Reflect.get(value, "env_file");
  if (typeof path !== "string") return new Map();
  const mark: Mark = context.positions.value(value, "env_file");
  const text = readNamedFile(options.reader, context.reporter, { path, mark });
  if (text === undefined) return new Map();
  const parsed = parseEnvFile(text);
  for (const line of parsed.faultyLines) context.reporter.report("HK1009", mark, { file: path, line });
  return parsed.values;
}
