/** The installation that the engine runs in the bench: three sources, one that nobody listens to, one to HTTP, one to SQL. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Paths of the sources by what happens to their events. */
export const PATHS = { ack: "/hooks/ack", http: "/hooks/http", sql: "/hooks/sql" } as const;

const entity = (name: string) => `
  ${name}:
    ids: [stripe_id]
    attributes:
      plan:           { type: string, enum: [free, pro, team], owner: bench, protected: true }
      seats:          { type: integer, minimum: 0, owner: bench, protected: true }
      amount_paid:    { type: integer, owner: bench }
      currency:       { type: string, owner: bench }
      billing_reason: { type: string, owner: bench }
      paid_until:     { type: time, owner: bench }`;

const source = (name: string, path: string) => `
  ${name}: { provider: stripe, path: ${path}, root: data.object, times: seconds, secrets: ["\${BENCH_SECRET}"] }`;

const config = (sinkPort: number) => `description: The bench
environment: dev
server: { host: 127.0.0.1, port: 0 }
admin: { host: 127.0.0.1, port: 0 }
store: sqlite:./data/hookrail.db
teams: { bench: {} }
sources:${source("acks", PATHS.ack)}${source("to_http", PATHS.http)}${source("to_sql", PATHS.sql)}
tables:
  plans: { price_pro_month: pro, price_team_month: team }
entities:${entity("customer")}${entity("account")}
connections:
  receiver: { sink: http, url: "http://127.0.0.1:${sinkPort}/upsert", allow_private: true, concurrency: 64 }
  crm: { sink: sql, url: "sqlite:./data/crm.db" }
seed: none
`;

const pipeline = (
  name: string,
  { source, entity, to }: Record<"source" | "entity" | "to", string>,
) => `pipeline: ${name}
description: A paid invoice becomes a row of ${entity}
owner: bench
runbook: runbook.md
source: ${source}
rules:
  - on: invoice.paid
    when: amount_paid > 0 and billing_reason != "manual"
    let:
      line: lines.data[0]
    write:
      ${entity}:
        key: customer
        fields:
          plan: { from: $line.pricing.price_details.price, table: plans }
          seats: $line.quantity
          amount_paid: amount_paid
          currency: currency
          billing_reason: billing_reason
          paid_until: $line.period.end
deliver:
  - { to: ${to} }
`;

/** Writes it into an empty folder. */
export function writeInstallation(root: string, sinkPort: number): void {
  mkdirSync(join(root, "pipelines"), { recursive: true });
  mkdirSync(join(root, "data"), { recursive: true });
  writeFileSync(join(root, "config.yaml"), config(sinkPort));
  writeFileSync(join(root, "runbook.md"), "Nothing to do: it is the bench.\n");
  writeFileSync(
    join(root, "pipelines/http.yaml"),
    pipeline("http", { source: "to_http", entity: "customer", to: "receiver" }),
  );
  writeFileSync(join(root, "pipelines/sql.yaml"), pipeline("sql", { source: "to_sql", entity: "account", to: "crm" }));
}
