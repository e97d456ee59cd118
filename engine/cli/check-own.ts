/** A team's own checks: each condition on each part of the config it is asked of. */
import type { OwnCheck } from "../config/own-checks.ts";
import type { Diagnostic } from "../core/diagnostic.ts";
import { errorMessage } from "../core/errors.ts";
import type { EvaluationResult, Evaluator } from "../core/expression.ts";
import { createEvaluator } from "../mapping/evaluate.ts";

/** No event waits for these. */
const DEADLINE_MS = 1_000;

/** Findings of all checks. */
export async function askOwnChecks(checks: readonly OwnCheck[], now: number): Promise<readonly Diagnostic[]> {
  if (checks.length === 0) return [];
  const evaluator = createEvaluator({ deadlineMs: DEADLINE_MS });
  try {
    const found: Diagnostic[] = [];
    for (const check of checks) found.push(...(await ask(check, evaluator, now)));
    return found;
  } finally {
    await evaluator.close();
  }
}

async function ask(check: OwnCheck, evaluator: Evaluator, now: number): Promise<readonly Diagnostic[]> {
  const found: Diagnostic[] = [];
  for (const { value, variables, message, span } of check.subjects) {
    const result = await evaluator.evaluate(check.require, { input: value, variables, receivedAt: now });
    if (result.ok && result.value === true) continue;
    const related = { message: `\`${check.name}\` asks this`, span: check.span };
    if (result.ok && result.value === false) {
      found.push({ code: "HK8110", severity: check.severity, message, span, related });
      continue;
    }
    const data = { check: check.name, name: String(variables["name"]), got: gotOf(result) };
    found.push({ code: "HK8111", severity: "error", message: errorMessage("HK8111", data), span, related });
  }
  return found;
}

/** Its kind only: a value of the config is not repeated. */
function gotOf(result: EvaluationResult): string {
  if (!result.ok) return `an error (${result.code})`;
  const { value } = result;
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}
