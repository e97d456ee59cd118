/** Safe fixes: names that were surely meant and quotes that are missing, written into the text with all else kept. */
import type { Diagnostic, Span } from "../core/diagnostic.ts";
import { blotLikely } from "./render.ts";

export type Texts = ReadonlyMap<string, string>;

/** The files with the fixes of these diagnostics; of two at one place the first is taken. Only files that are `known`. */
export function applyFixes(diagnostics: readonly Diagnostic[], known: Readonly<Record<string, string>>): Texts {
  const byFile = new Map<string, { readonly span: Span; readonly text: string }[]>();
  for (const { fix } of diagnostics) {
    if (fix === undefined || known[fix.span.file] === undefined) continue;
    const list = byFile.get(fix.span.file) ?? [];
    if (!list.some(({ span }) => overlap(span, fix.span))) byFile.set(fix.span.file, [...list, fix]);
  }
  return new Map([...byFile].map(([file, fixes]) => [file, written(known[file] ?? "", fixes)]));
}

const overlap = (a: Span, b: Span) => a.line === b.line && a.column < b.endColumn && b.column < a.endColumn;

/** From the last to the first, so that columns stay what they are. */
function written(text: string, fixes: readonly { readonly span: Span; readonly text: string }[]): string {
  const lines = text.split("\n");
  for (const { span, text: by } of fixes.toSorted((a, b) => b.span.column - a.span.column)) {
    const line = lines[span.line - 1] ?? "";
    lines[span.line - 1] = line.slice(0, span.column - 1) + by + line.slice(span.endColumn - 1);
  }
  return lines.join("\n");
}

/** Faults of YAML and of expressions: a fix that leads to one has quoted too much or too little. */
const TORN = new Set(["HK1002", "HK1030", "HK2001"]);

/** The files whose fixes did no harm: every line that was fixed can be read. */
export function harmless(fixed: Texts, before: readonly Diagnostic[], after: readonly Diagnostic[]): Texts {
  const torn = (list: readonly Diagnostic[], file: string) =>
    new Set(list.filter(({ code, span }) => TORN.has(code) && span.file === file).map(({ span }) => span.line));
  return new Map(
    [...fixed].filter(([file]) => {
      const fixedLines = new Set(before.flatMap(({ fix }) => (fix?.span.file === file ? [fix.span.line] : [])));
      return [...torn(after, file)].every((line) => !fixedLines.has(line));
    }),
  );
}

/** What changes, line by line, in the form of a patch; what looks like a credential is blotted out. */
export function patchText(before: Readonly<Record<string, string>>, after: Texts): string {
  return [...after]
    .map(([file, text]) => {
      const old = (before[file] ?? "").split("\n");
      const hunks = text.split("\n").flatMap((line, i) => {
        const was = old[i] ?? "";
        return line === was ? [] : [`@@ -${i + 1} +${i + 1} @@\n-${blotLikely(was)}\n+${blotLikely(line)}\n`];
      });
      return `--- a/${file}\n+++ b/${file}\n${hunks.join("")}`;
    })
    .join("");
}
