import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TSchema } from "typebox";
import { describe, expect, it } from "vitest";
import { loadRegistry } from "../../engine/cli/config.ts";
import { generatedPages } from "../../engine/cli/docs.ts";
import { readOwnPlugins } from "../../engine/cli/own-plugins.ts";
import { configSchema } from "../../engine/config/schema/config.schema.ts";
import { pipelineSchema } from "../../engine/config/schema/pipeline.schema.ts";
import { packageRoot } from "../../engine/core/paths.ts";

const read = (path: string) => readFileSync(join(packageRoot, path), "utf8");

describe("the generated pages", () => {
  it("are what the code says: `npm run gen` writes them", async () => {
    const own = readOwnPlugins(packageRoot, await loadRegistry(packageRoot));
    const pages = Object.entries(generatedPages(own));
    expect(pages.length).toBeGreaterThan(5);
    expect(pages.filter(([path, text]) => read(join("docs", path)) !== text).map(([path]) => path)).toEqual([]);
  });
});

/** Names of all keys that are read and do nothing yet. */
function laterKeys(schema: unknown, name: string): readonly string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const own = "x-later" in schema ? [name] : [];
  const inside = Object.entries(schema).flatMap(([key, value]: [string, unknown]) =>
    key === "properties" && typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([member, one]: [string, unknown]) => laterKeys(one, member))
      : Array.isArray(value)
        ? value.flatMap((one: unknown) => laterKeys(one, name))
        : laterKeys(value, name),
  );
  return [...own, ...inside];
}

describe("docs/not-yet.md", () => {
  it("names every key that does nothing yet, and no other", () => {
    const schemas: readonly TSchema[] = [configSchema, pipelineSchema];
    const keys = new Set(schemas.flatMap((schema) => laterKeys(schema, "")));
    const rows = read("docs/not-yet.md").matchAll(/^\| [^|]*\| ([^|]*) \|/gm);
    const told = new Set([...rows].flatMap(([, cell = ""]) => cell.match(/(?<=`)[a-z_]+(?=`)/g) ?? []));
    // A team names its channel before there are any: the key is read and checked by another rule.
    told.delete("page");
    expect([...told].sort()).toEqual([...keys].sort());
  });
});

describe("docs/dependencies.md", () => {
  it("gives a reason for every package", () => {
    const manifest = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
    const names = ["dependencies", "devDependencies"].flatMap((group) => Object.keys(manifest[group] ?? {}));
    const page = read("docs/dependencies.md");
    const unexplained = names.filter((name) => !name.startsWith("@types/") && !page.includes(`\`${name}\``));
    expect(unexplained).toEqual([]);
  });
});
