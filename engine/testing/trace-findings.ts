/** What the order check has to say, in the words of `check`: a place, a message, and both orders. */
import type { Diagnostic, Span } from "../core/diagnostic.ts";
import { errorMessage } from "../core/errors.ts";
import type { SourcePosition } from "../core/types.ts";
import { describePair, type TraceResult } from "./traces.ts";

export function findingsOf(result: TraceResult): Diagnostic[] {
  const { trace } = result;
  const found: Diagnostic[] = result.untaken.map(({ position, why }) => ({
    code: "HK8311",
    severity: "error",
    message: errorMessage("HK8311", { event: position + 1, trace: trace.name, why }),
    span: spanOf(trace.events[position]?.position ?? trace.position),
  }));
  if (result.pair !== undefined) {
    const [orders = "", first = "", ...rest] = describePair(result.pair, trace);
    found.push({
      code: "HK8310",
      severity: "error",
      message: errorMessage("HK8310", { trace: trace.name, difference: first }),
      span: spanOf(trace.position),
      hint: [`the events ${orders}`, ...rest.map((line) => `also ${line}`)].join("; "),
    });
  }
  if (result.sampledBy !== undefined) {
    found.push({
      code: "HK8312",
      severity: "warning",
      message: errorMessage("HK8312", { trace: trace.name, seed: result.sampledBy }),
      span: spanOf(trace.position),
    });
  }
  return found;
}

/** The frame shows the line; where it ends is not known here. */
const spanOf = ({ file, line, column }: SourcePosition): Span => ({
  file,
  line,
  column,
  endLine: line,
  endColumn: column + 1,
});
