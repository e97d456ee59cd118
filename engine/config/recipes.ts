/** The shipped provider recipes, for the pages made from them: as written, compiled, and with their remarks. */
import { Lexer, parse } from "yaml";
import type { RecipeYaml } from "../provider/recipe.schema.ts";
import { compileRecipe, type Recipe } from "../provider/recipe.ts";
import { namesOf, type ShippedFiles, shippedFiles } from "./shipped.ts";

const FOLDER = "plugins/providers";

export interface ShippedRecipe {
  readonly yaml: RecipeYaml;
  readonly recipe: Recipe;
  /** Comments of the file, in order, by the top-level key they stand in. */
  readonly remarks: ReadonlyMap<string, readonly string[]>;
}

/** All of them by name; one that does not compile is left out, since its own test tells. */
export function shippedRecipes(shipped: ShippedFiles = shippedFiles): readonly ShippedRecipe[] {
  const names = [...namesOf(shipped.list(`${FOLDER}/`), FOLDER)].sort();
  return names.flatMap((name) => {
    const text = shipped.read(`${FOLDER}/${name}.yaml`);
    if (text === undefined) return [];
    const yaml: RecipeYaml = parse(text);
    // Pages name the samples and do not show them, so none is read.
    const compiled = compileRecipe(yaml, () => null);
    return compiled.ok ? [{ yaml, recipe: compiled.recipe, remarks: remarksOf(text) }] : [];
  });
}

/** Marks of the lexer: a plain scalar follows, a document begins. */
const SCALAR = "\x1f";
const LINE_STARTS = new Set(["\n", "\x02", undefined]);

/** What the comments of a YAML text say, by top-level key; a text that holds a `#` is none. */
export function remarksOf(text: string): ReadonlyMap<string, readonly string[]> {
  const remarks = new Map<string, string[]>();
  let key = "";
  let before: readonly string[] = [];
  for (const token of new Lexer().lex(text)) {
    if (before.at(-1) === SCALAR && LINE_STARTS.has(before.at(-2))) key = token;
    else if (token.startsWith("#")) remarks.set(key, [...(remarks.get(key) ?? []), token.replace(/^#\s*/, "")]);
    before = [...before.slice(-1), token];
  }
  return remarks;
}
