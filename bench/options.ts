/** What the command line of the bench may say. */
import { parseArgs } from "node:util";

/** The questions a run may be limited to. */
export const QUESTIONS = ["ack", "delivery", "idle", "growth", "mapping"] as const;
export type Question = (typeof QUESTIONS)[number];

export interface BenchOptions {
  readonly quick: boolean;
  readonly rounds: number;
  readonly warmupMs: number;
  readonly windowMs: number;
  /** Events of one load that is delivered: the backlog is worked off before the next load. */
  readonly deliveries: number;
  readonly growthRows: number;
  readonly questions: ReadonlySet<Question>;
  /** A git revision to measure beside the checkout. */
  readonly against: string | undefined;
  /** Append the run to bench/RESULTS.md. */
  readonly save: boolean;
}

/** Reads the arguments; throws on what it does not know. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      save: { type: "boolean", default: false },
      rounds: { type: "string" },
      only: { type: "string" },
      against: { type: "string" },
    },
  });
  const { quick } = values;
  const asked = values.only?.split(",") ?? QUESTIONS;
  for (const one of asked)
    if (!QUESTIONS.some((known) => known === one)) throw new Error(`--only takes ${QUESTIONS.join(", ")}; got ${one}`);
  return {
    quick,
    rounds: Number(values.rounds ?? (quick ? 2 : 5)),
    warmupMs: quick ? 700 : 1_000,
    windowMs: quick ? 1_500 : 3_000,
    deliveries: quick ? 3_000 : 8_000,
    growthRows: quick ? 200_000 : 1_000_000,
    questions: new Set(QUESTIONS.filter((known) => asked.includes(known))),
    against: values.against,
    save: values.save,
  };
}
