/** Provider recipes for the pages made from them: as written, compiled, and with their remarks. */
import { Lexer, parse } from "yaml";
import type { RecipeYaml } from "../provider/recipe.schema.ts";
import { compileRecipe, type Recipe } from "../provider/recipe.ts";
import { namesOf, type ShippedFiles, shippedFiles } from "./shipped.ts";

const FOLDER = "plugins/providers";

export interface DocumentedRecipe {
  readonly yaml: RecipeYaml;
  readonly recipe: Recipe;
  /** Comments of the file, in order, by the top-level key they stand in. */
  readonly remarks: ReadonlyMap<string, readonly string[]>;
  /** Of the installation, not shipped. */
  readonly own: boolean;
}

/** All of them by name; one that does not compile is left out, since its own test tells. */
export function shippedRecipes(shipped: ShippedFiles = shippedFiles): readonly DocumentedRecipe[] {
  const names = [...namesOf(shipped.list(`${FOLDER}/`), FOLDER)].sort();
  return names.flatMap((name) => {
    const text = shipped.read(`${FOLDER}/${name}.yaml`);
    if (text === undefined) return [];
    const yaml: RecipeYaml = parse(text);
    // Pages name the samples and do not show them, so none is read.
    const compiled = compileRecipe(yaml, () => null);
    return compiled.ok ? [documentedRecipe({ text, recipe: compiled.recipe, own: false })] : [];
  });
}

/** A recipe that has been compiled from this text. */
export function documentedRecipe(of: {
  readonly text: string;
  readonly recipe: Recipe;
  readonly own: boolean;
}): DocumentedRecipe {
  return { yaml: parse(of.text), recipe: of.recipe, remarks: remarksOf(of.text), own: of.own };
}

/** The shipped ones and the installation's own, which win over those of the same name. */
export function withOwnRecipes(own: readonly DocumentedRecipe[]): readonly DocumentedRecipe[] {
  const names = new Set(own.map(({ yaml }) => yaml.provider));
  const all = [...own, ...shippedRecipes().filter(({ yaml }) => !names.has(yaml.provider))];
  return all.sort((a, b) => (a.yaml.provider < b.yaml.provider ? -1 : 1));
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
