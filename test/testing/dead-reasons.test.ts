import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCommand } from "../support/cli.ts";

const config = `teams: { ops: {} }
sources:
  stripe: { provider: stripe, path: /hooks/stripe, root: data.object, times: seconds, secrets: ["\${WHSEC}"] }
fragments:
  total:
    total: amount_paid + customer
entities:
  customer: { attributes: { owed: { type: integer, owner: ops, protected: true } } }
connections: { out: { sink: file, path: out.ndjson } }
seed: none
`;

const pipeline = (lets: string, tests: string) => `pipeline: owed
owner: ops
source: stripe
rules:
  - on: invoice.paid
    let: ${lets}
    write: { customer: { key: customer, fields: { owed: $total } } }
  - on: charge.refunded
    write: { customer: { key: customer, fields: { owed: { from: customer, missing: reject } } } }
deliver: [{ to: out, entity: customer }]
tests:
${tests}`;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "hookrail-dead-reasons-"));
  mkdirSync(join(root, "pipelines"));
  writeFileSync(join(root, "config.yaml"), config);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const run = (lets: string, tests: string) => {
  writeFileSync(join(root, "pipelines/owed.yaml"), pipeline(lets, tests));
  return runCommand(root, ["test", "--no-generated"], { env: { WHSEC: "whsec_dGVzdA==" } });
};

const failing = "{ total: amount_paid + customer }";

test("an expression that fails is a failure with its line, also where the test looks at nothing of it", async () => {
  const { code, stdout } = await run(failing, "  - { name: looks elsewhere, events: [invoice.paid], expect: {} }\n");
  expect(code).toBe(1);
  expect(stdout).toContain("FAIL  owed / looks elsewhere");
  expect(stdout).toMatch(
    /event 1 became a dead letter: let total: the expression `amount_paid \+ customer` failed: .* \[HK2010\]\n/,
  );
  expect(stdout).toContain("pipelines/owed.yaml:6 | let: { total: amount_paid + customer }\n");
});

test("a fragment's line is shown for what fails in it", async () => {
  const { stdout } = await run("total", "  - { name: elsewhere, events: [invoice.paid], expect: {} }\n");
  expect(stdout).toContain("let total of fragment total: ");
  expect(stdout).toContain("config.yaml:6 | total: amount_paid + customer\n");
});

test("what a test expects is no failure, by its outcome or by its code", async () => {
  const { code } = await run(
    failing,
    "  - { name: by outcome, events: [invoice.paid], expect: { outcomes: [dead_letter] } }\n  - { name: by code, events: [invoice.paid], expect: { dead: [HK2010] } }\n",
  );
  expect(code).toBe(0);
});

test("where a test fails, the reason of every dead letter is told", async () => {
  const { stdout } = await run(
    failing,
    "  - { name: refused, events: [charge.refunded], expect: { customer: { cus_1: { owed: 5 } } } }\n",
  );
  expect(stdout).toContain("customer cus_1: expected to be there, got absent\n");
  expect(stdout).toMatch(/event 1 became a dead letter: .*owed.* \[HK2022\]\n/);
  expect(stdout).toContain("pipelines/owed.yaml:9 | write:");
});
