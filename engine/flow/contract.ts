/** The contract's word on one event, judged by what the rule that is used reads of it. */
import type { PipelineModel } from "../config/revision.ts";
import type { Expression, ExpressionInput } from "../core/expression.ts";
import type { Json } from "../core/types.ts";
import { checkContract, type Violation } from "../mapping/contract.ts";
import type { Row, RuleModel } from "../mapping/model.ts";
import { rowExpressions } from "../mapping/rows.ts";
import { shownVersion } from "../mapping/shown-version.ts";

export type ContractVerdict =
  | { readonly kind: "ok" }
  | { readonly kind: "drift"; readonly violations: readonly Violation[] }
  | { readonly kind: "broken"; readonly contract: string; readonly violations: readonly Violation[] };

/** Broken only where the rule reads; else drift, which is counted and let through. */
export function judgeContract(
  pipeline: PipelineModel,
  event: { readonly type: string; readonly payload: Json; readonly rule: RuleModel; readonly fetched?: Json },
): ContractVerdict {
  const { contract } = pipeline;
  if (contract === undefined) return { kind: "ok" };
  const { rule, fetched } = event;
  const own = checkContract(contract, event.type, event.payload, pathsRead(rule, pipeline.source.root));
  const type = rule.fetch?.contract;
  const brought =
    type === undefined || fetched === undefined
      ? ({ kind: "ok" } as const)
      : checkContract(contract, type, fetched, pathsFetched(rule));
  const check = own.kind === "broken" || brought.kind === "ok" ? own : withBoth(own, brought);
  return check.kind === "broken" ? { ...check, contract: `${contract.provider}/${contract.version}` } : check;
}

/** What HK7003 says of an event whose version no contract declares. */
export function unknownVersion(
  { versions }: PipelineModel,
  event: Parameters<typeof shownVersion>[1],
): { readonly shown: string; readonly known: string } | undefined {
  if (versions === undefined) return undefined;
  const found = shownVersion(versions, event);
  if (found.kind === "known") return undefined;
  // What says nothing of its version is no drift; who wants to be sure says `reject`.
  if (found.shown === undefined && versions.unknown === "accept") return undefined;
  const { from, known } = versions;
  const place = from.kind === "header" ? `header ${from.name}` : from.path.join(".");
  const shown =
    found.shown === undefined ? `shows no version in \`${place}\`` : `is of version \`${found.shown.slice(0, 40)}\``;
  return { shown, known: [...known].join(", ") };
}

type Check = ReturnType<typeof checkContract>;

/** What is wrong with the fetched object, and the event's own drift beside its. */
function withBoth(own: Check, brought: Exclude<Check, { kind: "ok" }>): Check {
  if (brought.kind === "broken" || own.kind !== "drift") return brought;
  return { kind: "drift", violations: [...own.violations, ...brought.violations] };
}

/** Paths from the root of what was fetched. */
function pathsFetched({ fetch, ...rule }: RuleModel): string[] {
  if (fetch === undefined) return [];
  const { as, root } = fetch;
  const inside = ({ path, root: from }: ExpressionInput): string[] => {
    if (from === "payload") return root ? [path] : [];
    return from.variable === as ? [path.slice(as.length + 1).replace(/^\./, "")] : [];
  };
  const lists = rule.each?.list.inputs.flatMap(inside) ?? [];
  const read = [...afterFetch(rule), ...(fetch.when === undefined ? [] : [fetch.when])].flatMap(({ inputs }) =>
    inputs.flatMap((input) =>
      input.root !== "payload" && input.root.variable === "item"
        ? lists.map((list) => input.path.replace(/^\$item/, list))
        : inside(input),
    ),
  );
  return [...lists, ...read];
}

/** Paths from the body's root. `$event` is the whole body; other variables are `let` names, whose own inputs count. */
function pathsRead(rule: RuleModel, root: string): string[] {
  const paths = new Set<string>();
  const fromPayload = (path: string) => (root === "" ? path : `${root}.${path}`);
  const fromBody = ({ path, root: from }: ExpressionInput): string[] => {
    if (from === "payload") return rule.fetch?.root === true ? [] : [fromPayload(path)];
    return from.variable === "event" ? [path.replace(/^\$event\.?/, "")] : [];
  };
  const lists = rule.each?.list.inputs.flatMap(fromBody) ?? [];
  for (const list of lists) paths.add(list);
  for (const { inputs } of beforeFetch(rule)) {
    for (const input of inputs)
      for (const path of input.root === "payload" ? [fromPayload(input.path)] : fromBody(input)) paths.add(path);
  }
  for (const { inputs } of afterFetch(rule)) {
    for (const input of inputs) {
      for (const path of fromBody(input)) paths.add(path);
      if (input.root === "payload" || input.root.variable !== "item") continue;
      for (const list of lists) paths.add(input.path.replace(/^\$item/, list));
    }
  }
  return [...paths];
}

/** Read on the event itself, even where rows read what was fetched. */
function beforeFetch({ when, fetch }: RuleModel): Expression[] {
  const parts = fetch === undefined ? [] : [fetch.path, ...fetch.headers.map(([, value]) => value)].flat();
  return [...(when === undefined ? [] : [when]), ...parts.filter((part) => typeof part !== "string")];
}

function afterFetch(rule: Omit<RuleModel, "fetch" | "when">): Expression[] {
  const rows = rule.writes.flatMap((write): Row[] => [
    ...(write.key.kind === "id" ? [write.key.row] : []),
    ...write.links,
    ...(write.state === undefined ? [] : [write.state]),
    ...write.fields,
  ]);
  return [
    ...rule.lets.map(({ expression }) => expression),
    ...(rule.order?.kind === "by" ? [rule.order.expression] : []),
    ...rows.flatMap(rowExpressions),
  ];
}
