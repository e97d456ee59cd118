/** The whole language: what each kind of file is checked against. */
import { type TSchema, Type } from "typebox";
import { connectionSchema } from "../../delivery/deliver.schema.ts";
import type { SinkDescriptor } from "../../plugin/index.ts";
import { presetSchema } from "../../plugin/preset.schema.ts";
import { recipeSchema } from "../../provider/recipe.schema.ts";
import { type CompiledSchema, compileSchema } from "../validate.ts";
import { anyConnectionSchema, configSchema, configSchemaFor } from "./config.schema.ts";
import { contractFileSchema } from "./contract.schema.ts";
import { pipelineSchema } from "./pipeline.schema.ts";
import { withSchemes } from "./schemes.ts";
import { testFileSchema } from "./tests.schema.ts";

/** Compiled validators of all kinds of files; each is compiled when it is first asked for and kept. */
export interface Language {
  /** `config.yaml` with the settings of these sinks. */
  configFor(sinks: readonly SinkDescriptor[]): CompiledSchema;
  readonly pipeline: CompiledSchema;
  readonly testFile: CompiledSchema;
  readonly provider: CompiledSchema;
  readonly preset: CompiledSchema;
  readonly contract: CompiledSchema;
}

/** `schemes`: the names of signature schemes in code, which `scheme:` takes besides those that are built in. */
export function createLanguage(schemes: readonly string[] = []): Language {
  const once = createOnce();
  // Sinks are compared by identity: a reload may bring another sink of the same name.
  let config: { readonly sinks: readonly SinkDescriptor[]; readonly schema: CompiledSchema } | undefined;
  return {
    configFor(sinks) {
      const same = config?.sinks.length === sinks.length && sinks.every((sink, i) => sink === config?.sinks[i]);
      if (config === undefined || !same)
        config = { sinks, schema: compileSchema(withSchemes(configSchemaWith(sinks), schemes)) };
      return config.schema;
    },
    get pipeline() {
      return once("pipeline", () => compileSchema(withSchemes(pipelineSchema, schemes)));
    },
    get testFile() {
      return once("testFile", () => compileSchema(testFileSchema));
    },
    get provider() {
      return once("provider", () => compileSchema(withSchemes(recipeSchema, schemes)));
    },
    get preset() {
      return once("preset", () => compileSchema(presetSchema));
    },
    get contract() {
      return once("contract", () => compileSchema(contractFileSchema));
    },
  };
}

function createOnce(): (name: string, make: () => CompiledSchema) => CompiledSchema {
  const made = new Map<string, CompiledSchema>();
  return (name, make) => {
    const schema = made.get(name) ?? make();
    made.set(name, schema);
    return schema;
  };
}

/** The schema of `config.yaml` in which a connection is one of these sinks, or one nobody knows. */
export function configSchemaWith(sinks: readonly SinkDescriptor[]) {
  if (sinks.length === 0) return configSchema;
  return configSchemaFor(Type.Union([...sinks.map(connectionSchema), otherConnection(sinks.map((sink) => sink.name))]));
}

/** A connection of a sink that is none of these: else a misspelt setting of a known one would pass as it. */
function otherConnection(known: readonly string[]): TSchema {
  const { properties } = anyConnectionSchema;
  return { ...anyConnectionSchema, properties: { ...properties, sink: { ...properties.sink, not: { enum: known } } } };
}
