/** Routes of the admin API that give stored events another turn. */
import { Type } from "typebox";
import { fail } from "../core/errors.ts";
import type { Replays } from "../flow/replay.ts";
import type { Answer, Call, Route } from "./admin-route.ts";
import { count, list, reasonMember, shape, text } from "./admin-shapes.ts";

export interface ReplayDeps {
  readonly replays: Replays;
}

export const REPLAY_ROUTES: readonly Route<ReplayDeps>[] = [
  {
    id: "pendingReplays",
    summary: "How many turns of replays are still to come",
    method: "GET",
    path: "/api/v1/replay",
    right: "read",
    answer: shape({ pending: count() }),
    run: pending,
  },
  {
    id: "replay",
    summary: "Gives stored events another turn",
    method: "POST",
    path: "/api/v1/replay",
    right: "replay",
    body: shape({
      events: list(text("An event's id.")),
      pipeline: Type.Optional(text()),
      effects: Type.Optional(Type.Boolean({ description: "Repeat effects (track, post, …) too. Default: false." })),
      reason: Type.Optional(reasonMember),
    }),
    answer: shape({ queued: count(), busy: count(), gone: count() }),
    run: replay,
  },
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
