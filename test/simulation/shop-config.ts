/**
 * A made-up shop that has all that can go wrong in order: two clocks that write one attribute, a table of states with
 * holds, deletes, protected values that only one event may lower, sums over children, effects that fire once.
 */
import { join } from "node:path";
import { Type } from "typebox";
import { createMemoryReader } from "../../engine/config/files.ts";
import { loadConfig } from "../../engine/config/load.ts";
import type { Revision } from "../../engine/config/revision.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import { defineSink, type Guarantee } from "../../engine/plugin/index.ts";
import { createRegistry, type FoundSink, loadSinkFolder } from "../../engine/plugin/registry.ts";

export const secret = "sim-secret";

/** A sink that only the simulation opens. */
function simSink(name: string, guarantee: Guarantee, marksAttempts: boolean): FoundSink {
  const upsert = { kind: "upsert", summary: "Writes attributes.", openParams: true } as const;
  const effect = { kind: "effect", summary: "Does something.", openParams: true } as const;
  return {
    origin: `simulation/${name}`,
    descriptor: defineSink({
      name,
      summary: "Simulated.",
      config: Type.Object({}),
      guarantee,
      ...(guarantee === "once_within_window" ? { idempotencyWindowMs: 7 * 86_400_000 } : {}),
      actions: { upsert, post: effect },
      defaultAction: "upsert",
      marksAttempts,
      open: async () => {
        throw new Error("opened by the simulation alone");
      },
    }),
  };
}

const source = (path: string) => `
    path: ${path}
    signature: { scheme: hmac, header: x-signature, prefix: "sha256=", encoding: hex }
    secrets: [${secret}]
    id: body:id
    type: body:type
    time: { from: body:at, unit: ms }
    ranks: [order.placed, order.paid, order.shipped]
    root: data`;

const deliver = (crm: string) => `
  - { to: db }
  - { to: crm, entity: customer, on_change: [${crm}] }
  - { to: chat, entity: customer, on_change: [tier, score] }
  - { to: chat, entity: order, action: post, event: shipped, on_enter: [shipped], from: [paid] }`;

const files: Readonly<Record<string, string>> = {
  "config.yaml": `
teams: { ops: {} }
seed: none
sources:
  shop:${source("/hooks/shop")}
  desk:${source("/hooks/desk")}
entities:
  customer:
    attributes:
      tier: { type: string, enum: [free, pro, team], owner: ops, protected: true }
      consent: { type: boolean, owner: ops, protected: true }
      seats: { type: integer, owner: ops }
      note: { type: string, owner: ops, clearable: true }
      first_seen: { type: string, owner: ops, write: earliest }
      score: { type: integer, owner: ops, write: up }
      region: { type: string, owner: ops, writers: [support, accounts] }
      spend: { type: integer, owner: ops, rollup: { of: order.total, take: sum, in: [paid, shipped], none: 0 } }
      waiting: { type: integer, owner: ops, rollup: { of: order, take: count, in: [new] } }
      big: { type: boolean, owner: ops, derive: spend >= 100 }
  order:
    parent: customer
    attributes: { total: { type: integer, owner: ops } }
    states: { new: [paid], paid: [shipped], shipped: [] }
connections:
  db: { sink: exact, timeout: 10s }
  crm: { sink: keyed, timeout: 10s, concurrency: 4 }
  chat: { sink: plain, timeout: 10s, rate: 20/s }
`,
  "pipelines/accounts.yaml": `
pipeline: accounts
owner: ops
source: shop
sla: { lag: 60s, objective: 99% }
rules:
  - on: customer.changed
    write:
      customer:
        key: id
        fields:
          tier: tier
          consent: consent
          seats: seats
          note: { from: note, on_null: clear }
          first_seen: first_seen
          score: score
          region: region
  - on: customer.downgraded
    lowers: [tier]
    write: { customer: { key: id, fields: { tier: tier } } }
    deliver:
      - { to: chat, entity: customer, action: post, event: downgraded }
  - on: customer.deleted
    write: { customer: { key: id, delete: tombstone } }
  - on: customer.noted
    write: { customer: { key: id, unknown: hold, fields: { note: { from: note, on_null: clear } } } }
deliver:${deliver("tier, seats, note, spend, region")}
  - { to: crm, entity: customer, action: post, event: welcome, once: true }
  - { to: chat, entity: customer, action: post, event: tier_changed, on_change: [tier] }
`,
  "pipelines/orders.yaml": `
pipeline: orders
owner: ops
source: shop
sla: { lag: 60s, objective: 99% }
hold: { window: 4m }
rules:
  - on: order.placed
    write: { order: { key: id, state: new, fields: { total: total } }, customer: { key: customer } }
  - on: order.paid
    write: { order: { key: id, state: paid, fields: { total: total } }, customer: { key: customer } }
  - on: order.shipped
    write: { order: { key: id, state: shipped, fields: { total: total } }, customer: { key: customer } }
deliver:${deliver("spend, tier")}
`,
  "pipelines/support.yaml": `
pipeline: support
owner: ops
source: desk
sla: { lag: 60s, objective: 99% }
rules:
  - on: contact.updated
    write: { customer: { key: id, fields: { region: region } } }
deliver:${deliver("region, spend")}
`,
};

export async function loadShop(): Promise<Revision> {
  const shipped = await loadSinkFolder(join(packageRoot, "plugins/sinks"), (url) => import(url));
  const own = [
    simSink("exact", "exactly_once_effect", false),
    simSink("keyed", "once_within_window", true),
    simSink("plain", "at_least_once", true),
  ];
  const { revision, diagnostics } = loadConfig({
    root: "/simulation",
    reader: createMemoryReader(files),
    env: {},
    registry: createRegistry([...shipped, ...own]),
  });
  if (revision !== undefined) return revision;
  throw new Error(diagnostics.map((one) => `${one.code} ${one.span.file}:${one.span.line} ${one.message}`).join("\n"));
}
