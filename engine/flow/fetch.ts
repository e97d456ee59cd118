/**
 * Thin events: what a rule fetches before it maps. A turn asks and is put aside -> one GET for all turns that wait for
 * the same -> the answer is durable -> the turns go on. An answer is never given to an event that came in after its
 * GET had begun: it could be older than what the event tells of.
 */
import { nextAttempt } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import { type ErrorCode, errorMessage, HookrailError } from "../core/errors.ts";
import { parseJson } from "../core/json.ts";
import type { ConnectionModel } from "../delivery/model.ts";
import { type FetchRequest, readRequest } from "../mapping/fetch.ts";
import type { FetchModel, TextParts } from "../mapping/model.ts";
import type { GetAnswer, OpenSink, Outcome } from "../plugin/index.ts";
import type { FetchTask, WaitingTurn, WorkItem } from "../store/store.ts";
import { applyPrepared } from "./apply.ts";
import { pauseConnection } from "./deliver.ts";
import { type ApplyDeps, type Prepared, prepareWork } from "./prepare.ts";
import { withinTimeout } from "./sending.ts";

/** Puts a turn aside until its GET is done. */
export async function awaitFetch(
  item: WorkItem,
  { fetch, request }: Extract<Prepared, { kind: "fetch" }>,
  { store, clock }: Pick<ApplyDeps, "store" | "clock">,
): Promise<void> {
  const at = clock.now();
  const { connection, burstMs } = fetch;
  const { event, pipeline, seq: workSeq } = item;
  await store.awaitFetch({ workSeq, eventSeq: event.seq, pipeline, connection, request, at, dueAt: at + burstMs });
}

export interface FetchDeps {
  readonly apply: ApplyDeps;
  readonly connection: ConnectionModel;
  readonly sink: OpenSink;
  readonly clock: Clock;
  /** In [0, 1): the jitter of retries. */
  readonly random: () => number;
}

/** What the loop needs to know: how the connection did, and which turns can go on. */
export interface Fetching {
  readonly outcome: Outcome["kind"];
  readonly throttledUntil?: number;
  /** Seqs of their work. */
  readonly ready: readonly number[];
}

/** Makes one GET and settles it. Throws only when the store does. */
export async function attemptFetch(task: FetchTask, deps: FetchDeps): Promise<Fetching> {
  const { clock, apply } = deps;
  const startedAt = clock.now();
  const answer = await ask(readRequest(task.request), deps);
  const now = clock.now();
  const events = task.turns.map(({ event: id, receivedAt, traceparent }) => ({
    id,
    receivedAt,
    ...(traceparent === null ? {} : { traceparent }),
  }));
  const facts = { connection: task.connection, turns: events.length, events, tookMs: now - startedAt };
  apply.observer.fetched?.({ ...facts, outcome: answer.kind, detail: "detail" in answer ? answer.detail : "" });
  switch (answer.kind) {
    case "found": {
      const parsed = parseJson(Buffer.from(answer.body));
      if (!parsed.ok) return end(task, { code: "HK5354", data: { problem: parsed.message } }, deps);
      await apply.store.settleFetch({ kind: "answered", turns: task.turns, at: startedAt, body: answer.body });
      return { outcome: "delivered", ready: task.turns.map(({ workSeq }) => workSeq) };
    }
    case "gone":
      return end(task, { code: "HK5351", data: { detail: answer.detail } }, deps);
    case "cut":
      return end(task, { code: "HK5353", data: { limit: answer.limit } }, deps);
    case "rejected":
      return end(task, { code: "HK5350", data: { detail: answer.detail } }, deps);
    case "pause":
      // Nobody's attempt is lost: all wait for the connection.
      await pauseConnection(task.connection, answer, { clock, observer: apply.observer, store: apply.store });
      return { outcome: "pause", ready: [] };
    case "unknown":
    case "retry":
      return again(task, { answer, startedAt, now }, deps);
  }
}

async function ask(request: FetchRequest, deps: FetchDeps): Promise<GetAnswer> {
  const { sink, connection, clock, apply } = deps;
  if (sink.get === undefined)
    return { kind: "rejected", detail: errorMessage("HK5355", { connection: connection.name }) };
  const get = sink.get.bind(sink);
  const { path, headers } = request;
  const timed = { clock, connection, observer: apply.observer };
  const answer = await withinTimeout(connection.name, timed, (signal) => get({ path, headers }, signal));
  return answer ?? { kind: "retry", detail: "the sink failed while it was asked" };
}

interface Failed {
  readonly answer: Extract<GetAnswer, { kind: "retry" | "unknown" }>;
  readonly startedAt: number;
  readonly now: number;
}

/** Tried again as deliveries are: each turn by the plan of its pipeline, and given up at its horizon. */
async function again(task: FetchTask, { answer, startedAt, now }: Failed, deps: FetchDeps): Promise<Fetching> {
  const { apply, connection } = deps;
  const random = deps.random();
  const afterMs = answer.kind === "retry" ? answer.afterMs : undefined;
  const later: WaitingTurn[] = [];
  const ended: WaitingTurn[] = [];
  for (const turn of task.turns) {
    const pipeline = apply.routes.pipeline(turn.pipeline);
    // Time in which nothing could be asked, since the connection was held back, does not count.
    const since = turn.since + Math.max(0, startedAt - turn.dueAt);
    const attempts = turn.attempts + 1;
    const next =
      pipeline === undefined
        ? ({ retry: false } as const)
        : nextAttempt(
            { ...apply.retryPlan(pipeline, connection.name) },
            {
              attempt: attempts,
              horizonFrom: since,
              now,
              random,
              ...(afterMs === undefined ? {} : { retryAfterMs: afterMs }),
            },
          );
    if (next.retry) later.push({ ...turn, since, attempts, dueAt: next.at });
    else ended.push({ ...turn, attempts });
  }
  if (later.length > 0) await apply.store.settleFetch({ kind: "later", turns: later });
  const ready: number[] = [];
  for (const turn of ended) {
    const data = { attempts: turn.attempts, detail: answer.detail };
    ready.push(...(await end({ ...task, turns: [turn] }, { code: "HK5352", data }, deps)).ready);
  }
  const throttled = answer.kind === "retry" && answer.throttled === true && afterMs !== undefined;
  return { outcome: answer.kind, ready, ...(throttled ? { throttledUntil: now + afterMs } : {}) };
}

interface End {
  readonly code: Extract<ErrorCode, `HK535${number}`>;
  readonly data: Readonly<Record<string, string | number>>;
}

/** The turns end, as their rules say today. What asks for something else by now goes on and asks again. */
async function end(task: FetchTask, { code, data }: End, { apply }: FetchDeps): Promise<Fetching> {
  const ready: number[] = [];
  for (const item of await apply.store.workItems(task.turns.map(({ workSeq }) => workSeq))) {
    const prepared = await prepareWork(item, apply);
    if (prepared.kind !== "fetch" || prepared.request !== task.request) {
      ready.push(item.seq);
      continue;
    }
    const { rule, fetch } = prepared;
    // The path as the rule has it: filled in, it could name a person.
    const message = errorMessage(code, { connection: task.connection, path: written(fetch.path), ...data });
    const outcome: Prepared =
      code === "HK5351" && fetch.notFound === "skip"
        ? { kind: "skipped", reason: "not_found", rule }
        : { kind: "dead", code, message, rule };
    await applyPrepared(item, outcome, apply).catch((error: unknown) => {
      // Ended meanwhile in another way, by an erasure for one.
      if (!(error instanceof HookrailError && error.code === "HK4015")) throw error;
    });
  }
  // The connection answered, whatever it thought of the request.
  return { outcome: "rejected", ready };
}

function written(path: TextParts): string {
  return path.map((part) => (typeof part === "string" ? part : `{${part.source}}`)).join("");
}

/** Connections that some rule of a revision asks. */
export function askedBy(rules: Iterable<{ readonly fetch?: FetchModel }>): ReadonlySet<string> {
  return new Set([...rules].flatMap(({ fetch }) => (fetch === undefined ? [] : [fetch.connection])));
}
