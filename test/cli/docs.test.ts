import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packageRoot } from "../../engine/core/paths.ts";
import { runCommand } from "../support/cli.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hookrail-docs-"));
  for (const name of ["config.yaml", "pipelines", "runbooks", "sample.env"])
    cpSync(join(packageRoot, "docs/examples", name), join(folder, name), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const edit = (name: string, from: string, to: string) => {
  const text = readFileSync(join(folder, name), "utf8");
  expect(text).toContain(from);
  writeFileSync(join(folder, name), text.replace(from, to));
};

test("writes everything once, then nothing; --check tells what a changed config makes stale", async () => {
  const first = await runCommand(folder, ["docs"]);
  expect([first.code, first.stdout]).toEqual([
    0,
    expect.stringContaining("docs/installation/site/pipelines/dunning.html\n"),
  ]);
  expect(await runCommand(folder, ["docs"])).toMatchObject({ code: 0, stdout: "" });
  expect(await runCommand(folder, ["docs", "--check"])).toMatchObject({ code: 0, stdout: "" });
  edit("pipelines/dunning.yaml", "lag: 5m", "lag: 6m");
  const stale = await runCommand(folder, ["docs", "--check"]);
  expect([stale.code, stale.stderr]).toEqual([1, expect.stringContaining("HK8168")]);
  expect(stale.stdout).toContain("docs/installation/events.csv (differs)\n");
  expect(readFileSync(join(folder, "docs/installation/events.csv"), "utf8")).toContain('"5m"');
});

test("--check looks at the formats that are kept, and at all where there are none", async () => {
  const none = await runCommand(folder, ["docs", "--check"]);
  expect([none.code, none.stdout]).toEqual([1, expect.stringContaining("site/index.html (missing)")]);
  await runCommand(folder, ["docs", "--format", "csv"]);
  expect(await runCommand(folder, ["docs", "--check"])).toMatchObject({ code: 0, stdout: "" });
  rmSync(join(folder, "docs/installation/events.csv"));
  expect(await runCommand(folder, ["docs", "--check"])).toMatchObject({
    code: 1,
    stdout: "docs/installation/events.csv (missing)\n",
  });
  const asked = await runCommand(folder, ["docs", "--check", "--format", "html"]);
  expect(asked.stdout).toContain("site/index.html (missing)");
  expect((await runCommand(folder, ["docs", "--help"])).stdout).not.toContain("{}");
});

test("takes away the page of a pipeline that is gone, and no page that it has not made", async () => {
  await runCommand(folder, ["docs", "--format", "html"]);
  rmSync(join(folder, "pipelines/trial-ending.yaml"));
  writeFileSync(join(folder, "docs/installation/site/mine.html"), "<p>mine</p>");
  const check = await runCommand(folder, ["docs", "--format", "html", "--check"]);
  expect(check.stdout).toContain("site/pipelines/trial-ending.html (left over)");
  await runCommand(folder, ["docs", "--format", "html"]);
  expect(await runCommand(folder, ["docs", "--format", "html", "--check"])).toMatchObject({ code: 0, stdout: "" });
  expect(readFileSync(join(folder, "docs/installation/site/mine.html"), "utf8")).toBe("<p>mine</p>");
});

test("a runbook that is not there is a finding, and --runbooks writes a first one", async () => {
  rmSync(join(folder, "runbooks/dunning.md"));
  const lost = await runCommand(folder, ["docs", "--format", "csv"]);
  expect([lost.code, lost.stderr]).toEqual([
    1,
    expect.stringMatching(/pipelines\/dunning\.yaml:\d+:\d+: error\[HK8166\]/),
  ]);
  const written = await runCommand(folder, ["docs", "--format", "csv", "--runbooks"]);
  expect([written.code, written.stdout]).toEqual([0, "runbooks/dunning.md\n"]);
  expect(readFileSync(join(folder, "runbooks/dunning.md"), "utf8")).toContain("Owner: finance");
});

test("as JSON: what was written and found", async () => {
  const run = await runCommand(folder, ["docs", "--format", "csv", "--json"]);
  expect(JSON.parse(run.stdout)).toMatchObject({
    format_version: "1.0",
    documents: [
      { path: "mapping.csv", why: "missing" },
      { path: "events.csv", why: "missing" },
    ],
    findings: [],
  });
});

test("an unknown format is wrong usage", async () => {
  expect((await runCommand(folder, ["docs", "--format", "pdf"])).code).toBe(64);
});

test("the documents of the sample installation are what its config says: `npm run gen` writes them", async () => {
  expect(await runCommand(packageRoot, ["docs", "--format", "md,csv", "--check"])).toMatchObject({
    code: 0,
    stdout: "",
  });
});

const RECIPE = `# Till: made up for this test.
provider: till
title: Till
verify:
  - scheme: hmac                # the secret is typed in as it is
    header: till-signature
    key: { encoding: utf8 }
    message: "{header:till-time}.{raw_body}"
    timestamp: { from: header:till-time, unit: s, past: 300s, future: 300s }
events:
  id: body:id
  type: body:type
  ranks: [[sale.opened], [sale.paid]]
samples: []
`;
const PRESET = `sink: shelf
summary: "Shelf: rows of a made-up store."
docs: https://shelf.example.com/api
verified_on: "2026-11-26"
host: https://shelf.example.com
guarantee: at_least_once
settings: { token: { description: Its token., required: true, secret: true } }
auth: { kind: bearer, token: token }
default_action: put
actions:
  put: { kind: upsert, summary: Writes a row., method: PUT, path: "/rows/{entity.key}", body: fields, attributes_at: "", replay: safe }
`;
const plant = (name: string, text: string) => {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
};
const page = (name: string) => readFileSync(join(folder, "docs", name), "utf8");

test("recipes and presets of the installation get their pages beside the shipped ones", async () => {
  plant("plugins/providers/till.yaml", RECIPE);
  plant("plugins/sinks/shelf.yaml", PRESET);
  const { code, stdout, stderr } = await runCommand(folder, ["docs", "reference"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain(join("docs", "providers", "till.md"));
  expect(page("providers/till.md")).toMatch(
    /^<!-- Generated from plugins\/providers\/till\.yaml by `hookrail docs reference`/,
  );
  expect(page("providers/till.md")).toContain("sale.paid");
  expect(page("providers/till.md")).toContain("The secret is typed in as it is");
  expect(page("providers/README.md")).toMatch(/recipes are shipped\. This installation's own: \[Till\]\(till\.md\)/);
  expect(page("providers/README.md")).toMatch(/\| \[Till\]\(till\.md\) \| /);
  expect(page("providers/stripe.md")).toContain("# Stripe");
  expect(page("reference/presets.md")).toMatch(/## `shelf`\n\nShelf: rows of a made-up store/);
  expect(page("reference/connections.md")).toContain("shelf");
  expect(JSON.parse(page("reference/config.schema.json"))).toBeDefined();
  expect(page("reference/config.schema.json")).toContain("shelf");
  expect(await runCommand(folder, ["docs", "reference", "--check"])).toMatchObject({ code: 0 });
  plant("plugins/providers/till.yaml", RECIPE.replace("[sale.paid]", "[sale.settled]"));
  const stale = await runCommand(folder, ["docs", "reference", "--check"]);
  expect([stale.code, stale.stderr]).toEqual([1, expect.stringContaining("till.md is not what the code says")]);
});

test("a recipe in place of a shipped one has the page; --config finds the folder", async () => {
  plant(
    "plugins/providers/stripe.yaml",
    RECIPE.replace("provider: till", "provider: stripe").replace("title: Till", "title: Our Stripe"),
  );
  const elsewhere = mkdtempSync(join(tmpdir(), "hookrail-docs-"));
  const { code } = await runCommand(elsewhere, ["--config", folder, "docs", "reference"]);
  rmSync(elsewhere, { recursive: true });
  expect(code).toBe(0);
  expect(page("providers/stripe.md")).toContain("# Our Stripe");
});

test.each([
  ["plugins/sinks/shelf.yaml", PRESET.replace("default_action: put", "default_action: gone"), "HK8241", "gone"],
  ["plugins/sinks/shelf.yaml", "sink: [", "HK8241", "shelf.yaml"],
  ["plugins/providers/till.yaml", RECIPE.replace("scheme: hmac", "scheme: magic"), "HK8021", "till.yaml"],
])("%s with an error is told, and nothing written", async (name, text, error, told) => {
  plant(name, text);
  const { code, stdout, stderr } = await runCommand(folder, ["docs", "reference"]);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toContain(error);
  expect(stderr).toContain(told);
});
