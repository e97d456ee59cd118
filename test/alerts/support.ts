/** Findings and terms for tests of the steps. */
import type { Alert } from "../../engine/alerts/alert.ts";
import type { Finding } from "../../engine/alerts/finding.ts";
import { type Stepped, type StepTerms, step } from "../../engine/alerts/step.ts";

export const MINUTE = 60_000;

export function finding(changes: Partial<Finding> & Pick<Finding, "id" | "cause">): Finding {
  return {
    kind: "budget_burn",
    rule: "budget_burn",
    severity: "page",
    pipelines: [],
    text: "it burns",
    type: ["hookrail status"],
    size: 1,
    forMs: 0,
    ...changes,
  };
}

/** Steps one after the other; `messages` and `open` are those of the last. */
export function createSteps(changes: Partial<StepTerms> = {}) {
  let open: readonly Alert[] = [];
  let count = 0;
  const all: string[] = [];
  return {
    /** `KIND CHANNEL SUBJECT` of all messages so far. */
    all,
    open: () => open,
    at(now: number, findings: readonly Finding[], more: Partial<StepTerms> = {}): Stepped {
      const stepped = step(open, findings, {
        now,
        terms: { waitMs: MINUTE / 2, updateMs: 5 * MINUTE, repeatMs: 240 * MINUTE, clearMs: 2 * MINUTE },
        newId: () => `alr_${++count}`,
        channelsFor: () => ["pager"],
        silence: () => undefined,
        ...changes,
        ...more,
      });
      open = stepped.open;
      all.push(...stepped.messages.map(({ kind, channel, alert }) => `${kind} ${channel} ${alert.subject}`));
      return stepped;
    },
  };
}
