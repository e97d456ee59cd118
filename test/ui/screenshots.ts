/**
 * Makes the pictures of the dashboard in docs/img anew: the sample installation with a sink that refuses, one that is
 * slow to answer, and one that is paused. Run: `node test/ui/screenshots.ts`
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { packageRoot } from "../../engine/core/paths.ts";
import { openBrowser } from "../support/browser.ts";
import { createInstallation, eventually } from "../support/engine-process.ts";

let asked = 0;
const sinks = createServer((req, res) => {
  asked++;
  req.resume().on("end", () => {
    res.statusCode = req.url?.startsWith("/slack") === true ? 404 : asked % 5 === 0 ? 503 : 200;
    res.end("{}");
  });
});
await new Promise<void>((resolve) => sinks.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${(sinks.address() as AddressInfo).port}`;

const installation = createInstallation({ shipped: true });
const config = join(installation.root, "config.yaml");
const connection = (name: string, actions: string) =>
  `  ${name}: { sink: http, url: ${url}/${name}, allow_private: true, retry: { base: 1s, cap: 2s }, breaker: { enabled: false }, actions: { ${actions} } }`;
const text = readFileSync(config, "utf8")
  .replace(/ {2}crm: .*/, connection("crm", "identify: { kind: upsert, path: /i }, track: { kind: effect, path: /t }"))
  .replace(/ {2}slack: .*/, connection("slack", "post: { kind: effect, path: /post }"));
writeFileSync(config, text);
const engine = await installation.start();
const browser = await openBrowser();
try {
  await installation.hookrail("pause", "connection", "hubspot", "--reason", "maintenance until 09:00");
  for (let n = 0; n < 4; n++) {
    await installation.hookrail("send", "typeform/form_response", "--times", "2");
    await installation.hookrail(
      "send",
      "stripe/invoice.paid",
      "--times",
      String(4 + ((n * 5) % 9)),
      "--set",
      `customer=cus_${n}`,
    );
    await installation.hookrail("send", "github/issues.opened");
  }
  const read = async (path: string) =>
    (await fetch(engine.admin + path)).json() as Promise<Record<string, { id: string }[]>>;
  await eventually(
    () => read("/api/v1/alerts"),
    ({ alerts = [] }) => alerts.length > 0,
    60_000,
  );
  const events = (await read("/api/v1/events?limit=200&pipeline=paid-premium&outcome=delivered"))["events"] ?? [];
  // The first of its customer: it changed most.
  const event = events.at(-1)?.id ?? "";
  const wide = { width: 1280, height: 900 };
  for (const [name, path, options] of [
    ["overview", "/ui", { viewport: { ...wide, height: 1040 }, colorScheme: "light" }],
    ["event", `/ui/events/${event}`, { viewport: { ...wide, height: 1500 }, colorScheme: "light" }],
    ["dead-letters", "/ui/dead", { viewport: { ...wide, height: 620 }, colorScheme: "dark" }],
    ["phone", "/ui", { viewport: { width: 390, height: 844 }, colorScheme: "light" }],
  ] as const) {
    const page = await browser.newPage(options);
    await page.goto(engine.admin + path);
    await page.getByText("live", { exact: true }).waitFor();
    await page.getByRole("table").first().waitFor();
    await page.screenshot({ path: join(packageRoot, `docs/img/dashboard-${name}.png`) });
    await page.close();
  }
} finally {
  await browser.close();
  await engine.end("SIGKILL");
  installation.remove();
  sinks.close();
}
