import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { renderDiagnostics, summaryLine } from "../../engine/config/render.ts";
import { shippedFiles } from "../../engine/config/shipped.ts";
import { configErrors } from "../../engine/core/errors/config.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import { baseConfig, type Check, createCheck } from "./support.ts";

// Each file: the files of an installation, each under `>>> PATH` (config.yaml is the base when it is left out), a
// dashed line, and what `check` prints. UPDATE_GOLDEN=1 writes the expected part anew: read the diff before committing.
const folder = join(packageRoot, "test/golden/check");
const DASHES = "-".repeat(80);
const names = readdirSync(folder).filter((name) => name.endsWith(".txt"));

function readGolden(name: string): {
  readonly files: Record<string, string>;
  readonly given: string;
  readonly expected: string;
} {
  const [given = "", expected = ""] = readFileSync(join(folder, name), "utf8").split(`${DASHES}\n`);
  const parts = given.split(/^>>> (.+)\n/m).slice(1);
  const files: Record<string, string> = { "config.yaml": baseConfig };
  for (let i = 0; i + 1 < parts.length; i += 2) files[parts[i] ?? ""] = parts[i + 1] ?? "";
  if (files["config.yaml"]?.trim() === "(none)") delete files["config.yaml"];
  return { files, given, expected };
}

// Few plugins, so that a new one changes no list of names here.
const shipped = {
  read: shippedFiles.read,
  list: (path: string) => shippedFiles.list(path).filter((name) => /\/(stripe|slack)\.yaml$/.test(name)),
};

let check: Check;
beforeAll(async () => {
  check = await createCheck(["file", "http"]);
});

describe("check", () => {
  it.each(names)("prints what %s says", (name) => {
    const { files, given, expected } = readGolden(name);
    const loaded = check(files, { shipped, exists: (path) => path !== "docs/gone.md" });
    const printed = `${renderDiagnostics(loaded.diagnostics, { files: loaded.files })}\n${summaryLine(loaded.diagnostics, { files: Object.keys(files).length })}\n`;
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(join(folder, name), `${given}${DASHES}\n${printed}`);
    else expect(printed).toBe(expected);
    expect(printed).toContain(`[${name.slice(0, 6)}]`);
  });

  it("has an example of every config error", () => {
    const shown = new Set(names.map((name) => name.slice(0, 6)));
    // Too large to be kept as a file; test/config/yaml.test.ts has it.
    shown.add("HK1008");
    expect(Object.keys(configErrors).filter((code) => !shown.has(code))).toEqual([]);
  });
});

describe("the catalogue of config errors", () => {
  it.each(Object.entries(configErrors))("says of %s why and what to do", (_code, entry) => {
    expect(entry.help.length).toBeGreaterThan(40);
    expect(entry.title).toMatch(/^[A-Z`]/);
    expect(entry.message).not.toMatch(/^[A-Z]/);
  });
});
