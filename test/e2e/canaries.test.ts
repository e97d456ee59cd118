/**
 * Secrets and personal values, each unique, go into a real engine by every door: config, credentials, requests that are
 * taken and refused, answers of sinks and channels, tokens of operators, a crash. Then everything it writes, serves,
 * prints, tells and exports is searched for them, in every encoding.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { findLeaks } from "../support/canaries.ts";
import { runCommand } from "../support/cli.ts";
import { createInstallation, eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { answer, type FaultServer, startFaultServer } from "../support/fault-server.ts";
import { signed } from "../support/payments.ts";

vi.mock(import("../../engine/config/validate.ts"), async (real) => {
  const { keepValidators } = await import("../support/kept-validators.ts");
  return keepValidators(await real());
});

/** Nothing of these may be seen anywhere. */
const SECRETS = {
  webhookSecret: "whsec_Kq7canary1Zx93mW",
  oldWebhookSecret: "whsec_Pd2canary2Lr58tY",
  crmToken: "crmtok-Vb6canary3Jh27nQ",
  basicPassword: "basicpw-Ws8canary4Gf41kE",
  sqlPassword: "sqlpw-Tc5canary5Mn76bU",
  apiKey: "apikey-Hy3canary6Rd95vO",
  adminToken: "admtok-Xe9canary7Fk64sAadmtok",
  otlpToken: "otlptok-Uz4canary8Bp32cI",
  hashKey: "hashkey-Ol1canary9Nw87gS",
  guessedToken: "guess-Yi7canary10Dm52hP",
  cookie: "cookie-Qa6canary11Tj13xL",
  plainInFile: "plain-Ev8canary12Cg49zR",
  slackPath: "T00canary20/B11/Xk5Nq83vRz",
  pagerKey: "pagerkey-Bn2canary21Sd67aC",
  alertSecret: "alertsec-Gp9canary22Lw40fM",
};
/** Nor of these: an attribute that is sensitive, an entity's key that is, and what a body has that no row reads. */
const PERSONAL = {
  email: "ada.canary13@lovelace.example",
  otherEmail: "grace.canary14@hopper.example",
  phone: "+4915canary15x7781",
  card: "4242-canary16-0000",
  unreadable: "half.canary17@broken.example",
  inQuery: "query.canary18@search.example",
  inCrash: "crash.canary19@boom.example",
  inAnswer: "answer.canary23@channel.example",
};
const CANARIES = { ...SECRETS, ...PERSONAL };

const places = new Map<string, string>();
let crm: FaultServer;
let collector: FaultServer;
/** Slack, PagerDuty and a webhook. */
let told: FaultServer;
let installation: Installation;
let engine: RunningEngine;

const config = () => `
environment: dev
env_file: canary.env
store: sqlite:./data/hookrail.db
server: { port: 0 }
admin: { port: 0, tokens: [{ name: ann, role: admin, token: "\${ADMIN_TOKEN}" }] }
limits: { disk_reserve: 0B }
log: { level: debug, hash_key: "\${HASH_KEY}" }
otel: { endpoint: "${collector.url}", headers: { authorization: "Bearer \${OTLP_TOKEN}" } }
teams: { ops: { alerts: chat, page: pager } }
channels:
  chat:  { slack: "\${SLACK_URL}", allow_private: true, fallback: hook }
  pager: { pagerduty: "\${PAGER_KEY}", url: "${told.url}/pager", allow_private: true, fallback: hook }
  hook:  { webhook: "${told.url}/hook", signing_secret: "\${ALERT_SECRET}", allow_private: true }
  kept:  { file: alerts.log }
alerting: { wait: 1s, default: kept, budget: { burn: [{ rate: 1, long: 2m, short: 1m, severity: alert }] } }
alerts:
  dead:   { on: dead_letter, severity: page }
  badly:  { on: rejected, above: 0, to: kept }
seed: none
sources:
  pay: { provider: stripe, path: /hooks/pay, root: data.object, secrets: ["\${PAY_SECRET}", { secret: "\${PAY_OLD}", until: 2099-01-01 }] }
entities:
  lead:
    ids: [email]
    attributes:
      email: { type: string, owner: ops, sensitive: true, writers: [leads, bombs] }
      phone: { type: string, owner: ops, sensitive: true, protected: true }
      tier:  { type: string, enum: [free, pro], owner: ops }
connections:
  crm:    { sink: http, url: "${crm.url}/crm/{entity.key}", allow_private: true, auth: { kind: bearer, token: "\${CRM_TOKEN}" }, retry: { base: 100ms, cap: 200ms } }
  basic:  { sink: http, url: "${crm.url}/basic", allow_private: true, auth: { kind: basic, user: me, password: "\${BASIC_PASSWORD}" } }
  keyed:  { sink: http, url: "${crm.url}/keyed", allow_private: true, auth: { kind: query, parameter: key, value: "\${API_KEY}" } }
  ledger: { sink: sql, url: "postgres://me:\${SQL_PASSWORD}@127.0.0.1:1/db", allow_private: true }
  bomb:   { sink: bomb }
`;

const env = () => `PAY_SECRET=${SECRETS.webhookSecret}
PAY_OLD=${SECRETS.oldWebhookSecret}
CRM_TOKEN=${SECRETS.crmToken}
BASIC_PASSWORD=${SECRETS.basicPassword}
SQL_PASSWORD=${SECRETS.sqlPassword}
API_KEY=${SECRETS.apiKey}
ADMIN_TOKEN=${SECRETS.adminToken}
OTLP_TOKEN=${SECRETS.otlpToken}
HASH_KEY=${SECRETS.hashKey}
SLACK_URL=${told.url}/slack/${SECRETS.slackPath}
PAGER_KEY=${SECRETS.pagerKey}
ALERT_SECRET=${SECRETS.alertSecret}
`;

const pipeline = `
pipeline: leads
owner: ops
source: pay
rules:
  - on: lead.made
    write:
      lead: { key: email, fields: { email: email, phone: { from: phone, invalid: reject }, tier: { from: tier, invalid: reject } } }
deliver:
  - { to: crm, entity: lead }
  - { to: basic, entity: lead }
  - { to: keyed, entity: lead }
  - { to: ledger, entity: lead }
`;

const bombs = `
pipeline: bombs
owner: ops
source: pay
rules:
  - on: lead.bomb
    write:
      lead: { key: email, fields: { email: email } }
deliver:
  - { to: bomb, entity: lead }
`;

/** Fails where nobody catches it, with personal data in the message. */
const bombSink = `
import { closed, defineSink } from "hookrail/plugin";
export default defineSink({
  name: "bomb",
  summary: "Fails.",
  config: closed({}),
  guarantee: "at_least_once",
  actions: { "*": { kind: "upsert", summary: "Fails.", openParams: true, repeat: "safe" } },
  defaultAction: "*",
  marksAttempts: true,
  async open() {
    return {
      prepare: (delivery) => ({ summary: "fail", data: { id: delivery.id } }),
      async send() {
        setTimeout(() => { throw new TypeError("can not send to ${PERSONAL.inCrash} with ${SECRETS.crmToken}"); }, 1);
        return new Promise(() => {});
      },
      close: async () => {},
    };
  },
});
`;

function lead(n: number, more: object = {}, type = "lead.made"): string {
  const object = { email: PERSONAL.email, phone: PERSONAL.phone, tier: "pro", card: PERSONAL.card, ...more };
  return JSON.stringify({ id: `evt_${n}`, object: "event", type, created: 1_790_000_000 + n, data: { object } });
}

async function post(body: string, headers: Readonly<Record<string, string>> = {}, query = ""): Promise<number> {
  const all = { ...signed(body, Date.now(), SECRETS.webhookSecret), ...headers };
  const reply = await fetch(`${engine.hooks}/hooks/pay${query}`, { method: "POST", body, headers: all });
  places.set(`answer ${places.size}: ${reply.status}`, `${JSON.stringify([...reply.headers])}\n${await reply.text()}`);
  return reply.status;
}

async function get(path: string, init: RequestInit = {}): Promise<number> {
  const headers = { authorization: `Bearer ${SECRETS.adminToken}`, ...init.headers };
  const reply = await fetch(engine.admin + path, { ...init, headers, redirect: "manual" });
  places.set(
    `${init.method ?? "GET"} ${path} ${reply.status}`,
    `${JSON.stringify([...reply.headers])}\n${await reply.text()}`,
  );
  return reply.status;
}

type Said = { readonly code: number; readonly stdout: string };

function note(args: readonly string[], { code, stdout, stderr }: Said & { readonly stderr: string }): Said {
  // What was typed may be said again: whoever typed it knows it.
  const typed = args.flatMap((arg) => [arg, arg.replace(/^lead:/, "").replace(/\.phone$/, "")]);
  const said = typed.reduce((text, one) => text.replaceAll(one, "…"), `${stdout}\n${stderr}`);
  places.set(`hookrail ${args.join(" ")} (${code})`, said);
  // Typed wrongly here it would prove nothing.
  expect(`${args.join(" ")}: ${code} ${code === 64 ? stderr : ""}`).not.toMatch(/: 64 error: /);
  return { code, stdout };
}

/** A process of its own. */
const run = async (...args: readonly string[]): Promise<Said> => note(args, await installation.hookrail(...args));

/** All that these write on their streams, without a process for each. */
async function runAll(commands: readonly (readonly string[])[]): Promise<void> {
  for (const args of commands) note(args, await runCommand(installation.root, args));
}

const noteEngine = (when: string) => places.set(`engine, ${when}`, `${engine.lines.join("\n")}\n${engine.stderr()}`);

beforeAll(async () => {
  crm = await startFaultServer();
  collector = await startFaultServer();
  told = await startFaultServer();
  installation = createInstallation({
    files: {
      "config.yaml": config(),
      "canary.env": env(),
      "pipelines/leads.yaml": pipeline,
      "pipelines/bombs.yaml": bombs,
      "plugins/sinks/bomb.js": bombSink,
    },
  });
  engine = await installation.start();
});
afterAll(async () => {
  await engine?.end("SIGKILL");
  installation?.remove();
  await Promise.all([crm?.close(), collector?.close(), told?.close()]);
});

describe("what must be seen nowhere", { timeout: 480_000 }, () => {
  test("is found by the search itself, in each encoding", () => {
    const text = CANARIES.email;
    const shapes = [
      text.toUpperCase(),
      Buffer.from(`x${text}yz`).toString("base64"),
      Buffer.from(`xy${text}`).toString("base64url"),
      Buffer.from(text).toString("hex"),
      encodeURIComponent(text),
    ];
    for (const shape of shapes) expect(findLeaks(new Map([["p", `a ${shape} b`]]), { text })).not.toEqual([]);
    expect(findLeaks(new Map([["p", "nothing here"]]), CANARIES)).toEqual([]);
  });

  test("goes in by every door", async () => {
    // An answer that quotes the request: what it says must not become a detail.
    const quoting = answer(422, {
      error: `${PERSONAL.email} with ${PERSONAL.phone} is invalid`,
      token: SECRETS.crmToken,
    });
    // Channels that are as talkative, and fail at first.
    told.next(
      answer(500, `${PERSONAL.inAnswer} ${SECRETS.slackPath}`),
      answer(403, { error: PERSONAL.inAnswer, key: SECRETS.pagerKey }),
    );
    crm.next(quoting, answer(401, { message: `bad ${SECRETS.basicPassword}` }), answer(500, PERSONAL.phone), {
      kind: "reset",
    });
    expect(await post(lead(1))).toBe(202);
    expect(await post(lead(1))).toBe(200);
    expect(await post(lead(1, { phone: PERSONAL.otherEmail }))).toBe(200);
    expect(await post(lead(2, { phone: { home: PERSONAL.phone } }))).toBe(202);
    expect(await post(lead(3, { email: PERSONAL.otherEmail, tier: "free" }), { cookie: SECRETS.cookie })).toBe(202);
    expect(
      await post(lead(4), {}, `?email=${encodeURIComponent(PERSONAL.inQuery)}&token=${SECRETS.guessedToken}`),
    ).toBe(202);
    expect(await post(`{"id":"evt_5","email":"${PERSONAL.unreadable}"`)).toBeLessThan(300);
    expect(await post(lead(6), { "stripe-signature": `t=1,v1=${SECRETS.guessedToken}` })).toBe(401);
    expect(
      await post(lead(7), { authorization: `Basic ${btoa(`me:${SECRETS.guessedToken}`)}`, "stripe-signature": "" }),
    ).toBe(401);
    expect(await post(lead(8), { "content-encoding": SECRETS.guessedToken })).toBe(415);
    const stray = await fetch(`${engine.hooks}/hooks/${SECRETS.guessedToken}/${PERSONAL.inQuery}`);
    places.set("stray path", `${JSON.stringify([...stray.headers])}${await stray.text()}`);
    expect(stray.status).toBe(404);
    await eventually(
      () => run("dead", "list", "--json"),
      ({ stdout }) => stdout.includes("dead_"),
    );
    await eventually(
      async () => crm.requests.length,
      (count) => count >= 3,
    );
    await eventually(
      async () => told.requests.map(({ url }) => url.split("/")[1]),
      (paths) => paths.includes("hook") && paths.filter((path) => path === "pager").length > 1,
      90_000,
    );
  });

  test("is in no page of the admin port, refused or not", async () => {
    const events = await fetch(`${engine.admin}/api/v1/events?limit=50`, {
      headers: { authorization: `Bearer ${SECRETS.adminToken}` },
    });
    const { events: listed } = (await events.json()) as { events: { id: string }[] };
    const { paths } = (await (
      await fetch(`${engine.admin}/api/v1/openapi.json`, { headers: { authorization: `Bearer ${SECRETS.adminToken}` } })
    ).json()) as { paths: Record<string, Record<string, unknown>> };
    for (const [path, methods] of Object.entries(paths)) {
      // Two that are asked elsewhere: an endless stream, and the one that shows values on purpose.
      if (!("get" in methods) || /\/live|\/stream|reveal|tail/.test(path)) continue;
      for (const { id } of path.includes("events/{") ? listed : [{ id: "leads" }])
        await get(path.replace(/\{\w+\}/, encodeURIComponent(id)));
    }
    for (const path of ["/ui", "/ui/", `/nowhere/${SECRETS.guessedToken}`]) await get(path);
    const wrong = { authorization: `Bearer ${SECRETS.guessedToken}` };
    expect(await get("/api/v1/status", { headers: wrong })).toBe(401);
    const json = { "content-type": "application/json" };
    await get("/api/v1/pause", { method: "POST", headers: json, body: `{"kind":"${SECRETS.guessedToken}"` });
    await get("/api/v1/pause", {
      method: "POST",
      headers: json,
      body: JSON.stringify({ kind: PERSONAL.inQuery, name: SECRETS.guessedToken }),
    });
    await get(`/api/v1/events?since=${SECRETS.guessedToken}`);
    expect(places.size).toBeGreaterThan(30);
  });

  test("is in the output of no command", async () => {
    const events = await fetch(`${engine.admin}/api/v1/events?limit=50`, {
      headers: { authorization: `Bearer ${SECRETS.adminToken}` },
    });
    const { events: listed } = (await events.json()) as { events: { id: string; type: string }[] };
    const { stdout } = await run("dead", "list", "--json");
    const dead = [...new Set(stdout.match(/dead_[0-9a-f]{32}/g))];
    expect(dead.length).toBeGreaterThan(1);
    const commands = [
      ["check"],
      ["test"],
      ["status"],
      ["status", "--json"],
      ["top"],
      ["events"],
      ["events", "--json"],
      ["reload"],
      ["secrets", "list"],
      ["plugins"],
      ["schema"],
      ["explain", "HK2021"],
      ["dead", "list"],
      ["verify", "--help"],
      ["echo"],
      ["echo", "--json"],
      ["alerts"],
      ["alerts", "list", "--all", "--json"],
      ["alerts", "budgets"],
      ["alerts", "budgets", "--json"],
      ["alerts", "channels"],
      ["alerts", "channels", "--json"],
      ["alerts", "test", "chat"],
      ["alerts", "test", "pager"],
      ["alerts", "test", "kept"],
      ["docs", "--format", "all"],
      ["docs", "--check"],
      ["docs", "alerts"],
      ["plan", "--against", "running"],
      ["plan", "--against", "running", "--json"],
      ["record", "--last", "20", "--corpus", "corpus"],
      ["eval", "tier & phone", "--sample", "stripe/invoice.paid"],
      ["tail", "--no-follow"],
      ["tail", "--no-follow", "--json", "--all"],
      ["replay", "--pipeline", "leads", "--since", "1h"],
      ["replay", "--pipeline", "leads", "--since", "1h", "--json"],
      ["backup", "data/copy.db"],
      ["plan", "--help"],
      ["docs", "reference", "--help"],
      ["explain", `${listed[0]?.id}x`],
    ];
    const stories = listed.flatMap(({ id }) => [
      ["explain", id],
      ["explain", id, "--json"],
    ]);
    // The newest that can be read, and the one that can not.
    const tried = [listed.find(({ type }) => type === "lead.made"), listed.find(({ type }) => type === "unreadable")];
    const trials = tried.flatMap((event) => {
      expect(event).toBeDefined();
      const id = event?.id ?? "";
      return [
        ["eval", "email", "--event", id, "--pipeline", "leads"],
        ["eval", "$", "--event", id, "--json"],
        ["eval", "$string(data.object.phone) & data.object.email", "--event", id],
        ["record", id, "--out", `recorded-${id}.json`],
      ];
    });
    const looked = places.size;
    // Some as processes, whose runtime may have a word of its own to say.
    for (const args of [
      ["check"],
      ["test"],
      ["status"],
      ["echo"],
      ["plan", "--against", "running"],
      ["explain", listed[0]?.id ?? ""],
    ])
      await run(...args, "--json");
    await runAll([...commands, ...stories, ...trials, ...dead.map((id) => ["dead", "show", id])]);
    expect(places.size).toBeGreaterThan(looked + commands.length);
    for (const verb of ["pause", "resume"]) await run(verb, "pipeline", "bombs");
    await run("dead", "retry", dead[0] ?? "", "--reason", "again");
    await run("dead", "discard", dead[1] ?? "", "--reason", "test");
  });

  test("is in no message about a config that is wrong, in a reload or in check", async () => {
    const path = join(installation.root, "config.yaml");
    const broken = config()
      .replace('token: "${CRM_TOKEN}"', `token: ${SECRETS.plainInFile}`)
      .replace("enum: [free, pro]", "enum: free")
      .replace(
        "sink: bomb",
        `sink: bomb, password: "\${CRM_TOKEN}", url: "https://me:${SECRETS.plainInFile}@x.example"`,
      );
    writeFileSync(path, broken);
    expect((await run("check")).code).toBe(1);
    await run("check", "--json");
    await run("reload");
    await run("status");
    await get("/readyz");
    writeFileSync(path, config());
    await run("reload");
    for (const how of ["--dry-run", "--json", "--yes"])
      await run("erase", "--entity", `lead:${PERSONAL.otherEmail}`, how);
    for (const what of ["lead", "lead.phone"]) await run("explain", what.replace("lead", `lead:${PERSONAL.email}`));
  });

  test("is in no crash: a fault that nobody catches says where, not what", async () => {
    noteEngine("before the crash");
    const before = engine;
    expect(await post(lead(9, { email: PERSONAL.inCrash }, "lead.bomb"))).toBe(202);
    const ended = await new Promise<number | null>((resolve) => {
      if (before.child.exitCode === null) before.child.once("exit", resolve);
      else resolve(before.child.exitCode);
    });
    expect(ended).toBe(70);
    expect(before.stderr()).toContain("hookrail stopped on a fault of its own (TypeError)");
    noteEngine("crashed");
  });

  test("and is nowhere in all of it", () => {
    collector.requests.forEach(({ url, body }, index) => void places.set(`OTLP ${url} ${index}`, body));
    expect(collector.requests.length).toBeGreaterThan(0);
    // Where a message goes, and what proves who sent it, is for the channel alone; what it says is for many eyes.
    told.requests.forEach(({ url, body }, index) => {
      const { routing_key: _, ...said } = JSON.parse(body) as Record<string, unknown>;
      places.set(`told ${url.split("/")[1]} ${index}`, JSON.stringify(said));
    });
    expect([...new Set(told.requests.map(({ url }) => url.split("/")[1]))].sort()).toEqual(["hook", "pager", "slack"]);
    // All that was written, but what the author wrote, and the store, which has to hold it.
    const own =
      /^(config\.yaml|canary\.env|pipelines\/(leads|bombs)\.yaml|plugins\/sinks\/bomb\.js|data\/.*|node_modules\/.*)$/;
    for (const name of readdirSync(installation.root, { recursive: true, encoding: "utf8" })) {
      const path = join(installation.root, name);
      if (!own.test(name) && statSync(path).isFile()) places.set(`file ${name}`, readFileSync(path, "utf8"));
    }
    const files = [...places.keys()].filter((place) => place.startsWith("file "));
    expect(files).toContain("file alerts.log");
    expect(files).toContain("file corpus/events.ndjson");
    expect(files.some((file) => file.includes("docs/installation"))).toBe(true);
    expect(places.size).toBeGreaterThan(120);
    expect(findLeaks(places, CANARIES)).toEqual([]);
  });
});
