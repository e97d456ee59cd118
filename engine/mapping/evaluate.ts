/**
 * The evaluator: compiled expressions at once, the rest in a thread that is killed at its deadline. Comes in: an
 * expression and a scope. Goes out: what it read and what it gave, as values; it never throws for what a payload or
 * an author did.
 */
import { type ErrorCode, errorMessage } from "../core/errors.ts";
import type {
  EvaluationResult,
  Evaluator,
  Expression,
  ExpressionAnswer,
  InputReading,
  Scope,
} from "../core/expression.ts";
import type { Json, MaybePromise } from "../core/types.ts";
import { type CompiledExpression, type CompiledInput, isCompiled } from "./expression.ts";
import { createIsolatedPool } from "./isolate.ts";
import { MAX_RESULT, normalise } from "./normalise.ts";
import type { Pool } from "./pool.ts";
import type { Outcome } from "./protocol.ts";
import type { Reading } from "./read.ts";
import { FastStop, Sequence, type Value } from "./sequence.ts";

export interface EvaluatorOptions {
  /** Processor time for the slow expressions of one event together, ms. Default 250. */
  readonly deadlineMs?: number;
  /** Interpreter threads; default 1. */
  readonly threads?: number;
  /** Where the module of the interpreter's process is; the single binary has its own. */
  readonly hostUrl?: URL;
  /** Runs the slow expressions; default: the interpreter's process. */
  readonly pool?: Pool;
}

/** One thing the interpreter is asked, and where its answer goes. */
interface Task {
  readonly expression: Expression;
  readonly source: string;
  readonly settle: (result: EvaluationResult) => void;
  readonly draft: Draft;
}

/** An answer that is still being filled in. */
interface Draft extends ExpressionAnswer {
  readings: InputReading[];
  result: EvaluationResult;
}

/** Creates the evaluator. Threads start with the first expression that needs one. */
export function createEvaluator(options: EvaluatorOptions = {}): Evaluator {
  const deadlineMs = options.deadlineMs ?? 250;
  const pool =
    options.pool ??
    createIsolatedPool({
      url: options.hostUrl ?? new URL("./host.ts", import.meta.url),
      threads: options.threads ?? 1,
      deadlineMs,
    });

  const answer = (expressions: readonly Expression[], scope: Scope): MaybePromise<readonly Draft[]> => {
    const tasks: Task[] = [];
    const drafts = expressions.map((expression) => draftOf(expression, scope, tasks));
    return tasks.length === 0 ? drafts : runTasks({ pool, deadlineMs }, tasks, scope).then(() => drafts);
  };

  return {
    answer,
    evaluate(expression, scope) {
      const drafts = answer([expression], scope);
      return drafts instanceof Promise ? drafts.then(([draft]) => resultOf(draft)) : resultOf(drafts[0]);
    },
    read(expression, scope) {
      const drafts = answer([expression], scope);
      return drafts instanceof Promise ? drafts.then(([draft]) => draft?.readings ?? []) : (drafts[0]?.readings ?? []);
    },
    close: () => pool.close(),
  };
}

function resultOf(draft: Draft | undefined): EvaluationResult {
  return draft?.result ?? UNANSWERED;
}

const UNANSWERED: EvaluationResult = { ok: false, code: "HK2012", message: "not evaluated" };

/** Answers what can be answered at once, and leaves a task for the rest. */
function draftOf(expression: Expression, scope: Scope, tasks: Task[]): Draft {
  const draft: Draft = { readings: [], result: UNANSWERED };
  if (!isCompiled(expression)) {
    tasks.push({ expression, draft, source: expression.source, settle: (outcome) => (draft.result = outcome) });
    return draft;
  }
  let own: Reading | undefined;
  for (let index = 0; index < expression.inputs.length; index++) {
    const input = expression.inputs[index] as CompiledInput;
    own = readFast(input, scope);
    if (own !== undefined) draft.readings[index] = toReading(input, own);
    else tasks.push(readingTask({ expression, draft, input, index }));
  }
  // One walk serves both where the expression is a path that was read.
  const isRead = expression.isPath && own !== undefined && own !== UNREADABLE;
  const result = isRead ? asResult(expression, own?.value) : runFast(expression, scope);
  if (result !== undefined) draft.result = result;
  else tasks.push({ expression, draft, source: expression.source, settle: (outcome) => (draft.result = outcome) });
  return draft;
}

interface SlowInput {
  readonly expression: Expression;
  readonly draft: Draft;
  readonly input: CompiledInput;
  readonly index: number;
}

function readingTask({ expression, draft, input, index }: SlowInput): Task {
  return {
    expression,
    draft,
    source: input.reader.source,
    settle(outcome) {
      const reading = outcome.ok ? input.reader.finish(outcome.value) : UNREADABLE;
      draft.readings[index] = toReading(input, reading);
    },
  };
}

/**
 * A path that fails on this payload, such as a predicate that compares a text with a number: it is not missing, and
 * the expression it stands in fails too, which is for the row's `invalid:` to decide.
 */
const UNREADABLE: Reading = { value: undefined, presence: "present" };

function readFast(input: CompiledInput, scope: Scope): Reading | undefined {
  if (input.reader.fast === undefined) return undefined;
  try {
    return input.reader.fast(scope);
  } catch (error) {
    if (!(error instanceof FastStop)) throw error;
    return error.problem === undefined ? undefined : UNREADABLE;
  }
}

function toReading(input: CompiledInput, reading: Reading): InputReading {
  return { input, presence: reading.presence, value: plain(reading.value) };
}

function plain(value: Value): Json | undefined {
  return value instanceof Sequence ? Array.from(value) : value;
}

/** The compiled result; nothing where the interpreter is needed. */
function runFast(expression: CompiledExpression, scope: Scope): EvaluationResult | undefined {
  if (expression.program === undefined) return undefined;
  try {
    return asResult(expression, expression.program(scope));
  } catch (error) {
    if (!(error instanceof FastStop)) throw error;
    return error.problem === undefined ? undefined : failure(expression, "HK2010", { problem: error.problem });
  }
}

function asResult(expression: Expression, value: Value): EvaluationResult {
  const result = normalise(value);
  if (result.ok) return result;
  return result.reason === "too_large"
    ? failure(expression, "HK2014", { limit: MAX_RESULT })
    : failure(expression, "HK2013", { what: result.what });
}

/** Runs all tasks in one batch; each is settled, whatever happens to the thread. */
async function runTasks(by: { pool: Pool; deadlineMs: number }, tasks: readonly Task[], scope: Scope): Promise<void> {
  const sources = tasks.map((task) => task.source);
  const answer = await by.pool.run({
    sources,
    input: scope.input,
    variables: usedVariables(scope.variables, sources),
    receivedAt: scope.receivedAt,
  });
  if (answer.kind === "done") {
    const outcomes = tasks.map((task, index) => fromWorker(task.expression, answer.outcomes[index]));
    for (const [index, task] of tasks.entries()) task.settle(outcomes[index] ?? UNANSWERED);
    for (const [index, task] of tasks.entries()) withdraw(task.draft, outcomes[index] ?? UNANSWERED);
    return;
  }
  const culprit = tasks[answer.index]?.expression ?? tasks[0]?.expression;
  const result =
    answer.kind === "killed"
      ? failure(culprit, "HK2011", { ms: by.deadlineMs })
      : failure(culprit, "HK2012", { problem: answer.problem });
  for (const { draft } of tasks) withdraw(draft, result);
}

/** Only what is named is sent: `$event` holds the whole body. */
function usedVariables(variables: Scope["variables"], sources: readonly string[]): Scope["variables"] {
  return Object.fromEntries(
    Object.entries(variables).filter(([name]) => sources.some((source) => source.includes(`$${name}`))),
  );
}

/** What was not read is not absent: with no reading left, no missing-data policy can make a value of a stopped evaluation. */
function withdraw(draft: Draft, outcome: EvaluationResult): void {
  if (outcome.ok || !STOPPED.has(outcome.code)) return;
  draft.readings = [];
  draft.result = outcome;
}

/** Codes that say nothing of the data: the evaluation did not end by itself. */
const STOPPED: ReadonlySet<string> = new Set(["HK2011", "HK2012", "HK2015"]);

function fromWorker(expression: Expression, outcome: Outcome | undefined): EvaluationResult {
  if (outcome === undefined) return UNANSWERED;
  if (outcome.ok) return outcome;
  const failed = failure(expression, outcome.code, {
    problem: outcome.problem,
    what: outcome.problem,
    limit: MAX_RESULT,
  });
  // The parser keeps the offset after a token.
  return outcome.position === undefined ? failed : { ...failed, offset: Math.max(0, outcome.position - 1) };
}

type Failure = Extract<EvaluationResult, { ok: false }>;

function failure(
  expression: Expression | undefined,
  code: ErrorCode,
  data: Readonly<Record<string, string | number>>,
): Failure {
  return { ok: false, code, message: errorMessage(code, { expression: brief(expression?.source ?? ""), ...data }) };
}

/** An expression in one line of a message. */
function brief(source: string): string {
  const line = source.replace(/\s+/g, " ").trim();
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}
