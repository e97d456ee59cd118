/** Routes of the admin API that give stored events another turn. */
import { fail } from "../core/errors.ts";
import type { Replays } from "../flow/replay.ts";
import type { Answer, Call, Route } from "./admin-route.ts";

export interface ReplayDeps {
  readonly replays: Replays;
}

export const REPLAY_ROUTES: readonly Route<ReplayDeps>[] = [
  { method: "GET", path: /^\/api\/v1\/replay$/, run: pending },
  { method: "POST", path: /^\/api\/v1\/replay$/, right: () => "retry", run: replay },
];

async function pending(_call: Call, { replays }: ReplayDeps): Promise<Answer> {
  return { document: { pending: await replays.pending() } };
}

async function replay({ body, actor }: Call, { replays }: ReplayDeps): Promise<Answer> {
  const { events, pipeline, effects = false, reason = "" } = body;
  const isIds = (list: unknown): list is readonly string[] =>
    Array.isArray(list) && list.every((one) => typeof one === "string");
  const isFit = isIds(events) && typeof effects === "boolean" && typeof reason === "string";
  if (!isFit || (pipeline !== undefined && typeof pipeline !== "string"))
    return fail("HK8018", { problem: "a replay is { events: [id], pipeline, effects, reason }" });
  const part = { events, effects, ...(pipeline === undefined ? {} : { pipeline }) };
  return { document: { ...(await replays.replay(part, { actor, reason })) } };
}
