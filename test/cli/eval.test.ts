import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import type { EventId } from "../../engine/core/types.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import { CLI_NOW, runCommand } from "../support/cli.ts";

const config = `
teams: { ops: {} }
sources:
  stripe: { provider: stripe, path: /hooks/stripe, root: data.object, times: seconds, secrets: ["\${WHSEC}"] }
fragments:
  last-line:
    line: lines.data[-1]
entities:
  customer:
    attributes:
      seats: { type: integer, owner: ops, protected: true }
      email: { type: string, owner: ops, sensitive: true }
  line_item: { attributes: { amount: { type: integer, owner: ops } } }
connections: { out: { sink: file, path: out.ndjson } }
seed: none
`;

const pipeline = `pipeline: paid
owner: ops
source: stripe
rules:
  - on: invoice.paid
    name: an invoice
    let:
      - last-line
      - mail: customer_email
    write:
      customer:
        key: customer
        fields:
          seats: { from: $line.quantity, missing: reject }
          email: $mail
  - on: charge.refunded
    each: refunds.data
    write: { line_item: { key: $item.id, fields: { amount: $item.amount } } }
deliver: [{ to: out, entity: customer }]
`;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "hookrail-eval-"));
  write("config.yaml", config);
  write("pipelines/paid.yaml", pipeline);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const env = { WHSEC: "whsec_dGVzdA==" };
const evaluate = (...argv: string[]) => runCommand(root, ["eval", ...argv], { env });
const piped = (text: string, ...argv: string[]) =>
  runCommand(root, ["eval", ...argv], {
    env,
    readStdin: async () => text,
    stdin: { stream: Readable.from([text]), tty: false, screen: new PassThrough() },
  });
const judged = async (...argv: string[]) =>
  JSON.parse((await evaluate(...argv, "--json")).stdout) as Record<string, unknown>;

const sample = ["--sample", "stripe/invoice.paid"];

describe("hookrail eval", () => {
  test("shows value, type and what was read, as the engine sees the payload", async () => {
    expect(await judged("lines.data[-1].quantity", ...sample)).toMatchObject({
      format_version: "1.0",
      on: "stripe/invoice.paid",
      ok: true,
      value: 5,
      type: "integer",
      compiled: true,
      reads: [{ path: "lines.data[-1].quantity", presence: "present", missing: false, value: 5 }],
      warnings: [],
    });
    const told = await evaluate("$event.type", ...sample);
    expect(told).toMatchObject({ code: 0, stderr: "" });
    expect(told.stdout).toMatch(
      /^value {4}"invoice\.paid"\ntype {5}text\nreads {4}\$event\.type: present .*\ntime {5}[\d.]+ ms/,
    );
  });

  test("warns where an input is missing, and names the policy of the row that has the expression", async () => {
    const { value, warnings } = await judged('plan = "premium"', ...sample);
    expect(value).toBe(false);
    expect(warnings).toEqual([
      expect.stringMatching(/^`plan` is absent: a row's `missing:` decides, by default keep; the value above/),
    ]);
    const asRow = await judged("$line.quantity", ...sample, "--pipeline", "paid", "--remove", "lines");
    expect(asRow["warnings"]).toEqual([expect.stringContaining("in customer.seats (pipelines/paid.yaml:14) reject")]);
    expect(asRow["rows"]).toMatchObject([{ result: "dead", why: expect.stringContaining("[HK2020]") }]);
    const nulled = await judged("seats + 1", ...sample, "--set", "seats=null");
    expect(nulled).toMatchObject({ ok: true, present: false, errors: [] });
    expect(nulled["warnings"]).toEqual([expect.stringContaining("by itself it fails")]);
  });

  test.each([
    ["list.name", ["`list` is a list of one, unwrapped"]],
    ["list[0].name", []],
    ["two.name", ["the result is a list of 2"]],
    ["count", ["text that looks like a number"]],
  ])("warns of what %s may do another day", async (expression, warnings) => {
    const payload = { list: [{ name: "a" }], two: [{ name: "a" }, { name: "b" }], count: "12" };
    write("payload.json", JSON.stringify(payload));
    const { warnings: told } = await judged(expression, "--file", "payload.json");
    expect(told).toEqual(warnings.map((one) => expect.stringContaining(one)));
  });

  test("passes on what `check` would warn of", async () => {
    const { warnings } = await judged("none ?? 0", ...sample);
    expect(warnings).toEqual([expect.stringContaining("[HK2007]"), expect.stringContaining("`none` is absent")]);
  });

  test("gives `let:` names, fragments and items of the rule that takes the event", async () => {
    const rule = [...sample, "--pipeline", "paid"];
    expect(await judged("$line.quantity", ...rule)).toMatchObject({
      value: 5,
      rule: "an invoice",
      rows: [{ name: "customer.seats", at: "pipelines/paid.yaml:14", result: "set", value: 5 }],
    });
    const refused = await evaluate("$line.quantity", ...rule, "--set", "lines.data.1.quantity=many");
    expect(refused.stdout).toMatch(
      /^row {6}customer\.seats: dead letter: .*integer.* \[HK2022\] {3}pipelines\/paid\.yaml:14$/m,
    );
    expect(
      await judged(
        "$item.amount",
        "--sample",
        "stripe/charge.refunded",
        "--pipeline",
        "paid",
        "--set",
        'refunds={"data":[{"id":"r1","amount":7}]}',
      ),
    ).toMatchObject({ value: 7, item: "item 1 of 1" });
    const two = ["--sample", "stripe/charge.refunded", "--pipeline", "paid", "--set"];
    const refunds = 'refunds={"data":[{"id":"r1","amount":7},{"id":"r2","amount":9}]}';
    expect(await judged("$item.amount", ...two, refunds, "--item", "2")).toMatchObject({
      value: 9,
      item: "item 2 of 2",
    });
    expect(await judged("$item.amount", ...two, refunds, "--item", "3")).toMatchObject({ item: "no item 3 of 2" });
    expect((await evaluate("$item", ...rule)).stdout).toContain("error[HK2003]");
    const wrong = await evaluate("1", ...rule, "--rule", "3");
    expect(wrong).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("it has 1, an invoice, invoice.paid, 2, charge.refunded"),
    });
  });

  test("puts a caret under what is wrong, also on the second line, with its code", async () => {
    const run = await evaluate("$sum(\n  $maxx(lines.data.amount)\n)", ...sample);
    expect(run.code).toBe(1);
    expect(run.stdout).toContain(" --> expression:2:3\n");
    expect(run.stdout).toContain("2 |   $maxx(lines.data.amount)\n  |   ^^^^^\n");
    expect(run.stdout).toContain("did you mean `$max`?");
  });

  test("stops what does not end, as the engine would", async () => {
    const { ok, errors } = await judged("($f := function($n){$f($n + 1)}; $f(1))");
    expect(ok).toBe(false);
    expect(errors).toMatchObject([{ code: expect.stringMatching(/^HK201[15]$/) }]);
  });

  test("takes one payload a line, and says which one failed", async () => {
    const lines = '{"a":1}\n\n{"a":"x"}\n{"b":2}\n';
    const run = await piped(lines, "a + 1");
    expect(run.code).toBe(1);
    expect(run.stdout.split("\n")).toEqual([
      "line 1: 2  integer",
      expect.stringMatching(/^line 3: error\[HK2010\]/),
      "line 4: absent  nothing  missing: a absent",
      "",
    ]);
    expect((await piped(lines, "a", "--json")).stdout.trim().split("\n")).toHaveLength(3);
    expect(await piped("{", "a")).toMatchObject({ code: 1, stderr: expect.stringContaining("line 1 can't be used") });
  });

  test("needs a payload only where one is read", async () => {
    expect((await evaluate("1 + 1")).stdout).toContain("value    2\n");
    expect(await evaluate("a")).toMatchObject({ code: 64, stderr: expect.stringContaining("HK8154") });
    expect(await evaluate("a", "--file", "nowhere.json")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("HK8155"),
    });
  });

  test("of a stored event, what feeds a sensitive attribute is not shown unless it is asked for", async () => {
    const store = await openSqliteStore({
      path: join(root, "data/hookrail.db"),
      clock: createVirtualClock(CLI_NOW),
      thread: false,
    });
    const object = { customer: "cus_9", customer_email: "ada@example.com", total: 7 };
    await store.accept({
      events: [
        {
          id: "evt_00000001" as EventId,
          source: "stripe",
          provider: "stripe",
          dedupeKey: "p:1",
          dedupeUntil: CLI_NOW + 1e9,
          providerId: "their_1",
          type: "invoice.paid",
          occurredAt: CLI_NOW,
          clockResolutionMs: 1000,
          rank: 0,
          receivedAt: CLI_NOW,
          headers: {},
          contentType: "application/json",
          body: Buffer.from(JSON.stringify({ type: "invoice.paid", data: { object } })),
          bodyHash: "ab".repeat(32),
          itemIndex: 0,
          verification: { scheme: "hmac sha256", secretIndex: 1, signed: "raw_body" },
          revision: "r1",
        },
      ],
      pipelines: [[]],
    });
    await store.close();
    const event = ["--event", "evt_00000001", "--pipeline", "paid"];
    expect(await judged("total", ...event)).toMatchObject({ value: 7, sensitive: false });
    for (const expression of [
      "customer_email",
      "$mail",
      "$event.data.object.customer_email",
      "$",
      "$event",
      "**",
      "$uppercase(customer_email)",
      "$event.data",
      "$merge([$, {}])",
    ]) {
      const run = await evaluate(expression, ...event);
      expect(`${expression} ${run.stdout}`.toLowerCase()).not.toContain("ada@");
      expect(run.stdout).toMatch(/\[sensitive\]|error\[/);
    }
    expect((await evaluate("$mail", ...event, "--show-sensitive")).stdout).toContain("ada@example.com");
    expect(await evaluate("total", ...event, "--save-test", "x")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("a stored event is no fixture"),
    });
  });
});

describe("--save-test", () => {
  test("writes what the rule makes of the payload as a test, which passes", async () => {
    write(
      "pipelines/paid.test.yaml",
      "pipeline: paid\n# kept\ntests:\n  - { name: first, events: [invoice.paid], expect: {} }\n",
    );
    const run = await evaluate(
      "$line.quantity",
      ...sample,
      "--pipeline",
      "paid",
      "--set",
      "lines.data.1.quantity=3",
      "--save-test",
      "three seats",
    );
    expect(run.stderr).toBe("saved in pipelines/paid.test.yaml\n");
    expect(readFileSync(join(root, "pipelines/paid.test.yaml"), "utf8")).toBe(
      `pipeline: paid
# kept
tests:
  - { name: first, events: [ invoice.paid ], expect: {} }
  - name: three seats
    events:
      - sample: invoice.paid
        set:
          lines.data.1.quantity: 3
    expect:
      customer:
        cus_1:
          seats: 3
`,
    );
    const tested = await runCommand(root, ["test", "--no-generated"], { env });
    expect(tested.stdout).toContain("ok    paid / three seats");
  });

  test.each([
    [["--pipeline", "paid", "--save-test", "again"], "has a test of that name"],
    [["--save-test", "x"], "--pipeline"],
    [["--pipeline", "paid", "--remove", "lines", "--save-test", "x"], "writes nothing"],
  ])("refuses %s, and leaves the file as it was", async (options, problem) => {
    const before = "pipeline: paid\ntests:\n  - { name: again, events: [invoice.paid], expect: {} }\n";
    write("pipelines/paid.test.yaml", before);
    const run = await evaluate("customer", ...sample, ...options);
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining(problem) });
    expect(readFileSync(join(root, "pipelines/paid.test.yaml"), "utf8")).toBe(before);
  });
});

describe("line by line", () => {
  test("keeps names, changes the payload, saves a test and ends", async () => {
    const run = await piped(
      [
        ":sample stripe/invoice.paid",
        ":let twice = lines.data[-1].quantity * 2",
        "$twice + 1",
        ":type $twice",
        "customer",
        ":save what an invoice writes",
        ":quit",
        "never",
      ].join("\n"),
      "--pipeline",
      "paid",
    );
    expect(`${run.code}${run.stderr}`).toBe("0");
    expect(run.stdout).toContain("on stripe/invoice.paid\n$twice is 10\nvalue    11\n");
    expect(run.stdout).toContain("\ninteger\n");
    expect(run.stdout).toContain("saved in pipelines/paid.test.yaml\n");
    expect(run.stdout).not.toContain("never");
    expect(readFileSync(join(root, "pipelines/paid.test.yaml"), "utf8")).toContain("name: what an invoice writes");
  });

  test("goes on after a fault, and says in the end that there was one", async () => {
    const run = await piped(":smaple x\n:sample stripe/invoice.pad\n:let 5\n$nope\n1 + 1\n");
    expect(run.code).toBe(1);
    expect(run.stderr).toContain("there is no command :smaple");
    expect(run.stderr).toContain("did you mean `stripe/invoice.paid`?");
    expect(run.stderr).toContain(":let NAME = EXPRESSION");
    expect(run.stdout).toContain("error[HK2003]");
    expect(run.stdout).toContain("value    2\n");
  });
});
