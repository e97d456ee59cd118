/** Which source a path belongs to, and which pipelines listen to a type of event. Built once for each revision. */
import type { PipelineModel, Revision, SourceModel } from "../config/revision.ts";
import { matchesType } from "../mapping/event-type.ts";

export interface Routes {
  readonly revision: Revision;
  /** Paths match exactly: no decoding, no trailing-slash tricks, no prefixes. */
  source(path: string): SourceModel | undefined;
  pipeline(name: string): PipelineModel | undefined;
  /** Names of the pipelines of the source with a rule for this type, in the order of the revision. */
  listening(source: SourceModel, type: string): readonly string[];
}

/** Types come from senders: what is remembered must not grow with what they make up. */
const maxRememberedTypes = 4096;

/** `alone`: this pipeline takes the events it listens to by itself, as its tests want; others go where they always go. */
export function createRoutes(revision: Revision, alone?: string): Routes {
  const byPath = new Map<string, SourceModel>();
  const all = [...revision.sources.values(), ...revision.pipelines.map((pipeline) => pipeline.source)];
  for (const source of all) if (source.enabled) byPath.set(source.path, source);
  const byName = new Map(revision.pipelines.map((pipeline) => [pipeline.name, pipeline]));
  const remembered = new Map<string, readonly string[]>();
  return {
    revision,
    source: (path) => byPath.get(path),
    pipeline: (name) => byName.get(name),
    listening(source, type) {
      const key = `${source.name}\n${type}`;
      const known = remembered.get(key);
      if (known !== undefined) return known;
      const all = revision.pipelines
        .filter((pipeline) => listens(pipeline, source, type))
        .map((pipeline) => pipeline.name);
      const names = alone !== undefined && all.includes(alone) ? [alone] : all;
      if (remembered.size < maxRememberedTypes) remembered.set(key, names);
      return names;
    },
  };
}

function listens(pipeline: PipelineModel, source: SourceModel, type: string): boolean {
  if (!pipeline.enabled || pipeline.source.name !== source.name) return false;
  return pipeline.rules.some((rule) => rule.on.some((pattern) => matchesType(pattern, type)));
}
