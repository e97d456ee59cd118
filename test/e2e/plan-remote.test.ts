/** Plans that a running engine makes of a posted config: what it tells, what it takes, and what it gives away, which is nothing. */
import { hash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCommand } from "../support/cli.ts";
import { eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation } from "../support/fault-installation.ts";
import { PATH, payment, SECRET, signed, yesterday } from "../support/payments.ts";

const TOKENS = { viewer: "hkr_of_a_viewer", admin: "hkr_of_an_admin", ci: "hkr_of_the_ci" };
const TOKEN_LINES = Object.entries(TOKENS).map(
  ([name, token]) =>
    `{ name: ${name}, role: ${name === "ci" ? "planner" : name}, hash: "sha256:${hash("sha256", token)}" }`,
);

const AMOUNT = "amount: amount }";
const AMOUNT_CHANGED = "amount: amount + 1 }";

let installation: Installation;
let engine: RunningEngine;
/** The same config, elsewhere, without a store. */
let checkout: string | undefined;
let files: Record<string, string>;

beforeAll(async () => {
  installation = createFaultInstallation();
  const { root } = installation;
  const text = readFileSync(join(root, "config.yaml"), "utf8");
  const admin = `admin: { port: 0, tokens: [${TOKEN_LINES.join(", ")}] }`;
  expect(text).toMatch(/^admin: .*$/m);
  writeFileSync(join(root, "config.yaml"), text.replace(/^admin: .*$/m, admin));
  engine = await installation.start();
  for (let n = 1; n <= 3; n++) {
    const body = payment(n, yesterday());
    await fetch(engine.hooks + PATH, { method: "POST", body, headers: signed(body) });
  }
  await eventually(
    async () =>
      (await ask("GET", "/api/v1/events?outcome=delivered", { token: TOKENS.viewer })).document[
        "events"
      ] as readonly object[],
    (events) => events.length === 3,
  );
  checkout = mkdtempSync(join(tmpdir(), "hookrail-checkout-"));
  for (const name of ["config.yaml", "pipelines"])
    cpSync(join(root, name), join(checkout ?? "", name), { recursive: true });
  files = Object.fromEntries(
    ["config.yaml", "pipelines/payments.yaml"].map((path) => [path, readFileSync(join(root, path), "utf8")]),
  );
}, 120_000);
afterAll(async () => {
  await engine?.end("SIGTERM");
  installation?.remove();
  if (checkout !== undefined) rmSync(checkout, { recursive: true, force: true });
});

interface Asked {
  readonly token?: string;
  readonly body?: unknown;
}

async function ask(method: string, path: string, { token = TOKENS.ci, body }: Asked = {}) {
  const answer = await fetch(engine.admin + path, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  expect(text).not.toContain(SECRET);
  return { status: answer.status, text, document: JSON.parse(text) as Readonly<Record<string, unknown>> };
}

const plan = (body: unknown, token?: string) =>
  ask("POST", "/api/v1/plan", { body, ...(token === undefined ? {} : { token }) });

/** The files with a piece of the pipeline put otherwise. */
function changed(from: string | RegExp, to: string): Record<string, string> {
  const before = files["pipelines/payments.yaml"] ?? "";
  const after = before.replace(from, to);
  expect(after).not.toBe(before);
  return { ...files, "pipelines/payments.yaml": after };
}

describe("POST /api/v1/plan", () => {
  test("tells what a posted config would write otherwise, over the engine's own events, and writes nothing", async () => {
    const store = join(installation.root, "data/hookrail.db");
    const before = [statSync(store).size, await ask("GET", "/api/v1/events", { token: TOKENS.viewer })];
    const same = await plan({ files });
    expect([same.status, same.document]).toEqual([200, expect.objectContaining({ changes_present: false })]);
    const other = await plan({ files: changed(AMOUNT, AMOUNT_CHANGED), last: 2 });
    expect(other.document).toMatchObject({
      format_version: "1.0",
      changes_present: true,
      before: { label: "running" },
      basis: { kind: "stored", events: 2, left_out: { more: 1 } },
      pipelines: [{ pipeline: "payments", kind: "changed" }],
    });
    const against = await plan({ files, against: changed(AMOUNT, AMOUNT_CHANGED) });
    expect(against.document).toMatchObject({ changes_present: true, before: { label: "against" } });
    expect([statSync(store).size, await ask("GET", "/api/v1/events", { token: TOKENS.viewer })]).toEqual(before);
  }, 120_000);

  test("is for roles with the right to plan, and on record", async () => {
    expect(await plan({ files }, TOKENS.viewer)).toMatchObject({ status: 403 });
    expect(await ask("GET", "/api/v1/events")).toMatchObject({ status: 403 });
    await plan({ files, last: 1, reason: "pull request 7" });
    const { document } = await ask("GET", "/api/v1/audit", { token: TOKENS.admin });
    expect(document["audit"]).toContainEqual(
      expect.objectContaining({ actor: "ci", action: "plan", target: "1 events", reason: "pull request 7" }),
    );
  }, 120_000);

  test("gives a posted config no variable, no file of the machine and no code", async () => {
    const peeking = changed(
      AMOUNT,
      'amount: amount, peek: { value: "${PAY_SECRET}" }, host: { value: "${file:/etc/hostname}" } }',
    );
    const entity = "      last:   { type: integer, owner: ops, protected: true }";
    const more = ["peek", "host"].map((name) => `\n      ${name}: { type: string, owner: ops }`).join("");
    const peeked = await plan({
      files: { ...peeking, "config.yaml": files["config.yaml"]?.replace(entity, `${entity}${more}`) ?? "" },
    });
    expect([peeked.status, peeked.text]).toEqual([200, expect.stringContaining('"attribute":"peek"')]);
    expect(peeked.text).not.toContain(readFileSync("/etc/hostname", "utf8").trim());
    for (const path of ["../secrets.yaml", "/etc/x.yaml", "plugins/sinks/evil.ts", "plugins/schemes/evil.mjs"])
      expect(await plan({ files: { ...files, [path]: "x" } })).toMatchObject({
        status: 400,
        document: { error: expect.stringMatching(/leads out of the folder|code is not taken/) },
      });
    const outside = {
      ...files,
      "config.yaml": `env_file: ../../../../etc/passwd\n${files["config.yaml"]?.replace(/^env_file.*$/m, "")}`,
    };
    const refused = await plan({ files: outside });
    expect([refused.status, refused.document["error"]]).toEqual([422, expect.stringContaining("HK1006")]);
  }, 120_000);

  test("says what is wrong with what is posted", async () => {
    const faulty = await plan({ files: changed(/^owner: /m, "ownerr: ") });
    expect([faulty.status, faulty.document["error"]]).toEqual([
      422,
      expect.stringMatching(/the posted config has errors \(\d+\): HK\d{4} pipelines\/payments\.yaml:\d+: .*`ownerr`/),
    ]);
    const wrong: readonly [unknown, string][] = [
      [{}, "files must be an object of texts"],
      [{ files: { "config.yaml": 1 } }, "files must be an object of texts"],
      [{ files: { "pipelines/a.yaml": "" } }, "files has no config.yaml"],
      [{ files, last: 5_001 }, "last must be a whole number up to 5000"],
      [{ files, since: "yesterday" }, "since must be an ISO time"],
      [{ files: Object.fromEntries(Array.from({ length: 1_001 }, (_, n) => [`${n}`, ""])) }, "1000 are allowed"],
    ];
    for (const [body, error] of wrong)
      expect(await plan(body)).toMatchObject({ status: 400, document: { error: expect.stringContaining(error) } });
    expect(await plan({ files: { ...files, "x.yaml": "x".repeat(9 * 1024 * 1024) } })).toMatchObject({
      status: 400,
      document: { error: expect.stringContaining("more than 8388608 bytes") },
    });
  }, 120_000);

  test("is made one at a time", async () => {
    const all = await Promise.all([plan({ files }), plan({ files }), plan({ files })]);
    expect(all.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    expect((await plan({ files })).status).toBe(200);
  }, 120_000);
});

describe("hookrail plan --remote", () => {
  const run = (argv: readonly string[], token: string = TOKENS.ci) =>
    runCommand(checkout ?? "", ["plan", ...argv], { env: { HOOKRAIL_TOKEN: token } });

  test("has a checkout without store or secrets planned by the engine", async () => {
    const same = await run(["--against", "running", "--remote", engine.admin]);
    expect([same.code, same.stderr, same.stdout]).toEqual([0, "", expect.stringContaining("No changes.")]);
    writeFileSync(
      join(checkout ?? "", "pipelines/payments.yaml"),
      changed(AMOUNT, AMOUNT_CHANGED)["pipelines/payments.yaml"] ?? "",
    );
    const other = await run(["--against", "running", "--remote", engine.admin, "--last", "2"]);
    expect(other.code).toBe(2);
    expect(other.stdout).toMatch(/^running -> this config, over 2 stored events, .*\(1 older ones left out\)/);
    expect(other.stdout).toContain("payments");
    const older = await run(["--against", installation.root, "--remote", engine.admin, "--json"]);
    expect(JSON.parse(older.stdout)).toMatchObject({
      changes_present: true,
      before: { label: installation.root },
      after: { label: "this config" },
      basis: { events: 3 },
    });
    const markdown = await run(["--against", "running", "--remote", engine.admin, "--format", "markdown"]);
    expect(markdown.stdout).toContain("### Hookrail plan: changes");
  }, 120_000);

  test("says what keeps it from a plan", async () => {
    expect(await run(["--against", "running", "--remote", engine.admin], TOKENS.viewer)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("HK8214"),
    });
    expect(await run(["--against", "running", "--remote"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("HK8129"),
    });
    expect(await run(["--against", "running", "--remote", "--samples"])).toMatchObject({ code: 64 });
  }, 120_000);
});
