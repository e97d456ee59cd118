/** The JSON Schema editors are given: the very schema files are checked against, one for each kind of file or all in one. */
import type { SinkDescriptor } from "../../plugin/index.ts";
import { presetSchema } from "../../plugin/preset.schema.ts";
import { recipeSchema } from "../../provider/recipe.schema.ts";
import { type SchemaNode, withNotes } from "../annotations.ts";
import { withPresets } from "../presets.ts";
import { contractFileSchema } from "./contract.schema.ts";
import { configSchemaWith } from "./language.ts";
import { pipelineSchema } from "./pipeline.schema.ts";
import { withSchemes } from "./schemes.ts";

/** The kinds of files, and a key that tells each from the others. */
export const FILE_KINDS = {
  config: { title: "config.yaml", key: undefined },
  pipeline: { title: "pipelines/*.yaml", key: "pipeline" },
  contract: { title: "pipelines/contracts/PROVIDER/VERSION.yaml", key: "contract" },
  provider: { title: "plugins/providers/*.yaml", key: "verify" },
  sink: { title: "plugins/sinks/*.yaml", key: "default_action" },
} as const;

export type FileKind = keyof typeof FILE_KINDS;

function plainSchemaOf(kind: FileKind, sinks: readonly SinkDescriptor[]): unknown {
  switch (kind) {
    case "config":
      return configSchemaWith(withPresets(sinks));
    case "pipeline":
      return pipelineSchema;
    case "contract":
      return contractFileSchema;
    case "provider":
      return recipeSchema;
    case "sink":
      return presetSchema;
  }
}

/**
 * The raw schema of one kind of file. `sinks`: those a connection may name besides the shipped presets; `schemes`: names of
 * signature schemes in code.
 */
export function schemaOf(
  kind: FileKind,
  sinks: readonly SinkDescriptor[] = [],
  schemes: readonly string[] = [],
): unknown {
  return withSchemes(plainSchemaOf(kind, sinks), schemes);
}

const DRAFT = "https://json-schema.org/draft/2020-12/schema";

/** The schema of one kind of file, for `# yaml-language-server: $schema=`. */
export function editorSchemaOf(
  kind: FileKind,
  sinks: readonly SinkDescriptor[] = [],
  schemes: readonly string[] = [],
): SchemaNode {
  return { $schema: DRAFT, title: `Hookrail: ${FILE_KINDS[kind].title}`, ...withNotes(schemaOf(kind, sinks, schemes)) };
}

/** One schema for all files: it tells them apart by a key that only one kind has. */
export function editorSchema(sinks: readonly SinkDescriptor[] = []): SchemaNode {
  const kinds = (Object.keys(FILE_KINDS) as FileKind[]).filter((kind) => kind !== "config");
  const branches = kinds.map((kind) => conditional({ required: [FILE_KINDS[kind].key] }, schemaOf(kind)));
  const isOther = { anyOf: kinds.map((kind) => ({ required: [FILE_KINDS[kind].key] })) };
  return {
    $schema: DRAFT,
    title: "Hookrail",
    type: "object",
    allOf: [...branches, conditional({ not: isOther }, schemaOf("config", sinks))],
  };
}

function conditional(condition: SchemaNode, schema: unknown): SchemaNode {
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  return { if: condition, then: withNotes(schema) };
}
