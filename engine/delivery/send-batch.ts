/** Sends the requests of several deliveries as one, and tells their outcomes apart. */
import { hash } from "node:crypto";
import { parseDuration } from "../core/duration.ts";
import type { FrozenRequest, Outcome, SendContext, SinkBatches } from "../plugin/index.ts";
import { chooseRequests, joinRequests } from "./batch.ts";
import { classifyBatch } from "./classify.ts";
import { converse, rulesOf } from "./exchange.ts";
import { readFrozen } from "./http-request.ts";
import { actionOf, joiningOf, type Opened } from "./opened.ts";

/** One request for several deliveries. */
export async function sendBatch(
  requests: readonly FrozenRequest[],
  contexts: readonly SendContext[],
  opened: Opened,
): Promise<readonly Outcome[]> {
  const action = actionOf(requests[0]?.data, opened);
  const joining = action?.spec.batch === undefined ? undefined : joiningOf(action.spec, action.spec.batch, opened);
  const read = requests.flatMap(({ data }) => readFrozen(data) ?? []);
  const joined = joining === undefined || read.length !== requests.length ? undefined : joinRequests(read, joining);
  const [first] = contexts;
  if (action === undefined || joined === undefined || first === undefined)
    return requests.map(() => ({ kind: "rejected", detail: "the requests can not be joined" }));
  const keys = contexts.map(({ idempotencyKey }) => idempotencyKey).join("\n");
  // Of those together any that is traced leads on.
  const shared = sharedBy(contexts.find(({ traceparent }) => traceparent !== undefined) ?? first);
  const auth = { idempotencyKey: hash("sha256", keys, "hex").slice(0, 40), ...shared };
  const options = { ...rulesOf(action.spec, opened), sent: joined.items };
  const { judged } = await converse(joined.request, auth, opened, (told) => classifyBatch(told, options));
  if (judged.kind === "items") return judged.outcomes;
  return requests.map(() => sharedOutcome(judged));
}

function sharedBy({ signal, traceparent }: SendContext): Pick<SendContext, "signal" | "traceparent"> {
  return { signal, ...(traceparent === undefined ? {} : { traceparent }) };
}

/** Refused as a whole, perhaps for one of them: they are tried again in smaller parts, down to one, which then tells. */
function sharedOutcome(outcome: Outcome): Outcome {
  if (outcome.kind !== "rejected" || outcome.status === undefined) return outcome;
  return { kind: "retry", status: outcome.status, detail: `${outcome.detail}, sent together with others` };
}

/** How deliveries of this connection share requests; undefined where no action says so. */
export function batchesOf(opened: Opened): SinkBatches | undefined {
  if (![...opened.actions.values()].some(({ spec }) => spec.batch !== undefined)) return undefined;
  return {
    planOf(name) {
      const batch = opened.actions.get(name)?.spec.batch;
      if (batch === undefined) return undefined;
      const flush = parseDuration(batch.flush);
      return { maxItems: batch.max_items, flushMs: flush.ok ? flush.value : 0, byKeySet: batch.group_by !== "none" };
    },
    choose(requests) {
      const action = actionOf(requests[0]?.data, opened);
      const name = requests[0]?.data["action"];
      const read = requests.map(({ data }) => (data["action"] === name ? readFrozen(data) : undefined));
      const [first] = read;
      if (action?.spec.batch === undefined || first === undefined) return [0];
      const joining = joiningOf(action.spec, action.spec.batch, opened);
      const known = read.flatMap((request, index) => (request === undefined ? [] : [{ request, index }]));
      const chosen = chooseRequests(
        known.map(({ request }) => request),
        joining,
      );
      return chosen.flatMap((position) => known[position]?.index ?? []);
    },
    send: (requests, contexts) => sendBatch(requests, contexts, opened),
  };
}
