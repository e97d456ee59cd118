/** Diagnostics as code hosts read them: SARIF 2.1.0, and the commands of GitHub Actions. */
import type { Diagnostic, Span } from "../core/diagnostic.ts";
import { errorCatalogue } from "../core/errors.ts";

export interface HostOptions {
  readonly version: string;
  /** Where the config's folder is, seen from where the command runs: "" or `config/`. */
  readonly prefix: string;
}

/** One run; every result has a place, and every rule its page. */
export function sarif(diagnostics: readonly Diagnostic[], { version, prefix }: HostOptions) {
  const codes = [...new Set(diagnostics.map(({ code }) => code))].sort();
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "hookrail", semanticVersion: version, rules: codes.map(ruleOf) } },
        columnKind: "utf16CodeUnits",
        results: diagnostics.map((one) => ({
          ruleId: one.code,
          ruleIndex: codes.indexOf(one.code),
          level: one.severity,
          message: { text: textOf(one) },
          locations: [{ physicalLocation: placeOf(one.span, prefix) }],
          ...(one.related === undefined
            ? {}
            : {
                relatedLocations: [
                  { physicalLocation: placeOf(one.related.span, prefix), message: { text: one.related.message } },
                ],
              }),
        })),
      },
    ],
  };
}

function ruleOf(code: Diagnostic["code"]) {
  const { title, help } = errorCatalogue[code];
  return {
    id: code,
    name: code,
    shortDescription: { text: title },
    fullDescription: { text: help },
    help: { text: help },
  };
}

function placeOf(span: Span, prefix: string) {
  return {
    artifactLocation: { uri: encodeURI(`${prefix}${span.file}`) },
    region: {
      startLine: span.line,
      startColumn: span.column,
      endLine: span.endLine,
      endColumn: Math.max(span.endColumn, span.column + 1),
    },
  };
}

function textOf({ message, hint, expected }: Diagnostic): string {
  return [
    message,
    ...(hint === undefined ? [] : [hint]),
    ...(expected === undefined ? [] : [`expected: ${expected}`]),
  ].join("\n");
}

/** One command a line: GitHub puts each beside its line in the pull request. */
export function githubCommands(diagnostics: readonly Diagnostic[], { prefix }: Pick<HostOptions, "prefix">): string {
  return diagnostics
    .map((one) => {
      const { span } = one;
      const properties = {
        file: `${prefix}${span.file}`,
        line: span.line,
        endLine: span.endLine,
        col: span.column,
        endColumn: span.endColumn,
        title: `${one.code}: ${errorCatalogue[one.code].title}`,
      };
      const written = Object.entries(properties).map(([name, value]) => `${name}=${escapeProperty(String(value))}`);
      return `::${one.severity} ${written.join(",")}::${escapeData(textOf(one))}\n`;
    })
    .join("");
}

const escapeData = (text: string) => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
const escapeProperty = (text: string) => escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
