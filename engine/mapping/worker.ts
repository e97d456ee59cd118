/**
 * The thread that runs the interpreter. One batch at a time, one expression after the other, each on a copy of its
 * own of the data; it is killed from outside at the deadline, so it need not be polite.
 */
import { parentPort, workerData } from "node:worker_threads";
import jsonata from "jsonata";
import { copyForInterpreter, normalise } from "./normalise.ts";
import { type Batch, type FromWorker, GUARDRAILS, type Outcome } from "./protocol.ts";

type Bindings = Record<string, unknown>;

/** Runs batches in this thread. */
export function createInterpreter(timeoutMs: number): (batch: Batch) => Promise<Outcome[]> {
  const compiled = new Map<string, jsonata.Expression>();
  const options = { ...GUARDRAILS, timeout: timeoutMs };
  // `$now` with a picture is the interpreter's own formatter over the instant of receipt.
  const format = jsonata("$fromMillis($instant, $picture, $zone)", options);

  const compile = (source: string): jsonata.Expression => {
    const known = compiled.get(source);
    if (known !== undefined) return known;
    const fresh = jsonata(source, options);
    compiled.set(source, fresh);
    return fresh;
  };

  const bindings = (batch: Batch, source: string): Bindings => {
    const bound: Bindings = {};
    for (const [name, value] of Object.entries(batch.variables)) {
      if (value !== undefined && source.includes(`$${name}`)) bound[name] = copyForInterpreter(value);
    }
    bound["millis"] = () => batch.receivedAt;
    bound["now"] = (picture?: string, zone?: string) =>
      format.evaluate({}, { instant: batch.receivedAt, picture, zone });
    return bound;
  };

  return async (batch) => {
    const progress = new Int32Array(batch.progress);
    const cpu = process.threadCpuUsage();
    Atomics.store(progress, 1, Math.floor((cpu.user + cpu.system) / 1000));
    const outcomes: Outcome[] = [];
    for (const [index, source] of batch.sources.entries()) {
      Atomics.store(progress, 0, index);
      outcomes.push(
        await evaluateOne(() =>
          compile(source).evaluate(
            batch.input === undefined ? undefined : copyForInterpreter(batch.input),
            bindings(batch, source),
          ),
        ),
      );
    }
    return outcomes;
  };
}

async function evaluateOne(evaluate: () => Promise<unknown>): Promise<Outcome> {
  try {
    const result = normalise(await evaluate());
    if (result.ok) return result;
    return result.reason === "too_large"
      ? { ok: false, code: "HK2014", problem: "" }
      : { ok: false, code: "HK2013", problem: result.what };
  } catch (error) {
    return failure(error);
  }
}

const GUARDRAIL_CODES = new Set(["D1011", "D1012", "D2015"]);

/** Errors of the interpreter are plain objects; their messages quote values of the payload, so only codes are told. */
function failure(error: unknown): Outcome {
  if (typeof error !== "object" || error === null) return { ok: false, code: "HK2010", problem: "an unknown error" };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const position = "position" in error && typeof error.position === "number" ? { position: error.position } : {};
  const tooDeep = error instanceof RangeError;
  if (GUARDRAIL_CODES.has(code) || tooDeep)
    return { ok: false, code: "HK2015", problem: PROBLEMS[code] ?? "it needs too much memory or stack", ...position };
  return {
    ok: false,
    code: "HK2010",
    problem: PROBLEMS[code] ?? (code === "" ? "a value has a type that can not be used here" : `JSONata error ${code}`),
    ...position,
  };
}

const PROBLEMS: Readonly<Record<string, string>> = {
  D1001: "a number out of range",
  D1002: "can not negate a value that is not a number",
  D1009: "two members of an object have the same key",
  D1011: "it recurses too deep",
  D1012: "it takes too long",
  D2015: "a list of more than 100000 elements",
  D3030: "a text that is not a number",
  D3110: "a text that is not an ISO 8601 time",
  D3137: "it called $error",
  D3141: "an $assert does not hold",
  T0410: "an argument has a type that the function does not take",
  T0411: "the context has a type that the function does not take",
  T0412: "a list has elements of a type that the function does not take",
  T1003: "a key of an object that is not text",
  T1006: "it calls something that is not a function",
  T2001: "the left side of an arithmetic operator is not a number",
  T2002: "the right side of an arithmetic operator is not a number",
  T2009: "a number and a text can not be compared",
  T2010: "only numbers and texts can be compared",
};

if (parentPort !== null) {
  const port = parentPort;
  const interpret = createInterpreter((workerData as { timeoutMs: number }).timeoutMs);
  port.on("message", (batch: Batch) => {
    void interpret(batch).then((outcomes) => port.postMessage({ id: batch.id, outcomes } satisfies FromWorker));
  });
  port.postMessage({ ready: true } satisfies FromWorker);
}
