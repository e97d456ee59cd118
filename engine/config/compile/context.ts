/** What all compile steps share: the validated YAML, where it stands, and the few ways to report. */
import { parseDuration } from "../../core/duration.ts";
import type { ErrorCode } from "../../core/errors.ts";
import type { Expression } from "../../core/expression.ts";
import { parseNetwork } from "../../core/networks.ts";
import { didYouMean, slipOf } from "../../core/suggest.ts";
import { type CompileOptions, compileExpression } from "../../mapping/expression.ts";
import { type MemberSet, reportCut } from "../leaves.ts";
import { type Mark, type Positions, positionOf } from "../position.ts";
import { type FaultOptions, fixTo, type Reporter } from "../report.ts";
import type { ConfigYaml } from "../schema/config.schema.ts";
import type { PipelineYaml } from "../schema/pipeline.schema.ts";

export interface CompileContext {
  readonly positions: Positions;
  readonly reporter: Reporter;
  /** Members validation has already reported. */
  readonly faulty: MemberSet;
  readonly config: ConfigYaml;
  /** False when `config.yaml` did not parse: names it would declare are then not missed. */
  readonly configSound: boolean;
  readonly pipelines: readonly PipelineYaml[];
  /** Wall clock, for `until:` dates; absent: not compared. */
  readonly now: number | undefined;
}

/** A kind of name, as messages call it, and the code of one that is not declared. */
const KINDS = {
  team: "HK1040",
  entity: "HK1041",
  attribute: "HK1042",
  state: "HK1043",
  table: "HK1044",
  fragment: "HK1277",
  column: "HK1044",
  source: "HK1045",
  connection: "HK1046",
  provider: "HK1047",
  sink: "HK1048",
  id: "HK1049",
  pipeline: "HK1050",
  sample: "HK1051",
  contract: "HK1052",
  channel: "HK1053",
  delivery: "HK1056",
  role: "HK1054",
} as const satisfies Record<string, ErrorCode>;

/** Where names are declared: of a section that is broken as a whole, none is missed. */
const SECTIONS: { readonly [K in NameKind]?: string } = {
  team: "teams",
  entity: "entities",
  table: "tables",
  fragment: "fragments",
  source: "sources",
  connection: "connections",
  channel: "channels",
};

export type NameKind = keyof typeof KINDS;

/** True when the name is declared; reports it otherwise. Placeholders of broken parts are passed over. */
export function checkName(
  context: CompileContext,
  kind: NameKind,
  name: string,
  place: { readonly names: Iterable<string>; readonly mark: Mark },
): boolean {
  const names = [...new Set(place.names)];
  if (names.includes(name)) return true;
  if (name === "" || !context.configSound) return false;
  const section = SECTIONS[kind];
  if (section !== undefined && context.faulty.has(context.config, section)) return false;
  context.reporter.report(
    KINDS[kind],
    place.mark,
    { kind, name },
    {
      hint: didYouMean(name, names) ?? (names.length === 0 ? `no ${kind} is declared` : undefined),
      expected: names.length > 0 ? `one of ${shortList(names)}` : undefined,
      fix: fixTo(slipOf(name, names)),
    },
  );
  return false;
}

/** Checks each name of a list. */
export function checkNames(
  context: CompileContext,
  kind: NameKind,
  list: readonly string[],
  names: Iterable<string>,
): void {
  const known = [...names];
  for (const [index, name] of list.entries()) {
    checkName(context, kind, name, { names: known, mark: context.positions.value(list, index) });
  }
}

/** The first dozen names. */
export function shortList(names: readonly string[]): string {
  const sorted = [...names].sort();
  return sorted.length > 12 ? `${sorted.slice(0, 12).join(", ")}, …` : sorted.join(", ");
}

/** Compiles the expression that is a member of a parsed object; faults go to their place in the file. */
export function compileMember(
  context: CompileContext,
  holder: object,
  name: string | number,
  options: Omit<CompileOptions, "position">,
  related?: FaultOptions["related"],
): Expression | undefined {
  const source: unknown = Reflect.get(holder, name);
  if (typeof source !== "string" || source === "" || context.faulty.has(holder, name)) return undefined;
  const mark = context.positions.value(holder, name);
  const compiled = compileExpression(source, { ...options, position: positionOf(expressionStart(mark)) });
  if (!compiled.ok && compiled.faults.some((fault) => fault.code === "HK2001") && reportCut(context.reporter, mark))
    return undefined;
  for (const fault of compiled.ok ? compiled.warnings : compiled.faults)
    context.reporter.expression(fault, mark, related);
  return compiled.ok ? compiled.expression : undefined;
}

/** Where the text itself begins: past a quote. */
function expressionStart(mark: Mark): Mark {
  const style = mark.scalar?.style;
  return style === "single" || style === "double" ? { ...mark, start: mark.start + 1 } : mark;
}

/** Reports each entry of a list of networks that can not be read. */
export function checkNetworks(context: CompileContext, list: readonly string[] | undefined): void {
  for (const [index, text] of (list ?? []).entries()) {
    const parsed = parseNetwork(text);
    // References that could not be resolved have been reported.
    if (!parsed.ok && text !== "" && !context.faulty.has(list as object, String(index)))
      context.reporter.report(
        "HK1120",
        context.positions.value(list as object, index),
        { text },
        { expected: parsed.expected },
      );
  }
}

/** Milliseconds of a duration the schema has accepted; the default for absent and broken ones. */
export function durationOr(text: string | undefined, fallbackMs: number): number {
  const parsed = parseDuration(text);
  return parsed.ok ? parsed.value : fallbackMs;
}

/** One value or a list of it, as a list. */
export function listOf<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return isList(value) ? value : [value];
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
