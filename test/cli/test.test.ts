import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type CliRun, runCommand } from "../support/cli.ts";

const config = `
teams: { ops: {} }
sources:
  stripe: { provider: stripe, path: /hooks/stripe, root: data.object, times: seconds, secrets: ["\${WHSEC}"] }
entities:
  customer: { attributes: { owed: { type: integer, owner: ops, protected: true }, seen: { type: boolean, owner: ops } } }
connections: { out: { sink: file, path: out.ndjson } }
seed: none
`;

const pipeline = (from: string, second = "+1m") => `
pipeline: owed
owner: ops
source: stripe
rules:
  - on: charge.refunded
    lowers: [owed]
    write: { customer: { key: customer, fields: { owed: { from: "${from}", missing: reject }, seen: { value: true } } } }
deliver: [{ to: out, entity: customer }]
tests:
  - name: a refund is taken down
    events: [charge.refunded]
    expect: { customer: { cus_1: { seen: true } } }
traces:
  - name: two refunds
    events: [charge.refunded, { sample: charge.refunded, at: ${second}, set: { amount_refunded: 1 } }]
`;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "hookrail-test-verb-"));
  mkdirSync(join(root, "pipelines"));
  write("config.yaml", config);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (path: string, text: string) => writeFileSync(join(root, path), text);
const run = (...argv: string[]): Promise<CliRun> => runCommand(root, argv, { env: { WHSEC: "whsec_dGVzdA==" } });

describe("hookrail test", () => {
  test("runs tests, traces and generated tests, and says what none of them exercises", async () => {
    write("pipelines/owed.yaml", pipeline("amount_refunded"));
    const { code, stdout } = await run("test", "--coverage");
    expect(stdout).toContain("ok    owed / a refund is taken down\n");
    expect(stdout).toContain("ok    owed / two refunds (2 orders, and each with one event twice)\n");
    expect(stdout).toMatch(/^generated: \d+ passed, 0 failed$/m);
    expect(stdout).toMatch(/^exercised: fields 2\/2 · policies 0\/1 · sinks 1\/1$/m);
    expect(stdout).toContain("      customer.owed: missing -> reject   pipelines/owed.yaml:8\n");
    expect(stdout).toMatch(/^2 passed, 0 failed {3}\(/m);
    expect(code).toBe(0);
  });

  test("fails on a generated test, with the line that wrote it, and only without --no-generated", async () => {
    write("pipelines/owed.yaml", pipeline("$exists(amount_refunded) ? 7 : 0"));
    const { code, stdout } = await run("test");
    expect(code).toBe(1);
    expect(stdout).toContain(
      "FAIL  owed / rule 1, charge.refunded: amount_refunded is absent   pipelines/owed.yaml:6\n      6 | - on: charge.refunded\n      customer/cus_1.owed: 7 became 0 at pipelines/owed.yaml:8\n",
    );
    expect((await run("test", "--no-generated")).code).toBe(0);
    expect((await run("test", "--only", "null")).code).toBe(0);
    expect((await run("test", "--only", "amount_refunded is absent")).code).toBe(1);
  });

  test("fails on a trace that ends in two ways, and so does check", async () => {
    write("pipelines/owed.yaml", pipeline("amount_refunded", "+0s"));
    const { code, stdout } = await run("test", "--no-generated");
    expect(code).toBe(1);
    expect(stdout).toContain("FAIL  owed / two refunds   pipelines/owed.yaml:15\n");
    expect(stdout).toContain("      arrived 1, 2 against 2, 1\n      customer cus_1.owed: 1 (event 2 charge.refunded");
    const checked = await run("check");
    expect(checked.code).toBe(1);
    expect(checked.stdout).toContain("error[HK8310]: the trace `two refunds` ends differently: customer cus_1.owed: 1");
    expect(checked.stdout).toContain("the events arrived 1, 2 against 2, 1");
  });

  test("takes tests from a file beside the pipeline, checked as strictly as the rest", async () => {
    write("pipelines/owed.yaml", pipeline("amount_refunded"));
    const tests = (name: string, expected: string) =>
      `pipeline: ${name}\ntests:\n  - name: from a file\n    events: [charge.refunded]\n    expect: { ${expected} }\n`;
    write("pipelines/owed.test.yaml", tests("owed", "customer: { cus_1: { seen: false } }"));
    const failing = await run("test", "--no-generated");
    expect(failing.stdout).toContain("FAIL  owed / from a file   pipelines/owed.test.yaml:3\n");
    expect(failing.stdout).toContain("customer cus_1.seen: expected false, got true");
    write("pipelines/owed.test.yaml", tests("owned", "customer: { cus_1: { sean: true } }"));
    const faulty = await run("check");
    expect(faulty.stdout).toContain("pipeline `owned` is not there");
    expect(faulty.stdout).toContain("did you mean `owed`?");
    write("pipelines/owed.test.yaml", tests("owed", "customer: { cus_1: { sean: true } }"));
    expect((await run("check")).stdout).toContain("attribute `sean` is not declared");
  });

  test("a test that can not be run is a failure with its message, and the rest is run", async () => {
    write("pipelines/owed.yaml", pipeline("amount_refunded"));
    write(
      "pipelines/owed.test.yaml",
      "pipeline: owed\ntests:\n  - name: a file that is not there\n    events: [{ file: gone.json }]\n    expect: {}\n",
    );
    const { code, stdout } = await run("test", "--no-generated");
    expect(code).toBe(1);
    expect(stdout).toContain("FAIL  owed / a file that is not there");
    expect(stdout).toContain("HK8304: gone.json is not a recorded event");
    expect(stdout).toContain("ok    owed / two refunds");
  });

  test("writes JUnit's XML and JSON of the same results", async () => {
    write("pipelines/owed.yaml", pipeline("$exists(amount_refunded) ? 7 : 0"));
    const { stdout } = await run("test", "--json", "--junit", "out.xml");
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({
      passed: 2,
      failed: 0,
      generated: { failed: 1 },
      coverage: { sinks: { total: 1 } },
    });
    const xml = readFileSync(join(root, "out.xml"), "utf8");
    expect(xml).toContain(`failures="1"`);
    expect(xml).toContain('<failure message="customer/cus_1.owed: 7 became 0 at pipelines/owed.yaml:8">');
    expect(xml.match(/<testcase /g)?.length).toBe(2 + document.generated.passed + document.generated.failed);
  });

  test("runs again when a file changes, until it is told to stop", async () => {
    write("pipelines/owed.yaml", pipeline("amount_refunded"));
    let stop = (_: string): void => {};
    const lines: string[] = [];
    const clock = {
      now: () => Date.now(),
      monotonic: () => performance.now(),
      after: (_ms: number, fn: () => void) => {
        setImmediate(fn);
        return () => {};
      },
    };
    const out = { tty: false, columns: 100, color: (await import("picocolors")).default.createColors(false) };
    const runs = runCommand(root, ["test", "--watch", "--no-generated"], {
      env: { WHSEC: "whsec_dGVzdA==" },
      clock,
      onStopSignal: (handler) => {
        stop = handler;
      },
      out: { ...out, write: (text) => void lines.push(text) },
    });
    const passed = () => lines.filter((line) => line.includes("passed, ")).length;
    await expect.poll(passed, { timeout: 8_000 }).toBe(1);
    await expect
      .poll(
        () => {
          write("pipelines/owed.yaml", pipeline("amount_refunded"));
          return passed();
        },
        { timeout: 8_000, interval: 300 },
      )
      .toBeGreaterThan(1);
    stop("SIGINT");
    expect((await runs).code).toBe(0);
  });
});
