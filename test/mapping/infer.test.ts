import fc from "fast-check";
import jsonata from "jsonata";
import { describe, expect, it, test } from "vitest";
import type { Json } from "../../engine/core/types.ts";
import { inferType } from "../../engine/mapping/infer.ts";
import { normalise } from "../../engine/mapping/normalise.ts";
import { parseJsonata } from "../../engine/mapping/parse.ts";
import { GUARDRAILS } from "../../engine/mapping/protocol.ts";
import { typeOfSchema } from "../../engine/mapping/schema-type.ts";
import { describeKinds, inhabits, isAny, joinAll, type Type, typeOfSample } from "../../engine/mapping/types.ts";
import { expression, json, payload } from "./support/arbitraries.ts";
import { schemaAndValue } from "./support/schemas.ts";

interface Case {
  readonly source: string;
  readonly input: Json;
  readonly type: Type;
  readonly v: Json;
  readonly w: Json;
}

/** What the interpreter yields, where it yields data. */
async function evaluated({ source, input, v, w }: Case): Promise<{ readonly value: Json | undefined } | undefined> {
  try {
    const result = normalise(
      await jsonata(source, { ...GUARDRAILS, timeout: 5000 }).evaluate(
        structuredClone(input),
        structuredClone({ v, w }),
      ),
    );
    return result.ok ? { value: result.value } : undefined;
  } catch {
    return undefined;
  }
}

function inferred({ source, type, v, w }: Case): Type {
  const parsed = parseJsonata(source);
  if (!parsed.ok) throw new TypeError(`the generator made ${source}`);
  const variables = new Map([
    ["v", typeOfSample(v)],
    ["w", typeOfSample(w)],
  ]);
  return inferType(parsed.ast, { input: type, variables });
}

const runs = Number(process.env["INFER_RUNS"] ?? 3000);

/** Holds values to inferred types; answers how many types said anything at all. */
async function hold(cases: fc.Arbitrary<Case>): Promise<{ readonly judged: number; readonly telling: number }> {
  let [judged, telling] = [0, 0];
  await fc.assert(
    fc.asyncProperty(cases, async (one) => {
      const found = await evaluated(one);
      if (found === undefined) return;
      const type = inferred(one);
      judged++;
      if (!isAny(type)) telling++;
      expect(
        inhabits(found.value, type),
        `${one.source} gives ${JSON.stringify(found.value)} for ${JSON.stringify(one.input)}, inferred: ${describeKinds(type.kinds)}`,
      ).toBe(true);
    }),
    { numRuns: runs },
  );
  return { judged, telling };
}

test("a value is of the type inferred from samples, its own among them", { timeout: 300_000 }, async () => {
  const cases = fc
    .tuple(expression, payload, fc.array(payload, { maxLength: 2 }), json, json)
    .map(([source, input, others, v, w]) => {
      const type = joinAll([input, ...others].map(typeOfSample));
      return { source, input, type, v, w };
    });
  const { judged, telling } = await hold(cases);
  expect(judged).toBeGreaterThan(runs / 4);
  // An inference that answered "anything" would hold as well.
  expect(telling / judged).toBeGreaterThan(0.6);
});

test("a value is of the type inferred from the schema its payload keeps", { timeout: 300_000 }, async () => {
  const cases = fc.tuple(expression, schemaAndValue, json, json).map(([source, { schema, value }, v, w]) => {
    const type = typeOfSchema(schema);
    expect(inhabits(value, type), `${JSON.stringify(value)} keeps ${JSON.stringify(schema)}`).toBe(true);
    return { source, input: value, type, v, w };
  });
  const { judged, telling } = await hold(cases);
  expect(judged).toBeGreaterThan(runs / 4);
  expect(telling / judged).toBeGreaterThan(0.6);
});

describe("inferType", () => {
  const schema: Json = {
    type: "object",
    required: ["id", "customer", "lines"],
    properties: {
      id: { type: "string" },
      customer: { type: ["string", "null"] },
      amount: { type: "integer" },
      lines: {
        type: "array",
        items: { type: "object", required: ["sku"], properties: { sku: { type: "string" }, qty: { type: "number" } } },
      },
    },
  };
  const kinds = (source: string) => {
    const parsed = parseJsonata(source);
    return parsed.ok
      ? describeKinds(inferType(parsed.ast, { input: typeOfSchema(schema), variables: new Map() }).kinds)
      : "does not parse";
  };
  it.each([
    ["id", "text"],
    ["customer", "text or null"],
    ["amount", "an integer or nothing"],
    ["amount + 1", "an integer or nothing"],
    ["amount / 2", "a number or nothing"],
    ["lines", "a list"],
    ["lines.sku", "text, a list or nothing"],
    ["[lines.sku]", "a list"],
    ["lines.sku[]", "a list or nothing"],
    ["lines[0].sku", "text or nothing"],
    ['lines[sku = "a"][-1].qty', "a number or nothing"],
    ["$count(lines)", "an integer"],
    ["$sum(lines.qty)", "a number or nothing"],
    ["$uppercase(id)", "text"],
    ["id ~> $uppercase", "text"],
    ["$map(lines, function($l){ $l.sku })", "text, a list or nothing"],
    ["$filter(lines, function($l){ $l.qty > 1 }).qty", "a number, a list or nothing"],
    ['{ "a": id }.a', "text"],
    ['amount > 0 ? "many" : 0', "text or an integer"],
    ["( $l := lines[0]; $l.sku & id )", "text"],
    ["*", "text, a number, true or false, a list, an object, null, a function or nothing"],
  ])("knows what %s yields: %s", (source, expected) => {
    expect(kinds(source)).toBe(expected);
  });
});
