/** The contract's word on one event, judged by what the rule that is used reads of it. */
import type { PipelineModel } from "../config/revision.ts";
import type { Expression, ExpressionInput } from "../core/expression.ts";
import type { Json } from "../core/types.ts";
import { checkContract, type Violation } from "../mapping/contract.ts";
import type { Row, RuleModel } from "../mapping/model.ts";
import { rowExpressions } from "../mapping/rows.ts";

export type ContractVerdict =
  | { readonly kind: "ok" }
  | { readonly kind: "drift"; readonly violations: readonly Violation[] }
  | { readonly kind: "broken"; readonly contract: string; readonly violations: readonly Violation[] };

/** Broken only where the rule reads; else drift, which is counted and let through. */
export function judgeContract(
  pipeline: PipelineModel,
  event: { readonly type: string; readonly payload: Json; readonly rule: RuleModel },
): ContractVerdict {
  const { contract } = pipeline;
  if (contract === undefined) return { kind: "ok" };
  const check = checkContract(contract, event.type, event.payload, pathsRead(event.rule, pipeline.source.root));
  return check.kind === "broken" ? { ...check, contract: `${contract.provider}/${contract.version}` } : check;
}

/** Paths from the body's root. `$event` is the whole body; other variables are `let` names, whose own inputs count. */
function pathsRead(rule: RuleModel, root: string): string[] {
  const paths = new Set<string>();
  const fromBody = ({ path, root: from }: ExpressionInput): string[] => {
    if (from === "payload") return [root === "" ? path : `${root}.${path}`];
    return from.variable === "event" ? [path.replace(/^\$event\.?/, "")] : [];
  };
  const lists = rule.each?.list.inputs.flatMap(fromBody) ?? [];
  for (const list of lists) paths.add(list);
  for (const { inputs } of expressionsOf(rule)) {
    for (const input of inputs) {
      for (const path of fromBody(input)) paths.add(path);
      if (input.root === "payload" || input.root.variable !== "item") continue;
      for (const list of lists) paths.add(input.path.replace(/^\$item/, list));
    }
  }
  return [...paths];
}

function expressionsOf(rule: RuleModel): Expression[] {
  const rows = rule.writes.flatMap((write): Row[] => [
    ...(write.key.kind === "id" ? [write.key.row] : []),
    ...write.links,
    ...(write.state === undefined ? [] : [write.state]),
    ...write.fields,
  ]);
  return [
    ...(rule.when === undefined ? [] : [rule.when]),
    ...rule.lets.map(({ expression }) => expression),
    ...(rule.order?.kind === "by" ? [rule.order.expression] : []),
    ...rows.flatMap(rowExpressions),
  ];
}
