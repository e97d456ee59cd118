/** Changes that strand state: what is stored under a key, a name or a version that the newer side no longer knows. */
import { namesOf } from "../config/names.ts";
import type { Revision, SourceModel } from "../config/revision.ts";
import type { EntityRef } from "../core/types.ts";
import type { HeldName, NameKind } from "../store/store.ts";
import { type Identity, sourcesOf } from "./events.ts";
import { type Names, namesBy } from "./names.ts";
import type { Breaking } from "./report.ts";
import type { Shown } from "./shown.ts";
import type { Turn } from "./turn.ts";

const MAX_EXAMPLES = 3;

export interface BreakingOptions {
  readonly before: Revision;
  readonly after: Revision;
  readonly shown: Shown;
  /** Live rows of a name; absent where no store is read. */
  readonly rows?: (kind: NameKind, name: string) => HeldName["rows"];
}

export interface BreakingFinder {
  /** One event at both sides' doors. */
  source(event: string, before: SourceModel, after: SourceModel | undefined): void;
  identity(event: string, source: string, before: Identity, after: Identity): void;
  /** One event's turn in a pipeline of both, the older in the words of the newer. */
  turn(event: string, before: Turn, after: Turn): void;
  found(): readonly Breaking[];
}

const WHY: Readonly<Record<Exclude<Breaking["kind"], "removed">, string>> = {
  source_removed: "the sender gets 404 for what it sends there, and gives up in the end",
  source_path: "the sender goes on with the old path and gets 404, until it is told the new one",
  dedupe_key: "what came in before the change can come in a second time, or another event is taken for it",
  ordering_key:
    "versions that are stored were counted another way: an old event may win, or a new one be skipped as stale",
  entity_key: "what is stored under the old key is not found any more: a second entity is made",
  entity_ids: "entities are stored under another id as their key",
  once: "what has fired once is remembered under the old name: under the new one it fires again",
};

type Found = { -readonly [K in keyof Breaking]: Breaking[K] } & { examples: string[] };

export function createBreakingFinder(options: BreakingOptions): BreakingFinder {
  const { shown } = options;
  const found = new Map<string, Found>();
  const add = (kind: Exclude<Breaking["kind"], "removed">, what: string, example?: string): void => {
    const known = found.get(`${kind} ${what}`) ?? { kind, what, why: WHY[kind], events: 0, rows: [], examples: [] };
    if (example !== undefined) {
      known.events++;
      if (known.examples.length < MAX_EXAMPLES) known.examples.push(example);
    }
    found.set(`${kind} ${what}`, known);
  };
  for (const one of standing(options)) found.set(`${one.kind} ${one.what}`, { ...one, examples: [...one.examples] });
  return {
    source(event, before, after) {
      if (after === undefined) add("source_removed", before.name, event);
      else if (after.path !== before.path) add("source_path", pathChange(before, after), event);
    },
    identity(event, source, before, after) {
      if (after.unreadable === undefined && before.dedupeKey !== after.dedupeKey) add("dedupe_key", source, event);
    },
    turn(event, before, after) {
      if (before.version !== undefined && after.version !== undefined && before.version !== after.version)
        add("ordering_key", after.pipeline, event);
      for (const [type, [was, is]] of movedRefs(before.refs, after.refs))
        add("entity_key", `${after.pipeline}: ${type}`, `${event}: ${shown.ref(was)} -> ${shown.ref(is)}`);
    },
    found: () => [...found.values()],
  };
}

const pathChange = (before: SourceModel, after: SourceModel): string =>
  `${after.name}: ${before.path} -> ${after.path}`;

/** By type, the first two that differ, where both sides write the type but not the same entities of it. */
function movedRefs(
  before: readonly EntityRef[],
  after: readonly EntityRef[],
): ReadonlyMap<string, readonly [EntityRef, EntityRef]> {
  const moved = new Map<string, readonly [EntityRef, EntityRef]>();
  for (const type of new Set(before.map((ref) => ref.type))) {
    const [was, is] = [before, after].map((refs) => refs.filter((ref) => ref.type === type));
    const gone = was?.find((ref) => is?.every((one) => one.key !== ref.key));
    const come = is?.find((ref) => was?.every((one) => one.key !== ref.key));
    if (gone !== undefined && come !== undefined) moved.set(type, [gone, come]);
  }
  return moved;
}

/** What can be told from the two revisions and the rows alone. */
function standing(options: BreakingOptions): Breaking[] {
  const names = namesBy(options.after.moved);
  return [...removed(options), ...doors(options, names), ...changedIds(options, names), ...renamedOnce(options, names)];
}

const ONE: Readonly<Record<NameKind, string>> = {
  sources: "source",
  pipelines: "pipeline",
  connections: "connection",
  entities: "entity",
  attributes: "attribute",
  states: "state",
};

const words = (rows: HeldName["rows"]): string[] => rows.map(({ count, what }) => `${count} ${what}`);

function removed({ before, after, rows }: BreakingOptions): Breaking[] {
  const [had, has] = [namesOf(before), namesOf(after)];
  const goneEntities = new Set(had.entities.filter((name) => !has.entities.includes(name)));
  const kinds = ["pipelines", "sources", "connections", "entities", "attributes", "states"] as const;
  return kinds.flatMap((kind) =>
    had[kind].flatMap((name): Breaking[] => {
      const isMoved = Object.hasOwn(after.moved[kind], name);
      const isPart = kind === "attributes" || kind === "states";
      if (has[kind].includes(name) || isMoved || (isPart && goneEntities.has(name.slice(0, name.indexOf(".")))))
        return [];
      const held = words(rows?.(kind, name) ?? []);
      const dropped = after.drop[kind].includes(name);
      // Nothing holds it: it may go.
      if (rows !== undefined && held.length === 0 && !dropped) return [];
      const why = dropped
        ? "`drop:` says that its live rows end"
        : "a running engine refuses this config while live rows hold it (HK8041): `moved:` or `drop:` must say where they go";
      return [{ kind: "removed", what: `${ONE[kind]} ${name}`, why, events: 0, rows: held, examples: [] }];
    }),
  );
}

/** Paths that senders know, also where no event of the plan came in by them. */
function doors({ before, after }: BreakingOptions, names: Names): Breaking[] {
  const [had, has] = [sourcesOf(before), sourcesOf(after)];
  return [...had.values()].flatMap((source): Breaking[] => {
    const now = has.get(names.source(source.name));
    if (now === undefined || !now.enabled || !source.enabled || now.path === source.path) return [];
    return [
      { kind: "source_path", what: pathChange(source, now), why: WHY.source_path, events: 0, rows: [], examples: [] },
    ];
  });
}

function changedIds({ before, after, rows }: BreakingOptions, names: Names): Breaking[] {
  return [...before.entities.values()].flatMap((model): Breaking[] => {
    const now = after.entities.get(names.entity(model.name));
    if (now === undefined || now.ids[0] === model.ids[0]) return [];
    const what = `${now.name}: ${model.ids[0]} -> ${now.ids[0]}`;
    const held = words(rows?.("entities", model.name) ?? []);
    return [{ kind: "entity_ids", what, why: WHY.entity_ids, events: 0, rows: held, examples: [] }];
  });
}

/** A pipeline that forgets one `once` and learns another has most likely renamed it. */
function renamedOnce({ before, after }: BreakingOptions, names: Names): Breaking[] {
  const onceOf = (revision: Revision, name: string) =>
    new Set(
      revision.pipelines
        .find((one) => one.name === name)
        ?.deliver.flat()
        .filter((entry) => entry.once !== undefined)
        .map((entry) => entry.id),
    );
  const renamed = (id: string): string => {
    const [connection = "", action = "", entity = "", ...rest] = id.split("/");
    return [names.connection(connection), action, names.entity(entity), ...rest].join("/");
  };
  return before.pipelines.flatMap(({ name }): Breaking[] => {
    const had = [...onceOf(before, name)].map(renamed);
    const has = onceOf(after, names.pipeline(name));
    const gone = had.filter((id) => !has.has(id));
    const come = [...has].filter((id) => !had.includes(id));
    return gone.length === 0 || come.length === 0
      ? []
      : [
          {
            kind: "once",
            what: `${names.pipeline(name)}: ${gone.join(", ")} -> ${come.join(", ")}`,
            why: WHY.once,
            events: 0,
            rows: [],
            examples: [],
          },
        ];
  });
}
