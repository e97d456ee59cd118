/** Provider recipes outside a config: for `verify`, which judges captures of any provider that is known. */
import { type DocumentContext, readRecipe } from "../config/documents.ts";
import { type ConfigReader, createMemoryReader } from "../config/files.ts";
import { createMemberSet } from "../config/leaves.ts";
import { createPositions } from "../config/position.ts";
import { createReporter } from "../config/report.ts";
import { createLanguage } from "../config/schema/language.ts";
import { namesOf, shippedFiles } from "../config/shipped.ts";
import { fail } from "../core/errors.ts";
import { compileRecipe, type Recipe } from "../provider/recipe.ts";
import type { CodeSchemes } from "../provider/scheme.ts";

const FOLDER = "plugins/providers";

export interface RecipeBook {
  /** Undefined when no recipe has this name; fails when the recipe has an error. */
  get(name: string): Recipe | undefined;
}

/** The installation's own recipes, where there is one, and the shipped ones. */
export function createRecipeBook(
  own: ConfigReader = createMemoryReader({}),
  schemes: CodeSchemes = new Map(),
): RecipeBook {
  const compiled = new Map<string, Recipe>();
  const shipped = new Set(namesOf(shippedFiles.list(`${FOLDER}/`), FOLDER));
  const language = createLanguage([...schemes.keys()]);
  return {
    get(name) {
      const file = `${FOLDER}/${name}.yaml`;
      const mine = own.read(file);
      const text = mine.ok ? mine.text : shipped.has(name) ? shippedFiles.read(file) : undefined;
      if (text === undefined) return undefined;
      const recipe = compiled.get(name) ?? compile(file, text, { own, language, schemes });
      compiled.set(name, recipe);
      return recipe;
    },
  };
}

function compile(
  file: string,
  text: string,
  { own, language, schemes }: { own: ConfigReader; language: DocumentContext["language"]; schemes: CodeSchemes },
): Recipe {
  const reporter = createReporter();
  const yaml = readRecipe(
    { file, text, shipped: false },
    {
      positions: createPositions(),
      reporter,
      resolved: createMemberSet(),
      faulty: createMemberSet(),
      references: { variable: () => undefined, file: () => ({ ok: false, reason: "not read here" }) },
      reader: own,
      language,
    },
  );
  const problem = reporter.diagnostics().find((one) => one.severity === "error")?.message;
  if (yaml === undefined || problem !== undefined)
    return fail("HK8021", { file, problem: problem ?? "it can not be read" });
  // Samples are not needed to judge a capture, so none is read.
  const result = compileRecipe(yaml, () => null, schemes);
  return result.ok
    ? result.recipe
    : fail("HK8021", { file, problem: result.faults[0]?.message ?? "it can not be compiled" });
}
