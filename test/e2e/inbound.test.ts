/** Who may send, how much, and from where: a config's own words against the real process. */
import { createHmac } from "node:crypto";
import { request } from "node:https";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeCertificate, type Pair } from "../support/certificates.ts";
import { type Installation, listEvents, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation } from "../support/fault-installation.ts";
import { PATH, payment, SECRET, signed, yesterday } from "../support/payments.ts";

const base = yesterday();
let count = 0;
const source = (name: string, more: string) =>
  `  ${name}: { provider: stripe, path: /hooks/${name}, secrets: ["\${PAY_SECRET}"], ${more} }`;
const pipeline = (name: string) => `pipeline: ${name}\nowner: ops\nsource: ${name}\nrules:\n  - { on: payment.made }\n`;

let installation: Installation;
let engine: RunningEngine;

/** Textbook: base64 of HMAC-SHA1 over the full URL and the sorted form, as Twilio signs. */
const TEXTS = `  texts:
    path: /hooks/texts
    secrets: ["\${PAY_SECRET}"]
    signature: { scheme: hmac, algorithm: sha1, header: x-text-signature, encoding: base64, message: [{ url: { form: received } }, { form_sorted: {} }] }
    id: form:MessageSid
    type: form:MessageStatus`;

beforeAll(async () => {
  installation = createFaultInstallation({
    sources: [
      source("walled", 'networks: ["198.51.100.0/24", "2001:db8::/32"]'),
      source("paced", "rate: 3/h"),
      '  elsewhere: { provider: stripe, path: /hooks/elsewhere, secrets: ["${OTHER_SECRET}"] }',
      TEXTS,
    ].join("\n"),
    extra: "limits: { disk_reserve: 0B, max_depth: 5, accept_rate: 40/h }",
    server: 'trusted_proxies: ["127.0.0.0/8"], public_url: "https://hooks.example.com/in/"',
    files: {
      "faults.env": `PAY_SECRET=${SECRET}\nOTHER_SECRET=whsec_another\n`,
      ...Object.fromEntries(
        ["walled", "paced", "texts", "elsewhere"].map((name) => [`pipelines/${name}.yaml`, pipeline(name)]),
      ),
    },
  });
  engine = await installation.start();
});

afterAll(async () => {
  await engine?.end("SIGKILL");
  installation?.remove();
});

const post = (path: string, headers: Readonly<Record<string, string>> = {}, more: object = {}) => {
  const body = payment(count++, base, more);
  return fetch(engine.hooks + path, { method: "POST", body, headers: { ...signed(body), ...headers } });
};
const status = async (answer: Promise<Response>) => (await answer).status;

describe("a source with networks", () => {
  test.each([
    [undefined, 401],
    ["203.0.113.5", 401],
    ["198.51.100.7, 203.0.113.5", 401],
    ["198.51.100.7", 202],
    ["203.0.113.5, 198.51.100.7", 202],
    ["::ffff:198.51.100.9", 202],
    ["2001:db8::5", 202],
  ])("forwarded for %s: %i", async (forwarded, expected) => {
    const answer = await post("/hooks/walled", forwarded === undefined ? {} : { "x-forwarded-for": forwarded });
    expect(answer.status).toBe(expected);
    // One body for all causes of a 401; the log tells them apart.
    if (expected === 401) expect(await answer.json()).toEqual({ error: "signature verification failed" });
  });

  test("says why in the log", () => {
    const reasons = engine.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(reasons).toContainEqual(
      expect.objectContaining({ source: "walled", outcome: "unauthorized", reason: "network", remote: "203.0.113.5" }),
    );
  });
});

test("a source with a rate takes so many that are verified, then says when to come again; forged ones use up nothing", async () => {
  for (let i = 0; i < 5; i++) expect(await status(post("/hooks/paced", { "stripe-signature": "t=1,v1=00" }))).toBe(401);
  for (let i = 0; i < 3; i++) expect(await status(post("/hooks/paced"))).toBe(202);
  const answer = await post("/hooks/paced");
  expect(answer.status).toBe(429);
  const wait = Number(answer.headers.get("retry-after"));
  expect(wait > 3_500 && wait <= 3_600).toBe(true);
  expect(await status(post(PATH))).toBe(202);
});

test("a secret opens its own source and no other", async () => {
  expect(await status(post("/hooks/elsewhere"))).toBe(401);
  const body = payment(count++, base);
  const send = (path: string) =>
    status(fetch(engine.hooks + path, { method: "POST", body, headers: signed(body, Date.now(), "whsec_another") }));
  expect([await send(PATH), await send("/hooks/elsewhere")]).toEqual([401, 202]);
});

test("a payload deeper than the limit is kept as a dead letter; one as deep as it is read", async () => {
  expect(await status(post(PATH, {}, { deep: [[1]] }))).toBe(202);
  expect(await status(post(PATH, {}, { deep: [[[1]]] }))).toBe(202);
  const letters = (await (await fetch(`${engine.admin}/api/v1/dead-letters`)).json()) as {
    dead_letters: { code: string; message: string }[];
  };
  expect(letters.dead_letters.map(({ code, message }) => [code, message])).toEqual([
    ["HK3011", "the body is nested more than 5 deep"],
  ]);
});

test("a sender that signs the URL is verified against the public one, whatever the Host header says", async () => {
  const send = (url: string) => {
    const form = new URLSearchParams({ MessageSid: `SM${count++}`, MessageStatus: "delivered" });
    const sorted = [...form].map(([name, value]) => name + value).join("");
    const signature = createHmac("sha1", SECRET)
      .update(url + sorted)
      .digest("base64");
    return status(
      fetch(`${engine.hooks}/hooks/texts?a=1`, {
        method: "POST",
        body: form,
        headers: { "x-text-signature": signature, "x-forwarded-host": "evil.example" },
      }),
    );
  };
  expect(await send("https://hooks.example.com/in/hooks/texts?a=1")).toBe(202);
  expect(await send("https://hooks.example.com/in/hooks/texts")).toBe(401);
  expect(await send(`${engine.hooks}/hooks/texts?a=1`)).toBe(401);
  expect(await send("https://evil.example/in/hooks/texts?a=1")).toBe(401);
});

test("above the installation's rate everyone gets a 503 that says when to come again, and nothing taken is lost", async () => {
  const answers: Response[] = [];
  for (let i = 0; i < 45; i++) answers.push(await post(PATH));
  const refused = answers.filter((answer) => answer.status !== 202);
  expect(refused.map((answer) => answer.status)).toEqual(refused.map(() => 503));
  expect(refused.length).toBeGreaterThan(5);
  expect(Number(refused.at(-1)?.headers.get("retry-after"))).toBeGreaterThan(3_000);
  expect(await listEvents(engine, "limit=200")).toHaveLength(40);
});

describe("TLS with client certificates", () => {
  const ca = makeCertificate({ name: "authority" });
  const client = makeCertificate({ name: "client", by: ca });
  let secure: Installation;
  let running: RunningEngine;

  beforeAll(async () => {
    const { cert, key } = makeCertificate({ name: "hooks", by: ca, days: 5 });
    secure = createFaultInstallation({
      server: "tls: { cert: tls/hooks.crt, key: tls/hooks.key, client_ca: tls/ca.crt }",
      files: { "tls/hooks.crt": cert, "tls/hooks.key": key, "tls/ca.crt": ca.cert },
    });
    running = await secure.start();
  });
  afterAll(async () => {
    await running?.end("SIGKILL");
    secure?.remove();
  });

  const send = (own: Pair | undefined) =>
    new Promise<number | string>((resolve) => {
      const body = payment(count++, base);
      const options = { method: "POST", ca: ca.cert, agent: false as const, headers: signed(body), ...own };
      const req = request(running.hooks + PATH, options, (res) => {
        res.resume();
        resolve(res.statusCode ?? 0);
      });
      req.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      req.end(body);
    });

  test("takes those who show one, refuses others in the handshake, and warns of a certificate that ends soon", async () => {
    expect(running.hooks).toMatch(/^https:/);
    expect(await send(client)).toBe(202);
    expect(await send(undefined)).toMatch(/CERTIFICATE_REQUIRED|ECONNRESET/);
    expect(await send(makeCertificate({ name: "stranger" }))).toMatch(/UNKNOWN_CA|ECONNRESET/);
    const said = running.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(said).toContainEqual(expect.objectContaining({ level: "warn", msg: "the certificate ends soon", days: 4 }));
    expect(running.lines.join("\n")).not.toContain("PRIVATE KEY");
  });
});
