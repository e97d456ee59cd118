/**
 * What may stay in a recording: words that the config and the provider's own samples hold anyway. Everything a mapping
 * branches on is among them: literals, table keys, states, event types, names of fields. Nothing of a customer is.
 */
import type { PipelineModel, SourceModel } from "../config/revision.ts";
import type { EntityModel } from "../core/entity.ts";
import type { Json } from "../core/types.ts";
import { isJsonObject } from "../core/values.ts";

export interface Vocabulary {
  /** A whole text, or a word of one. */
  readonly words: ReadonlySet<string>;
  /** `path` + NUL + text, as the provider's samples have it; indexes are left out. */
  readonly sampled: ReadonlySet<string>;
  /** Keys of objects in those samples. */
  readonly keys: ReadonlySet<string>;
  /** Starts of ids, such as `cus_`. */
  readonly prefixes: ReadonlySet<string>;
}

/** Of what listens to a source. */
export function vocabularyOf(
  source: SourceModel,
  pipelines: readonly PipelineModel[],
  entities: ReadonlyMap<string, EntityModel>,
): Vocabulary {
  const words = new Set<string>();
  const add = (text: string) => {
    // An address in the config is somebody's all the same.
    if (text.includes("@")) return;
    words.add(text);
    for (const word of text.match(/[\p{L}\p{N}_]+/gu) ?? []) words.add(word);
  };
  const seen = new Set<object>();
  for (const pipeline of pipelines) {
    add(pipeline.name);
    collect(pipeline.rules, add, seen);
    for (const version of pipeline.versions?.known ?? []) add(version);
    for (const check of pipeline.contract?.checks ?? []) collectSchema(check.validate.schema, add);
  }
  collect(entities, add, seen);
  add(source.root);
  const found = { sampled: new Set<string>(), keys: new Set<string>(), prefixes: new Set<string>() };
  for (const sample of source.recipe.samples.values()) collectSample(sample.body, "", found);
  return { words, ...found };
}

/** All texts of compiled config: it is plain data, expressions among it by their source. */
function collect(value: unknown, add: (text: string) => void, seen: Set<object>): void {
  if (typeof value === "string") add(value);
  if (typeof value !== "object" || value === null || seen.has(value)) return;
  seen.add(value);
  const parts: Iterable<unknown> =
    value instanceof Map ? [...value.keys(), ...value.values()] : value instanceof Set ? value : Object.values(value);
  for (const part of parts) collect(part, add, seen);
}

/** `enum` and `const` of a schema, wherever they stand. */
function collectSchema(schema: unknown, add: (text: string) => void): void {
  if (typeof schema !== "object" || schema === null) return;
  for (const [name, part] of Object.entries(schema)) {
    if (name === "const" || name === "enum") collect([part], add, new Set());
    else if (name !== "description" && name !== "examples") collectSchema(part, add);
  }
}

const PREFIX = /^([a-z]{1,12}_)+(?=[A-Za-z0-9]{1,64}$)/;

function collectSample(
  value: Json,
  path: string,
  found: { sampled: Set<string>; keys: Set<string>; prefixes: Set<string> },
): void {
  if (typeof value === "string") {
    found.sampled.add(`${path}\0${value}`);
    const prefix = PREFIX.exec(value)?.[0];
    if (prefix !== undefined) found.prefixes.add(prefix);
  } else if (typeof value === "number") found.sampled.add(`${path}\0${value}`);
  else if (Array.isArray(value)) for (const item of value as readonly Json[]) collectSample(item, path, found);
  else if (isJsonObject(value))
    for (const [key, item] of Object.entries(value)) {
      found.keys.add(key);
      collectSample(item, `${path}.${key}`, found);
    }
}
