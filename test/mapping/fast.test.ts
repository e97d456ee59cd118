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

test("what the fast path answers is what the interpreter answers, errors included", { timeout: 300_000 }, async () => {
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

test("an input read by the fast path is judged as one read by the interpreter", { timeout: 300_000 }, async () => {
  let judged = 0;
  await fc.assert(
    fc.asyncProperty(expression, payload, json, json, fc.boolean(), async (source, input, v, w, every) => {
      const compiled = compileExpression(source, { variables: ["v", "w"], every });
      if (!compiled.ok) return;
      for (const { reader, node, every: each } of compiled.expression.inputs) {
        // What the interpreter reads whole it can not judge element by element before the last computed step.
        if (
          reader.fast === undefined ||
          (each &&
            node.type === "path" &&
            node.steps.slice(1).some((step) => step.type !== "name" || step.stages.length > 0))
        )
          continue;
        const slow = await runInterpreter({ source: reader.source, input, variables: { v, w } });
        if (slow === "fails" || slow === "left to the interpreter") continue;
        let fast: string;
        try {
          fast = reader.fast({ input, variables: { v, w }, receivedAt: 0 }).presence;
        } catch (error) {
          if (!(error instanceof FastStop) || error.problem !== undefined) throw error;
          continue;
        }
        judged++;
        expect(`${reader.source}: ${fast}`).toBe(`${reader.source}: ${reader.finish(slow.value).presence}`);
      }
    }),
    { numRuns: runs },
  );
  expect(judged).toBeGreaterThan(runs / 4);
});
