import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { unifiedDiff } from "../../engine/cli/line-diff.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import { runCommand } from "../support/cli.ts";
import { exampleEnv } from "../support/example-env.ts";
import { loadRevision } from "../support/revision.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hookrail-fmt-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, text: string) => {
  mkdirSync(join(folder, "pipelines"), { recursive: true });
  writeFileSync(join(folder, name), text);
};
const readBack = (name: string) => readFileSync(join(folder, name), "utf8");

test("formats the installation, lists what it changed, and --check holds afterwards", async () => {
  write("config.yaml", "teams:\n    a: {}   # who\n");
  write("pipelines/p.yaml", "pipeline: p\n");
  expect(await runCommand(folder, ["fmt", "--check"])).toMatchObject({ code: 1, stdout: "config.yaml\n" });
  expect(readBack("config.yaml")).toContain("    a:");
  expect(await runCommand(folder, ["fmt"])).toMatchObject({ code: 0, stdout: "config.yaml\n" });
  expect(readBack("config.yaml")).toBe("teams:\n  a: {}   # who\n");
  expect(await runCommand(folder, ["fmt", "--check"])).toMatchObject({ code: 0, stdout: "" });
});

test("--diff shows and writes nothing", async () => {
  write("x.yaml", "a:\n    b: 1\nc: 2\n");
  const run = await runCommand(folder, ["fmt", "--diff", "x.yaml"]);
  expect(run).toMatchObject({
    code: 1,
    stdout: "--- x.yaml\n+++ x.yaml\n@@ -1,4 +1,4 @@\n a:\n-    b: 1\n+  b: 1\n c: 2\n \n",
  });
  expect(readBack("x.yaml")).toContain("    b");
});

test("reads stdin and writes stdout", async () => {
  const piped = (text: string, ...argv: string[]) =>
    runCommand(folder, ["fmt", "-", ...argv], { readStdin: async () => text });
  expect(await piped("a:\n   b: 1\n")).toEqual({ code: 0, stdout: "a:\n  b: 1\n", stderr: "" });
  expect(await piped("a:\n   b: 1\n", "--check")).toMatchObject({ code: 1, stdout: "" });
  expect(await piped("a: [\n")).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("HK8169") });
});

test("tells a file that is no YAML with its line, formats the others, and fails", async () => {
  write("a.yaml", "a: 1\nb: {\n");
  write("b.yaml", "a:\n   b: 1\n");
  const run = await runCommand(folder, ["fmt", "--json", "."]);
  expect(run.code).toBe(1);
  expect(JSON.parse(run.stdout)).toMatchObject({
    format_version: "1.0",
    changed: ["b.yaml"],
    faults: [{ file: "a.yaml" }],
  });
  expect(readBack("b.yaml")).toBe("a:\n  b: 1\n");
});

test("--sort puts keys into the order of the reference", async () => {
  write("p.yaml", "# head\nrules: []\n# who\nowner: a\npipeline: p\n");
  expect((await runCommand(folder, ["fmt", "--sort", "p.yaml"])).code).toBe(0);
  expect(readBack("p.yaml")).toBe("# head\npipeline: p\n# who\nowner: a\nrules: []\n");
});

test("a path that is not there is wrong usage", async () => {
  expect(await runCommand(folder, ["fmt", "nope.yaml"])).toMatchObject({
    code: 64,
    stderr: expect.stringContaining("HK8170"),
  });
});

test("a whole installation compiles to the same revision, whatever its indentation was", async () => {
  for (const name of ["config.yaml", "pipelines", "runbooks", "sample.env"])
    cpSync(join(packageRoot, "docs/examples", name), join(folder, name), { recursive: true });
  const wide = parseAllDocuments(readBack("pipelines/dunning.yaml"))
    .map((one) => one.toString({ indent: 5, lineWidth: 0 }))
    .join("---\n");
  write("pipelines/dunning.yaml", wide);
  const compiled = async () => {
    const { pipelines, entities } = await loadRevision({ root: folder, env: exampleEnv });
    return JSON.stringify([
      pipelines.map(({ rules, deliver, tests }) => [rules, deliver, tests]),
      [...entities],
    ]).replaceAll(/"(line|column)":\d+/g, "");
  };
  const before = await compiled();
  expect((await runCommand(folder, ["fmt"])).stdout).toBe("pipelines/dunning.yaml\n");
  expect(await compiled()).toBe(before);
});

test("the product's own files are formatted", async () => {
  expect(await runCommand(packageRoot, ["fmt", "--check"])).toMatchObject({ code: 0, stdout: "" });
  expect(await runCommand(packageRoot, ["-c", "docs/examples", "fmt", "--check"])).toMatchObject({
    code: 0,
    stdout: "",
  });
});

test("unifiedDiff joins near changes and counts lines as git does", () => {
  const before = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"].join("\n");
  const after = before.replace("b\n", "").replace("k", "k\nk2");
  expect(unifiedDiff("f", before, after)).toBe(
    "--- f\n+++ f\n@@ -1,5 +1,4 @@\n a\n-b\n c\n d\n e\n@@ -9,4 +8,5 @@\n i\n j\n k\n+k2\n l\n",
  );
});
