import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { runCommand } from "../support/cli.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "hookrail-echo-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

// Every value that comes from outside, and every credential that is written out, holds the word.
const env = {
  ENVIRONMENT: "staging",
  PORT: "9001",
  STRIPE_WHSEC: "whsec_canary1",
  TWILIO_TOKEN: "canary-twilio-token",
  CRM_TOKEN: "canary-crm-token",
  CRM_HOST: "canary.example.com",
  ADMIN_TOKEN: "canary-admin-token-of-32-characters",
  OWNER_NOTE: "canary note",
};

const config = `description: told by \${OWNER_NOTE}, not by hand
environment: \${ENVIRONMENT}
server: { port: "\${PORT}", public_url: https://hooks.example.com }
admin:
  tokens:
    - { name: ann, role: admin, token: "\${ADMIN_TOKEN}" }
teams: { revenue-ops: {} }
sources:
  stripe:
    provider: stripe
    path: /hooks/stripe
    root: data.object
    secrets: ["\${STRIPE_WHSEC}", "\${file:secrets/old}", { secret: whsec_canary_plain, until: 2099-01-01 }]
fragments:
  paid-line:
    line: lines.data[-1]
tables:
  plans: { csv: tables/plans.csv, key: price }
  unused: { a: canary-crm-token is no word for a table }
entities:
  customer:
    attributes:
      plan: { type: string, enum: [free, pro], owner: revenue-ops, protected: true }
      note: { type: string, owner: revenue-ops }
  other: {}
connections:
  crm:
    sink: http
    url: "https://\${CRM_HOST}/v1"
    auth: { kind: bearer, token: plain-canary-token }
    environments:
      staging: { auth: { kind: bearer, token: "\${CRM_TOKEN}" }, timeout: 7s }
  spare: { sink: file, path: ./spare.ndjson }
seed: none
`;

const pipeline = `pipeline: paid
owner: revenue-ops
source: stripe
rules:
  - on: invoice.paid
    let: paid-line
    write:
      customer:
        key: customer
        fields:
          plan: { from: $line.price, table: plans.plan }
          note: description
deliver:
  - { to: crm, entity: customer, method: POST, path: /people }
`;

const files = {
  "config.yaml": config,
  "secrets/old": "whsec_canary2\n",
  "tables/plans.csv": "price,plan\nprice_1,pro\n",
  "pipelines/paid.yaml": pipeline,
};

describe("echo", () => {
  it.each([[[]], [["--origin"]], [["--json"]], [["--json", "--origin"]], [["paid", "--origin"]]])(
    "shows no secret and nothing of the environment: %s",
    async (options: readonly string[]) => {
      write(files);
      const run = await runCommand(root, ["echo", ...options], { env });
      expect(`${run.code} ${run.stderr}`).toBe("0 ");
      expect(run.stdout).not.toMatch(/canary(?! is no word)/i);
      expect(run.stdout).toContain("(secret STRIPE_WHSEC, set)");
      expect(run.stdout).toContain("(secret file:secrets/old, set)");
      expect(run.stdout).toContain("(secret, written out in the file)");
    },
  );

  it("says what is in force: defaults, another environment's settings, tables and fragments", async () => {
    write(files);
    const run = await runCommand(root, ["echo"], { env });
    const [main, paid] = parseAllDocuments(run.stdout).map((document) => document.toJS() as Record<string, unknown>);
    expect(main).toMatchObject({
      description: "told by (variable OWNER_NOTE, set), not by hand",
      environment: "staging",
      server: { port: 9001, host: "0.0.0.0", limits: { max_connections: 1024, request_timeout: "30s" } },
      admin: { host: "127.0.0.1", port: 8081, tokens: [{ token: "(secret ADMIN_TOKEN, set)" }] },
      retention: { bodies: "30d" },
      limits: { mapping_timeout: "250ms" },
      sources: { stripe: { times: "seconds", enabled: true, dedupe: { hash_window: "10m" } } },
      tables: { plans: { price_1: { plan: "pro" } }, unused: { a: "(secret) is no word for a table" } },
      entities: { customer: { ids: ["id"], attributes: { plan: { clearable: false, write: "latest" } } } },
      connections: {
        crm: {
          url: "https://(variable CRM_HOST, set)/v1",
          auth: { token: "(secret CRM_TOKEN, set)" },
          timeout: "7s",
          concurrency: 8,
          breaker: { failures: 5, open_for: "30s" },
        },
      },
    });
    expect(main?.["connections"]).not.toHaveProperty("crm.environments");
    expect(paid).toMatchObject({
      enabled: true,
      sla: { lag: "1m", objective: "99%" },
      rules: [
        {
          let: { line: "lines.data[-1]" },
          write: {
            customer: {
              unknown: "create",
              fields: {
                plan: { from: "$line.price", missing: "keep", invalid: "reject", owner: "revenue-ops" },
                note: { from: "description", missing: "keep", invalid: "keep", on_null: "missing" },
              },
            },
          },
        },
      ],
      "x-retries": { crm: { base: "2s", cap: "5m", horizon: "3d" } },
    });
  });

  it("says of each line where it comes from", async () => {
    write(files);
    const { stdout } = await runCommand(root, ["echo", "--origin"], { env });
    for (const line of [
      "port: 9001 # config.yaml:3, from ${PORT}",
      "host: 0.0.0.0 # default: environment is staging",
      "timeout: 7s # config.yaml:32",
      "enum: [free, pro] # config.yaml:23",
      "line: lines.data[-1] # config.yaml:16, fragment paid-line",
      "plan: pro # tables/plans.csv:2",
      "invalid: reject # default: it is protected",
    ])
      expect(stdout).toContain(line);
    const json = await runCommand(root, ["echo", "--origin", "--json"], { env });
    const { origins } = JSON.parse(json.stdout) as { readonly origins: Readonly<Record<string, string>> };
    expect(origins["/config/server/port"]).toBe("config.yaml:3, from ${PORT}");
    expect(origins["/pipelines/0/rules/0/write/customer/fields/note/missing"]).toBe("default");
  });

  it("shows one pipeline with what it uses, and says which there are", async () => {
    write(files);
    const run = await runCommand(root, ["echo", "paid"], { env });
    const [main] = parseAllDocuments(run.stdout).map((document) => document.toJS() as Record<string, object>);
    expect(Object.keys(main ?? {})).toEqual(["sources", "tables", "entities", "connections"]);
    expect(Object.keys(main?.["entities"] ?? {})).toEqual(["customer"]);
    expect(Object.keys(main?.["tables"] ?? {})).toEqual(["plans"]);
    expect(Object.keys(main?.["connections"] ?? {})).toEqual(["crm"]);
    const unknown = await runCommand(root, ["echo", "piad"], { env });
    expect(unknown.code).toBe(64);
    expect(unknown.stderr).toContain("did you mean `paid`?");
  });

  it("writes what `check` takes, and what means the same", async () => {
    write(files);
    const before = await runCommand(root, ["echo"], { env });
    const [main = "", paid = ""] = before.stdout.split("---\n");
    const back = (text: string) =>
      text.replace(
        /"?\((?:secret|variable) ([^,)]+), set\)/g,
        (all, name: string) => `${all[0] === '"' ? '"' : ""}\${${name}}`,
      );
    write({
      "config.yaml": back(main).replace("(secret, written out in the file)", "whsec_canary_plain"),
      "pipelines/paid.yaml": back(paid),
    });
    const checked = await runCommand(root, ["check"], { env });
    expect(checked.stdout).not.toContain("error[");
    const again = await runCommand(root, ["echo"], { env });
    const body = (text: string) => text.replace(/^# revision.*\n/, "").replace(/^fragments:\n(?: .*\n)+/m, "");
    expect(body(again.stdout)).toBe(body(before.stdout));
  });

  it("tells the faults of a config that is not in force", async () => {
    write({ ...files, "pipelines/paid.yaml": pipeline.replace("customer:", "custmer:") });
    const run = await runCommand(root, ["echo"], { env });
    expect(run.code).not.toBe(0);
    expect(run.stderr).toContain("HK1041");
    expect(run.stdout).toBe("");
  });
});
