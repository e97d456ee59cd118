/** Diagnostics as people read them (code frames, as rustc and actionlint print) and as programs do. */
import type { Diagnostic, Span } from "../core/diagnostic.ts";

/** The colours a frame uses: a picocolors instance, or one that does nothing. */
export interface FrameColors {
  red(text: string): string;
  yellow(text: string): string;
  blue(text: string): string;
  bold(text: string): string;
  dim(text: string): string;
}

const same = (text: string) => text;
/** No colour: for pipes. */
export const plainColors: FrameColors = { red: same, yellow: same, blue: same, bold: same, dim: same };

export interface RenderOptions {
  /** Path -> text, for the frames. */
  readonly files: Readonly<Record<string, string>>;
  readonly colors?: FrameColors;
  /** How the program is called, for the command that explains a code. Default: hookrail. */
  readonly program?: string;
}

/** All diagnostics with frames, in their order; empty when there are none. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], options: RenderOptions): string {
  const colors = options.colors ?? plainColors;
  const files = withoutSecrets(diagnostics, options.files);
  const frames = { files, colors, program: options.program ?? "hookrail" };
  return diagnostics.map((diagnostic) => renderOne(diagnostic, frames)).join("\n");
}

/** `2 errors, 1 warning in 4 files (38 ms)`. */
export function summaryLine(
  diagnostics: readonly Diagnostic[],
  checked: { readonly files: number; readonly ms?: number },
): string {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error").length;
  const warnings = diagnostics.length - errors;
  const time = checked.ms === undefined ? "" : ` (${Math.round(checked.ms)} ms)`;
  const found =
    diagnostics.length === 0
      ? "no errors"
      : [count(errors, "error"), count(warnings, "warning")].filter((part) => part !== "").join(", ");
  return `${found} in ${checked.files} ${checked.files === 1 ? "file" : "files"}${time}`;
}

const count = (n: number, word: string) => (n === 0 ? "" : `${n} ${word}${n === 1 ? "" : "s"}`);

/** The JSON form: stable keys, new ones only added. */
export function diagnosticsJson(diagnostics: readonly Diagnostic[]) {
  return {
    format_version: "1.0",
    errors: diagnostics.filter((diagnostic) => diagnostic.severity === "error").length,
    warnings: diagnostics.filter((diagnostic) => diagnostic.severity === "warning").length,
    diagnostics: diagnostics.map((diagnostic) => ({
      code: diagnostic.code,
      severity: diagnostic.severity,
      message: diagnostic.message,
      ...spanJson(diagnostic.span),
      ...(diagnostic.expected === undefined ? {} : { expected: diagnostic.expected }),
      ...(diagnostic.hint === undefined ? {} : { hint: diagnostic.hint }),
      ...(diagnostic.related === undefined
        ? {}
        : { related: { message: diagnostic.related.message, ...spanJson(diagnostic.related.span) } }),
      ...(diagnostic.fix === undefined ? {} : { fix: { text: diagnostic.fix.text, ...spanJson(diagnostic.fix.span) } }),
    })),
  };
}

function spanJson(span: Span) {
  return { file: span.file, line: span.line, column: span.column, end_line: span.endLine, end_column: span.endColumn };
}

/**
 * The lines that frames show, with credentials blotted out: those a diagnostic has found written out, and, for files
 * that did not parse, what looks like one.
 */
function withoutSecrets(diagnostics: readonly Diagnostic[], files: Files): Files {
  const masked: Record<string, string> = {};
  for (const file of new Set(
    diagnostics.flatMap(({ span, related }) => [span.file, ...(related === undefined ? [] : [related.span.file])]),
  )) {
    const text = files[file];
    if (text === undefined) continue;
    const lines = text.split("\n").map(blotLikely);
    for (const { code, span } of diagnostics) {
      const line = lines[span.line - 1];
      if (code === "HK1024" && span.file === file && line !== undefined)
        lines[span.line - 1] = blot(line, span.column - 1, span.endColumn - 1);
    }
    masked[file] = lines.join("\n");
  }
  return masked;
}

const blot = (line: string, from: number, to: number) =>
  line.slice(0, from) + "•".repeat(Math.max(0, Math.min(to, line.length) - from)) + line.slice(to);

const LIKELY = [
  /\b(?:whsec_|sk_live_|sk_test_|rk_live_|xox[abp]-|gh[pousr]_|pat-)[A-Za-z0-9_+/=-]+/g,
  /(?<=\b(?:secret|token|password|passphrase|api_key|private_key|hash_key)["']?:\s*["']?)[^\s"'{}[\],$][^\s"'{}[\],]*/g,
  /(?<=:\/\/[^\s:/@]*:)[^\s@/]+(?=@)/g,
];

/** The line with what looks like a credential blotted out. */
export function blotLikely(line: string): string {
  return LIKELY.reduce((text, pattern) => text.replace(pattern, (found) => "•".repeat(found.length)), line);
}

type Files = Readonly<Record<string, string>>;

function renderOne(diagnostic: Diagnostic, { files, colors, program }: Required<RenderOptions>): string {
  const paint = diagnostic.severity === "error" ? colors.red : colors.yellow;
  const { related, span } = diagnostic;
  const width = String(Math.max(span.line, related?.span.line ?? 0)).length;
  const pad = " ".repeat(width);
  const lines = [
    `${paint(`${diagnostic.severity}[${diagnostic.code}]`)}${colors.bold(`: ${diagnostic.message}`)}`,
    ...frame(span, { files, width, colors, paint, arrow: "-->" }),
  ];
  const note = (text: string) => lines.push(`${pad} ${colors.blue("=")} ${text}`);
  if (diagnostic.hint !== undefined) note(diagnostic.hint);
  if (diagnostic.expected !== undefined) note(`expected: ${diagnostic.expected}`);
  if (related !== undefined) {
    lines.push(
      ...frame(related.span, { files, width, colors, paint: colors.blue, arrow: ":::", label: related.message }),
    );
  }
  note(colors.dim(`more: ${program} explain ${diagnostic.code}`));
  return `${lines.join("\n")}\n`;
}

interface FrameOptions {
  readonly files: Files;
  readonly width: number;
  readonly colors: FrameColors;
  readonly paint: (text: string) => string;
  readonly arrow: string;
  readonly label?: string;
}

function frame(span: Span, { files, width, colors, paint, arrow, label }: FrameOptions): string[] {
  const pad = " ".repeat(width);
  const head = `${pad}${colors.blue(arrow)} ${span.file}:${span.line}:${span.column}`;
  const text = files[span.file]?.split("\n")[span.line - 1]?.replace(/\r$/, "");
  if (text === undefined) return label === undefined ? [head] : [head, `${pad} ${colors.blue("=")} ${label}`];
  const shown = cutLine(text, span.column - 1, span.endColumn - span.column);
  const caret = `${blankOut(shown.text.slice(0, shown.at))}${paint("^".repeat(shown.length))}`;
  const bar = colors.blue("|");
  const number = colors.blue(String(span.line).padStart(width));
  return [
    head,
    `${pad} ${bar}`,
    `${number} ${bar} ${shown.text}`,
    `${pad} ${bar} ${caret}${label === undefined ? "" : ` ${paint(label)}`}`,
  ];
}

const MAX_WIDTH = 150;

/** Long lines are cut around the fault. */
function cutLine(
  line: string,
  at: number,
  length: number,
): { readonly text: string; readonly at: number; readonly length: number } {
  const start = Math.min(at, line.length);
  const carets = Math.max(1, Math.min(length, Math.max(1, line.length - start)));
  if (line.length <= MAX_WIDTH) return { text: line, at: start, length: carets };
  const from = Math.max(0, Math.min(start - 40, line.length - MAX_WIDTH));
  const cut = line.slice(from, from + MAX_WIDTH);
  const lead = from > 0 ? "…" : "";
  const tail = from + MAX_WIDTH < line.length ? "…" : "";
  return {
    text: `${lead}${cut}${tail}`,
    at: start - from + lead.length,
    length: Math.min(carets, Math.max(1, cut.length - (start - from))),
  };
}

/** Tabs stay tabs, so that the caret stands under what it means. */
function blankOut(text: string): string {
  return [...text].map((char) => (char === "\t" ? "\t" : " ")).join("");
}
