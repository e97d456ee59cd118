/**
 * The sale day: orders pour in, the CRM goes down for a while and comes back. Real engine, real HTTP, short windows.
 * One page reaches the pager with the runbook, the queue drains at the CRM's rate, the page is closed, and each order
 * is in the CRM once.
 */
import { createHmac } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test, vi } from "vitest";
import { createInstallation, eventually, listEvents, type RunningEngine } from "../support/engine-process.ts";

vi.setConfig({ testTimeout: 180_000 });

interface Call {
  readonly at: number;
  readonly path: string;
  readonly key: string;
  readonly body: { readonly [name: string]: unknown };
  readonly status: number;
}

/** Answers as it is told, and remembers. */
async function startService(statusOf: () => number) {
  const calls: Call[] = [];
  const server: Server = createServer((req, res) => {
    const parts: Buffer[] = [];
    req.on("data", (part: Buffer) => parts.push(part));
    req.on("end", () => {
      const status = statusOf();
      const body = JSON.parse(Buffer.concat(parts).toString("utf8") || "{}");
      const key = String(req.headers["idempotency-key"] ?? "");
      calls.push({ at: performance.now(), path: req.url ?? "", key, body, status });
      res.writeHead(status, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}

const RATE = 50;
let down = false;
const crm = await startService(() => (down ? 503 : 200));
const pager = await startService(() => 202);

const pipeline = (name: string, type: string, entity: string) => `
pipeline: ${name}
owner: shop
runbook: https://runbooks.example.com/${name}
source: shop
sla: { lag: 2s, objective: 90% }
rules:
  - on: ${type}
    write: { ${entity}: { key: order, fields: { total: total } } }
deliver:
  - { to: crm, entity: ${entity} }
`;

const installation = createInstallation({
  env: { HOOK_SECRET: "sale-secret", PAGERDUTY_KEY: "pd-canary-key-0123456789abcdef01" },
  files: {
    "config.yaml": `
server: { port: 0 }
admin: { port: 0 }
limits: { disk_reserve: 0B }
seed: none
teams: { shop: { page: pager } }
channels: { pager: { pagerduty: "\${PAGERDUTY_KEY}", url: "${pager.url}/v2/enqueue", allow_private: true } }
alerting:
  budget: { window: 10m, burn: [{ rate: 2, long: 30s, short: 5s, severity: page }] }
  wait: 1s
  clear: 3s
sources:
  shop:
    path: /hooks/shop
    signature: { scheme: hmac, header: x-signature, encoding: hex }
    secrets: ["\${HOOK_SECRET}"]
    id: body:id
    type: body:type
entities:
  order:  { attributes: { total: { type: integer, owner: shop } } }
  refund: { attributes: { total: { type: integer, owner: shop } } }
connections:
  crm:
    sink: http
    url: "${crm.url}/{entity.type}/{entity.key}"
    allow_private: true
    rate: ${RATE}/s
    retry: { base: 200ms, cap: 1s }
    breaker: { failures: 1000 }
`,
    "pipelines/orders.yaml": pipeline("orders", "order.paid", "order"),
    "pipelines/refunds.yaml": pipeline("refunds", "order.refunded", "refund"),
  },
});
afterAll(async () => {
  installation.remove();
  await Promise.all([crm.close(), pager.close()]);
});

let sent = 0;
async function sell(engine: RunningEngine): Promise<void> {
  const n = ++sent;
  const type = n % 3 === 0 ? "order.refunded" : "order.paid";
  const body = JSON.stringify({ id: `evt_${n}`, type, order: `ord_${n}`, total: n });
  const signature = createHmac("sha256", "sale-secret").update(body).digest("hex");
  const headers = { "content-type": "application/json", "x-signature": signature };
  const { status } = await fetch(`${engine.hooks}/hooks/shop`, { method: "POST", body, headers });
  expect(status).toBe(202);
}

/** Sells at about `perSecond` until it is done. */
async function sellUntil(engine: RunningEngine, perSecond: number, done: () => boolean, mostMs: number): Promise<void> {
  const end = performance.now() + mostMs;
  while (!done()) {
    if (performance.now() > end)
      throw new Error(`not done in ${mostMs} ms; the pager heard ${pager.calls.length} calls`);
    await sell(engine);
    await new Promise((resolve) => setTimeout(resolve, 1000 / perSecond));
  }
}

const admin = async (engine: RunningEngine, path: string) => (await fetch(`${engine.admin}/api/v1/${path}`)).json();
const delivered = () => crm.calls.filter(({ status }) => status === 200);

test("a CRM that is down on the sale day is one page, and nothing is lost or doubled", async () => {
  const engine = await installation.start();
  await sellUntil(engine, 30, () => delivered().length >= 30, 20_000);
  expect(pager.calls).toEqual([]);

  down = true;
  const downSince = crm.calls.length;
  await sellUntil(engine, 30, () => pager.calls.length > 0, 30_000);
  const page = pager.calls[0]?.body as {
    event_action: string;
    dedup_key: string;
    payload: { summary: string; severity: string; custom_details: Record<string, string[]> };
    links: { href: string }[];
  };
  expect(page.event_action).toBe("trigger");
  expect(page.payload.severity).toBe("critical");
  expect(page.payload.summary).toContain("crm is in trouble: orders, refunds");
  expect(page.links.map(({ href }) => href)).toEqual([
    "https://runbooks.example.com/orders",
    "https://runbooks.example.com/refunds",
  ]);
  expect(page.payload.custom_details["pipelines"]).toEqual(["orders (shop)", "refunds (shop)"]);
  expect(page.payload.custom_details["type"]).toContain("hookrail status");

  const { budgets } = (await admin(engine, "slo")) as { budgets: { pipeline: string; left: number }[] };
  expect(budgets.map(({ pipeline: name }) => name)).toEqual(["orders", "refunds"]);
  expect(budgets[0]?.left).toBeLessThan(1);
  const shown = (await admin(engine, "alerts")) as { alerts: { id: string; status: string; told: string[] }[] };
  expect(shown.alerts).toMatchObject([{ id: page.dedup_key, status: "firing", told: ["pager"] }]);
  // The sale goes on.
  const stillDown = performance.now() + 2_000;
  await sellUntil(engine, 30, () => performance.now() > stillDown, 10_000);

  const upAt = performance.now();
  down = false;
  await eventually(
    async () => delivered().length,
    (count) => count >= sent,
    40_000,
  );
  expect(crm.calls.slice(downSince).some(({ status }) => status === 503)).toBe(true);

  // At the CRM's rate: in no second more than it takes, and a few that were on their way.
  const after = delivered()
    .filter(({ at }) => at >= upAt)
    .map(({ at }) => at);
  const busiest = Math.max(...after.map((from) => after.filter((at) => at >= from && at < from + 1000).length));
  expect(busiest).toBeLessThanOrEqual(RATE * 1.2);

  const closed = () => pager.calls.filter(({ body }) => body["event_action"] === "resolve");
  await eventually(
    async () => closed().length,
    (count) => count > 0,
    40_000,
  );
  expect(pager.calls.map(({ body }) => body["event_action"])).toEqual(["trigger", "resolve"]);
  expect(closed()[0]?.body["dedup_key"]).toBe(page.dedup_key);

  // Each order once, with the value it was sent with.
  expect(delivered()).toHaveLength(sent);
  expect(new Set(delivered().map(({ path }) => path)).size).toBe(sent);
  const events = await listEvents(engine, "limit=1000");
  expect(events).toHaveLength(sent);
  expect(events.filter(({ outcome }) => outcome !== "delivered")).toEqual([]);
  const status = (await admin(engine, "status")) as {
    counts: { open_dead_letters: number };
    alerts: { open: unknown[] };
  };
  expect(status.counts.open_dead_letters).toBe(0);
  expect(status.alerts.open).toEqual([]);

  // The key of the pager is in no answer and no line.
  const told = JSON.stringify([await admin(engine, "alerts?all=true"), status, engine.lines, engine.stderr()]);
  expect(told).not.toContain("pd-canary-key");
  await engine.end("SIGTERM");
});
