/** The config of fault tests: one signed source; a SQL sink with rows and effects; a CRM that honours keys, and one that does not. */
import { join } from "node:path";
import Database from "better-sqlite3";
import { packageRoot } from "../../engine/core/paths.ts";
import { createInstallation, type Installation, type InstallationOptions } from "./engine-process.ts";
import { PATH, SECRET } from "./payments.ts";

export interface FaultConfig {
  /** Where the CRM listens; without it there is only the SQL sink. */
  readonly crm?: string;
  /** How long the CRM is waited for, `5s` by default; as long is waited after an unknown outcome. */
  readonly timeout?: string;
  /** Lines of `server.limits`, in braces. */
  readonly limits?: string;
  /** Size of the file that is given up when the disk is full; none by default, so that each write is one of the store's. */
  readonly reserve?: string;
  /** More of `server`, as members of a flow mapping. */
  readonly server?: string;
  /** More top-level keys. */
  readonly extra?: string;
  /** More files, by path: pipelines, recipes. */
  readonly files?: Readonly<Record<string, string>>;
  /** More entities, as lines below `entities:`. */
  readonly entities?: string;
  /** More sources, as lines below `sources:`. */
  readonly sources?: string;
  readonly options?: Omit<InstallationOptions, "files" | "shipped">;
}

/** A folder with that config, not started. */
export function createFaultInstallation(config: FaultConfig = {}): Installation {
  return createInstallation({
    // Engines that are killed never write what they compiled; the many starts of these tests share one cache.
    env: { NODE_COMPILE_CACHE: join(packageRoot, "node_modules/.cache/compile") },
    ...config.options,
    files: {
      "config.yaml": configYaml(config),
      "faults.env": `PAY_SECRET=${SECRET}\n`,
      "pipelines/payments.yaml": pipelineYaml(config.crm !== undefined),
      ...config.files,
    },
  });
}

const httpConnection = (url: string, place: string, timeout: string) => `
  ${place}:
    sink: http
    url: ${url}/${place}
    allow_private: true
    timeout: ${timeout}
    breaker: { enabled: false }
    retry: { base: 100ms, cap: 500ms }
    actions:
      track: { kind: effect, path: /track }
      save:  { kind: upsert, path: /save }
    default_action: save`;

const configYaml = ({
  crm,
  timeout = "5s",
  limits = "{}",
  reserve = "0B",
  server = "",
  extra = "",
  sources = "",
  entities = "",
}: FaultConfig) => `
environment: dev
env_file: faults.env
store: sqlite:./data/hookrail.db
server: { port: 0, limits: ${limits}${server === "" ? "" : `, ${server}`} }
admin: { port: 0 }
${extra.includes("limits:") ? "" : `limits: { disk_reserve: ${reserve} }`}
teams: { ops: {} }
seed: none
sources:
  pay:
    provider: stripe
    path: ${PATH}
    root: data.object
    times: seconds
    secrets: ["\${PAY_SECRET}"]
${sources}
entities:
  account:
    ids: [account_id]
    attributes:
      last:   { type: integer, owner: ops, protected: true }
      amount: { type: integer, owner: ops, protected: true }
${entities}
connections:
  local: { sink: sql, url: "sqlite:./data/crm.db", events_table: effects, retry: { base: 100ms, cap: 500ms }, breaker: { enabled: false } }
${crm === undefined ? "" : ["keyed", "plain"].map((place) => httpConnection(crm, place, timeout)).join("")}
${extra}
`;

const pipelineYaml = (http: boolean) => `
pipeline: payments
owner: ops
source: pay
sla: { lag: 60s, objective: 99% }
rules:
  - on: payment.made
    lowers: [last, amount]
    write:
      account: { key: account, fields: { last: number, amount: amount } }
deliver:
  - { to: local, entity: account }
  - { to: local, entity: account, action: track, event: paid, payment: { from: number } }
${
  http
    ? `  - { to: keyed, entity: account }
  - { to: keyed, entity: account, action: track, event: paid, payment: { from: number } }
  - { to: plain, entity: account, action: track, event: paid, payment: { from: number } }`
    : ""
}
`;

/** Runs read-only queries against a file of the installation: `hookrail.db` is the store, `crm.db` the SQL sink. */
export function query<T>(root: string, file: "hookrail.db" | "crm.db", sql: string): T[] {
  const db = new Database(join(root, "data", file), { readonly: true });
  try {
    return db.prepare<[], T>(sql).all();
  } finally {
    db.close();
  }
}
