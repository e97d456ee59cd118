/** Per-item results of a batch answer: which item went well, which is to be tried again, which is refused. */
import type { Json } from "../core/types.ts";
import type { ItemsSpec } from "../plugin/answers.schema.ts";
import { listsAll } from "../plugin/batch-faults.ts";
import type { Outcome } from "../plugin/index.ts";
import { isThere, safeReason, valuesAt } from "./positions.ts";

/** What holds for the whole answer. */
export interface BatchFacts {
  readonly status: number;
  readonly detail: string;
  /** ms */
  readonly wait: number | undefined;
  /** The items as they were sent, in order; `undefined` for a request that holds no list. */
  readonly sent: readonly (Json | undefined)[];
}

/** An outcome for each item that was sent, in order; `undefined`: the answer holds no list of results. */
export function itemOutcomes(
  body: Json | undefined,
  spec: ItemsSpec,
  facts: BatchFacts,
): readonly Outcome[] | undefined {
  const results = listAt(body, spec.path);
  if (results === undefined) return undefined;
  const found = new Map<number, Json>();
  let stray = false;
  for (const [position, result] of results.entries()) {
    for (const index of indexesOf(result, position, { spec, sent: facts.sent })) {
      if (index === undefined || index < 0 || index >= facts.sent.length) stray = true;
      else if (!found.has(index) || hasFailed(result, spec)) found.set(index, result);
    }
  }
  return facts.sent.map((_, index) => {
    const result = found.get(index);
    if (result !== undefined) return outcomeOf(result, spec, facts);
    return unnamed({ all: listsAll(spec), stray }, facts);
  });
}

/** An item that the answer says nothing of. */
function unnamed({ all, stray }: { all: boolean; stray: boolean }, { status, detail }: BatchFacts): Outcome {
  if (all) return { kind: "unknown", detail: `${detail}, without a result for this item` };
  // Somebody failed, and the answer does not say who: each has to ask for itself.
  if (stray) return { kind: "unknown", detail: `${detail}, with a fault that names no item` };
  return { kind: "delivered", status };
}

function listAt(body: Json | undefined, path: string): readonly Json[] | undefined {
  const at = valuesAt(body, path);
  const lists = at.filter((value) => Array.isArray(value));
  if (lists.length > 0) return lists.flat();
  return path.includes("*") && at.length > 0 ? at : undefined;
}

interface Sent {
  readonly spec: ItemsSpec;
  readonly sent: readonly (Json | undefined)[];
}

/** The items a result is about; with a `*` on the way to it, one fault may name several. Undefined: none that is known. */
function indexesOf(result: Json, position: number, { spec, sent }: Sent): readonly (number | undefined)[] {
  if (spec.index !== undefined) return onePerValue(valuesAt(result, spec.index), readIndex);
  if (spec.id === undefined) return [position];
  const ids = valuesAt(result, spec.id).filter((id) => id !== null && typeof id !== "object");
  if (ids.length === 0 && sent.length === 1) return [0];
  return onePerValue(ids, (id) => {
    const index = sent.findIndex((item) => String(valuesAt(item, spec.item_id ?? "id")[0]) === String(id));
    return index === -1 ? undefined : index;
  });
}

const onePerValue = (values: readonly Json[], read: (value: Json) => number | undefined) =>
  values.length === 0 ? [undefined] : values.map(read);

function readIndex(value: Json): number | undefined {
  const number = typeof value === "string" && /^\d{1,6}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) ? number : undefined;
}

function hasFailed(result: Json, spec: ItemsSpec): boolean {
  if (spec.ok !== undefined) return valuesAt(result, spec.ok)[0] !== true;
  if (spec.status !== undefined) return !isFine(statusOf(result, spec.status));
  if (spec.succeeded !== undefined) return !spec.succeeded.includes(codeOf(result, spec) ?? "");
  if (spec.error !== undefined) return valuesAt(result, spec.error).some(isThere);
  return !listsAll(spec);
}

function codeOf(result: Json, { code: path }: ItemsSpec): string | undefined {
  const code = path === undefined ? undefined : valuesAt(result, path)[0];
  return typeof code === "string" || typeof code === "number" ? String(code) : undefined;
}

const isFine = (status: number | undefined) => status !== undefined && status >= 200 && status < 300;

function statusOf(result: Json, path: string): number | undefined {
  const status = Number(valuesAt(result, path)[0] ?? Number.NaN);
  return Number.isInteger(status) ? status : undefined;
}

function outcomeOf(result: Json, spec: ItemsSpec, { status, detail, wait }: BatchFacts): Outcome {
  if (!hasFailed(result, spec)) return { kind: "delivered", status };
  const named = codeOf(result, spec);
  const own = spec.status === undefined ? undefined : statusOf(result, spec.status);
  const told = `${detail}: item ${named === undefined ? (own ?? "failed") : safeReason(named)}`;
  if (named !== undefined && spec.repeated?.includes(named))
    return { kind: "delivered", status, detail: told, noEffect: "repeated" };
  const again = (named !== undefined && spec.retry?.includes(named)) || (own !== undefined && isPassing(own));
  if (!again) return { kind: "rejected", status, detail: told };
  return { kind: "retry", status, detail: told, ...(wait === undefined ? {} : { afterMs: wait }) };
}

/** As for a whole answer (RFC 9110 and RFC 6585): worth another try. */
const isPassing = (status: number) => [408, 423, 425, 429].includes(status) || (status >= 500 && status !== 501);
