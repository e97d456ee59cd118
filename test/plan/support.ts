/** Plans over a real store that a real engine has filled. */
import { join } from "node:path";
import type { Revision } from "../../engine/config/revision.ts";
import type { Json } from "../../engine/core/types.ts";
import { createEvaluator } from "../../engine/mapping/evaluate.ts";
import { makePlan } from "../../engine/plan/plan.ts";
import type { PlanReport } from "../../engine/plan/report.ts";
import { createShown } from "../../engine/plan/shown.ts";
import { storedScenario } from "../../engine/plan/stored.ts";
import { openPastStore, type PastWindow } from "../../engine/store/read-past.ts";
import { revisionOf } from "../support/revision.ts";
import type { Bench } from "../worker/support.ts";

export type Files = Readonly<Record<string, string>>;

const CONFIG = `
teams: { ops: {} }
seed: none
entities:
  customer:
    ids: [id, email]
    attributes:
      tier: { type: string, enum: [free, pro, team], owner: ops, protected: true, rollup: { of: subscription.plan, take: highest, none: free } }
      seats: { type: integer, owner: ops }
      note: { type: string, owner: ops, clearable: true }
      email: { type: string, owner: ops, sensitive: true }
  subscription:
    parent: customer
    attributes:
      plan: { type: string, enum: [free, pro, team], owner: ops, protected: true }
      amount: { type: integer, owner: ops }
    states: { trial: [active, canceled], active: [canceled], canceled: [] }
connections:
  crm: { sink: file, path: ./crm.ndjson }
  mail: { sink: file, path: ./mail.ndjson }
`;

const PIPELINE = `
pipeline: orders
owner: ops
source:
  path: /hooks/shop
  signature: { scheme: hmac, header: x-signature, prefix: "sha256=", encoding: hex }
  secrets: [test-secret]
  id: body:id
  type: body:type
  time: { from: body:at, unit: ms }
  root: data
sla: { lag: 60s, objective: 99% }
rules:
  - on: customer.changed
    write:
      customer: { key: id, link: { email: email }, fields: { seats: seats, note: { from: note, on_null: clear }, email: email } }
  - on: subscription.changed
    lowers: [plan]
    write:
      subscription: { key: sub, state: { from: state }, fields: { plan: plan, amount: amount } }
      customer: { key: id, fields: { seats: seats } }
deliver:
  - { to: crm, entity: customer }
  - { to: crm, entity: subscription }
  - { to: mail, entity: subscription, action: track, event: activated, on_enter: active, once: true }
`;

export const shop: Files = { "config.yaml": CONFIG, "pipelines/orders.yaml": PIPELINE };

/** The same config, a piece of it put otherwise. */
export function changed(files: Files, from: string, to: string): Files {
  const found = Object.entries(files).filter(([, text]) => text.includes(from));
  if (found.length !== 1) throw new Error(`${found.length} files have ${from}`);
  return { ...files, ...Object.fromEntries(found.map(([path, text]) => [path, text.replaceAll(from, to)])) };
}

export interface Planned {
  readonly report: PlanReport;
  readonly before: Revision;
  readonly after: Revision;
}

/** The plan of two configs over what the bench's store holds. */
export async function planOver(
  bench: Pick<Bench, "root" | "clock">,
  configs: { readonly before: Files; readonly after: Files },
  options: Partial<PastWindow> = {},
): Promise<PlanReport> {
  const [before, after] = await Promise.all([revisionOf(configs.before), revisionOf(configs.after)]);
  const evaluator = createEvaluator();
  const past = openPastStore(join(bench.root, "hookrail.db"));
  try {
    const stored = storedScenario(past, { last: 10_000, ...options }, bench.clock.now());
    const report = await makePlan({
      before,
      after,
      labels: { before: "before", after: "after" },
      scenarios: stored === undefined ? [] : [stored.scenario],
      basis: { kind: "stored", ...(stored === undefined ? {} : { more: stored.more }) },
      shown: createShown({ before, after, key: Buffer.from("key") }),
      evaluator,
      rows: past.rows,
    });
    return report;
  } finally {
    past.close();
    await evaluator.close();
  }
}

export const customer = (id: string, data: Json & object) => ({ type: "customer.changed", data: { id, ...data } });
export const subscription = (sub: string, data: Json & object) => ({
  type: "subscription.changed",
  data: { sub, ...data },
});
