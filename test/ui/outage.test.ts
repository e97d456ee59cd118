/** The sale day in a browser: while the CRM is down, the overview shows the one alert, whose it is and what waits; then it is calm. */
import { createHmac } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { faultsOf, hasBrowser, openBrowser } from "../support/browser.ts";
import { createInstallation, eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";

let installation: Installation;
let engine: RunningEngine;
let browser: Browser;
let crm: Server;
let down = true;

/** What it refuses for good is a dead letter, up or down. */
const statusOf = (path: string) => (path.includes("refused") ? 422 : down ? 503 : 200);

const RUNBOOK = `# Orders

**crm does not answer.** Nothing is lost. Look first:

\`\`\`
hookrail status
\`\`\`

- Call [the CRM's desk](https://desk.example.com).
- <b>Not</b> markup.
`;

beforeAll(async () => {
  if (!hasBrowser) return;
  crm = createServer((req, res) => {
    req.resume().on("end", () => res.writeHead(statusOf(req.url ?? "")).end("{}"));
  });
  await new Promise<void>((resolve) => crm.listen(0, "127.0.0.1", resolve));
  installation = createInstallation({
    env: { HOOK_SECRET: "sale-secret" },
    files: {
      "config.yaml": `
server: { port: 0 }
admin: { port: 0 }
limits: { disk_reserve: 0B }
seed: none
teams: { shop: {} }
alerting:
  budget: { window: 1h, burn: [{ rate: 2, long: 5m, short: 30s, severity: page }] }
  wait: 500ms
  clear: 1s
sources:
  shop:
    path: /hooks/shop
    signature: { scheme: hmac, header: x-signature, encoding: hex }
    secrets: ["\${HOOK_SECRET}"]
    id: body:id
    type: body:type
entities:
  order: { attributes: { total: { type: integer, owner: shop } } }
connections:
  crm:
    sink: http
    url: "http://127.0.0.1:${(crm.address() as AddressInfo).port}/{entity.type}/{entity.key}"
    allow_private: true
    retry: { base: 200ms, cap: 500ms }
    breaker: { failures: 1000 }
`,
      "docs/runbooks/orders.md": RUNBOOK,
      "pipelines/orders.yaml": `
pipeline: orders
owner: shop
runbook: docs/runbooks/orders.md
source: shop
sla: { lag: 1s, objective: 90% }
rules:
  - on: order.paid
    write: { order: { key: order, fields: { total: total } } }
deliver:
  - { to: crm, entity: order }
`,
    },
  });
  engine = await installation.start();
  browser = await openBrowser();
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await engine?.end("SIGKILL");
  installation?.remove();
  crm?.close();
});

async function sell(order: string): Promise<void> {
  const body = JSON.stringify({ id: `evt_${order}`, type: "order.paid", order, total: 5 });
  const signature = createHmac("sha256", "sale-secret").update(body).digest("hex");
  const headers = { "content-type": "application/json", "x-signature": signature };
  expect((await fetch(`${engine.hooks}/hooks/shop`, { method: "POST", body, headers })).status).toBe(202);
}

interface Overview {
  readonly pipelines: readonly {
    readonly lately: { readonly retries: number };
    readonly waiting: { readonly dead_letters: number };
  }[];
  readonly counts: { readonly open_deliveries: number };
}
const overview = async () => (await (await fetch(`${engine.admin}/api/v1/overview`)).json()) as Overview;
const cell = (page: Page, row: string, name: string) =>
  page.getByRole("row", { name: new RegExp(row) }).locator(`[data-label="${name}"]`);
const numberIn = async (page: Page, row: string, name: string) =>
  Number((await cell(page, row, name).innerText()).replace(/[^\d]/g, ""));

describe.runIf(hasBrowser)("while the CRM is down", { timeout: 120_000 }, () => {
  test("one alert says what is to blame, since when, whose it is and what to do; the numbers are the engine's", async () => {
    const page = await browser.newPage();
    await page.goto(`${engine.admin}/ui`);
    for (let n = 0; n < 12; n++) await sell(`ord_${n}`);
    for (const n of [1, 2]) await sell(`refused_${n}`);
    const alert = page.locator(".card.page").filter({ hasText: "crm is in trouble: orders" });
    await alert.waitFor({ timeout: 30_000 });
    await alert.getByText("firing", { exact: true }).waitFor({ timeout: 30_000 });
    const text = await alert.innerText();
    expect(text).toMatch(/since \d\d:\d\d UTC/);
    expect(text).toMatch(/owner shop/);
    expect(text).toContain("hookrail status");
    await page
      .getByText(/dead letter/)
      .first()
      .waitFor();
    await page.getByText(/^\d things? needs? a person\.$/).waitFor();
    await page.getByRole("link", { name: /^Alerts \d/ }).waitFor();
    await page.getByRole("link", { name: /^Dead letters 2/ }).waitFor();

    // How much waits is counted now and then only, the more seldom the longer it takes.
    const shows = (row: string, name: string, wanted: number) =>
      eventually(
        async () => await numberIn(page, row, name),
        (shown) => shown === wanted,
        40_000,
      );
    await shows("orders", "Dead letters", 2);
    await shows("^crm", "To deliver", 12);
    const seen = await overview();
    await eventually(
      async () => await numberIn(page, "orders", "Retries"),
      (retries) => retries >= (seen.pipelines[0]?.lately.retries ?? Number.POSITIVE_INFINITY),
    );
    expect(seen.pipelines[0]?.lately.retries).toBeGreaterThan(0);
    expect(seen.counts.open_deliveries).toBe(12);
    expect(await cell(page, "orders", "Lag p50 / p95").innerText()).toContain("promised 1 s");
    expect(await faultsOf(page)).toEqual([]);

    // The runbook is a step away, also where it is a file beside the config; what stands in it is text.
    await alert.getByRole("link", { name: "orders.md" }).first().click();
    await page.getByRole("heading", { name: "Orders", exact: true }).waitFor();
    await page.getByRole("button", { name: "Copy hookrail status" }).waitFor();
    expect(await page.getByRole("link", { name: "the CRM's desk" }).getAttribute("href")).toBe(
      "https://desk.example.com",
    );
    await page.getByText("<b>Not</b> markup.").waitFor();
    expect(await faultsOf(page)).toEqual([]);
    await page.close();
  });

  test("when it is back, what waited is delivered and the overview says what is left", async () => {
    const page = await browser.newPage();
    await page.goto(`${engine.admin}/ui`);
    await page.locator(".card").first().waitFor();
    down = false;
    await eventually(
      async () => (await overview()).counts.open_deliveries,
      (open) => open === 0,
      45_000,
    );
    await page.getByRole("link", { name: /^Dead letters 2/ }).waitFor();
    // What was refused for good still needs a person.
    await page
      .getByText(/dead letter/)
      .first()
      .waitFor();
    const { dead_letters: letters } = (await (
      await fetch(`${engine.admin}/api/v1/dead-letters`, { headers: { "content-type": "application/json" } })
    ).json()) as { dead_letters: { id: string }[] };
    for (const { id } of letters)
      await installation.hookrail("dead", "discard", id, "--reason", "the CRM does not want them");
    await page.getByRole("link", { name: "Dead letters", exact: true }).waitFor({ timeout: 20_000 });
    await eventually(
      async () => await numberIn(page, "^crm", "To deliver"),
      (waiting) => waiting === 0,
      40_000,
    );
    await page.close();
  });
});
