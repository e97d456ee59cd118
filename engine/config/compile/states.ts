/** Tables of `states:` against the rules that write states: what is never entered, never left, or nobody's decision. */
import type { EntityModel } from "../../core/entity.ts";
import type { Row } from "../../mapping/model.ts";
import type { EntityYaml } from "../schema/entities.schema.ts";
import type { CompileContext } from "./context.ts";
import type { CompiledPipeline } from "./pipelines.ts";

/** One rule that writes the state of an entity. */
interface StateWrite {
  readonly pipeline: CompiledPipeline;
  readonly rule: number;
  /** The states it can write. */
  readonly targets: readonly string[];
}

interface Machine {
  readonly entity: EntityModel;
  readonly transitions: ReadonlyMap<string, ReadonlySet<string>>;
  /** As written: marks of its keys. */
  readonly table: Extract<NonNullable<EntityYaml["states"]>, Readonly<Record<string, unknown>>>;
  readonly writes: readonly StateWrite[];
  /** States some rule writes: an entity that was not seen before may come to any of them first. */
  readonly written: ReadonlySet<string>;
}

/** Only tables: a list allows every move, and its order is all it says. */
export function checkStates(
  context: CompileContext,
  pipelines: readonly CompiledPipeline[],
  entities: ReadonlyMap<string, EntityModel>,
): void {
  for (const entity of entities.values()) {
    const table = context.config.entities?.[entity.name]?.states;
    if (entity.transitions === undefined || table === undefined || Array.isArray(table)) continue;
    const writes = writesOf(pipelines, entity);
    // Nobody writes its states yet, or a seed does: then nothing can be said of them.
    if (writes.length === 0) continue;
    const machine: Machine = {
      entity,
      transitions: entity.transitions,
      table: table as Machine["table"],
      writes,
      written: new Set(writes.flatMap((write) => write.targets)),
    };
    reportNeverEntered(context, machine);
    reportNeverLeft(context, machine);
    reportUndecided(context, machine);
    reportSelf(context, machine);
  }
}

function writesOf(pipelines: readonly CompiledPipeline[], entity: EntityModel): StateWrite[] {
  return pipelines.flatMap((pipeline) =>
    pipeline.rules.flatMap((rule) =>
      rule.writes.flatMap((write) =>
        write.entity === entity.name && write.state !== undefined
          ? [{ pipeline, rule: rule.index, targets: targetsOf(write.state, entity) }]
          : [],
      ),
    ),
  );
}

/** A constant, the rows of a table, or, where it is computed, any state. */
function targetsOf(row: Row, entity: EntityModel): readonly string[] {
  const values =
    row.source.kind === "value"
      ? [row.source.value]
      : row.table === undefined
        ? entity.states
        : [...row.table.rows.values()];
  const fallback = row.missing.kind === "value" || row.missing.kind === "initial" ? [row.missing.value] : [];
  return [...new Set([...values, ...fallback])].filter(
    (value): value is string => typeof value === "string" && entity.states.includes(value),
  );
}

function reportNeverEntered(context: CompileContext, machine: Machine): void {
  for (const state of machine.entity.states) {
    if (machine.written.has(state)) continue;
    const moves = movesAround(machine, state);
    context.reporter.report(
      "HK1170",
      context.positions.key(machine.table, state),
      { state, entity: machine.entity.name },
      {
        severity: "warning",
        hint: moves.length === 0 ? undefined : `so these moves are never made: ${moves.join(", ")}`,
      },
    );
  }
}

function movesAround({ transitions }: Machine, state: string): string[] {
  return [...transitions].flatMap(([from, targets]) =>
    [...targets].filter((to) => from !== to && (from === state || to === state)).map((to) => `${from} -> ${to}`),
  );
}

function reportNeverLeft(context: CompileContext, machine: Machine): void {
  for (const [state, targets] of machine.transitions) {
    const exits = [...targets].filter((to) => to !== state);
    if (!machine.written.has(state) || exits.length === 0 || exits.some((to) => machine.written.has(to))) continue;
    context.reporter.report(
      "HK1171",
      context.positions.key(machine.table, state),
      { state, entity: machine.entity.name, exits: list(exits, "or") },
      { severity: "warning", hint: `if it is final, say \`${state}: []\`` },
    );
  }
}

function reportUndecided(context: CompileContext, machine: Machine): void {
  for (const { pipeline, rule, targets } of machine.writes) {
    const yaml = pipeline.yaml.rules[rule];
    const write = yaml?.write?.[machine.entity.name];
    if (write === undefined || yaml?.hold !== undefined || pipeline.yaml.hold !== undefined) continue;
    const moves = targets.flatMap((target) => {
      const from = [...machine.written].filter(
        (state) => state !== target && !(machine.transitions.get(state)?.has(target) ?? false),
      );
      return from.length === 0 ? [] : [`${quoted(target)} from ${list(from, "and")}`];
    });
    if (moves.length === 0) continue;
    context.reporter.report(
      "HK1172",
      context.positions.value(write, "state"),
      { entity: machine.entity.name, moves: moves.join("; ") },
      { severity: "warning", hint: "say with `hold:` what happens then, or allow the move in the table" },
    );
  }
}

function reportSelf(context: CompileContext, machine: Machine): void {
  for (const [state, targets] of Object.entries(machine.table)) {
    if (!Array.isArray(targets)) continue;
    const index = targets.indexOf(state);
    if (index === -1) continue;
    context.reporter.report(
      "HK1173",
      context.positions.value(targets, index),
      { state, entity: machine.entity.name },
      { severity: "warning" },
    );
  }
}

const quoted = (name: string): string => `\`${name}\``;

function list(names: readonly string[], word: "and" | "or"): string {
  const all = names.map(quoted);
  const last = all.pop() ?? "";
  return all.length === 0 ? last : `${all.join(", ")} ${word} ${last}`;
}
