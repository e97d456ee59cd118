/** How the result of an evaluation is told: to people, and as JSON. */
import { diagnosticsJson, renderDiagnostics } from "../../config/render.ts";
import type { InputReading } from "../../core/expression.ts";
import { HIDDEN } from "../../http/documents.ts";
import { missingReadings } from "../../mapping/policy.ts";
import type { Cli, Output } from "../context.ts";
import { formatMs, formatValue, plainText } from "../format.ts";
import { EXPRESSION_FILE, type RowVerdict, typeOf, type Verdict } from "./judge.ts";
import type { Subject } from "./subject.ts";

export interface Told {
  readonly expression: string;
  readonly subject: Subject;
  readonly verdict: Verdict;
  /** Show what feeds sensitive attributes. */
  readonly reveal: boolean;
}

const isHidden = ({ verdict, reveal }: Told) => verdict.sensitive && !reveal;

/** All of it, over several lines. */
export function renderVerdict(cli: Cli, out: Output, told: Told): string {
  const { verdict, expression } = told;
  const { color } = out;
  const line = (name: string, text: string) => `${color.dim(name.padEnd(8))} ${text}\n`;
  const hidden = isHidden(told);
  const faults = renderDiagnostics(verdict.faults, {
    files: { [EXPRESSION_FILE]: expression },
    colors: color,
    program: cli.name,
  });
  const value =
    verdict.faults.length > 0
      ? `${faults.trimEnd()}\n`
      : line(
          "value",
          hidden ? `${HIDDEN}; it feeds a sensitive attribute, and --show-sensitive shows it` : valueText(verdict),
        ) + line("type", verdict.type);
  const reads = verdict.reads.map((one, index) => line(index === 0 ? "reads" : "", readText(one, told)));
  const warnings = verdict.warnings.map((one) => `${color.yellow("warning")}  ${plainText(one)}\n`);
  const rows = verdict.rows.map((one) => line("row", rowText(one, hidden)));
  const how = verdict.compiled ? "compiled" : "by the interpreter";
  const time = verdict.faults.length > 0 && verdict.ms === 0 ? "" : line("time", `${timeText(verdict.ms)}, ${how}`);
  return `${value}${reads.join("")}${rows.join("")}${warnings.join("")}${time}`;
}

/** `subscription.plan: set "team"`, and where the row stands. */
function rowText({ name, at, result, value, why }: RowVerdict, hidden: boolean): string {
  const made = value === undefined ? "" : ` ${hidden ? HIDDEN : formatValue(value)}`;
  const told =
    result === "dead"
      ? `dead letter: ${plainText(why ?? "")}`
      : `${result}${made}${why === undefined ? "" : ` (${why})`}`;
  return `${name}: ${told}   ${at}`;
}

/** Short values on one line, others as JSON over several. */
function valueText({ value }: Verdict): string {
  if (value === undefined) return "(nothing)";
  const line = formatValue(value, Number.POSITIVE_INFINITY);
  if (line.length <= 90 || typeof value !== "object") return line;
  return JSON.stringify(value, undefined, 2).split("\n").map(plainText).join("\n         ");
}

function readText(reading: InputReading, told: Told): string {
  const { input, presence, value } = reading;
  const missing = missingReadings([reading]).length > 0;
  const notes = [
    ...(input.optional ? ["only asked whether it is there"] : []),
    ...(input.every ? ["in every place"] : []),
    ...(input.nullable === true && presence !== "absent" ? ["null and empty count as values here"] : []),
  ];
  const shown = presence === "absent" ? "" : ` ${isHidden(told) ? HIDDEN : formatValue(value, 50)}, ${typeOf(value)}`;
  const note = notes.length === 0 ? "" : ` (${notes.join("; ")})`;
  return `${plainText(input.path)}: ${missing ? `${presence}, missing` : presence}${shown}${note}`;
}

const timeText = (ms: number) => (ms < 1 ? `${Math.max(0.01, Number(ms.toFixed(2)))} ms` : formatMs(ms));

/** One line of many: the payload, the value, what was missing. */
export function renderLine(told: Told): string {
  const { subject, verdict } = told;
  const [fault] = verdict.faults;
  if (fault !== undefined) return `${subject.payload.label}: error[${fault.code}]: ${plainText(fault.message)}\n`;
  const missing = missingReadings(verdict.reads).map(({ input, presence }) => `${input.path} ${presence}`);
  const note = missing.length === 0 ? "" : `  missing: ${plainText(missing.join(", "))}`;
  return `${subject.payload.label}: ${isHidden(told) ? HIDDEN : formatValue(verdict.value, 120)}  ${verdict.type}${note}\n`;
}

export function verdictDocument(told: Told) {
  const { expression, subject, verdict } = told;
  const hidden = isHidden(told);
  const { diagnostics } = diagnosticsJson(verdict.faults);
  return {
    expression,
    on: subject.payload.label,
    ...(subject.pipeline === undefined ? {} : { pipeline: subject.pipeline.name }),
    ...(subject.rule === undefined ? {} : { rule: subject.rule.name ?? subject.rule.on.join(", ") }),
    ...(subject.item === undefined ? {} : { item: subject.item }),
    ok: verdict.faults.length === 0,
    present: verdict.value !== undefined,
    value: hidden ? HIDDEN : (verdict.value ?? null),
    type: verdict.type,
    sensitive: verdict.sensitive,
    reads: verdict.reads.map((one) => ({
      path: one.input.path,
      presence: one.presence,
      missing: missingReadings([one]).length > 0,
      value: hidden ? HIDDEN : (one.value ?? null),
      every: one.input.every,
      optional: one.input.optional,
    })),
    rows: verdict.rows.map((one) => (hidden && one.value !== undefined ? { ...one, value: HIDDEN } : one)),
    warnings: verdict.warnings,
    errors: diagnostics,
    compiled: verdict.compiled,
    time_ms: Number(verdict.ms.toFixed(3)),
  };
}
