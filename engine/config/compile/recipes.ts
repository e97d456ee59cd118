/** Provider recipes by name: the installation's own before the shipped ones; each compiled once, when it is asked for. */
import { dirname, posix } from "node:path";
import type { Json } from "../../core/types.ts";
import type { InlineRecipeYaml, RecipeYaml } from "../../provider/recipe.schema.ts";
import { type CompiledRecipe, compileInlineRecipe, compileRecipe, type Recipe } from "../../provider/recipe.ts";
import type { CodeSchemes } from "../../provider/scheme.ts";
import type { Mark } from "../position.ts";
import { type CompileContext, checkName } from "./context.ts";
import { markAt } from "./places.ts";

export interface Recipes {
  /** Reports a provider that is not there, and the faults of one that is. */
  get(name: string, mark: Mark): Recipe | undefined;
  inline(name: string, yaml: InlineRecipeYaml, holder: object): Recipe | undefined;
  names(): readonly string[];
}

/** A recipe file, parsed and validated. */
export interface RecipeFile {
  readonly file: string;
  readonly yaml: RecipeYaml;
  /** Reads a file beside the recipe. */
  readonly read: (path: string) => string | undefined;
}

export interface RecipeFiles {
  readonly names: readonly string[];
  /** Undefined when the file is broken: its faults have been reported. */
  load(name: string): RecipeFile | undefined;
}

export function createRecipes(context: CompileContext, files: RecipeFiles, schemes: CodeSchemes): Recipes {
  const compiled = new Map<string, Recipe | undefined>();
  const finish = (result: CompiledRecipe, holder: object): Recipe | undefined => {
    if (result.ok) return result.recipe;
    for (const fault of result.faults) {
      context.reporter.message(fault.code, markAt(context.positions, holder, fault.path), fault.message, {
        expected: fault.expected,
      });
    }
    return undefined;
  };
  const compile = (name: string): Recipe | undefined => {
    const file = files.load(name);
    if (file === undefined) return undefined;
    return finish(
      compileRecipe(file.yaml, (path) => readJson(file, path), schemes),
      file.yaml,
    );
  };
  return {
    names: () => files.names,
    get(name, mark) {
      if (!checkName(context, "provider", name, { names: files.names, mark })) return undefined;
      if (!compiled.has(name)) compiled.set(name, compile(name));
      return compiled.get(name);
    },
    inline: (name, yaml, holder) => finish(compileInlineRecipe(name, pickInline(yaml), undefined, schemes), holder),
  };
}

/** Only the keys of the recipe grammar: a source has others beside them. */
function pickInline(yaml: InlineRecipeYaml): InlineRecipeYaml {
  const { signature, body, form_json_field, items, id, type, time, ranks, handshake, ack, samples } = yaml;
  const members = { body, form_json_field, items, id, type, time, ranks, handshake, ack, samples };
  return { signature, ...Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) };
}

function readJson(file: RecipeFile, path: string): Json | undefined {
  const text = file.read(posix.join(dirname(file.file), path));
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
