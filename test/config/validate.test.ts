import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { createMemberSet, readLeaves } from "../../engine/config/leaves.ts";
import { createPositions } from "../../engine/config/position.ts";
import { createReporter } from "../../engine/config/report.ts";
import { compileSchema, validateDocument } from "../../engine/config/validate.ts";
import { parseYaml } from "../../engine/config/yaml.ts";
import { closed, durationText, expressionText, named, nameRef, oneOf } from "../../engine/core/schema.ts";
import type { Json } from "../../engine/core/types.ts";

const row = Type.Union([
  expressionText("An expression."),
  closed({
    from: Type.Optional(expressionText("From.")),
    value: Type.Optional(Type.Unsafe<Json>({})),
    missing: Type.Optional(Type.Union([Type.Literal("keep"), closed({ initial: Type.Unsafe<Json>({}) })])),
  }),
]);
const schema = closed({
  owner: nameRef("Owner."),
  lag: Type.Optional(durationText("Lag.")),
  kind: Type.Optional(oneOf(["a", "b"], "Kind.")),
  port: Type.Optional(Type.Integer({ minimum: 1, maximum: 9 })),
  list: Type.Optional(Type.Array(closed({ on: nameRef("On.") }))),
  fields: Type.Optional(named(row, "Rows.")),
});

function validate(text: string) {
  const positions = createPositions();
  const reporter = createReporter();
  const context = { positions, reporter, resolved: createMemberSet(), faulty: createMemberSet() };
  const [document] = parseYaml("a.yaml", text, context);
  const compiled = compileSchema(schema);
  const root = { value: document?.value ?? null };
  readLeaves(compiled.schema, root.value, context);
  validateDocument(compiled, root, "this file", context);
  const faults = reporter.diagnostics().map(({ code, span }) => `${code} ${span.line}:${span.column}`);
  return { faults, value: root.value, diagnostics: reporter.diagnostics() };
}

describe("validateDocument", () => {
  it("takes a right document as it is", () => {
    expect(
      validate("owner: x\nlag: 5s\nfields: { a: b.c, d: { from: e, missing: keep } }\nx-note: { any: thing }\n").faults,
    ).toEqual([]);
  });

  it("points at the key that is unknown, the value that is wrong, and the holder of what is missing", () => {
    const { faults } = validate("lagg: 5s\nport: many\nlist:\n  - { on: a }\n  - { off: b }\n");
    expect(faults).toEqual(
      ["HK1010 1:1", "HK1012 1:1", "HK1011 2:7", "HK1010 5:7", "HK1012 5:5"].sort((a, b) =>
        a.slice(7).localeCompare(b.slice(7)),
      ),
    );
  });

  it("tells one fault of a union: that of the branch that was meant", () => {
    expect(validate("owner: x\nfields: { a: { fron: b } }\n").faults).toEqual(["HK1010 2:16"]);
    expect(validate('owner: x\nfields: { a: {"id": b} }\n').faults).toEqual(["HK1030 2:14"]);
    expect(validate("owner: x\nfields: { a: { from: b, mising: keep } }\n").faults).toEqual(["HK1010 2:25"]);
    expect(validate("owner: x\nfields: { a: { from: b, missing: { intial: 1 } } }\n").faults).toEqual([
      "HK1012 2:25",
      "HK1010 2:36",
    ]);
    expect(validate("owner: x\nfields: { a: 5 }\n").faults).toEqual(["HK1011 2:14"]);
  });

  it("puts placeholders where something is broken, so that the value fits its schema afterwards", () => {
    const { value } = validate("owner: 5\nlag: soon\nkind: c\nport: 99\nlist: [1]\nfields: [x]\nbad: 1\n");
    expect(value).toEqual({ owner: "", lag: "", kind: "a", port: 1, list: [{ on: "" }], fields: {} });
  });

  it("keeps the names of what is broken", () => {
    const { value } = validate("owner: x\nfields: { a: 5, b: { form: 1 } }\n");
    expect(Object.keys(Object(Reflect.get(Object(value), "fields")))).toEqual(["a", "b"]);
  });

  it("finishes on any shape", () => {
    for (const text of [
      "{}\n",
      "{ fields: 5 }\n",
      "{ owner: { owner: [] }, list: { on: 1 }, fields: { a: [[]], B: {} } }\n",
    ]) {
      expect(validate(text).faults.length).toBeGreaterThan(0);
    }
  });
});
