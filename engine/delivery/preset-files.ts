/** Reads preset files into sinks: the shipped ones from the product's assets, others from what config/ has read. */
import { parse } from "yaml";
import { listAssets, readAsset } from "../core/assets.ts";
import type { FoundSink } from "../plugin/registry.ts";
import { parsePreset } from "./preset.ts";

/** A preset file as text. */
export interface PresetFile {
  /** Shown to people. */
  readonly path: string;
  readonly text: string;
}

/** What is wrong with a preset file. */
export interface PresetFileFault {
  readonly file: string;
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Sinks of preset files. A file with a fault yields none. */
export function readPresetFiles(files: readonly PresetFile[]): {
  readonly found: readonly FoundSink[];
  readonly faults: readonly PresetFileFault[];
} {
  const found: FoundSink[] = [];
  const faults: PresetFileFault[] = [];
  for (const file of files) {
    const parsed = parsePreset(parseYaml(file.text));
    if (parsed.ok) found.push({ descriptor: parsed.sink, origin: file.path });
    else faults.push(...parsed.faults.map((fault) => ({ file: file.path, ...fault })));
  }
  return { found, faults };
}

function parseYaml(text: string): unknown {
  try {
    return parse(text);
  } catch {
    // What is no YAML is no preset either: the schema says so, of the whole file.
    return undefined;
  }
}

/** The presets the product ships. */
export function shippedPresetFiles(): readonly PresetFile[] {
  return listAssets("plugins/sinks/")
    .filter((name) => name.endsWith(".yaml"))
    .map((path) => ({ path, text: readAsset(path) }));
}
