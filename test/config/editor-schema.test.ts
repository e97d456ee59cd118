/** The schema that editors get: what hover and completion can say of every key. */
import { beforeAll, describe, expect, it } from "vitest";
import { loadRegistry } from "../../engine/cli/config.ts";
import { editorSchemaOf, FILE_KINDS, type FileKind } from "../../engine/config/schema/editor.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import type { SinkDescriptor } from "../../engine/plugin/index.ts";

type Node = Readonly<Record<string, unknown>>;
const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && !Array.isArray(value);

interface Property {
  readonly path: string;
  readonly schema: Node;
}

/** Every member of every object that the schema knows, by where it stands. */
function propertiesOf(schema: unknown, path = ""): readonly Property[] {
  if (Array.isArray(schema)) return schema.flatMap((one) => propertiesOf(one, path));
  if (!isNode(schema)) return [];
  return Object.entries(schema).flatMap(([keyword, value]) => {
    if (keyword === "properties" && isNode(value))
      return Object.entries(value).flatMap(([name, one]) => {
        const here = path === "" ? name : `${path}.${name}`;
        // The word that tells one form from the others is explained by the form.
        const told = isNode(one) && "const" in one && typeof schema["description"] === "string";
        return [...(isNode(one) && !told ? [{ path: here, schema: one }] : []), ...propertiesOf(one, here)];
      });
    if (["const", "enum", "default", "examples", "required"].includes(keyword)) return [];
    if (keyword === "patternProperties" && isNode(value))
      return Object.values(value).flatMap((one) => propertiesOf(one, `${path}.*`));
    return propertiesOf(value, path);
  });
}

/** A description of its own, or of each form it may have. */
function isDescribed(schema: Node): boolean {
  if (typeof schema["description"] === "string" && schema["description"].trim().length > 2) return true;
  const forms = schema["anyOf"] ?? schema["oneOf"];
  return Array.isArray(forms) && forms.length > 0 && forms.every((form) => isNode(form) && isDescribed(form));
}

let sinks: readonly SinkDescriptor[];
beforeAll(async () => {
  sinks = (await loadRegistry(packageRoot)).list().map((found) => found.descriptor);
});

describe.each(Object.keys(FILE_KINDS) as FileKind[])("the schema of %s files", (kind) => {
  it("describes every key", () => {
    const all = propertiesOf(editorSchemaOf(kind, sinks));
    expect(all.length).toBeGreaterThan(3);
    expect([...new Set(all.filter(({ schema }) => !isDescribed(schema)).map(({ path }) => path))]).toEqual([]);
  });
});
