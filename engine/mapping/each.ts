/** `each:` of a rule: compiled, and read on one event. */
import { errorMessage } from "../core/errors.ts";
import type { Expression, ExpressionAnswer } from "../core/expression.ts";
import type { Json } from "../core/types.ts";
import { makeNode, type Node } from "./ast.ts";
import { type CompileOptions, compileExpression } from "./expression.ts";
import type { EachModel, Mapped, RuleModel } from "./model.ts";
import { describeMissing, missingReadings } from "./policy.ts";
import { printNode } from "./print.ts";

/** All items of an event are one transaction. */
export const maxItems = 1_000;

/**
 * The model of `each:`. A filter that finds nothing is an empty list, and nothing is to be done; a list that is not
 * there is missing data. So what is judged is the list before its first predicate.
 */
export function compileEach(list: Expression, options: CompileOptions): EachModel {
  const inputs: readonly { readonly node?: Node; readonly path: string }[] = list.inputs;
  const whole = inputs.flatMap(({ node, path }): Expression[] => {
    const text = node === undefined ? path : printNode(beforePredicates(node));
    const compiled = compileExpression(text, options);
    return compiled.ok ? [compiled.expression] : [];
  });
  return { list, whole };
}

function beforePredicates(node: Node): Node {
  const bare = { ...node, predicates: [], keepArray: false };
  if (bare.type !== "path") return bare;
  const first = bare.steps.findIndex((step) => step.stages.length > 0 || step.predicates.length > 0);
  if (first === -1) return bare;
  const steps = bare.steps.slice(0, first + 1).map((step) => ({ ...step, stages: [], predicates: [] }));
  return makeNode({ type: "path", steps });
}

/** The items of one event. `answers`: of the list, then of `whole`. */
export function readItems(
  rule: RuleModel,
  [list, ...whole]: readonly ExpressionAnswer[],
): { readonly items: readonly Json[] } | Extract<Mapped, { kind: "dead" }> {
  const name = rule.name ?? String(rule.index + 1);
  const missing = missingReadings(whole.flatMap((answer) => answer.readings));
  if (missing.length > 0) {
    const message = errorMessage("HK6010", { rule: name, missing: describeMissing(missing) });
    return { kind: "dead", code: "HK6010", message, rule };
  }
  const result = list?.result ?? { ok: true, value: undefined };
  if (!result.ok) return { kind: "dead", code: result.code, message: `each of rule ${name}: ${result.message}`, rule };
  const { value } = result;
  const items: readonly Json[] =
    value === undefined || value === null ? [] : Array.isArray(value) ? (value as readonly Json[]) : [value];
  if (items.length <= maxItems) return { items };
  const message = errorMessage("HK6011", { rule: name, count: items.length, limit: maxItems });
  return { kind: "dead", code: "HK6011", message, rule };
}
