import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
