/**
 * One attempt of several deliveries of an action in one request: as in deliver.ts, freeze -> mark durably -> send ->
 * settle, with all marks in one commit before anything is sent, and an outcome for each.
 */
import type { Outcome } from "../plugin/index.ts";
import type { DeliveryRecord } from "../store/store.ts";
import {
  type Attempted,
  attemptDelivery,
  type DeliverDeps,
  markReady,
  pauseConnection,
  prepareAttempt,
  type Ready,
  settleReady,
} from "./deliver.ts";
import { sendContext, withinTimeout } from "./sending.ts";

/**
 * Sends what fits into one request with the first of them; the others stay due. Of one entity at most one may be
 * among them. Throws only when the store does.
 */
export async function attemptBatch(records: readonly DeliveryRecord[], deps: DeliverDeps): Promise<Attempted> {
  const [first] = records;
  const { batches } = deps.sink;
  if (first === undefined) return { outcome: "superseded" };
  if (batches === undefined || records.length === 1) return attemptDelivery(first, deps);
  const ready: Ready[] = [];
  for (const record of records) {
    const prepared = await prepareAttempt(record, deps);
    if (!("outcome" in prepared)) ready.push(prepared);
  }
  const chosen = batches.choose(ready.map(({ frozen }) => frozen)).flatMap((index) => ready[index] ?? []);
  const marked = await markAll(chosen, deps);
  if (marked.length === 0) return { outcome: "superseded" };
  const outcomes = await sendAll(marked, deps);
  const settled = await Promise.all(marked.map((one, index) => settleReady(one, outcomes[index] ?? noAnswer, deps)));
  const pause = outcomes.find((outcome) => outcome.kind === "pause");
  if (pause !== undefined) await pauseConnection(first.connection, pause, deps);
  return reportOf(settled, outcomes);
}

const noAnswer: Outcome = { kind: "unknown", detail: "the sink failed while sending" };

/** Marks in flight share one commit. Whatever is marked is sent, also when the store failed another's mark. */
async function markAll(chosen: readonly Ready[], deps: DeliverDeps): Promise<readonly Ready[]> {
  const marks = await Promise.allSettled(chosen.map((one) => markReady(one, deps)));
  const marked = chosen.filter((_, index) => {
    const mark = marks[index];
    return mark?.status === "fulfilled" && mark.value;
  });
  const failed = marks.find((mark) => mark.status === "rejected");
  if (failed !== undefined && marked.length === 0) throw failed.reason;
  if (failed !== undefined) deps.observer.fault({ where: `mark for ${deps.connection.name}`, error: failed.reason });
  return marked;
}

async function sendAll(marked: readonly Ready[], deps: DeliverDeps): Promise<readonly Outcome[]> {
  const { batches } = deps.sink;
  const outcomes = await withinTimeout(deps.connection.name, deps, async (signal) =>
    batches?.send(
      marked.map(({ frozen }) => frozen),
      marked.map((one) => sendContext(one, signal, deps)),
    ),
  );
  return outcomes ?? [];
}

/** What the gate is told of the request: the sink works if it took or refused a part of it. */
function reportOf(settled: readonly Attempted[], outcomes: readonly Outcome[]): Attempted {
  const untils = settled.flatMap(({ throttledUntil }) => throttledUntil ?? []);
  const answered = outcomes.find(
    (outcome) =>
      outcome.kind === "delivered" ||
      outcome.kind === "rejected" ||
      (outcome.kind === "retry" && isClientFault(outcome.status)),
  );
  return {
    outcome: answered === undefined ? (settled[0]?.outcome ?? "superseded") : "delivered",
    ...(untils.length === 0 ? {} : { throttledUntil: Math.max(...untils) }),
  };
}

/** A request that was refused as a whole is tried again in parts: the sink is well. */
const isClientFault = (status = 0) => status >= 400 && status < 500 && status !== 408 && status !== 425;
