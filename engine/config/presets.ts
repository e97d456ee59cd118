/** The shipped presets as sinks: for the reference page and the editors' schema, which are made without a config. */
import { parse } from "yaml";
import { type ParsedPreset, parsePreset } from "../delivery/preset.ts";
import type { Preset, SinkDescriptor } from "../plugin/index.ts";
import { namesOf, type ShippedFiles, shippedFiles } from "./shipped.ts";

const FOLDER = "plugins/sinks";

/** What each says, by name; one that does not parse is left out, since its own test tells. */
export function shippedPresetSpecs(shipped: ShippedFiles = shippedFiles): readonly Preset[] {
  return parsedPresets(shipped).map(({ preset }) => preset);
}

/** All of them as sinks, by name. */
export function shippedPresets(shipped: ShippedFiles = shippedFiles): readonly SinkDescriptor[] {
  return parsedPresets(shipped).map(({ sink }) => sink);
}

function parsedPresets(shipped: ShippedFiles): readonly Extract<ParsedPreset, { readonly ok: true }>[] {
  return namesOf(shipped.list(`${FOLDER}/`), FOLDER).flatMap((name) => {
    const text = shipped.read(`${FOLDER}/${name}.yaml`);
    const parsed = text === undefined ? undefined : parsePreset(parse(text));
    return parsed?.ok === true ? [parsed] : [];
  });
}

/** These presets and the shipped ones; of equal names, the former. */
export function withPresetSpecs(presets: readonly Preset[]): readonly Preset[] {
  const names = new Set(presets.map(({ sink }) => sink));
  const all = [...presets, ...shippedPresetSpecs().filter(({ sink }) => !names.has(sink))];
  return presets.length === 0 ? all : all.sort((a, b) => (a.sink < b.sink ? -1 : 1));
}

/** These sinks and the shipped presets; of equal names, the former. */
export function withPresets(sinks: readonly SinkDescriptor[]): readonly SinkDescriptor[] {
  const names = new Set(sinks.map((sink) => sink.name));
  return [...sinks, ...shippedPresets().filter((sink) => !names.has(sink.name))].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
}
