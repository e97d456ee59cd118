/**
 * The effective config: what is written, with references named and not shown, every default filled in from the
 * compiled revision, and tables and fragments resolved. Each member knows where it comes from.
 */
import type { Json } from "../../core/types.ts";
import type { Written } from "../options.ts";
import { spanOf } from "../position.ts";
import type { Revision } from "../revision.ts";
import { fillConfig } from "./config-defaults.ts";
import { fillPipeline } from "./pipeline-defaults.ts";

/** A copy that may be added to. */
export type Draft = { [name: string]: unknown };

export interface Effective {
  readonly config: Draft;
  readonly pipelines: readonly Draft[];
  readonly origins: Origins;
}

/** Where members come from: `config.yaml:12`, or why it is so by default. */
export interface Origins {
  of(holder: object, name: string | number): string | undefined;
  set(holder: object, name: string | number, origin: string): void;
}

/** All of it, or what these pipelines are and use. */
export function effectiveConfig(revision: Revision, written: Written, only: readonly string[] = []): Effective {
  const origins = createOrigins();
  const copy = createCopier(written, origins);
  const config = copy(written.config) as Draft;
  fillConfig(config, revision, { origins, positions: written.positions });
  const pipelines = written.pipelines.flatMap((yaml) => {
    const model = revision.pipelines.find((one) => one.name === yaml.pipeline);
    if (model === undefined || (only.length > 0 && !only.includes(yaml.pipeline))) return [];
    const draft = copy(yaml) as Draft;
    // They say what must be so, and put nothing in force.
    for (const proof of ["tests", "traces"]) Reflect.deleteProperty(draft, proof);
    fillPipeline(draft, { model, revision, origins });
    return [draft];
  });
  conceal([config, ...pipelines], written);
  return { config: only.length === 0 ? config : usedBy(config, revision, only), pipelines, origins };
}

function createOrigins(): Origins {
  const all = new WeakMap<object, Map<string, string>>();
  return {
    of: (holder, name) => all.get(holder)?.get(String(name)),
    set(holder, name, origin) {
      const own = all.get(holder) ?? new Map<string, string>();
      own.set(String(name), origin);
      all.set(holder, own);
    },
  };
}

function createCopier({ positions, isSecret }: Written, origins: Origins): (value: object) => object {
  const member = (holder: object, name: string | number, value: Json): Json | object => {
    if (typeof value === "object" && value !== null) return copy(value);
    const { reference } = positions.value(holder, name);
    if (reference !== undefined) return named(reference.written, value, isSecret(holder, name));
    return isSecret(holder, name) && value !== "" ? "(secret, written out in the file)" : value;
  };
  const copy = (value: object): object => {
    const made: Record<string, unknown> | unknown[] = Array.isArray(value) ? [] : {};
    for (const [key, item] of Object.entries(value)) {
      const name = Array.isArray(value) ? Number(key) : key;
      Object.defineProperty(made, key, {
        value: member(value, name, item),
        enumerable: true,
        configurable: true,
        writable: true,
      });
      if (!positions.has(value)) continue;
      const mark = positions.value(value, name);
      const { file, line } = spanOf(mark);
      const from = mark.reference === undefined ? "" : `, from ${mark.reference.written}`;
      origins.set(made, name, `${file}:${line}${from}`);
    }
    return made;
  };
  return copy;
}

/** A number, true or false can be no credential; any text that came from the environment might be one. */
function named(written: string, value: Json, secret: boolean): Json {
  if (!secret && typeof value !== "string") return value;
  return written.replace(/\$\$\{|\$\{([^}]*)\}/g, (whole, name: string | undefined) =>
    name === undefined ? whole : `(${secret ? "secret" : "variable"} ${name}, set)`,
  );
}

/** Shorter values stand in words that have nothing to do with them. */
const LEAST_CONCEALED = 6;

/** A value that came from a reference is shown nowhere, also where it was copied to by hand. */
function conceal(drafts: readonly Draft[], written: Written): void {
  const values = new Set<string>();
  const gather = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, item] of Object.entries(value)) {
      const name = Array.isArray(value) ? Number(key) : key;
      // One of three words, which any text may have in it.
      if (value === written.config && key === "environment") continue;
      const reference = written.positions.has(value) ? written.positions.value(value, name).reference : undefined;
      const held = typeof item === "string" && (reference !== undefined || written.isSecret(value, name)) ? item : "";
      if (held.length >= LEAST_CONCEALED) values.add(held);
      gather(item);
    }
  };
  for (const document of [written.config, ...written.pipelines]) gather(document);
  const clean = (holder: object): void => {
    for (const [key, item] of Object.entries(holder)) {
      if (typeof item === "string") {
        let shown = item;
        for (const value of values) shown = shown.replaceAll(value, "(secret)");
        if (shown !== item) Reflect.set(holder, key, shown);
      } else if (typeof item === "object" && item !== null) clean(item);
    }
  };
  for (const draft of drafts) clean(draft);
}

/** The sections of `config.yaml` of which some pipelines use only a part, with that part. */
function usedBy(config: Draft, revision: Revision, only: readonly string[]): Draft {
  const models = revision.pipelines.filter((pipeline) => only.includes(pipeline.name));
  const writes = models.flatMap((pipeline) => pipeline.rules.flatMap((rule) => rule.writes));
  const rows = writes.flatMap((write) => [
    ...write.fields,
    ...write.links,
    ...(write.state === undefined ? [] : [write.state]),
  ]);
  const parents = (entity: string): readonly string[] => {
    const parent = revision.entities.get(entity)?.parent;
    return parent === undefined ? [entity] : [entity, ...parents(parent)];
  };
  const fetched = models.flatMap((pipeline) => pipeline.rules.flatMap((rule) => rule.fetch?.connection ?? []));
  const used: Readonly<Record<string, readonly string[]>> = {
    sources: models.map((pipeline) => pipeline.source.name),
    tables: rows.flatMap((row) => row.table?.name ?? []),
    entities: writes.flatMap((write) => parents(write.entity)),
    connections: [
      ...models.flatMap((pipeline) => pipeline.deliver.flat().map((entry) => entry.connection)),
      ...fetched,
    ],
  };
  const part: Draft = {};
  for (const [section, names] of Object.entries(used)) {
    const all = config[section];
    if (typeof all !== "object" || all === null || Array.isArray(all)) continue;
    const kept = Object.entries(all).filter(([name]) => names.includes(name));
    if (kept.length > 0) part[section] = Object.fromEntries(kept) as Draft;
  }
  return part;
}
