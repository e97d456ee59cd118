/** Commands against an engine on another machine: over HTTPS, with a token, and without its config or store. */
import { execFile } from "node:child_process";
import { hash } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { get } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeCertificate } from "../support/certificates.ts";
import { runCommand } from "../support/cli.ts";
import { checkoutProgram, eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation } from "../support/fault-installation.ts";
import { PATH, payment, signed, yesterday } from "../support/payments.ts";

const TOKENS = { viewer: "hkr_canary_viewer", operator: "hkr_canary_operator", admin: "hkr_canary_admin" };
type Role = keyof typeof TOKENS;
const pair = makeCertificate({ name: "ops" });
let installation: Installation;
let engine: RunningEngine;
/** Holds tokens, and no installation. */
let elsewhere: string;
let event: string;
let stray: Server;

interface Done {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A real process in a folder that knows nothing of the engine. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Done> {
  const [program, ...first] = checkoutProgram;
  const options = {
    cwd: elsewhere,
    env: { HOME: elsewhere, PATH: "/usr/bin:/bin", NODE_EXTRA_CA_CERTS: join(elsewhere, "ca.pem"), ...env },
    encoding: "utf8",
    timeout: 60_000,
  } as const;
  return new Promise((resolve) => {
    execFile(program, [...first, ...args], options, (error, stdout, stderr) => {
      expect(stdout + stderr).not.toContain("hkr_canary");
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
}

const port = () => (stray.address() as AddressInfo).port;
const as = (role: Role, ...args: readonly string[]) => run(["--url", engine.admin, "--token-file", role, ...args]);
const json = async (role: Role, ...args: readonly string[]) => JSON.parse((await as(role, ...args, "--json")).stdout);

beforeAll(async () => {
  elsewhere = mkdtempSync(join(tmpdir(), "hookrail-elsewhere-"));
  for (const [role, token] of Object.entries(TOKENS))
    writeFileSync(join(elsewhere, role), `${token}\n`, { mode: 0o600 });
  writeFileSync(join(elsewhere, "ca.pem"), pair.cert);
  stray = createServer((_req, res) => res.end("<html>hello</html>"));
  await new Promise<void>((done) => stray.listen(0, "127.0.0.1", done));
  const extra = `channels:\n  desk: { webhook: "http://127.0.0.1:${port()}/", allow_private: true, signing_secret: "whsec_${"A".repeat(44)}" }\n`;
  const sources = "  tasks: { provider: asana, path: /hooks/tasks }\n";
  installation = createFaultInstallation({
    sources,
    extra,
    files: { "tls/crt.pem": pair.cert, "tls/key.pem": pair.key },
  });
  const lines = Object.entries(TOKENS).map(
    ([role, token]) => `{ name: ${role}-ann, role: ${role}, hash: "sha256:${hash("sha256", token, "hex")}" }`,
  );
  const config = join(installation.root, "config.yaml");
  const tls = "tls: { cert: tls/crt.pem, key: tls/key.pem }";
  const admin = `admin: { port: 0, ${tls}, tokens: [${lines.join(", ")}] }`;
  writeFileSync(config, readFileSync(config, "utf8").replace("admin: { port: 0 }", admin));
  engine = await installation.start();
  for (const body of [payment(1, yesterday()), "{1", "{2"])
    await fetch(engine.hooks + PATH, { method: "POST", body, headers: signed(body) });
  const events = await eventually(
    async () => (await json("viewer", "events", "--outcome", "delivered")).events as { id: string }[],
    (list) => list.length === 1,
  );
  event = events[0]?.id ?? "";
});
afterAll(async () => {
  stray?.close();
  await engine?.end("SIGKILL");
  installation?.remove();
  rmSync(elsewhere, { recursive: true, force: true });
});

describe("from elsewhere", () => {
  test("what is shown is what is shown beside the store, but for what the config alone says", async () => {
    for (const args of [["events"], ["dead", "list"], ["explain", event], ["explain", "account:acct_1.amount"]]) {
      const [there, here, thereJson, hereJson] = await Promise.all([
        as("viewer", ...args),
        installation.hookrail(...args),
        json("viewer", ...args),
        installation.hookrail(...args, "--json"),
      ]);
      const told = (text: string) => text.split("\n").filter((line) => !/^ +promise /.test(line));
      expect([args, there.code, told(there.stdout)]).toEqual([args, 0, told(here.stdout)]);
      expect(thereJson).toEqual(JSON.parse(hereJson.stdout));
    }
  }, 120_000);

  test("status tells of the engine there", async () => {
    expect((await as("viewer", "status")).stdout).toMatch(/running .*pipelines +payments.*dead letters +2/s);
    expect(await json("viewer", "status")).toMatchObject({
      running: true,
      counts: { open_dead_letters: 2 },
      store: {},
    });
  });

  test("HOOKRAIL_URL and HOOKRAIL_TOKEN do the same", async () => {
    const env = { HOOKRAIL_URL: engine.admin, HOOKRAIL_TOKEN: TOKENS.viewer };
    expect((await run(["status"], env)).code).toBe(0);
  });

  test("what is done there has the token's name in the audit, and a reason", async () => {
    const [letter] = (await json("viewer", "dead", "list")).dead_letters as { id: string }[];
    const id = letter?.id ?? "";
    expect((await as("operator", "pause", "pipeline", "payments", "--reason", "drill")).code).toBe(0);
    expect((await as("operator", "resume", "pipeline", "payments")).stdout).toContain("goes on");
    expect((await as("operator", "dead", "discard", id)).code).toBe(64);
    expect((await as("operator", "dead", "discard", id, "--reason", "a test")).stdout).toContain("discarded");
    expect((await as("operator", "dead", "discard", id, "--reason", "again")).stderr).toContain("HK8004");
    expect((await as("admin", "reload", "--reason", "a new secret")).stdout).toContain("unchanged");
    const audit = await new Promise<string>((done) => {
      const headers = { authorization: `Bearer ${TOKENS.viewer}` };
      get(`${engine.admin}/api/v1/audit?limit=1`, { ca: pair.cert, headers }, (res) => {
        let text = "";
        res.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        res.on("end", () => done(text));
      });
    });
    expect(JSON.parse(audit).audit).toMatchObject([
      { actor: "admin-ann", action: "reload", target: expect.stringMatching(/^unchanged: /), reason: "a new secret" },
    ]);
    const answer = await installation.hookrail("explain", "HK8214");
    expect(answer.code).toBe(0);
  });
});

describe("each verb that works from elsewhere", () => {
  test("alerts: what is wrong, a silence and its end, a channel that is tried", { timeout: 120_000 }, async () => {
    const open = await eventually(
      async () => (await json("viewer", "alerts")).alerts as { findings: { kind: string }[] }[],
      (list) => list.length > 0,
    );
    expect(open.flatMap((one) => one.findings.map(({ kind }) => kind))).toContain("dead_letter");
    const listed = await as("viewer", "alerts", "list");
    expect([listed.code, listed.stdout]).toEqual([0, expect.stringMatching(/since .*type hookrail dead/s)]);
    for (const verb of ["budgets", "channels"]) expect((await as("viewer", "alerts", verb)).code).toBe(0);

    const wanted = ["alerts", "silence", "kind=dead_letter", "--for", "2h", "--reason", "a drill"];
    expect((await as("viewer", ...wanted)).stderr).toContain("HK8214");
    const made = await as("operator", ...wanted);
    const id = /\((sil_\w+)\)/.exec(made.stdout)?.[1] ?? "";
    expect([made.code, made.stdout]).toEqual([0, expect.stringContaining("silent until")]);
    expect((await json("viewer", "alerts")).silences).toMatchObject([{ id, by: "operator-ann", reason: "a drill" }]);
    expect((await as("operator", "alerts", "unsilence", id)).stdout).toContain("has ended");
    expect((await json("viewer", "alerts")).silences).toEqual([]);
    expect((await as("operator", "alerts", "unsilence", id)).code).toBe(1);

    expect((await as("operator", "alerts", "test", "desk")).stdout).toContain("desk was told");
    expect((await as("operator", "alerts", "test", "none")).stderr).toContain("HK8202");
    expect((await as("viewer", "alerts", "list", "--exit-code")).code).toBe(1);
  });

  test("tail: what the engine there has just done, and what it does", async () => {
    const past = await as("viewer", "tail", "--no-follow", "--last", "50");
    expect([past.code, past.stdout]).toEqual([0, expect.stringMatching(/received .*delivered /s)]);
    const line = JSON.parse(
      (await as("viewer", "tail", "--no-follow", "--stage", "delivered", "--json")).stdout.split("\n")[0] ?? "",
    );
    expect(line).toMatchObject({ stage: "delivered", connection: "local" });
  });

  test("top: one frame of the engine there", async () => {
    const frame = await as("viewer", "top", "--once");
    expect([frame.code, frame.stdout]).toEqual([0, expect.stringMatching(/payments/)]);
  });

  test("replay: says by the config there what it would do, does it for who may, and knows what was sent", async () => {
    const planned = await as("operator", "replay", event);
    expect([planned.code, planned.stdout]).toEqual([0, expect.stringMatching(/1 events, 1 turns.*changes nothing/s)]);
    expect(planned.stdout).toBe((await installation.hookrail("replay", event)).stdout);
    expect((await as("viewer", "replay", event)).stderr).toContain("HK8214");
    const audit = async () =>
      JSON.parse((await installation.hookrail("explain", event, "--json")).stdout) as Readonly<Record<string, unknown>>;
    expect((await as("operator", "replay", "--since", "1h", "--type", "nothing.such")).stdout).toContain("0 events");
    const done = await as("operator", "replay", event, "--yes", "--reason", "a drill");
    expect([done.code, done.stdout]).toEqual([0, expect.stringContaining("1 turns given: all done")]);
    expect(await audit()).toBeDefined();
    expect((await as("operator", "replay", "evt_00000000")).stderr).toContain("evt_00000000");
    const lines = (await as("operator", "replay", event, "--json")).stdout.trim().split("\n");
    expect(lines.map((text) => JSON.parse(text) as object)).toContainEqual(
      expect.objectContaining({ turn: expect.objectContaining({ event, verdict: "no_change" }) }),
    );
  });

  test("secrets: a told one is listed, shown to an admin only, accepted and discarded", async () => {
    const told = await fetch(`${engine.hooks}/hooks/tasks`, {
      method: "POST",
      headers: { "x-hook-secret": "hkr_told_by_asana_000000000000000" },
    });
    expect(told.status).toBe(200);
    const { secrets } = await json("viewer", "secrets", "list");
    expect(secrets).toMatchObject([{ source: "tasks", status: "pending" }]);
    const [{ secret }] = secrets as [{ secret: string }];
    expect((await as("operator", "secrets", "show", "tasks", secret)).stderr).toContain("HK8214");
    const shown = await as("admin", "secrets", "show", "tasks", secret, "--reason", "to type it in");
    expect(shown.stdout).toBe("hkr_told_by_asana_000000000000000\n");
    expect((await as("admin", "secrets", "accept", "tasks", secret)).stdout).toContain("verifies requests from now on");
    expect((await as("viewer", "secrets", "list")).stdout).toMatch(/tasks +\w+ +accepted/);
    expect((await as("admin", "secrets", "discard", "tasks", secret)).stdout).toContain("is forgotten");
    expect((await json("viewer", "secrets", "list")).secrets).toEqual([]);
  });

  test("all others say that they are for the machine of the engine", async () => {
    for (const args of [["check"], ["test"], ["fmt"], ["send", "x/y"], ["seed"], ["backup", "copy.db"]]) {
      const done = await as("admin", ...args);
      expect([args, done.code, done.stderr]).toEqual([args, 64, expect.stringContaining("HK8212")]);
    }
  });
});

describe("what goes wrong is said", () => {
  const cases: readonly (readonly [name: string, args: () => readonly string[], code: string, exit: number])[] = [
    [
      "a role that may not",
      () => ["--url", engine.admin, "--token-file", "viewer", "pause", "pipeline", "payments"],
      "HK8214",
      1,
    ],
    ["no token", () => ["--url", engine.admin, "status"], "HK8213", 1],
    ["nobody there", () => ["--url", "https://127.0.0.1:9", "status"], "HK8210", 1],
    ["nothing to follow without a token", () => ["--url", engine.admin, "tail"], "HK8213", 1],
    ["nobody to follow", () => ["--url", "https://127.0.0.1:9", "tail"], "HK8140", 1],
    ["a service of another kind", () => ["--url", `http://127.0.0.1:${port()}`, "status"], "HK8217", 1],
    ["plain http", () => ["--url", "http://ops.example.com:8081", "status"], "HK8211", 64],
    ["no address", () => ["--url", "ops.example.com", "status"], "HK8211", 64],
    ["a token in the address", () => ["--url", "https://hkr_canary@ops.example.com", "status"], "HK8211", 64],
    ["no token file", () => ["--url", engine.admin, "--token-file", "nope", "status"], "HK8215", 64],
    ["a command of this machine", () => ["--url", engine.admin, "check"], "HK8212", 64],
    ["no such event", () => ["--url", engine.admin, "--token-file", "viewer", "explain", "evt_00000000"], "HK8003", 1],
    [
      "no such pipeline",
      () => ["--url", engine.admin, "--token-file", "admin", "pause", "pipeline", "pay"],
      "HK8014",
      1,
    ],
  ];
  test.each(cases)("%s", async (_name, args, code, exit) => {
    const done = await run(args());
    expect([done.stderr, done.code]).toEqual([expect.stringContaining(code), exit]);
  });

  test("a certificate nobody here trusts", async () => {
    const done = await run(["--url", engine.admin, "status"], { NODE_EXTRA_CA_CERTS: "" });
    expect(done.stderr).toContain("NODE_EXTRA_CA_CERTS");
  });

  test("a token file that others may read", async () => {
    writeFileSync(join(elsewhere, "open"), TOKENS.viewer);
    chmodSync(join(elsewhere, "open"), 0o644);
    expect((await run(["--url", engine.admin, "--token-file", "open", "status"])).stderr).toContain("HK8215");
  });

  test("guessing, with how long to wait", async () => {
    writeFileSync(join(elsewhere, "wrong"), "hkr_wrong", { mode: 0o600 });
    const guess = async () => (await run(["--url", engine.admin, "--token-file", "wrong", "status"])).stderr;
    expect(await guess()).toContain("HK8213");
    for (let n = 1; n < 10; n++) {
      await new Promise<void>((resolve) => {
        const headers = { authorization: "Bearer hkr_wrong" };
        get(`${engine.admin}/api/v1/me`, { ca: pair.cert, headers }, (res) => res.resume().on("end", resolve));
      });
    }
    expect(await guess()).toMatch(/HK8216.*takes no more tokens from here for \d+ s/);
  });
});

describe("token new", () => {
  test("shows the token once, and a line that keeps its hash", async () => {
    const done = await runCommand(tmpdir(), ["token", "new", "--name", "ann", "--role", "operator"]);
    const token = done.stdout.trim();
    expect(token).toMatch(/^hkr_[\w-]{43}$/);
    expect(done.stderr).toContain(`{ name: ann, role: operator, hash: sha256:${hash("sha256", token, "hex")} }`);
    expect(done.stderr).not.toContain(token);
  });
  test.each([
    ["--name", "Ann", "--role", "viewer"],
    ["--name", "ann"],
    ["--name", "ann", "--role", "king"],
  ])("refuses %s %s %s %s", async (...args) => {
    expect((await runCommand(tmpdir(), ["token", "new", ...args])).code).toBe(64);
  });
});
