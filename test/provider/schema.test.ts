import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { inlineRecipeSchema, recipeSchema } from "../../engine/provider/recipe.schema.ts";
import { readRecipe } from "./support.ts";

interface Node {
  readonly description?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: unknown;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
}

/** Every mapping of the grammar, with the path that leads to it. */
function* walk(node: Node, path: string): Generator<[string, Node]> {
  yield [path, node];
  for (const [key, child] of Object.entries(node.properties ?? {})) yield* walk(child, `${path}.${key}`);
  if (node.items !== undefined) yield* walk(node.items, `${path}[]`);
  for (const child of node.anyOf ?? []) yield* walk(child, path);
}

const nodes = [...walk(recipeSchema as Node, "recipe"), ...walk(inlineRecipeSchema as Node, "source")];

describe("the recipe grammar", () => {
  it("says what every key is for", () => {
    const silent = nodes.flatMap(([path, node]) =>
      Object.entries(node.properties ?? {}).flatMap(([key, child]) => (child.description ? [] : [`${path}.${key}`])),
    );
    expect(silent).toEqual([]);
  });

  it("is closed: every mapping refuses a key it does not know", () => {
    const open = nodes.filter(([, node]) => node.properties !== undefined && node.additionalProperties !== false);
    expect(open.map(([path]) => path)).toEqual([]);
  });

  it("writes all keys in snake_case", () => {
    const keys = nodes.flatMap(([, node]) => Object.keys(node.properties ?? {}));
    expect(keys.filter((key) => !/^[a-z][a-z0-9_]*$/.test(key))).toEqual([]);
  });

  it("refuses an unknown scheme, an unknown key and a bare number as duration", () => {
    const validate = new Ajv({ strict: false }).compile(recipeSchema);
    const stripe = readRecipe("stripe");
    expect(validate(stripe)).toBe(true);
    expect(validate({ ...stripe, verify: [{ scheme: "md5" }] })).toBe(false);
    expect(validate({ ...stripe, verifi: [] })).toBe(false);
    expect(validate({ ...stripe, verify: [] })).toBe(false);
    expect(validate({ ...stripe, delivery: { deadline: 5 } })).toBe(false);
  });
});
