/** Shows what is wrong with a config: code frames and a summary line. */
import type { Loaded } from "../config/options.ts";
import { renderDiagnostics, summaryLine } from "../config/render.ts";
import type { Cli, Output } from "./context.ts";

/** All of them, and how many. `ms`: how long the check took. */
export function printDiagnostics(
  { name }: Cli,
  output: Output,
  { diagnostics, files, ms }: Loaded & { readonly ms?: number },
): void {
  const frames = renderDiagnostics(diagnostics, { files, colors: output.color, program: name });
  if (frames !== "") output.write(`${frames.trimEnd()}\n\n`);
  output.write(`${summaryLine(diagnostics, { files: Object.keys(files).length, ...(ms !== undefined && { ms }) })}\n`);
}
