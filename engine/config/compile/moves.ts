/** `moved:` of config.yaml and of pipelines, and `drop:`: put together, and held against what is declared. */
import { didYouMean } from "../../core/suggest.ts";
import { namesOf } from "../names.ts";
import type { DropModel, MovedModel } from "../operations.ts";
import type { Revision } from "../revision.ts";
import type { ConfigYaml } from "../schema/config.schema.ts";
import { type CompileContext, shortList } from "./context.ts";

const KINDS = ["pipelines", "sources", "connections", "entities", "attributes", "states"] as const;
type Kind = (typeof KINDS)[number];

const ONE: Readonly<Record<Kind, string>> = {
  pipelines: "pipeline",
  sources: "source",
  connections: "connection",
  entities: "entity",
  attributes: "attribute",
  states: "state",
};

type MovedYaml = NonNullable<ConfigYaml["moved"]>;
type DropYaml = NonNullable<ConfigYaml["drop"]>;

/** One row of a `moved:`; `holder` is the mapping it stands in. */
interface Row {
  readonly kind: Kind;
  readonly from: string;
  readonly to: string;
  readonly holder: Readonly<Record<string, string>>;
}

export interface Moves {
  readonly moved: MovedModel;
  readonly drop: DropModel;
}

export function compileMoves(context: CompileContext, entities: Revision["entities"]): Moves {
  const { config } = context;
  const declared = declaredNames(context, entities);
  const written = [config.moved, ...context.pipelines.map((one) => one.moved)];
  const rows = written.flatMap((moved) => (moved === undefined ? [] : rowsOf(moved)));
  const drop = config.drop ?? {};
  if (context.configSound) {
    for (const row of rows) checkRow(context, row, { declared, rows });
    checkTwice(context, rows);
    checkDrop(context, drop, { declared, rows });
  }
  const renames = (kind: Kind) =>
    Object.fromEntries(rows.filter((row) => row.kind === kind).map(({ from, to }) => [from, to]));
  return {
    moved: perKind(renames),
    drop: perKind((kind) => [...(drop[kind] ?? [])]),
  };
}

/** As they are written: a pipeline or connection with faults of its own is there all the same. */
function declaredNames({ config, pipelines }: CompileContext, entities: Revision["entities"]): DropModel {
  const inline = pipelines.filter((one) => typeof one.source !== "string").map((one) => one.pipeline);
  return {
    ...namesOf({ entities, pipelines: [], sources: new Map(), connections: new Map() }),
    pipelines: pipelines.map((one) => one.pipeline),
    sources: [...Object.keys(config.sources ?? {}), ...inline],
    connections: Object.keys(config.connections ?? {}),
  };
}

function perKind<T>(of: (kind: Kind) => T): { readonly [K in Kind]: T } {
  return Object.fromEntries(KINDS.map((kind) => [kind, of(kind)])) as { readonly [K in Kind]: T };
}

function rowsOf(moved: MovedYaml): Row[] {
  return KINDS.flatMap((kind) => {
    const holder = moved[kind];
    return holder === undefined ? [] : Object.entries(holder).map(([from, to]) => ({ kind, from, to, holder }));
  });
}

interface Known {
  readonly declared: DropModel;
  readonly rows: readonly Row[];
}

function checkRow({ reporter, positions }: CompileContext, row: Row, { declared, rows }: Known): void {
  const { kind, from, to, holder } = row;
  const data = { kind: ONE[kind], from, to };
  if (declared[kind].includes(from))
    reporter.report("HK1100", positions.key(holder, from), data, {
      hint: "take the row out once the name is used anew, or take the old declaration out",
    });
  if (!declared[kind].includes(to)) {
    reporter.report("HK1101", positions.value(holder, from), data, {
      hint: didYouMean(to, declared[kind]),
      expected: declared[kind].length > 0 ? `one of ${shortList(declared[kind])}` : undefined,
    });
  } else if (
    (kind === "attributes" || kind === "states") &&
    entityAfter(from, declared, rows) !== entityOf(to, declared.entities)
  )
    reporter.report("HK1104", positions.value(holder, from), data, {
      expected: `\`entity.${ONE[kind]}\` of one entity, before and after`,
    });
}

/** The longest entity's name that it begins with. */
function entityOf(full: string, entities: readonly string[]): string | undefined {
  return [...entities].sort((a, b) => b.length - a.length).find((one) => full.startsWith(`${one}.`));
}

/** The entity of an old name, as it is called now. */
function entityAfter(from: string, declared: DropModel, rows: readonly Row[]): string | undefined {
  const moved = new Map(rows.filter((row) => row.kind === "entities").map((row) => [row.from, row.to]));
  const before = entityOf(from, [...declared.entities, ...moved.keys()]);
  return before === undefined ? undefined : (moved.get(before) ?? before);
}

/** Two rows for one old name; and two old names that would fall together, which only states may. */
function checkTwice({ reporter, positions }: CompileContext, rows: readonly Row[]): void {
  for (const [index, row] of rows.entries()) {
    const clash = rows.slice(0, index).find((one) => {
      if (one.kind !== row.kind) return false;
      return one.from === row.from ? one.to !== row.to : one.to === row.to && row.kind !== "states";
    });
    if (clash === undefined) continue;
    reporter.report(
      "HK1102",
      positions.key(row.holder, row.from),
      { kind: ONE[row.kind], from: row.from, to: row.to, other: clash.from, otherTo: clash.to },
      { related: { message: "the other row", mark: positions.key(clash.holder, clash.from) } },
    );
  }
}

function checkDrop({ reporter, positions }: CompileContext, drop: DropYaml, { declared, rows }: Known): void {
  for (const kind of KINDS) {
    const list = drop[kind] ?? [];
    for (const [index, name] of list.entries()) {
      const mark = positions.value(list, index);
      const moved = rows.find((row) => row.kind === kind && row.from === name);
      if (declared[kind].includes(name)) reporter.report("HK1103", mark, { kind: ONE[kind], name });
      else if (moved !== undefined)
        reporter.report(
          "HK1105",
          mark,
          { kind: ONE[kind], name },
          { related: { message: "it moves here", mark: positions.key(moved.holder, name) } },
        );
    }
  }
}
