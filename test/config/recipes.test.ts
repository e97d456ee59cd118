import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { providerPages } from "../../engine/config/provider-pages/index-page.ts";
import { remarksOf, shippedRecipes } from "../../engine/config/recipes.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import { STRICTER_THAN_SDK } from "../../engine/provider/stricter.ts";

describe("remarks of a recipe", () => {
  it("are its comments, by the top-level key they stand in", () => {
    const text = [
      "provider: shop   # the shop's own",
      "verify:",
      "  - scheme: hmac   # the key is typed in",
      '    message: "a # b"',
      "    # a line of its own",
      "    header: x#y",
      "events: # two of them",
      "  - { id: 'it # stays' }",
    ].join("\n");
    expect(Object.fromEntries(remarksOf(text))).toEqual({
      provider: ["the shop's own"],
      verify: ["the key is typed in", "a line of its own"],
      events: ["two of them"],
    });
  });
});

describe("pages of the providers", () => {
  const recipes = shippedRecipes();
  const pages = providerPages(recipes);
  const files = readdirSync(join(packageRoot, "plugins/providers")).filter((name) => name.endsWith(".yaml"));

  it("are one for each shipped recipe, all of them in the matrix", () => {
    const expected = files.map((file) => file.replace(/yaml$/, "md")).sort();
    const matrix = [...(pages["README.md"] ?? "").matchAll(/^\| \[[^\]]+\]\(([^)]+)\)/gm)].map(([, page]) => page);
    expect(
      Object.keys(pages)
        .filter((name) => name !== "README.md")
        .sort(),
    ).toEqual(expected);
    expect(matrix.sort()).toEqual(expected);
  });

  it("name every param, sample and source of the recipe", () => {
    const missing = recipes.flatMap(({ yaml, recipe }) => {
      const page = pages[`${yaml.provider}.md`] ?? "";
      const wanted = [
        ...[...recipe.params.keys()].map((name) => `\n- \`${name}\``),
        ...[...recipe.samples.keys()].map((name) => `\`${yaml.provider}/${name}\``),
        ...recipe.docs.map(({ url }) => `(${url})`),
      ];
      return wanted.filter((text) => !page.includes(text)).map((text) => `${yaml.provider}: ${text}`);
    });
    expect(missing).toEqual([]);
  });

  it("say what no signature covers, and where the SDK is less strict", () => {
    const rows = (pages["README.md"] ?? "").split("\n").filter((line) => line.startsWith("| ["));
    const covers = rows.map((row) => row.split(" | ")[2]?.trim() ?? "");
    expect(covers.filter((text) => text === "")).toEqual([]);
    for (const { yaml } of recipes) {
      const known = STRICTER_THAN_SDK.some(({ providers }) => providers.includes(yaml.provider));
      expect((pages[`${yaml.provider}.md`] ?? "").includes("## Stricter than its SDK")).toBe(known);
    }
  });
});
