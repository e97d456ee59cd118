/** The admin API's live facts: `/api/v1/live`, what the engine does as it happens, for `hookrail tail` and pages. */
import { Type } from "typebox";
import type { Clock } from "../core/clock.ts";
import { fail } from "../core/errors.ts";
import { type Live, type LiveFact, type LiveFilter, STAGES, type Stage } from "../flow/live.ts";
import type { Answer, Call, Route } from "./admin-route.ts";
import { type Sensitivity, shownRef } from "./documents.ts";
import { createLiveStream } from "./live-stream.ts";

export interface LiveDeps {
  readonly live: { readonly facts: Live; readonly clock: Clock };
  readonly sensitivity: () => Sensitivity;
}

/** Each holds a connection and looks at every fact. */
const MAX_READERS = 32;
const DEFAULT_PER_SECOND = 50;
const MAX_LAST = 2_000;
/** No proxy gathers it, and no listener waits for the connection when it is taken down. */
const HEADERS = { "x-accel-buffering": "no", connection: "close" };

const text = (description: string) => Type.String({ description });

export const LIVE_ROUTES: readonly Route<LiveDeps>[] = [
  {
    method: "GET",
    path: "/api/v1/live",
    right: "read",
    id: "followLive",
    summary: "What the engine does as it happens, as server-sent events: hello, fact, sampled, gap, end",
    query: {
      stage: text(`One or more of ${STAGES.join(", ")}, with commas. Default: all but refused.`),
      source: text("Only of this source."),
      type: text("Only of this event type; `customer.*` for all that begin so."),
      pipeline: text("Only of this pipeline."),
      connection: text("Only of this connection."),
      outcome: text("Only with this outcome."),
      entity: text("Only of this entity: `customer`, or `customer:cus_1`."),
      last: Type.Integer({ minimum: 0, description: "The newest so many that are still known come first." }),
      after: text("Go on after this event id; the header `Last-Event-ID` says the same."),
      all: text("`1`: no sampling; what a slow reader does not take is dropped all the same."),
      follow: text("`0`: only what is known; then the answer ends."),
    },
    answer: "text/event-stream",
    statuses: { 503: "Too many follow already." },
    run: live,
  },
];

function live({ query, request, stillMay }: Call, { live: { facts, clock }, sensitivity }: LiveDeps): Answer {
  if (facts.listeners >= MAX_READERS) return { status: 503, document: { error: "too many follow already" } };
  const last = query.get("last");
  if (last !== null && !/^\d{1,4}$/.test(last)) fail("HK8018", { problem: "last must be a whole number" });
  const header = request.headers["last-event-id"];
  const after = typeof header === "string" ? header : (query.get("after") ?? undefined);
  const all = query.get("all") === "1";
  const reading = {
    filter: filterOf(query),
    ...(after === undefined ? {} : { after }),
    ...(last === null ? {} : { last: Math.min(Number(last), MAX_LAST) }),
    ...(all ? {} : { perSecond: DEFAULT_PER_SECOND }),
    follow: query.get("follow") !== "0",
  };
  const show = (fact: LiveFact) => factDocument(fact, sensitivity());
  return {
    document: undefined,
    stream: createLiveStream(reading, { live: facts, clock, show, stillMay }),
    headers: HEADERS,
  };
}

function filterOf(query: URLSearchParams): LiveFilter {
  const stages = query.getAll("stage").flatMap((text) => text.split(","));
  const unknown = stages.find((stage) => !isStage(stage));
  if (unknown !== undefined) fail("HK8018", { problem: `stage must be one of ${STAGES.join(", ")}` });
  const entity = query.get("entity");
  const [, type = "", key] = /^([^:/]+)(?:[:/](.+))?$/.exec(entity ?? "") ?? [];
  const named = ["source", "type", "pipeline", "connection", "outcome"].flatMap((name) => {
    const value = query.get(name);
    return value === null ? [] : [[name, value]];
  });
  return {
    ...Object.fromEntries(named),
    ...(stages.length === 0 ? {} : { stages: new Set(stages.filter(isStage)) }),
    ...(entity === null ? {} : { entity: { type, ...(key === undefined ? {} : { key }) } }),
  };
}

const isStage = (text: string): text is Stage => (STAGES as readonly string[]).includes(text);

/** One fact of the stream, with what must not be shown taken out. */
export function factDocument(fact: LiveFact, sensitive: Sensitivity) {
  const masked = (value: string | undefined) => (value === undefined || value === "" ? null : sensitive.text(value));
  return {
    seq: fact.seq,
    stage: fact.stage,
    outcome: fact.outcome,
    event: fact.event ?? null,
    source: fact.source ?? null,
    type: fact.type ?? null,
    pipeline: fact.pipeline ?? null,
    entities: fact.entities.map((ref) => {
      const { type, key } = shownRef(ref, sensitive);
      return `${type}/${key}`;
    }),
    delivery: fact.delivery ?? null,
    connection: fact.connection ?? null,
    action: fact.action ?? null,
    attempt: fact.attempt ?? null,
    http_status: fact.httpStatus ?? null,
    deliveries: fact.deliveries ?? null,
    reason: masked(fact.reason),
    code: fact.code ?? null,
    detail: masked(fact.detail),
    lag_ms: fact.lagMs === undefined ? null : Math.round(fact.lagMs),
    next_try: fact.nextAt === undefined ? null : new Date(fact.nextAt).toISOString(),
  };
}
