/**
 * A sink in code of the installation, held to what it promises: plain JavaScript has no compiler to say that a request is
 * no data or an answer no outcome. What is wrong concerns its own deliveries and nobody else's.
 */
import { fail } from "../core/errors.ts";
import type { Json } from "../core/types.ts";
import { type Account, offAccount, onAccount, sendOnAccount } from "./floating.ts";
import type { FrozenRequest, OpenSink, Outcome, SendContext, SinkBatches, SinkDescriptor } from "./index.ts";
import type { SchemeDescriptor } from "./scheme.ts";

const KINDS = ["delivered", "retry", "rejected", "pause", "unknown"] as const;
const MAX_DETAIL = 500;
const MAX_SUMMARY = 500;

/** The same sink, with each of its answers looked at, and what it does on its own account. */
export function watched(sink: SinkDescriptor): SinkDescriptor {
  return {
    ...sink,
    async open(settings, context) {
      const account: Account = { kind: "sink", plugin: sink.name, connection: context.connection };
      return watchedOpen(account, await onAccount(account, async () => sink.open(settings, offAccount(context))));
    },
  };
}

/** The same scheme, on its own account. */
export function watchedScheme(scheme: SchemeDescriptor): SchemeDescriptor {
  const account: Account = { kind: "scheme", plugin: scheme.name };
  return { ...scheme, digest: (input) => onAccount(account, () => scheme.digest(input)) };
}

function watchedOpen(account: Account, sink: OpenSink): OpenSink {
  const name = account.plugin;
  for (const member of ["prepare", "send", "close"] as const)
    if (typeof memberOf(sink, member) !== "function") fail("HK5430", { sink: name, member });
  const { get, probe, rows } = sink;
  return {
    prepare: async (delivery) => requestOf(name, await onAccount(account, async () => sink.prepare(delivery))),
    send: async (request, context) =>
      outcomeOf(name, await sendOnAccount(attemptOf(account, context), async () => sink.send(request, context))),
    close: () => onAccount(account, async () => sink.close()),
    ...(sink.batches && { batches: watchedBatches(account, sink.batches) }),
    ...(get && {
      get: async (request, signal) =>
        (await onAccount(account, async () => get.call(sink, request, signal))) ?? fail("HK5432", { sink: name }),
    }),
    ...(probe && {
      probe: async (signal) =>
        (await onAccount(account, async () => probe.call(sink, signal))) ?? { ok: false, detail: "no answer" },
    }),
    ...(rows && { rows: (query) => onAccount(account, () => rows.call(sink, query)) ?? noRows() }),
  };
}

const attemptOf = (account: Account, { idempotencyKey }: SendContext): Account => ({
  ...account,
  attempt: idempotencyKey,
});

async function* noRows(): AsyncIterable<Readonly<Record<string, unknown>>> {}

function watchedBatches(account: Account, batches: SinkBatches): SinkBatches {
  const name = account.plugin;
  return {
    planOf: (action) => batches.planOf(action),
    choose(requests) {
      const chosen: unknown = batches.choose(requests);
      const known = new Set(requests.keys());
      const right = Array.isArray(chosen) && chosen[0] === 0 && chosen.every((index) => known.delete(Number(index)));
      // The first alone is always right.
      return right ? chosen : [0];
    },
    async send(requests: readonly FrozenRequest[], contexts: readonly SendContext[]) {
      const outcomes: unknown = await sendOnAccount(account, async () => batches.send(requests, contexts));
      if (!Array.isArray(outcomes) || outcomes.length !== requests.length) return fail("HK5432", { sink: name });
      return outcomes.map((outcome: unknown) => outcomeOf(name, outcome));
    },
  };
}

/** What is kept has to come back from the store as it was. */
function requestOf(name: string, request: unknown): FrozenRequest {
  const data = plain(memberOf(request, "data"));
  const summary = memberOf(request, "summary");
  if (data === undefined || typeof summary !== "string") return fail("HK5431", { sink: name });
  return { summary: summary.slice(0, MAX_SUMMARY), data };
}

/** As JSON has it; undefined when it is no mapping, or nothing that JSON can say (a cycle, a bigint). */
function plain(value: unknown): FrozenRequest["data"] | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  try {
    const copy: Json | undefined = JSON.parse(JSON.stringify(value) ?? "null");
    return typeof copy === "object" && copy !== null && !Array.isArray(copy)
      ? (copy as FrozenRequest["data"])
      : undefined;
  } catch {
    return undefined;
  }
}

/** An answer that is none is a throw: nobody knows whether the delivery was applied. */
function outcomeOf(name: string, outcome: unknown): Outcome {
  const kind = KINDS.find((one) => one === memberOf(outcome, "kind"));
  if (kind === undefined) return fail("HK5432", { sink: name });
  const said = memberOf(outcome, "detail");
  const detail = typeof said === "string" ? said.slice(0, MAX_DETAIL) : "";
  const status = statusOf(memberOf(outcome, "status"));
  if (kind === "unknown") return { kind, detail };
  const told = { detail, ...(status !== undefined && { status }) };
  if (kind === "delivered") {
    const why = memberOf(outcome, "noEffect");
    return { kind, ...told, ...((why === "repeated" || why === "superseded") && { noEffect: why }) };
  }
  if (kind === "pause") return { kind, ...told, ...(memberOf(outcome, "dead") === true && { dead: true }) };
  if (kind === "rejected") return { kind, ...told };
  const afterMs = memberOf(outcome, "afterMs");
  const waits = typeof afterMs === "number" && Number.isFinite(afterMs) && afterMs >= 0;
  return {
    kind,
    ...told,
    ...(waits && { afterMs: Math.ceil(afterMs) }),
    ...(memberOf(outcome, "throttled") === true && { throttled: true }),
  };
}

const statusOf = (status: unknown): number | undefined =>
  typeof status === "number" && Number.isInteger(status) ? status : undefined;

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
