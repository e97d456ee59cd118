/** `order: { by }` of a rule: the payload's own version, read on one event. */
import { errorMessage } from "../core/errors.ts";
import type { ExpressionAnswer } from "../core/expression.ts";
import type { Json } from "../core/types.ts";
import { parseIso } from "../core/values.ts";
import type { Mapped, OwnVersion, RuleModel } from "./model.ts";
import { describeMissing, missingReadings } from "./policy.ts";

/** A version that can not be read is a dead letter: any guess could let an old value win. */
export function readOwnVersion(
  rule: RuleModel,
  answer: ExpressionAnswer | undefined,
): OwnVersion | Extract<Mapped, { kind: "dead" }> {
  const dead = (problem: string): Extract<Mapped, { kind: "dead" }> => {
    const message = errorMessage("HK6012", { rule: rule.name ?? String(rule.index + 1), problem });
    return { kind: "dead", code: "HK6012", message, rule };
  };
  const missing = missingReadings(answer?.readings ?? []);
  if (missing.length > 0) return dead(describeMissing(missing));
  const result = answer?.result;
  if (result?.ok === false) return dead(result.message);
  return readVersion(result?.value) ?? dead("it is neither a number that can be compared exactly nor an ISO 8601 time");
}

function readVersion(value: Json | undefined): OwnVersion | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? { value, time: false } : undefined;
  if (typeof value !== "string") return undefined;
  if (/^\d+$/.test(value)) {
    const count = Number(value);
    return Number.isSafeInteger(count) ? { value: count, time: false } : undefined;
  }
  const time = parseIso(value);
  return time === undefined ? undefined : { value: time, time: true };
}
