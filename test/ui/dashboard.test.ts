/** The dashboard in a real browser, over a real engine: what it shows, what it does, whom it lets, and for whom it works. */
import { hash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../engine/core/paths.ts";
import { faultsOf, hasBrowser, openBrowser } from "../support/browser.ts";
import { eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation } from "../support/fault-installation.ts";
import { PATH, payment, signed, yesterday } from "../support/payments.ts";

const base = yesterday();
let installation: Installation;
let engine: RunningEngine;
let crm: Server;
let browser: Browser;
let pages: Page[] = [];
/** What the browser complained of, and what it asked of others. */
let complaints: string[] = [];

const send = async (body: string) =>
  (await fetch(engine.hooks + PATH, { method: "POST", body, headers: signed(body) })).status;
const read = async (path: string) => (await (await fetch(engine.admin + path)).json()) as Record<string, never[]>;
const letters = async (status: string) =>
  (await read(`/api/v1/dead-letters?status=${status}`))["dead_letters"] as { id: string; event: string }[];

async function open(path: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(engine.admin)) complaints.push(`asks ${request.url()}`);
  });
  pages.push(page);
  await page.goto(engine.admin + path);
  await page.locator("h1").waitFor();
  return page;
}

const configure = (change: (text: string) => string) => {
  const path = join(installation.root, "config.yaml");
  writeFileSync(path, change(readFileSync(path, "utf8")));
};

beforeAll(async () => {
  if (!hasBrowser) return;
  // It knows no account, whoever asks.
  crm = createServer((_req, res) => {
    res.statusCode = 404;
    res.end();
  });
  await new Promise<void>((resolve) => crm.listen(0, "127.0.0.1", resolve));
  installation = createFaultInstallation({ crm: `http://127.0.0.1:${(crm.address() as AddressInfo).port}` });
  configure((text) => text.replace("amount: { type: integer,", "amount: { type: integer, sensitive: true,"));
  engine = await installation.start();
  for (const n of [1, 2, 3]) await send(payment(n, base));
  await send(
    JSON.stringify({ id: "evt_x", type: "<img src=x onerror=alert(1)>", created: base, data: { object: {} } }),
  );
  await eventually(
    () => letters("open"),
    (list) => list.length === 9,
  );
  browser = await openBrowser();
}, 60_000);
afterEach(async () => {
  for (const page of pages) await page.context().close();
  pages = [];
  const found = complaints;
  complaints = [];
  expect(found).toEqual([]);
});
afterAll(async () => {
  await browser?.close();
  await engine?.end("SIGKILL");
  installation?.remove();
  crm?.close();
});

test("is small, and nothing in it is inline or from elsewhere", () => {
  const folder = join(packageRoot, "engine/ui");
  const names = readdirSync(folder);
  const scripts = names.filter((name) => name.endsWith(".js"));
  expect(scripts.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)).toBeLessThan(100_000);
  const html = readFileSync(join(folder, "index.html"), "utf8");
  expect(html).not.toMatch(/<script(?![^>]*src=)|<style|\son\w+=|\sstyle=|https?:/);
  for (const name of scripts)
    expect(readFileSync(join(folder, name), "utf8")).not.toMatch(/innerHTML|\beval\(|\.style\b/);
});

const PLACES = ["/ui", "/ui/events", "/ui/dead", "/ui/alerts", "/ui/config", "/ui/pipelines/payments"];

describe.runIf(hasBrowser)("in a browser", () => {
  const looks: readonly (readonly [string, BrowserContextOptions])[] = [
    ["light", { colorScheme: "light" }],
    ["dark and on a phone", { colorScheme: "dark", viewport: { width: 390, height: 844 }, hasTouch: true }],
  ];
  test.each(looks)(
    "every page works for those who can not see it well, %s",
    { timeout: 60_000 },
    async (_name, look) => {
      const [letter] = await letters("open");
      for (const path of [...PLACES, `/ui/events/${letter?.event}`]) {
        const page = await open(path, look);
        await page.locator("h1:not(:text('Loading'))").waitFor();
        await page.getByText("live", { exact: true }).waitFor();
        expect([path, await faultsOf(page)]).toEqual([path, []]);
        const wider = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth");
        expect([path, wider]).toEqual([path, 0]);
        await page.context().close();
      }
    },
  );

  test("the overview says what is wrong, since when, whose it is and what to type", async () => {
    const page = await open("/ui");
    const card = page.locator(".card").filter({ hasText: "dead letter" }).first();
    await card.waitFor();
    const text = await card.innerText();
    expect(text).toMatch(/since \d\d:\d\d UTC/);
    expect(text).toContain("ops");
    expect(text).toContain("hookrail dead list");
    const row = page.getByRole("row", { name: /payments/ });
    expect(await row.innerText()).toMatch(/ops/);
  });

  test("what happens shows without a reload, and nothing that is open closes", async () => {
    const page = await open("/ui/events");
    await page.getByLabel("Source").fill("half-typed");
    await send(payment(4, base));
    await page.getByRole("link", { name: /^evt_/ }).nth(4).waitFor();
    expect(await page.getByLabel("Source").inputValue()).toBe("half-typed");
  });

  test("what a sender writes is text, and an address leads where it says", async () => {
    const page = await open("/ui/events");
    await page.getByText("<img src=x onerror=alert(1)>").waitFor();
    expect(await page.locator("main img").count()).toBe(0);
    await page.getByRole("link", { name: "Dead letters" }).click();
    await page.getByRole("heading", { name: "Dead letters", level: 1 }).waitFor();
    expect(new URL(page.url()).pathname).toBe("/ui/dead");
    expect(await page.evaluate("document.activeElement?.tagName")).toBe("H1");
    await page.goBack();
    await page.getByRole("heading", { name: "Events", level: 1 }).waitFor();
    await page.goto(`${engine.admin}/ui/nowhere`);
    await page.getByRole("heading", { name: "No such page" }).waitFor();
  });

  test("the keyboard alone chooses dead letters, looks at what would be done, and does it with a reason", async () => {
    const page = await open("/ui/dead?pipeline=payments");
    await page.getByRole("checkbox").first().waitFor();
    const before = (await letters("discarded")).length;
    await page.getByRole("button", { name: "Choose all" }).focus();
    const all = await page.getByRole("checkbox").count();
    for (let n = 0; n < all - 2; n++) await page.getByRole("checkbox").nth(n).press("Space");
    await page.getByRole("checkbox").nth(0).press("Space");
    const button = page.getByRole("button", { name: "Discard the chosen…" });
    await button.press("Enter");
    const dialog = page.getByRole("dialog", { name: /^Discard \d+ dead letters\?$/ });
    await dialog.waitFor();
    expect(await dialog.innerText()).toMatch(/never be tried again.*payments: HK/s);
    expect(await page.evaluate("document.activeElement?.name")).toBe("reason");
    expect(await faultsOf(page)).toEqual([]);
    // Without a reason nothing is done, and it is said why; Escape leaves it, and gives the focus back.
    await page.keyboard.press("Enter");
    await dialog.getByText("It needs a reason.").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(await page.evaluate("document.activeElement?.textContent")).toBe("Discard the chosen…");
    expect((await letters("discarded")).length).toBe(before);
    await page.keyboard.press("Enter");
    await dialog.waitFor();
    await page.keyboard.type("a drill");
    await page.keyboard.press("Enter");
    await page.getByText(/dead letters discarded/).waitFor();
    expect((await letters("discarded")).length).toBe(before + all - 3);
    const audit = (await read("/api/v1/audit"))["audit"] as unknown as { action: string; reason: string }[];
    expect(audit.filter((one) => one.action === "dead.discard").every((one) => one.reason === "a drill")).toBe(true);
  });

  test("one dead letter is tried again, after it was said how; a reason may be given", async () => {
    const [letter] = await letters("open");
    const page = await open(`/ui/events/${letter?.event}`);
    await page.getByRole("button", { name: "Retry…" }).first().click();
    const dialog = page.getByRole("dialog", { name: "Retry this dead letter?" });
    await dialog.getByText(/goes out again|is mapped anew/).waitFor();
    await dialog.getByRole("button", { name: "Leave it" }).click();
    expect(await letters("retried")).toEqual([]);
    await page.getByRole("button", { name: "Retry…" }).first().click();
    await dialog.getByRole("button", { name: "Retry now" }).click();
    await page.getByText("1 dead letter tried again").waitFor();
    expect(await letters("retried")).toHaveLength(1);
  });

  test("sensitive values are shown to who gives a reason, and the audit says so", async () => {
    const [letter] = await letters("open");
    const page = await open(`/ui/events/${letter?.event}`);
    await page.getByText("hidden: sensitive").first().waitFor();
    const dialog = page.getByRole("dialog", { name: "Show sensitive values?" });
    const show = page.getByRole("button", { name: /Show sensitive/ });
    await show.click();
    await dialog.getByText(/places? (is|are) hidden/).waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("hidden: sensitive").first().waitFor();
    await show.click();
    await dialog.getByLabel(/^Why/).fill("ticket 17");
    await dialog.getByRole("button", { name: "Show them" }).click();
    await page.getByText("Sensitive values are shown").waitFor();
    const audit = (await read("/api/v1/audit"))["audit"];
    expect(audit).toContainEqual(
      expect.objectContaining({ action: "reveal", target: letter?.event, reason: "ticket 17" }),
    );
  });

  test("a pipeline is paused with a reason, and goes on; both say what waits", async () => {
    const page = await open("/ui/pipelines/payments");
    await page.getByRole("button", { name: "Pause…" }).click();
    const pausing = page.getByRole("dialog", { name: "Pause pipeline payments?" });
    expect(await pausing.innerText()).toMatch(
      /\d+ turns? in the last five minutes; \d+ events? waits? for a turn already/,
    );
    await pausing.getByLabel(/^Why/).fill("CRM maintenance");
    await pausing.getByRole("button", { name: "Pause now" }).click();
    await page.getByText("CRM maintenance").waitFor();
    await send(payment(5, base));
    await page.getByRole("button", { name: "Resume…", exact: true }).click();
    const resuming = page.getByRole("dialog", { name: "Resume pipeline payments?" });
    expect(await resuming.innerText()).toMatch(/Paused by admin-api.*CRM maintenance.*1 event waits for a turn/s);
    await resuming.getByRole("button", { name: "Resume now" }).click();
    await page.getByRole("button", { name: "Pause…" }).waitFor();
  });

  test("an alert is silenced with a reason for a while, and the silence is ended", async () => {
    const page = await open("/ui/alerts");
    const card = page.locator(".card").filter({ hasText: "dead letter" }).first();
    await card.getByRole("button", { name: "Silence…" }).click({ timeout: 20_000 });
    const dialog = page.getByRole("dialog", { name: "Tell nobody for a while?" });
    await dialog.getByText(/[1-9]\d* open alerts? would be silent/).waitFor();
    expect(await faultsOf(page)).toEqual([]);
    await dialog.getByLabel("For how long").selectOption("4h");
    await dialog.getByLabel(/^Why/).fill("known, ticket 18");
    await dialog.getByRole("button", { name: "Silence it" }).click();
    const made = page.locator(".card").filter({ hasText: "known, ticket 18" });
    await made.getByRole("button", { name: "End it…" }).click();
    await page.getByRole("dialog", { name: "End the silence?" }).getByRole("button", { name: "End it now" }).click();
    await eventually(
      async () => (await read("/api/v1/alerts"))["silences"],
      (silences) => silences?.length === 0,
    );
    const audit = (await read("/api/v1/audit"))["audit"];
    expect(audit).toContainEqual(expect.objectContaining({ action: "alerts.silence", reason: "known, ticket 18" }));
  });

  test("colours follow the system, or who chooses them, also the next time", async () => {
    const page = await open("/ui", { colorScheme: "dark" });
    const back = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    expect(await back()).toBe("rgb(18, 24, 31)");
    await page.getByRole("button", { name: /^Colours/ }).click();
    expect(await back()).toBe("rgb(255, 255, 255)");
    await page.reload();
    await page.locator("h1").waitFor();
    expect(await back()).toBe("rgb(255, 255, 255)");
  });

  test("a config that was refused is shown with its place in the file", async () => {
    const broken = join(installation.root, "pipelines/broken.yaml");
    writeFileSync(broken, "pipeline: [\n");
    const page = await open("/ui/config");
    await page.getByText("pipelines/broken.yaml").first().waitFor({ timeout: 20_000 });
    await page.getByText("The engine goes on with the revision it has.").waitFor();
    writeFileSync(broken, "");
  });
});

describe.runIf(hasBrowser)("with tokens", () => {
  const TOKENS = { viewer: "hkr_canary_viewer", operator: "hkr_canary_operator" };

  beforeAll(async () => {
    const lines = Object.entries(TOKENS).map(
      ([role, token]) => `{ name: ${role}-ann, role: ${role}, hash: "sha256:${hash("sha256", token, "hex")}" }`,
    );
    rmSync(join(installation.root, "pipelines/broken.yaml"), { force: true });
    configure((text) => text.replace("admin: { port: 0 }", `admin: { port: 0, tokens: [${lines.join(", ")}] }`));
    expect((await installation.hookrail("reload")).stdout).toMatch(/at work|unchanged/);
    await eventually(
      async () => (await fetch(`${engine.admin}/api/v1/me`)).status,
      (status) => status === 401,
    );
  });

  async function signIn(page: Page, token: string): Promise<void> {
    await page.getByLabel("Token").fill(token);
    await page.getByRole("button", { name: "Sign in" }).click();
  }

  test("one signs in, sees what the role may, and signs out", async () => {
    const page = await open("/ui/dead");
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(await faultsOf(page)).toEqual([]);
    await signIn(page, "hkr_wrong");
    await page.getByText("That token is not known").waitFor();
    await signIn(page, TOKENS.viewer);
    await page.getByRole("heading", { name: "Dead letters" }).waitFor();
    await page.getByRole("checkbox").first().waitFor();
    expect(await page.getByRole("button", { name: /Retry|Discard/ }).count()).toBe(0);
    const cookies = await page.context().cookies();
    expect(cookies).toMatchObject([{ name: "hookrail_session", httpOnly: true, sameSite: "Strict" }]);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await signIn(page, TOKENS.operator);
    await page.getByRole("button", { name: "Retry the chosen…" }).waitFor();
    // The browser tells of each 401; that is what was asked for here.
    complaints = complaints.filter((one) => !/status of 401/.test(one));
  });
});
