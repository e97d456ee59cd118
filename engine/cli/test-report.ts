/** What `hookrail test` found, for people, for programs and for CI: only what differs is shown. */
import type { Coverage } from "../testing/coverage.ts";
import type { Cli } from "./context.ts";
import { formatMs, plainText } from "./format.ts";
import type { CaseResult, TestRun } from "./test-run.ts";

/** One line, and the differences below it. Generated tests that pass are only counted. */
export function formatCase(cli: Cli, result: CaseResult, code: string | undefined): string {
  const { color } = cli.out;
  if (result.passed && result.kind === "generated") return "";
  const name = `${result.pipeline} / ${result.name}`;
  if (result.passed) return `${color.green("ok")}    ${name}${color.dim(ordersOf(result))}\n`;
  const { file, line } = result.position;
  const order = result.order === undefined ? "" : `      arrived in the order ${result.order.join(", ")}\n`;
  const frame = code === undefined ? "" : `      ${color.dim(`${line} | ${code.trim()}`)}\n`;
  const lines = result.differences.map((text) => `      ${plainText(text)}\n`).join("");
  return `${color.red("FAIL")}  ${name}   ${color.dim(`${file}:${line}`)}\n${frame}${order}${lines}`;
}

function ordersOf({ orders = 1, sampledBy, kind }: CaseResult): string {
  if (sampledBy !== undefined) return ` (a sample of ${orders.toLocaleString("en")} orders, seed ${sampledBy})`;
  if (orders <= 1) return "";
  return ` (${orders.toLocaleString("en")} orders${kind === "trace" ? ", and each with one event twice" : ""})`;
}

/** The last lines: how many passed, what is not exercised. */
export function formatSummary(cli: Cli, run: TestRun, options: { ms: number; coverage: boolean }): string {
  const written = run.cases.filter((one) => one.kind !== "generated");
  const generated = run.cases.filter((one) => one.kind === "generated");
  const lines = [];
  if (generated.length > 0) lines.push(`generated: ${counts(generated)}`);
  for (const rule of run.unreached) lines.push(cli.out.color.dim(`generated: no sample and no test reaches ${rule}`));
  const { fields, policies, transitions, sinks } = run.coverage;
  const parts = Object.entries({ fields, policies, transitions, sinks }).filter(([, part]) => part.total > 0);
  if (parts.length > 0)
    lines.push(`exercised: ${parts.map(([name, part]) => `${name} ${part.exercised}/${part.total}`).join(" · ")}`);
  if (options.coverage) lines.push(...notExercised(run.coverage));
  lines.push(`${counts(written)}   (${formatMs(options.ms)})`);
  return lines.map((line) => `${line}\n`).join("");
}

function counts(cases: readonly CaseResult[]): string {
  const failed = cases.filter((one) => !one.passed).length;
  return failed === 0 ? `${cases.length} passed, 0 failed` : `${cases.length - failed} passed, ${failed} failed`;
}

function notExercised(coverage: Coverage): string[] {
  return Object.entries(coverage).flatMap(([name, part]) =>
    "not" in part && part.not.length > 0
      ? [`no test exercises these ${name}:`, ...part.not.map((one: string) => `      ${one}`)]
      : [],
  );
}

/** Machine output; generated tests by number, and the failed ones by name. */
export function testDocument(run: TestRun) {
  const written = run.cases.filter((one) => one.kind !== "generated");
  const generated = run.cases.filter((one) => one.kind === "generated");
  const failed = (cases: readonly CaseResult[]) => cases.filter((one) => !one.passed);
  const { misfits: _misfits, ...coverage } = run.coverage;
  return {
    tests: written.map(caseDocument),
    passed: written.length - failed(written).length,
    failed: failed(written).length,
    generated: {
      passed: generated.length - failed(generated).length,
      failed: failed(generated).length,
      failures: failed(generated).map(caseDocument),
      unreached: run.unreached,
    },
    coverage,
  };
}

function caseDocument(result: CaseResult) {
  return {
    kind: result.kind,
    pipeline: result.pipeline,
    name: result.name,
    at: `${result.position.file}:${result.position.line}`,
    passed: result.passed,
    orders: result.orders ?? 1,
    differences: result.differences,
    ...(result.order === undefined ? {} : { order: result.order }),
    ...(result.sampledBy === undefined ? {} : { sampled_by: result.sampledBy }),
  };
}

/** JUnit's XML, as CI servers read it: a suite for each pipeline. */
export function junitXml(run: TestRun): string {
  const suites = new Map<string, CaseResult[]>();
  for (const one of run.cases) suites.set(one.pipeline, [...(suites.get(one.pipeline) ?? []), one]);
  const body = [...suites].map(([pipeline, cases]) => {
    const failed = cases.filter((one) => !one.passed).length;
    return `  <testsuite name="${xml(pipeline)}" tests="${cases.length}" failures="${failed}" time="${seconds(cases)}">\n${cases.map(junitCase).join("")}  </testsuite>\n`;
  });
  const failed = run.cases.filter((one) => !one.passed).length;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="hookrail" tests="${run.cases.length}" failures="${failed}" time="${seconds(run.cases)}">\n${body.join("")}</testsuites>\n`;
}

function junitCase(result: CaseResult): string {
  const { file, line } = result.position;
  const head = `    <testcase classname="${xml(result.pipeline)}" name="${xml(result.name)}" file="${xml(file)}" line="${line}" time="${seconds([result])}"`;
  if (result.passed) return `${head}/>\n`;
  const [first = "failed"] = result.differences;
  return `${head}>\n      <failure message="${xml(first)}">${xml(result.differences.join("\n"))}</failure>\n    </testcase>\n`;
}

const seconds = (cases: readonly CaseResult[]): string =>
  (cases.reduce((sum, one) => sum + one.ms, 0) / 1_000).toFixed(3);

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\n": "&#10;",
};

/** Characters that XML 1.0 can not hold are told by their code. */
function xml(text: string): string {
  return plainText(text.replaceAll("\n", "\u0000"))
    .replaceAll("\\u0000", "\n")
    .replace(/[&<>"\n]/g, (c) => ESCAPES[c] ?? c);
}
