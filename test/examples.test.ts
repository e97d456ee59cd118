/** The example installation under docs/examples/: it is checked without a warning, its tests hold, its pages say what it does. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { packageRoot } from "../engine/core/paths.ts";
import { runCommand } from "./support/cli.ts";
import { type Declared, mappingTable, type PipelineText } from "./support/mapping-table.ts";

const root = join(packageRoot, "docs/examples");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const config: { readonly entities: Declared; readonly env_file: string } = parse(read("config.yaml"));
const pipelines = readdirSync(join(root, "pipelines")).map((file) => ({
  file,
  documents: parseAllDocuments(read(`pipelines/${file}`)).map(
    (one) => one.toJS() as PipelineText & { runbook: string; tests: readonly unknown[] },
  ),
}));

const hookrail = (...argv: string[]) => runCommand(packageRoot, ["--config", "docs/examples/config.yaml", ...argv]);

describe("the example installation", () => {
  it("is eight flows", () => {
    expect(pipelines).toHaveLength(8);
  });

  it("has no fault and nothing to warn of", async () => {
    const { code, stdout, stderr } = await hookrail("check", "--strict");
    expect(stdout + stderr).toContain("no errors");
    expect(code).toBe(0);
  });

  it("passes its tests, in every order of its traces, and with each payload made partial", async () => {
    const { code, stdout } = await hookrail("test");
    expect(stdout.split("\n").filter((line) => line.startsWith("FAIL"))).toEqual([]);
    expect(stdout).toMatch(/^generated: [1-9]\d+ passed, 0 failed$/m);
    expect(stdout).toMatch(/^exercised: fields (\d+)\/\1 /m);
    expect(code).toBe(0);
  });
});

describe.each(pipelines)("$file", ({ file, documents }) => {
  const page = read(`runbooks/${file.replace(".yaml", ".md")}`);

  it("has tests and a runbook, and the runbook is its own", () => {
    for (const { pipeline, runbook, tests } of documents) {
      expect(tests.length, pipeline).toBeGreaterThan(0);
      expect(runbook).toBe(`runbooks/${file.replace(".yaml", ".md")}`);
    }
  });

  it("has a mapping table that says what the pipeline does, row for row", () => {
    const table = page.split("\n").filter((line) => line.startsWith("| "));
    expect(
      table.slice(
        0,
        table.findIndex((line) => line.startsWith("| to |")),
      ),
    ).toEqual(mappingTable(documents, config.entities).split("\n"));
  });

  it("tells every connection that it sends to", () => {
    const connections = [...read(`pipelines/${file}`).matchAll(/\bto: ([a-z_]+)/g)].map(([, name]) => name);
    const told = [...page.slice(page.indexOf("\n| to |")).matchAll(/^\| `([a-z_]+)`/gm)].map(([, name]) => name);
    expect([...new Set(told)].sort()).toEqual([...new Set(connections)].sort());
  });
});
