/** What YAML itself refuses, said in the author's terms: most of it is an expression that should have been quoted. */
import type { YAMLError } from "yaml";
import type { Mark, SourceFile } from "./position.ts";
import type { Reporter } from "./report.ts";

/** Keys whose values are expressions: only used where a file does not parse and the schema can't be asked. */
const EXPRESSION_KEYS = new Set(["when", "from", "derive", "not_after", "body", "key", "first", "let", "fields"]);

/**
 * Reports a document's syntax errors. Values that start with a forbidden character are each a fault of their own;
 * of the rest the first is told and the others are taken to follow from it.
 */
export function reportSyntax(errors: readonly YAMLError[], source: SourceFile, reporter: Reporter): void {
  let told = false;
  for (const error of errors) {
    const mark: Mark = { source, start: error.pos[0], end: Math.max(error.pos[1], error.pos[0] + 1) };
    const line = lineAt(source.text, mark.start);
    if (error.code === "BAD_SCALAR_START") {
      const value = source.text.slice(mark.start, valueEnd(source.text, mark.start));
      reporter.report(
        "HK1030",
        { ...mark, end: mark.start + value.length },
        { what: `${value[0] === "`" ? "a backtick" : `\`${value[0] ?? ""}\``} can't start a plain value` },
        { hint: quoteHint(value), fix: { text: quoted(value) } },
      );
      continue;
    }
    if (told) continue;
    told = true;
    const cut = cutExpression(error, line);
    if (cut?.plainText === true) {
      const at = cutMark(source, mark, cut.text);
      reporter.report("HK1002", at, { problem: cut.what }, { hint: cut.hint, fix: quoteFix(cut.text, at) });
      continue;
    }
    if (cut !== undefined) {
      const at = cutMark(source, mark, cut.text);
      reporter.report("HK1030", at, { what: cut.what }, { hint: cut.hint, fix: quoteFix(cut.text, at) });
      continue;
    }
    reporter.report("HK1002", mark, { problem: plainProblem(error, line.text) });
  }
}

interface Line {
  readonly text: string;
  /** Offset of the fault within the line. */
  readonly at: number;
}

function lineAt(text: string, offset: number): Line {
  const start = text.lastIndexOf("\n", Math.max(0, offset - 1)) + 1;
  const end = text.indexOf("\n", offset);
  return { text: text.slice(start, end === -1 ? undefined : end), at: offset - start };
}

function valueEnd(text: string, from: number): number {
  const end = text.slice(from).search(/\n|\s+#/);
  return end === -1 ? text.length : from + end;
}

interface Cut {
  readonly what: string;
  readonly text: string;
  readonly hint: string;
  /** No expression: a name or description that needs quotes. */
  readonly plainText?: boolean;
}

/** Does the faulty line hold an expression that YAML took apart? */
function cutExpression(error: YAMLError, line: Line): Cut | undefined {
  const inFlow = /^\s*(?:- )?(?:[\w.-]+:\s*)?[[{]/.test(line.text);
  if (inFlow && ["UNEXPECTED_TOKEN", "MISSING_CHAR", "BAD_INDENT"].includes(error.code)) {
    const text = flowValue(line.text, line.at);
    if (text === undefined || !/[[\]{}]/.test(text) || /:\s/.test(text)) return undefined;
    return {
      what: "an expression with `[ ] { } ,` can't stand inside `{ }` or `[ ]`",
      text,
      hint: `put it on a line of its own, or quote it: ${quoted(text)}`,
    };
  }
  const pair = /^\s*(?:- )?([\w.$-]+):\s+(.*)$/.exec(line.text);
  if (pair === null) return undefined;
  const [, key = "", value = ""] = pair;
  const text = value.replace(/\s+#.*$/, "");
  if (/^["'].*["']\s+\S/.test(text)) {
    return { what: "a value that starts with a quote ends at the next one", text, hint: quoteHint(text) };
  }
  if (/\?.*:\s/.test(text))
    return { what: "`: ` starts a mapping, so `? :` can't stand unquoted", text, hint: quoteHint(text) };
  if (/:\s/.test(text) && (EXPRESSION_KEYS.has(key) || /[${]/.test(text))) {
    return { what: "`: ` starts a mapping", text, hint: quoteHint(text) };
  }
  if (/:\s/.test(text)) {
    return {
      what: "`: ` inside a value starts a mapping",
      text,
      hint: `quote the value: ${quoted(text)}`,
      plainText: true,
    };
  }
  return undefined;
}

/** The value of the flow member that the fault lies in. */
function flowValue(line: string, at: number): string | undefined {
  const before = Math.max(line.lastIndexOf(": ", at) + 2, line.lastIndexOf(", ", at) + 2, line.search(/[[{]/) + 1);
  const rest = line.slice(before);
  let depth = 0;
  for (let i = 0; i < rest.length; i++) {
    const char = rest[i];
    if (char === "[" || char === "{") depth++;
    if ((char === "]" || char === "}" || char === ",") && depth === 0) return rest.slice(0, i).trim();
    if (char === "]" || char === "}") depth--;
  }
  return rest.trim();
}

function cutMark(source: SourceFile, mark: Mark, text: string): Mark {
  const lineStart = source.text.lastIndexOf("\n", Math.max(0, mark.start - 1)) + 1;
  const at = source.text.indexOf(text, lineStart);
  return at === -1 ? mark : { source, start: at, end: at + text.length };
}

/** Quotes, where it is sure that just this text is what they belong around. */
function quoteFix(text: string, { source, start, end }: Mark): { readonly text: string } | undefined {
  return source.text.slice(start, end) === text && !/^["']/.test(text) ? { text: quoted(text) } : undefined;
}

/** How the text has to be written to stay one value. */
export function quoted(text: string): string {
  if (!text.includes("'")) return `'${text}'`;
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

function quoteHint(text: string): string {
  return `quote this expression or put it on its own line: ${quoted(text)}`;
}

function plainProblem(error: YAMLError, line: string): string {
  if (line.includes("\t") && /^\s*\t/.test(line)) return "a tab can't indent YAML; use spaces";
  const open = /^Flow (?:map|sequence) in block collection must be .* end with a (.)/.exec(error.message);
  if (open !== null) return `a bracket is not closed: \`${open[1]}\` is missing before this`;
  if (error.code === "BLOCK_AS_IMPLICIT_KEY")
    return "a mapping can't start here; check the indentation of this line and the one before";
  const [first = ""] = error.message.split("\n");
  return first.replace(/ at line \d+.*$/, "").replace(/^./, (char) => char.toLowerCase());
}
