/** Shows what is wrong with a config: code frames and a summary line. */
import type { Loaded } from "../config/options.ts";
import { renderDiagnostics, summaryLine } from "../config/render.ts";
import type { Output } from "./context.ts";

/** All of them, and how many. `ms`: how long the check took. */
export function printDiagnostics(output: Output, { diagnostics, files }: Loaded, ms?: number): void {
  const frames = renderDiagnostics(diagnostics, { files, colors: output.color });
  if (frames !== "") output.write(`${frames.trimEnd()}\n\n`);
  output.write(`${summaryLine(diagnostics, { files: Object.keys(files).length, ...(ms !== undefined && { ms }) })}\n`);
}
