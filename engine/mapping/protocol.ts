/** What the evaluator and its worker thread say to each other. */
import type { Json } from "../core/types.ts";

/** One event's slow expressions, evaluated one after the other over one scope. */
export interface Batch {
  readonly id: number;
  readonly sources: readonly string[];
  readonly input: Json | undefined;
  readonly variables: Readonly<Record<string, Json | undefined>>;
  readonly receivedAt: number;
  /** Two 32-bit numbers: index of the source under way, and the thread's processor time when the batch began, ms. */
  readonly progress: SharedArrayBuffer;
}

/** A failure by its code; the evaluator adds the expression to the message. */
export type Outcome =
  | { readonly ok: true; readonly value: Json | undefined }
  | {
      readonly ok: false;
      readonly code: "HK2010" | "HK2013" | "HK2014" | "HK2015";
      readonly problem: string;
      readonly position?: number;
    };

export type FromWorker = { readonly ready: true } | { readonly id: number; readonly outcomes: readonly Outcome[] };

/** The interpreter's own guardrails: levels of recursion and elements of a list. */
export const GUARDRAILS = { stack: 500, sequence: 100_000 } as const;
