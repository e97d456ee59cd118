/** The installation's own recipes and presets, for the pages that are made from them. A file with an error is told, not left out. */
import { basename, dirname, resolve } from "node:path";
import { parse } from "yaml";
import { yamlFiles } from "../config/documents.ts";
import { createDiskReader } from "../config/files.ts";
import { type DocumentedRecipe, documentedRecipe } from "../config/recipes.ts";
import { namesOf, shippedFiles } from "../config/shipped.ts";
import { fail } from "../core/errors.ts";
import { type ParsedPreset, parsePreset } from "../delivery/preset.ts";
import type { Preset, SinkDescriptor } from "../plugin/index.ts";
import type { SinkRegistry } from "../plugin/registry.ts";
import type { Cli } from "./context.ts";
import type { GlobalOptions } from "./installation.ts";
import { createRecipeBook } from "./recipes.ts";

export interface OwnPlugins {
  readonly recipes: readonly DocumentedRecipe[];
  readonly presets: readonly Preset[];
  /** The presets as sinks, then those in code. */
  readonly sinks: readonly SinkDescriptor[];
}

/** The folder whose plugins count, also where there is no config yet. */
export function pluginRoot({ cwd }: Cli, { config = "config.yaml" }: GlobalOptions): string {
  const path = resolve(cwd, config);
  return basename(path) === "config.yaml" ? dirname(path) : path;
}

/** What the folder adds to the shipped plugins, or puts in place of one. */
export function readOwnPlugins(root: string, registry: SinkRegistry): OwnPlugins {
  const reader = createDiskReader(root);
  const schemes = new Map([...registry.schemes].map(([name, { descriptor }]) => [name, descriptor] as const));
  const book = createRecipeBook(reader, schemes);
  const own = (folder: string) =>
    yamlFiles(reader, folder).flatMap((file) => {
      const [name] = namesOf([file], folder);
      const text = reader.read(file);
      const shipped = shippedFiles.read(`${folder}/${name}.yaml`);
      return name === undefined || !text.ok || text.text === shipped ? [] : [{ name, file, text: text.text }];
    });
  const recipes = own("plugins/providers").map(({ name, file, text }) => {
    const recipe = book.get(name) ?? fail("HK8241", { file, problem: "it can not be read" });
    return documentedRecipe({ text, recipe, own: true });
  });
  const presets = own("plugins/sinks").map(({ file, text }) => {
    const parsed = presetOf(text);
    if (!parsed.ok) return fail("HK8241", { file, problem: parsed.faults[0]?.message ?? "it is no preset" });
    return parsed;
  });
  const names = new Set(presets.map(({ preset }) => preset.sink));
  const code = registry.list().flatMap(({ descriptor }) => (names.has(descriptor.name) ? [] : [descriptor]));
  return {
    recipes,
    presets: presets.map(({ preset }) => preset),
    sinks: [...presets.map(({ sink }) => sink), ...code],
  };
}

function presetOf(text: string): ParsedPreset {
  let yaml: unknown;
  try {
    yaml = parse(text);
  } catch (error) {
    const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : "no YAML";
    return { ok: false, faults: [{ path: [], message }] };
  }
  return parsePreset(yaml);
}
