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

/** What the engine says to the interpreter's process, over a channel that copies as structured clone does. */
export type ToHost =
  | { readonly start: { readonly threads: number; readonly deadlineMs: number } }
  | { readonly id: number; readonly work: BatchWork };

export type FromHost = { readonly ready: true } | { readonly id: number; readonly answer: PoolAnswer };

/** How the single binary is told to be the interpreter's process; the next argument is the URL of its code. */
export const CHILD_FLAG = "--hookrail-child";

/** What a batch asks; the pool adds the rest. */
export type BatchWork = Omit<Batch, "id" | "progress">;

/** `index` is the expression that was under way. */
export type PoolAnswer =
  | { readonly kind: "done"; readonly outcomes: readonly Outcome[] }
  | { readonly kind: "killed"; readonly index: number }
  | { readonly kind: "died"; readonly index: number; readonly problem: string };
