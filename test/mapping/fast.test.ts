import fc from "fast-check";
import jsonata from "jsonata";
import { expect, test } from "vitest";
import type { Json } from "../../engine/core/types.ts";
import { compileExpression } from "../../engine/mapping/expression.ts";
import { normalise } from "../../engine/mapping/normalise.ts";
import { GUARDRAILS } from "../../engine/mapping/protocol.ts";
import { FastStop } from "../../engine/mapping/sequence.ts";
import { expression, json, payload } from "./support/arbitraries.ts";

type Result = { readonly value: Json | undefined } | "fails" | "left to the interpreter";

interface Case {
  readonly source: string;
  readonly input: Json;
  readonly variables: Readonly<Record<string, Json>>;
}

function runFast({ source, input, variables }: Case): Result {
  const compiled = compileExpression(source, { variables: ["v", "w"] });
  if (!compiled.ok || compiled.expression.program === undefined) return "left to the interpreter";
  try {
    const result = normalise(compiled.expression.program({ input, variables, receivedAt: 0 }));
    return result.ok ? { value: result.value } : "fails";
  } catch (error) {
    if (!(error instanceof FastStop)) throw error;
    return error.problem === undefined ? "left to the interpreter" : "fails";
  }
}

async function runInterpreter({ source, input, variables }: Case): Promise<Result> {
  try {
    const result = normalise(
      await jsonata(source, { ...GUARDRAILS, timeout: 5000 }).evaluate(
        structuredClone(input),
        structuredClone(variables),
      ),
    );
    return result.ok ? { value: result.value } : "fails";
  } catch {
    return "fails";
  }
}

const runs = Number(process.env["FAST_RUNS"] ?? 4000);

test("what the fast path answers is what the interpreter answers, errors included", async () => {
  let answered = 0;
  let total = 0;
  await fc.assert(
    fc.asyncProperty(expression, payload, json, json, async (source, input, v, w) => {
      const run: Case = { source, input, variables: { v, w } };
      const fast = runFast(run);
      total++;
      if (fast === "left to the interpreter") return;
      answered++;
      expect(fast).toEqual(await runInterpreter(run));
    }),
    { numRuns: runs },
  );
  // The generator speaks the subset: were most of it left to the interpreter, this would test nothing.
  expect(answered / total).toBeGreaterThan(0.75);
});
