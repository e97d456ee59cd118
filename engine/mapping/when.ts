/** `when:` of a rule and of its `fetch:`, decided on one event. */
import { errorMessage } from "../core/errors.ts";
import type { ExpressionAnswer } from "../core/expression.ts";
import type { Mapped, RuleModel } from "./model.ts";
import { describeMissing, missingReadings } from "./policy.ts";

type Dead = Extract<Mapped, { kind: "dead" }>;

/** True or false; anything else, and a missing input, is a dead letter: a silent skip would lose the event. */
export function decideWhen(rule: RuleModel, answer: ExpressionAnswer | undefined): boolean | Dead {
  const name = rule.name ?? String(rule.index + 1);
  const missing = missingReadings(answer?.readings ?? []);
  if (missing.length > 0) return dead("HK2024", { rule: name, missing: describeMissing(missing) }, rule);
  const result = answer?.result;
  if (result === undefined || !result.ok) {
    return {
      kind: "dead",
      code: result?.code ?? "HK2012",
      message: `\`when\` of rule ${name}: ${result?.message ?? "not evaluated"}`,
      rule,
    };
  }
  if (typeof result.value === "boolean") return result.value;
  const got =
    result.value === undefined
      ? "nothing"
      : result.value === null
        ? "null"
        : Array.isArray(result.value)
          ? "a list"
          : `a ${typeof result.value}`;
  return dead("HK2025", { rule: name, got }, rule);
}

function dead(code: "HK2024" | "HK2025", data: Readonly<Record<string, string>>, rule: RuleModel): Dead {
  return { kind: "dead", code, message: errorMessage(code, data), rule };
}
