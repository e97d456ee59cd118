/** One expression over one subject: what it read, what it gave, and what an author should know of it. */
import type { Revision } from "../../config/revision.ts";
import type { Diagnostic } from "../../core/diagnostic.ts";
import type { ErrorCode } from "../../core/errors.ts";
import type { Evaluator, Expression, ExpressionAnswer, InputReading } from "../../core/expression.ts";
import type { Json } from "../../core/types.ts";
import { isJsonObject } from "../../core/values.ts";
import { compileExpression } from "../../mapping/expression.ts";
import type { Row } from "../../mapping/model.ts";
import { describeMissing, missingReadings } from "../../mapping/policy.ts";
import { decideRow, rowExpressions } from "../../mapping/rows.ts";
import type { Subject } from "./subject.ts";

/** The file that carets of faults point into. */
export const EXPRESSION_FILE = "expression";

export interface Verdict {
  /** Faults of the expression, or of its evaluation; warnings are not among them. */
  readonly faults: readonly Diagnostic[];
  readonly value: Json | undefined;
  /** As JSON calls it, or `nothing`. */
  readonly type: string;
  readonly reads: readonly InputReading[];
  readonly warnings: readonly string[];
  readonly ms: number;
  /** The compiled subset ran it, without the interpreter. */
  readonly compiled: boolean;
  /** What it read feeds a sensitive attribute. */
  readonly sensitive: boolean;
  /** What the rows with this expression would make of it: through their table, `take:`, type and policy. */
  readonly rows: readonly RowVerdict[];
}

export interface RowVerdict {
  /** `customer.seats`. */
  readonly name: string;
  readonly at: string;
  readonly result: "set" | "initial" | "clear" | "keep" | "dead";
  readonly value?: Json;
  /** Why it keeps, or the dead letter with its code. */
  readonly why?: string;
}

export interface Judging {
  readonly revision: Revision;
  readonly evaluator: Evaluator;
  readonly monotonic: () => number;
}

export async function judge(source: string, subject: Subject, judging: Judging): Promise<Verdict> {
  const compiled = compileExpression(source, { variables: subject.variables });
  if (!compiled.ok) return faulty(compiled.faults.map((fault) => diagnosticOf(source, fault)));
  const { expression } = compiled;
  const started = judging.monotonic();
  const [answer] = await judging.evaluator.answer([expression], subject.scope);
  const ms = judging.monotonic() - started;
  const result = answer?.result;
  const reads = answer?.readings ?? [];
  const rows =
    answer === undefined
      ? []
      : rowsOf(expression, subject).map((row) => rowVerdict(row, answer, { subject, revision: judging.revision }));
  const sensitive = subject.payload.stored && readsSensitive(expression, subject, judging.revision);
  if (result !== undefined && !result.ok && missingReadings(reads).length > 0) {
    // A row never gets as far as the failure.
    const [decided = ""] = missingWarnings(expression, { value: undefined, reads, subject });
    const warnings = [`${decided}; by itself it fails: ${result.message}`];
    return { ...faulty([]), reads, warnings, ms, compiled: expression.fast, sensitive, rows };
  }
  if (result === undefined || !result.ok) {
    const fault = {
      code: (result?.code ?? "HK2012") as ErrorCode,
      severity: "error" as const,
      message: result?.message ?? "not evaluated",
      offset: result?.offset ?? 0,
      length: result?.offset === undefined ? source.length : 1,
    };
    return { ...faulty([diagnosticOf(source, fault)]), reads, ms, compiled: expression.fast, sensitive, rows };
  }
  const warnings = [
    ...compiled.warnings.map((one) => `${one.message}${one.hint === undefined ? "" : ` (${one.hint})`} [${one.code}]`),
    ...warningsOf(expression, { value: result.value, reads, subject }),
  ];
  return {
    faults: [],
    value: result.value,
    type: typeOf(result.value),
    reads,
    warnings,
    ms,
    compiled: expression.fast,
    sensitive,
    rows,
  };
}

function faulty(faults: readonly Diagnostic[]): Verdict {
  return {
    faults,
    value: undefined,
    type: "nothing",
    reads: [],
    warnings: [],
    ms: 0,
    compiled: false,
    sensitive: false,
    rows: [],
  };
}

interface Fault extends Pick<Diagnostic, "code" | "severity" | "message"> {
  readonly offset: number;
  readonly length: number;
  readonly hint?: string;
}

function diagnosticOf(source: string, fault: Fault): Diagnostic {
  const before = source.slice(0, fault.offset).split("\n");
  const line = before.length;
  const column = (before.at(-1)?.length ?? 0) + 1;
  const rest = (source.split("\n")[line - 1]?.length ?? 0) - column + 1;
  const length = Math.max(1, Math.min(fault.length, rest));
  return {
    code: fault.code,
    severity: fault.severity,
    message: fault.message,
    span: { file: EXPRESSION_FILE, line, column, endLine: line, endColumn: column + length },
    ...(fault.hint === undefined ? {} : { hint: fault.hint }),
  };
}

export function typeOf(value: Json | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return `list of ${value.length}`;
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value === "string" ? "text" : typeof value;
}

interface Told {
  readonly value: Json | undefined;
  readonly reads: readonly InputReading[];
  readonly subject: Subject;
}

function warningsOf(expression: Expression, told: Told): readonly string[] {
  return [...missingWarnings(expression, told), ...shapeWarnings(told), ...textWarnings(told.value)];
}

/** The result is not looked at when an input is missing: the trap that `eval` is there to show. */
function missingWarnings(expression: Expression, { reads, subject, value }: Told): readonly string[] {
  const missing = missingReadings(reads);
  if (missing.length === 0)
    return value === undefined || value === null || value === ""
      ? [
          `the result is ${value === "" ? "empty" : "nothing"}: a row treats it as missing${policyText(expression, subject)}`,
        ]
      : [];
  const alone = value === undefined ? "" : `; the value above is what JSONata makes of it, and no row would write it`;
  return [`${describeMissing(missing)}: a row's \`missing:\` decides${policyText(expression, subject)}${alone}`];
}

interface OwnRow {
  readonly entity: string;
  readonly row: Row;
}

/** The rows with this very expression. */
function rowsOf(expression: Expression, { rule }: Subject): readonly OwnRow[] {
  const rows = (rule?.writes ?? []).flatMap((write) => write.fields.map((row) => ({ row, entity: write.entity })));
  return rows.filter(
    ({ row }) => row.source.kind === "expression" && row.source.expression.source.trim() === expression.source.trim(),
  );
}

function rowVerdict(
  { row, entity }: OwnRow,
  answer: ExpressionAnswer,
  { subject, revision }: { readonly subject: Subject; readonly revision: Revision },
): RowVerdict {
  const attribute = revision.entities.get(entity)?.attributes.get(row.name);
  const times = subject.pipeline?.source.times ?? "iso";
  const outcome = decideRow(row, [answer], { times, ...(attribute === undefined ? {} : { attribute }) });
  const place = { name: `${entity}.${row.name}`, at: `${row.position.file}:${row.position.line}` };
  if (outcome.kind === "dead") return { ...place, result: "dead", why: `${outcome.message} [${outcome.code}]` };
  const { result } = outcome.mapped;
  if (result.kind === "set" || result.kind === "initial") return { ...place, result: result.kind, value: result.value };
  return { ...place, result: result.kind, ...(result.kind === "keep" ? { why: result.why } : {}) };
}

/** Of the row with this very expression; else what rows do by default. */
function policyText(expression: Expression, subject: Subject): string {
  const [own] = rowsOf(expression, subject);
  if (own === undefined) return ", by default keep";
  const { file, line } = own.row.position;
  return `, in ${own.entity}.${own.row.name} (${file}:${line}) ${policyName(own.row)}`;
}

function policyName({ missing }: Row): string {
  return missing.kind === "initial" || missing.kind === "value"
    ? `${missing.kind} ${JSON.stringify(missing.value)}`
    : missing.kind;
}

/** JSONata unwraps a list of one: what is one value today is a list on the day the sender sends two. */
function shapeWarnings({ value, reads, subject }: Told): readonly string[] {
  const lists = reads.flatMap((reading) => (reading.input.every ? [] : listsOn(reading.input.path, subject)));
  if (Array.isArray(value))
    return [
      `the result is a list of ${value.length}: an attribute that is no list needs \`take:\`, or a place such as [0]`,
    ];
  return lists
    .filter(({ length }) => length === 1)
    .map(
      ({ path }) =>
        `\`${path}\` is a list of one, unwrapped; with two items the result is a list: say \`take:\`, or a place such as [0]`,
    );
}

/** Lists that a plain path goes through without saying which item. */
function listsOn(path: string, { scope }: Subject): readonly { readonly path: string; readonly length: number }[] {
  const names = path.split(".");
  if (!names.every((name) => /^\$?[A-Za-z_]\w*$/.test(name))) return [];
  const found: { path: string; length: number }[] = [];
  const [first = "", ...rest] = names;
  let here: Json | undefined = first.startsWith("$") ? scope.variables[first.slice(1)] : member(scope.input, first);
  let at = first;
  for (const name of [...rest, ""]) {
    if (Array.isArray(here)) {
      found.push({ path: at, length: here.length });
      here = here[0] as Json | undefined;
    }
    if (name !== "") here = member(here, name);
    at = `${at}.${name}`;
  }
  return found;
}

const member = (value: Json | undefined, name: string): Json | undefined =>
  isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;

function textWarnings(value: Json | undefined): readonly string[] {
  if (typeof value !== "string" || !/^-?\d+(\.\d+)?$/.test(value)) return [];
  return [
    "the result is text that looks like a number: an integer or number attribute refuses it; $number(…) makes it one",
  ];
}

/** True when a row of a sensitive attribute reads the same part of the payload, by itself or through `let:`. */
function readsSensitive(expression: Expression, { payload }: Subject, revision: Revision): boolean {
  const rules = revision.pipelines
    .filter(({ source }) => source.name === payload.source?.name)
    .flatMap(({ rules: all }) => all);
  const root = payload.source?.root ?? "";
  const hidden = rules.flatMap((rule) => {
    const paths = new Set<string>();
    const add = (one: Expression): void => {
      for (const { path, root } of one.inputs) {
        if (!paths.has(path)) paths.add(path);
        const bound = typeof root === "object" ? rule.lets.find(({ name }) => name === root.variable) : undefined;
        if (bound !== undefined && bound.expression !== one) add(bound.expression);
      }
    };
    for (const write of rule.writes)
      for (const row of write.fields)
        if (revision.entities.get(write.entity)?.attributes.get(row.name)?.sensitive === true)
          rowExpressions(row).forEach(add);
    return [...paths].map((path) => plainPath(path, root));
  });
  if (hidden.length === 0) return false;
  const own = expression.inputs.map(({ path }) => plainPath(path, root));
  // What reads nothing that can be named, such as `$` or `**`, may give anything.
  if (own.length === 0) return /\$|\*/.test(expression.source);
  return own.some((path) =>
    hidden.some((one) => path === "" || one === path || one.startsWith(`${path}.`) || path.startsWith(`${one}.`)),
  );
}

/** A path below the root, without predicates: `$event.data.object.email` is `email`, and what holds the root is all of it. */
function plainPath(path: string, root: string): string {
  const bare = path.replace(/\[[^\]]*\]/g, "").replace(/[()`]/g, "");
  if (/^(?:\$\$?|\$event)$/.test(bare)) return "";
  if (!bare.startsWith("$event.")) return bare.replace(/^\$\$?\./, "");
  const whole = bare.slice("$event.".length);
  if (root === "" || root === whole || root.startsWith(`${whole}.`)) return root === "" ? whole : "";
  return whole.startsWith(`${root}.`) ? whole.slice(root.length + 1) : bare;
}
