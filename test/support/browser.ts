/** The Chromium of this machine, for tests of the dashboard. Under CI a machine without one fails. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

function findBrowser(): string | undefined {
  const given = process.env["HOOKRAIL_BROWSER"];
  if (given !== undefined) return given;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const paths = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [...paths, "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"].find((path) => existsSync(path));
}

/** False: there is none, and these tests are skipped, which under CI is an error. */
export const hasBrowser = ((): boolean => {
  if (findBrowser() !== undefined) return true;
  if (process.env["CI"])
    throw new Error(
      "no Chromium for the dashboard's tests: `apt-get install -y chromium`, or name one in HOOKRAIL_BROWSER",
    );
  return false;
})();

export function openBrowser(): Promise<Browser> {
  const path = findBrowser();
  // Containers run as root and have no user namespaces for its sandbox; it opens pages of this test alone.
  return chromium.launch({ ...(path !== undefined && { executablePath: path }), args: ["--no-sandbox"] });
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

interface Found {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** What axe finds wrong with the page, in short. */
export async function faultsOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe);
  const found = (await page.evaluate(`axe.run(document, { runOnly: ${JSON.stringify(RULES)} })`)) as {
    readonly violations: readonly Found[];
  };
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
}
