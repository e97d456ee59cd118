/** Reads what commands show from an engine on another machine: the documents of its admin API, as the store gives them here. */
import { fail } from "../core/errors.ts";
import type { EntityRef, Json, JsonObject } from "../core/types.ts";
import { isJsonObject } from "../core/values.ts";
import { SHOW_ALL, storyDocument } from "../http/documents.ts";
import type { AttributeName, EntityDocument, ValueDocument } from "../http/lineage.ts";
import type { DeadLetter, EventFilter, EventStory, EventSummary } from "../store/store.ts";
import { callAdmin } from "./admin-client.ts";
import type { Cli } from "./context.ts";
import type { Installation } from "./installation.ts";

/** What commands read, here or elsewhere. */
export interface View {
  events(filter: EventFilter): Promise<readonly EventSummary[]>;
  story(id: string): Promise<EventStory | undefined>;
  deadLetters(filter: {
    readonly status?: DeadLetter["status"];
    readonly pipeline?: string;
    readonly limit?: number;
  }): Promise<readonly DeadLetter[]>;
  deadLetter(id: string): Promise<DeadLetter | undefined>;
  /** As `--json` shows it: masked, and with how the config refers to the secret. */
  storyDocument(story: EventStory): Promise<object>;
  value(of: AttributeName): Promise<ValueDocument | undefined>;
  entity(ref: EntityRef): Promise<EntityDocument | undefined>;
}

/** Through the admin API. What is sensitive comes masked. */
export function createRemoteView(cli: Cli, installation: Installation): View {
  const get = async (path: string, query: object = {}): Promise<JsonObject | undefined> => {
    const asked = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(asked.map(([name, value]) => [name, String(value)]));
    const answer = await callAdmin(cli, installation, { method: "GET", path: `${path}?${search}` });
    return answer?.document as JsonObject | undefined;
  };
  return {
    events: async (filter) => objects((await get("/api/v1/events", filter))?.["events"]).map(toSummary),
    story: async (id) => {
      const event = (await get(`/api/v1/events/${encodeURIComponent(id)}`))?.["event"];
      return isJsonObject(event) ? toStory(event) : undefined;
    },
    deadLetters: async ({ status, pipeline, limit }) =>
      objects((await get("/api/v1/dead-letters", { status, pipeline, limit }))?.["dead_letters"]).map(toLetter),
    deadLetter: async (id) => {
      const letter = (await get(`/api/v1/dead-letters/${encodeURIComponent(id)}`))?.["dead_letter"];
      return isJsonObject(letter) ? toLetter(letter) : undefined;
    },
    storyDocument: async (story) => storyDocument(story, SHOW_ALL),
    value: async ({ type, key, attribute }) => {
      const [t, k, a] = [type, key, attribute].map(encodeURIComponent);
      return withoutVersion<ValueDocument>(await get(`/api/v1/entities/${t}/${k}/attributes/${a}`));
    },
    entity: async ({ type, key }) => {
      const [t, k] = [type, key].map(encodeURIComponent);
      return withoutVersion<EntityDocument>(await get(`/api/v1/entities/${t}/${k}`));
    },
  };
}

function withoutVersion<T>(document: JsonObject | undefined): T | undefined {
  if (document === undefined) return undefined;
  const { format_version: _version, ...rest } = document;
  return rest as T;
}

const objects = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? value.filter((one): one is JsonObject => isJsonObject(one as Json)) : [];

/** The answer of an older or newer engine may lack a field. */
const ms = (value: Json | undefined): number =>
  typeof value === "string" ? Date.parse(value) : fail("HK8217", { url: "the engine", status: 200 });

/** snake_case to camelCase, times to ms, and what is null left out. */
function plain<T extends object>(document: JsonObject): T {
  const members = Object.entries(document).flatMap(([name, value]) => {
    if (value === null) return [];
    const camel = name.replace(/_([a-z0-9])/g, (_whole, letter: string) => letter.toUpperCase());
    return [[camel, camel.endsWith("At") || camel === "at" ? ms(value) : value]];
  });
  return Object.fromEntries(members) as T;
}

const toSummary = (document: JsonObject): EventSummary => ({
  ...plain<EventSummary>(document),
  pipelines: objects(document["pipelines"]).map((one) => plain<EventSummary["pipelines"][number]>(one)),
});

const toLetter = (document: JsonObject): DeadLetter => plain(document);

const KIND_PREFIXES: Readonly<Record<string, string>> = { body_hash: "h:", composite: "c:" };

export function toStory(document: JsonObject): EventStory {
  const {
    pipelines: _pipelines,
    outcomes,
    history,
    deliveries,
    dead_letters: letters,
    edits,
    conflicts,
    duplicates,
    body_bytes: bytes,
    body_sha256: hash,
    accepted_by_revision: revision,
    id_kind: idKind,
    git_commit: gitCommit,
    ...rest
  } = document;
  const event = {
    ...plain(rest),
    body: new Uint8Array(Number(bytes)),
    bodyHash: String(hash),
    revision: String(revision),
    dedupeKey: `${KIND_PREFIXES[String(idKind)] ?? "p:"}`,
  };
  return {
    event: event as EventStory["event"],
    summary: toSummary(document),
    ...(typeof gitCommit === "string" && { gitCommit }),
    duplicates: Number(duplicates),
    conflicts: objects(conflicts).map((one) => ({
      receivedAt: ms(one["received_at"]),
      bodyHash: String(one["body_sha256"]),
    })),
    outcomes: objects(outcomes).map(({ held_until: until, ...one }) => ({
      ...plain<EventStory["outcomes"][number]>(one),
      ...(typeof until === "string" && { until: ms(until) }),
    })),
    history: objects(history).map((one) => ({
      ...one,
      at: ms(one["at"]),
      before: one["before"] ?? undefined,
      after: one["after"] ?? undefined,
    })) as unknown as EventStory["history"],
    deliveries: objects(deliveries).map(toDelivery),
    deadLetters: objects(letters).map(toLetter),
    edits: objects(edits).map(toEdit),
  };
}

const toEdit = ({ before_sha256: before, after_sha256: after, ...one }: JsonObject) =>
  ({ ...plain(one), beforeHash: before, afterHash: after }) as unknown as EventStory["edits"][number];

function toDelivery(document: JsonObject): EventStory["deliveries"][number] {
  const {
    attempts,
    request,
    merged_into: mergedInto,
    done_at: doneAt,
    next_at: nextAt,
    attributes,
    ...rest
  } = document;
  const delivery = {
    ...plain(rest),
    attributes,
    nextAt: nextAt === null ? 0 : ms(nextAt),
    ...(typeof request === "string" && { frozen: { summary: request, data: {} } }),
  };
  return {
    delivery: delivery as unknown as EventStory["deliveries"][number]["delivery"],
    attempts: objects(attempts).map((one) =>
      one["outcome"] === "sending"
        ? { delivery: document["id"], attempt: one["attempt"], at: ms(one["started_at"]), outcome: "sending" }
        : plain(one),
    ) as unknown as EventStory["deliveries"][number]["attempts"],
    ...(typeof mergedInto === "string" && { mergedInto: mergedInto as never }),
    ...(typeof doneAt === "string" && { doneAt: ms(doneAt) }),
  };
}
