/** Production expressions with the interpreter in this thread: a process of its own would answer whenever it likes. */
import type { Evaluator } from "../../engine/core/expression.ts";
import { createEvaluator } from "../../engine/mapping/evaluate.ts";
import type { Pool } from "../../engine/mapping/pool.ts";
import { createInterpreter } from "../../engine/mapping/worker.ts";

export function createSimEvaluator(): Evaluator {
  const interpret = createInterpreter(60_000);
  const pool: Pool = {
    run: async (work) => ({
      kind: "done",
      outcomes: await interpret({ ...work, id: 0, progress: new SharedArrayBuffer(8) }),
    }),
    close: async () => {},
  };
  return createEvaluator({ pool });
}
