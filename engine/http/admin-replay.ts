/** Routes of the admin API that give stored events another turn. */
import { Type } from "typebox";
import { fail } from "../core/errors.ts";
import type { Json } from "../core/types.ts";
import type { ForeseenTurn, ReplayFilter, ReplayPlan, Replays } from "../flow/replay.ts";
import { MAX_LIMIT } from "./admin-events.ts";
import type { Answer, Call, Route } from "./admin-route.ts";
import { count, list, OUTCOMES, reasonMember, shape, text, words } from "./admin-shapes.ts";
import { type Sensitivity, shownRef } from "./documents.ts";

export interface ReplayDeps {
  readonly replays: Replays;
  /** What a replay would do; writes nothing. */
  readonly planReplay: (filter: ReplayFilter) => Promise<ReplayPlan>;
  readonly sensitivity: () => Sensitivity;
}

const VERDICTS = ["changes", "no_change", "stale", "held", "skipped", "dead", "fetch"];
const maybe = Type.Optional;
const instant = (description: string) => maybe(count(`${description}, ms since the epoch.`));

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
    id: "planReplay",
    summary: "What a replay would do to each event, by what is stored now; nothing is done",
    method: "POST",
    path: "/api/v1/replay/plan",
    right: "replay",
    body: shape({
      events: maybe(list(text("An event's id, ours or the provider's; the other members then do not choose."))),
      source: maybe(text()),
      pipeline: maybe(text("Only in this pipeline.")),
      type: maybe(text()),
      outcome: maybe(words(OUTCOMES)),
      since: instant("Only received since"),
      until: instant("Only received before"),
      limit: maybe(
        Type.Integer({ minimum: 1, maximum: MAX_LIMIT, description: "At most this many events, the newest." }),
      ),
    }),
    answer: shape({
      events: Type.Array(text(), { description: "Those that would be given another turn, oldest first." }),
      turns: list(
        shape({
          event: text(),
          type: text(),
          pipeline: text(),
          verdict: words(VERDICTS),
          reason: maybe(text()),
          entities: list(text("`type/key`.")),
          changes: list(text("`entity.attribute`.")),
          superseded_by: maybe(text("An event's id.")),
        }),
      ),
      left_out: list(shape({ event: text(), why: words(["body_purged", "in_progress", "no_pipeline"]) })),
      more: Type.Boolean({ description: "More events match than `limit` lets in." }),
    }),
    run: plan,
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

async function plan({ body }: Call, { planReplay, sensitivity }: ReplayDeps): Promise<Answer> {
  return { document: planDocument(await planReplay(filterOf(body)), sensitivity()) };
}

const isIds = (list: unknown): list is readonly string[] =>
  Array.isArray(list) && list.every((one) => typeof one === "string");

const TEXTS = ["source", "pipeline", "type", "outcome"] as const;
const COUNTS = ["since", "until", "limit"] as const;

/** Without anything that chooses, all that is stored would be meant: nobody means that. */
function filterOf(body: Call["body"]): ReplayFilter {
  const { events, limit = MAX_LIMIT } = body;
  const refuse = (problem: string) => fail("HK8018", { problem });
  const isCount = (value: Json | undefined) => Number.isSafeInteger(value) && Number(value) >= 0;
  const given = (names: readonly string[]) => names.filter((name) => body[name] !== undefined);
  if (events !== undefined && !isIds(events)) return refuse("events must be a list of ids");
  if (given(TEXTS).some((name) => typeof body[name] !== "string"))
    return refuse("source, pipeline, type and outcome are texts");
  if (given(COUNTS).some((name) => !isCount(body[name]))) return refuse("since, until and limit must be whole numbers");
  if (Number(limit) < 1 || Number(limit) > MAX_LIMIT || (events?.length ?? 0) > MAX_LIMIT)
    return refuse(`a plan is for 1 to ${MAX_LIMIT} events`);
  const chosen = [...given(TEXTS), ...given(["since", "until"])];
  if (events === undefined && chosen.length === 0) return refuse("name events, or say which ones");
  return {
    ...Object.fromEntries(chosen.map((name) => [name, body[name]])),
    ...(events !== undefined && { events }),
    limit: Number(limit),
  };
}

/** The plan with what must not be shown taken out. */
export function planDocument(plan: ReplayPlan, sensitive: Sensitivity) {
  const { events, turns, leftOut, more } = plan;
  return { events, turns: turns.map((turn) => turnDocument(turn, sensitive)), left_out: leftOut, more };
}

export type TurnDocument = ReturnType<typeof turnDocument>;

export function turnDocument(turn: ForeseenTurn, sensitive: Sensitivity) {
  const { entities, supersededBy, reason, ...one } = turn;
  return {
    ...one,
    entities: entities.map((name) => shownEntity(name, sensitive)),
    ...(reason === undefined ? {} : { reason: sensitive.text(reason) }),
    ...(supersededBy === undefined ? {} : { superseded_by: supersededBy }),
  };
}

/** From `type/key`. */
export function shownEntity(name: string, sensitive: Sensitivity): string {
  const slash = name.indexOf("/");
  const { type, key } = shownRef({ type: name.slice(0, slash), key: name.slice(slash + 1) }, sensitive);
  return `${type}/${key}`;
}

async function replay({ body, actor }: Call, { replays }: ReplayDeps): Promise<Answer> {
  const { events, pipeline, effects = false, reason = "" } = body;
  const isFit = isIds(events) && typeof effects === "boolean" && typeof reason === "string";
  if (!isFit || (pipeline !== undefined && typeof pipeline !== "string"))
    return fail("HK8018", { problem: "a replay is { events: [id], pipeline, effects, reason }" });
  const part = { events, effects, ...(pipeline === undefined ? {} : { pipeline }) };
  return { document: { ...(await replays.replay(part, { actor, reason })) } };
}
