/** The real process: what a Prometheus beside it gets, who gets it, and what a reload and a forged request leave there. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation } from "../support/fault-installation.ts";
import { PATH, payment, SECRET, signed, yesterday } from "../support/payments.ts";
import { parseMetrics, seriesValue } from "../support/prometheus.ts";

const TOKEN = "canary-token-for-metrics-0123456789abcdef";
const base = yesterday();
let installation: Installation;
let engine: RunningEngine;

beforeAll(async () => {
  installation = createFaultInstallation();
  engine = await installation.start();
});
afterAll(async () => {
  await engine?.end("SIGKILL");
  installation?.remove();
});

const post = async (body: string, headers: Readonly<Record<string, string>> = signed(body)) =>
  (await fetch(engine.hooks + PATH, { method: "POST", body, headers })).status;
const scrape = async () => parseMetrics(await (await fetch(`${engine.admin}/metrics`)).text());

test("a scrape tells what came, what was refused and what was delivered", async () => {
  const body = payment(1, base);
  expect(await post(body)).toBe(202);
  expect(await post(body)).toBe(200);
  expect(await post(payment(2, base), { "stripe-signature": "t=1,v1=00" })).toBe(401);
  const delivered = { pipeline: "payments", connection: "local" };
  // What waits is read anew after a while only, so the first scrape that knows of the delivery may still have it waiting.
  const families = await eventually(
    scrape,
    (one) =>
      seriesValue(one, "hookrail_event_lag_seconds_count", delivered) === 2 &&
      seriesValue(one, "hookrail_deliveries_waiting", { connection: "local" }) === 0,
  );
  expect(seriesValue(families, "hookrail_events_accepted_total", { source: "pay" })).toBe(1);
  expect(seriesValue(families, "hookrail_events_duplicates_total", { source: "pay" })).toBe(1);
  const refused = families.get("hookrail_requests_refused_total")?.samples ?? [];
  expect(refused.map(({ labels, value }) => [labels["source"], value])).toEqual([["pay", 1]]);
  expect(seriesValue(families, "hookrail_store_bytes", { file: "main" })).toBeGreaterThan(4_096);
  const text = await (await fetch(`${engine.admin}/metrics`)).text();
  for (const hidden of [SECRET, "acct_", "evt_", "payment.made"]) expect(text).not.toContain(hidden);
});

test("the page is plain text that no browser keeps, and foreign hosts and pages do not get it", async () => {
  const answer = await fetch(`${engine.admin}/metrics`);
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  const foreign = await fetch(`${engine.admin}/metrics`, { headers: { origin: "https://evil.example" } });
  expect(foreign.status).toBe(403);
  expect((await fetch(`${engine.admin}/metrics`, { method: "POST" })).status).toBe(415);
});

test("a reload that is refused is counted", async () => {
  writeFileSync(join(installation.root, "pipelines/broken.yaml"), "pipeline: [\n");
  const result = await installation.hookrail("reload");
  expect(result.code).not.toBe(0);
  const families = await scrape();
  expect(seriesValue(families, "hookrail_reloads_total", { outcome: "refused" })).toBeGreaterThanOrEqual(1);
  expect(seriesValue(families, "hookrail_reloads_total", { outcome: "taken" })).toBe(0);
});

test("where tokens are set, one is needed", async () => {
  const guarded = createFaultInstallation({
    files: { "faults.env": `PAY_SECRET=${SECRET}\nADMIN_TOKEN=${TOKEN}\n` },
  });
  const path = join(guarded.root, "config.yaml");
  const text = readFileSync(path, "utf8").replace(
    "admin: { port: 0 }",
    'admin: { port: 0, tokens: [{ name: prometheus, role: viewer, token: "${ADMIN_TOKEN}" }] }',
  );
  writeFileSync(path, text);
  try {
    const running = await guarded.start();
    expect((await fetch(`${running.admin}/metrics`)).status).toBe(401);
    const asked = await fetch(`${running.admin}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(asked.status).toBe(200);
    expect(parseMetrics(await asked.text()).size).toBeGreaterThan(10);
  } finally {
    guarded.remove();
  }
});
