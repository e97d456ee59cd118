/** Sinks by name: code plugins, the installation's own presets, and the shipped ones; read when a connection asks for them. */
import { parsePreset } from "../delivery/preset.ts";
import type { SinkDescriptor } from "../plugin/index.ts";
import type { SinkRegistry } from "../plugin/registry.ts";
import { markAt } from "./compile/places.ts";
import { type DocumentContext, type PluginText, readPreset, yamlFiles } from "./documents.ts";
import { namesOf, type ShippedFiles } from "./shipped.ts";

export interface SinkFiles {
  /** Loads the sinks of these names that there are. */
  load(names: readonly string[]): readonly SinkDescriptor[];
  loaded(): ReadonlyMap<string, SinkDescriptor>;
  names(): readonly string[];
}

const FOLDER = "plugins/sinks";

export function createSinkFiles(
  context: DocumentContext,
  options: { readonly registry: SinkRegistry; readonly shipped: ShippedFiles },
): SinkFiles {
  const own = new Map(yamlFiles(context.reader, FOLDER).map((path) => [path.replace(/^.*\/|\.ya?ml$/g, ""), path]));
  const shipped = namesOf(options.shipped.list(`${FOLDER}/`), FOLDER);
  const sinks = new Map<string, SinkDescriptor>();
  const names = [...new Set([...options.registry.names(), ...own.keys(), ...shipped])].sort();
  const loadOne = (name: string): SinkDescriptor | undefined => {
    const path = own.get(name);
    if (path !== undefined) {
      const text = context.reader.read(path);
      return text.ok
        ? presetOf(context, { file: path, text: text.text, shipped: text.text === options.shipped.read(path) })
        : undefined;
    }
    const code = options.registry.get(name);
    if (code !== undefined) return code;
    const text = shipped.includes(name) ? options.shipped.read(`${FOLDER}/${name}.yaml`) : undefined;
    return text === undefined ? undefined : presetOf(context, { file: `${FOLDER}/${name}.yaml`, text, shipped: true });
  };
  // The installation's own presets are checked even when no connection uses them.
  for (const name of own.keys()) keep(sinks, name, loadOne(name));
  return {
    names: () => names,
    loaded: () => sinks,
    load(used) {
      for (const name of used) if (!sinks.has(name)) keep(sinks, name, loadOne(name));
      return used.flatMap((name) => sinks.get(name) ?? []);
    },
  };
}

function keep(sinks: Map<string, SinkDescriptor>, name: string, sink: SinkDescriptor | undefined): void {
  if (sink !== undefined) sinks.set(name, sink);
}

function presetOf(context: DocumentContext, plugin: PluginText): SinkDescriptor | undefined {
  const yaml = readPreset(plugin, context);
  if (yaml === undefined) return undefined;
  const parsed = parsePreset(yaml);
  if (parsed.ok) return parsed.sink;
  for (const fault of parsed.faults)
    context.reporter.message("HK5106", markAt(context.positions, yaml, fault.path), fault.message);
  return undefined;
}
