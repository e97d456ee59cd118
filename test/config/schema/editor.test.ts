import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { isNode, type SchemaNode } from "../../../engine/config/annotations.ts";
import {
  editorSchema,
  editorSchemaOf,
  FILE_KINDS,
  type FileKind,
  schemaOf,
} from "../../../engine/config/schema/editor.ts";
import { packageRoot } from "../../../engine/core/paths.ts";
import { shippedRegistry } from "../support.ts";

const kinds = Object.keys(FILE_KINDS) as FileKind[];
const ajv = () => new Ajv2020({ strict: false, allErrors: true, validateFormats: false });

/** Every mapping and member of a schema. */
function* nodesOf(schema: unknown, path = "#"): Generator<{ readonly path: string; readonly node: SchemaNode }> {
  if (Array.isArray(schema)) for (const [i, member] of schema.entries()) yield* nodesOf(member, `${path}/${i}`);
  if (!isNode(schema)) return;
  yield { path, node: schema };
  for (const [key, member] of Object.entries(schema)) yield* nodesOf(member, `${path}/${key}`);
}

describe("the schema of the language", () => {
  it.each(kinds)("describes every key of %s", (kind) => {
    const bare: string[] = [];
    for (const { path, node } of nodesOf(schemaOf(kind))) {
      if (!isNode(node["properties"]) || path.endsWith("/properties")) continue;
      for (const [key, member] of Object.entries(node["properties"])) {
        const { description } = isNode(member) ? member : {};
        const told = typeof description === "string" && description.length > 3;
        if (!told && isNode(member) && !("const" in member) && !Array.isArray(member["anyOf"]))
          bare.push(`${path}/${key}`);
      }
    }
    expect(bare).toEqual([]);
  });

  it.each(kinds)("is closed at every level of %s: no key is silently ignored", (kind) => {
    const open = [...nodesOf(schemaOf(kind))]
      .filter(
        ({ path, node }) => isNode(node["properties"]) && node["type"] === "object" && !path.endsWith("/properties"),
      )
      .filter(({ node }) => node["additionalProperties"] === undefined || node["additionalProperties"] === true);
    // Names of environments are checked where their settings are taken over (documents.ts).
    expect(open.map(({ path }) => path).filter((path) => !path.endsWith("/environments"))).toEqual([]);
  });
});

describe("editorSchema", () => {
  let registered: Awaited<ReturnType<typeof shippedRegistry>>;
  beforeAll(async () => {
    registered = await shippedRegistry();
  });

  it.each(kinds)("is JSON Schema for %s", (kind) => {
    const schema: unknown = JSON.parse(JSON.stringify(editorSchemaOf(kind)));
    expect(ajv().validateSchema(Object(schema))).toBe(true);
  });

  it("accepts every file of the example, each recognised by its own keys", () => {
    const folder = join(packageRoot, "test/fixtures/language");
    const validate = ajv().compile(editorSchema(registered.list().map((sink) => sink.descriptor)));
    const files = ["config.yaml", ...readdirSync(join(folder, "pipelines")).map((name) => `pipelines/${name}`)];
    for (const file of files) {
      for (const document of parseAllDocuments(readFileSync(join(folder, file), "utf8"))) {
        const valid = validate(document.toJS());
        expect(valid, `${file}: ${JSON.stringify(validate.errors?.[0])}`).toBe(true);
      }
    }
  });

  it("refuses a misspelt key in any kind of file", () => {
    const validate = ajv().compile(editorSchema());
    const pipeline = { pipeline: "p", owner: "t", source: "s", rules: [{ on: "x" }] };
    expect([
      validate(pipeline),
      validate({ ...pipeline, slaa: {} }),
      validate({ sever: {} }),
      validate({ "x-note": 1 }),
    ]).toEqual([true, false, false, true]);
  });
});
