/** Routes of the admin API about what came in and what became of it: events, their stories, where values came from. */
import { Type } from "typebox";
import { fail } from "../core/errors.ts";
import type { AuditRow, EventFilter, StoreReader } from "../store/store.ts";
import type { Answer, Call, Route } from "./admin-route.ts";
import {
  auditShape,
  count,
  entityShape,
  eventShape,
  list,
  neededReason,
  OUTCOMES,
  shape,
  storyShape,
  text,
  valueShape,
  words,
} from "./admin-shapes.ts";
import { eventDocument, type Sensitivity, SHOW_ALL } from "./documents.ts";
import { entityDocument, type LineageContext, storyWithSecret, valueDocument } from "./lineage.ts";

export interface EventsDeps {
  readonly reader: StoreReader;
  readonly sensitivity: () => Sensitivity;
  /** As declared by the revision at work. */
  readonly entities?: () => LineageContext["entities"];
  /** Keeps what a person did, where the store has no call of its own for it. */
  readonly audit: (row: AuditRow) => Promise<void>;
  readonly guard: { readonly now: () => number };
}

export const MAX_LIMIT = 1_000;
const limit = Type.Integer({ minimum: 1, maximum: MAX_LIMIT, description: "At most this many." });
const storyAnswer = shape({ event: storyShape });

export const EVENT_ROUTES: readonly Route<EventsDeps>[] = [
  {
    id: "listEvents",
    summary: "What came in, newest first",
    method: "GET",
    path: "/api/v1/events",
    right: "read",
    query: {
      source: text(),
      pipeline: text(),
      type: text(),
      outcome: words(OUTCOMES),
      since: count("Only received since, ms since the epoch."),
      before: count("Only with a lower `seq`: for paging."),
      limit,
    },
    answer: shape({ events: list(eventShape) }),
    run: listEvents,
  },
  {
    id: "getEvent",
    summary: "An event's whole story, by its id, the provider's id, or the start of its id",
    method: "GET",
    path: "/api/v1/events/{id}",
    right: "read",
    answer: storyAnswer,
    run: async ({ params: [id = ""] }, { reader, sensitivity }) => {
      const story = await reader.story(id);
      return { document: story && { event: await storyWithSecret(story, { reader, sensitive: sensitivity() }) } };
    },
  },
  {
    id: "revealEvent",
    summary: "An event's story with its sensitive values; the audit says who has seen it, and why",
    method: "POST",
    path: "/api/v1/events/{id}/reveal",
    right: "read_sensitive",
    body: shape({ reason: neededReason }),
    answer: storyAnswer,
    run: reveal,
  },
  {
    id: "getLineage",
    summary: "Where an attribute's value came from, newest first",
    method: "GET",
    path: "/api/v1/entities/{type}/{key}/attributes/{attribute}",
    right: "read",
    query: { limit },
    answer: shape(valueShape),
    run: async ({ params: [type = "", key = "", attribute = ""], query }, deps) => ({
      document: await valueDocument({ type, key, attribute }, { ...contextOf(deps), limit: limitOf(query, 100) }),
    }),
  },
  {
    id: "getEntity",
    summary: "An entity's attributes, each with its last write",
    method: "GET",
    path: "/api/v1/entities/{type}/{key}",
    right: "read",
    answer: shape(entityShape),
    run: async ({ params: [type = "", key = ""] }, deps) => ({
      document: await entityDocument({ type, key }, contextOf(deps)),
    }),
  },
  {
    id: "listAudit",
    summary: "What persons did, newest first",
    method: "GET",
    path: "/api/v1/audit",
    right: "read",
    query: { limit },
    answer: shape({ audit: list(auditShape) }),
    run: async ({ query }, { reader, sensitivity }) => {
      const rows = await reader.audit(limitOf(query, 100));
      const audit = rows.map((row) => ({
        ...row,
        at: new Date(row.at).toISOString(),
        target: sensitivity().text(row.target),
      }));
      return { document: { audit } };
    },
  },
];

async function listEvents({ query }: Call, { reader }: EventsDeps): Promise<Answer> {
  const filter: Record<string, string | number> = { limit: limitOf(query, 20) };
  for (const name of ["source", "pipeline", "type", "outcome"]) {
    const value = query.get(name);
    if (value !== null) filter[name] = value;
  }
  for (const name of ["since", "before"]) {
    const value = wholeNumber(query, name);
    if (value !== undefined) filter[name] = value;
  }
  const events = await reader.events(filter satisfies EventFilter);
  return { document: { events: events.map(eventDocument) } };
}

async function reveal({ params: [id = ""], body, actor }: Call, deps: EventsDeps): Promise<Answer> {
  const reason = neededReasonOf(body, "a look at sensitive values");
  const story = await deps.reader.story(id);
  if (story === undefined) return { document: undefined };
  // First the audit: a look that can not be kept is not given.
  await deps.audit({ at: deps.guard.now(), actor, action: "reveal", target: story.summary.id, reason });
  return { document: { event: await storyWithSecret(story, { reader: deps.reader, sensitive: SHOW_ALL }) } };
}

const contextOf = ({ reader, sensitivity, entities }: EventsDeps): LineageContext => ({
  reader,
  sensitive: sensitivity(),
  entities: entities?.(),
});

/** A reason that may not be left out. */
export function neededReasonOf(body: Call["body"], what: string): string {
  const reason = typeof body["reason"] === "string" ? body["reason"].trim() : "";
  return reason === "" ? fail("HK8018", { problem: `${what} needs a reason` }) : reason;
}

export function limitOf(query: URLSearchParams, fallback: number): number {
  return Math.min(wholeNumber(query, "limit") ?? fallback, MAX_LIMIT);
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const given = query.get(name);
  if (given === null) return undefined;
  if (!/^\d{1,15}$/.test(given)) fail("HK8018", { problem: `${name} must be a whole number` });
  return Number(given);
}
