/** The JSON that the admin API and the commands' `--json` give out: snake_case, no bodies, no credentials. */
import type { EntityModel } from "../core/entity.ts";
import type { AttributeWrite, EntityRef, Json, JsonObject } from "../core/types.ts";
import type {
  DeadLetter,
  DeliveryRecord,
  EventStory,
  EventSummary,
  HistoryRow,
  LineageRow,
  Pause,
  StoreCounts,
} from "../store/store.ts";

/** What must not be shown. An entity or attribute that is not declared counts as sensitive. */
export interface Sensitivity {
  value(entity: string, attribute: string): boolean;
  /** The entity's key is itself a sensitive attribute, such as an e-mail address. */
  key(entity: string): boolean;
  /** A message with the keys in it (`lead/ada@example.com`, `lead/@email=ada@example.com`) taken out, or as `hide` gives them. */
  text(message: string, hide?: (key: string) => string | undefined): string;
}

/** Reads what is sensitive off the declared entities; without a config nothing is known to be harmless. */
export function sensitivityOf(entities: ReadonlyMap<string, EntityModel> | undefined): Sensitivity {
  const attribute = (entity: string, name: string) => entities?.get(entity)?.attributes.get(name);
  const hidesKey = (entity: string): boolean => {
    const model = entities?.get(entity);
    return model === undefined || model.ids.some((id) => attribute(entity, id)?.sensitive);
  };
  return {
    value(entity, name) {
      // `state`, `delete` and `link:NAME` are history rows too; an id is as sensitive as the attribute of its name.
      if (name === "state" || name === "delete") return false;
      if (name === "link:merged") return hidesKey(entity);
      if (name === "link:parent") return hidesKey(entities?.get(entity)?.parent ?? "");
      if (name.startsWith("link:")) return attribute(entity, name.slice(5))?.sensitive ?? entities === undefined;
      return attribute(entity, name)?.sensitive ?? true;
    },
    key: hidesKey,
    text: (message, hide) =>
      message.replace(REF, (whole: string, type: string, key: string) => {
        const isEntity = entities === undefined || entities.has(type);
        return isEntity && hidesKey(type) ? `${type}/${hide?.(key) ?? HIDDEN}` : whole;
      }),
  };
}

/** Nothing is hidden: for who may see all, and for what was masked before it came here. */
export const SHOW_ALL: Sensitivity = { value: () => false, key: () => false, text: (message) => message };

const REF = /\b([a-z][a-z0-9._-]*)\/(?:@[\w.-]+=)?([^\s,;()`"]+)/g;

/** Stands for a value that must not be shown. */
export const HIDDEN = "[sensitive]";

/** How the engine is: what `status` prints and `/api/v1/status` gives. */
export interface StatusDocument {
  readonly version: string;
  readonly pid: number;
  readonly state: "running" | "draining";
  readonly started_at: string;
  readonly hooks: string;
  readonly admin: string;
  readonly environment: string;
  readonly revision: string;
  readonly git_commit?: string;
  readonly pipelines: readonly {
    readonly name: string;
    readonly source: string;
    readonly path: string;
    readonly owner: string;
  }[];
  readonly connections: readonly {
    readonly name: string;
    readonly sink: string;
    readonly guarantee: string;
    readonly breaker: "closed" | "open" | "half_open";
  }[];
}

const time = (at: number) => new Date(at).toISOString();

export function eventDocument(event: EventSummary) {
  return {
    id: event.id,
    provider_id: event.providerId,
    source: event.source,
    type: event.type,
    received_at: time(event.receivedAt),
    occurred_at: time(event.occurredAt),
    outcome: event.outcome,
    pipelines: event.pipelines.map(({ supersededBy, ...one }) => ({
      ...one,
      ...(supersededBy === undefined ? {} : { superseded_by: supersededBy }),
    })),
    lag_ms: event.lagMs ?? null,
    seq: event.seq,
  };
}

export function deadLetterDocument(letter: DeadLetter, sensitive: Sensitivity) {
  return {
    id: letter.id,
    kind: letter.kind,
    event: letter.event,
    delivery: letter.delivery ?? null,
    source: letter.source,
    type: letter.type,
    pipeline: letter.pipeline,
    code: letter.code,
    message: sensitive.text(letter.message),
    created_at: time(letter.createdAt),
    status: letter.status,
    resolved_at: letter.resolvedAt === undefined ? null : time(letter.resolvedAt),
    resolution: letter.resolution ?? null,
  };
}

export function pauseDocument(pause: Pause) {
  return { kind: pause.kind, name: pause.name, since: time(pause.since), by: pause.by, reason: pause.reason };
}

export function countsDocument(counts: StoreCounts) {
  return {
    events: counts.events,
    ready: counts.ready,
    fetching: counts.fetching,
    held: counts.held,
    open_deliveries: counts.openDeliveries,
    open_dead_letters: counts.openDeadLetters,
    oldest_ready_at: counts.oldestReadyAt === undefined ? null : time(counts.oldestReadyAt),
    oldest_open_at: counts.oldestOpenAt === undefined ? null : time(counts.oldestOpenAt),
  };
}

/** One attribute's value, unless it is sensitive. */
export function shownValue(value: Json | undefined, hidden: boolean): Json | null {
  return value === undefined || value === null ? null : hidden ? HIDDEN : value;
}

export function shownRef(ref: EntityRef, sensitive: Sensitivity): EntityRef {
  return { type: ref.type, key: sensitive.key(ref.type) ? HIDDEN : ref.key };
}

/** `PUT /customers/cus_1`, with a sensitive key taken out wherever it stands. */
export function shownSummary(delivery: Pick<DeliveryRecord, "entity" | "frozen">, sensitive: Sensitivity): string {
  const summary = delivery.frozen?.summary ?? "";
  const { type, key } = delivery.entity;
  if (!sensitive.key(type)) return summary;
  return summary.replaceAll(key, HIDDEN).replaceAll(encodeURIComponent(key), HIDDEN);
}

function shownWrite(write: AttributeWrite, hidden: boolean): Json {
  return "clear" in write ? { clear: true } : { set: shownValue(write.set, hidden) };
}

export function lineageDocument(row: LineageRow, hidden: boolean) {
  return {
    at: time(row.at),
    event: row.event,
    event_type: row.eventType,
    source: row.source,
    pipeline: row.pipeline,
    result: row.result as string,
    before: shownValue(row.before, hidden),
    after: shownValue(row.after, hidden),
    mapping: row.mapping ?? null,
    note: row.note ?? null,
    superseded_by: row.superseding ?? null,
    superseded_at: row.supersedingAt === undefined ? null : time(row.supersedingAt),
    revision: row.revision,
    git_commit: row.gitCommit ?? null,
  };
}

/** Whose the id is that resends are known by. */
const ID_KINDS: Readonly<Record<string, string>> = { "h:": "body_hash", "c:": "composite" };

/** The whole story of an event, without its body. */
export function storyDocument(story: EventStory, sensitive: Sensitivity) {
  const { event } = story;
  return {
    ...eventDocument(story.summary),
    provider: event.provider,
    id_kind: ID_KINDS[event.dedupeKey.slice(0, 2)] ?? "provider",
    verification: { ...event.verification },
    content_type: event.contentType,
    body_bytes: event.body.byteLength,
    body_sha256: event.bodyHash,
    accepted_by_revision: event.revision,
    git_commit: story.gitCommit ?? null,
    duplicates: story.duplicates,
    conflicts: story.conflicts.map((one) => ({ received_at: time(one.receivedAt), body_sha256: one.bodyHash })),
    outcomes: story.outcomes.map((one) => outcomeDocument(one, sensitive)),
    history: story.history.map((row) => ({ ...shownChange(row, sensitive), at: time(row.at) })),
    deliveries: story.deliveries.map((one) => deliveryDocument(one, sensitive)),
    dead_letters: story.deadLetters.map((letter) => deadLetterDocument(letter, sensitive)),
    edits: story.edits.map(({ at, beforeHash, afterHash, ...one }) => ({
      ...one,
      at: time(at),
      before_sha256: beforeHash,
      after_sha256: afterHash,
    })),
  };
}

/** A row of history: what was there, and what is. */
export function shownChange<T extends HistoryRow>(row: T, sensitive: Sensitivity) {
  const hidden = sensitive.value(row.entity.type, row.attribute);
  return {
    ...row,
    entity: shownRef(row.entity, sensitive),
    before: shownValue(row.before, hidden),
    after: shownValue(row.after, hidden),
  };
}

function outcomeDocument(
  { at, until, detail, reason, gitCommit, ...one }: EventStory["outcomes"][number],
  sensitive: Sensitivity,
) {
  return {
    ...one,
    ...(reason !== undefined && { reason: sensitive.text(reason) }),
    ...(detail !== undefined && { detail: shownDetail(detail, sensitive) }),
    git_commit: gitCommit ?? null,
    held_until: until === undefined ? null : time(until),
    at: time(at),
  };
}

/** The stored detail is masked as it was declared then; what has been declared sensitive since is masked here. */
export function shownDetail(detail: JsonObject, sensitive: Sensitivity): JsonObject {
  const each = (name: string, show: (one: JsonObject) => Json) => {
    const list = detail[name];
    return Array.isArray(list) ? { [name]: list.map((one: Json) => (isObject(one) ? show(one) : HIDDEN)) } : {};
  };
  return {
    ...detail,
    ...each("rows", (row) => {
      const hidden = sensitive.value(String(row["entity"]), String(row["attribute"]));
      return hidden ? { ...row, raw: [HIDDEN], value: shownValue(row["value"], true) } : row;
    }),
    ...each("entities", (ref) => (sensitive.key(String(ref["type"])) ? { ...ref, key: HIDDEN } : ref)),
    ...(isObject(detail["held"] ?? null)
      ? {
          held: {
            ...(detail["held"] as JsonObject),
            reason: sensitive.text(String((detail["held"] as JsonObject)["reason"])),
          },
        }
      : {}),
    ...each("not_sent", (one) => ({ ...one, deliver: sensitive.text(String(one["deliver"])) })),
  };
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function deliveryDocument(one: EventStory["deliveries"][number], sensitive: Sensitivity) {
  const { delivery } = one;
  const attributes = Object.entries(delivery.attributes).map(([name, write]) => [
    name,
    shownWrite(write, sensitive.value(delivery.entity.type, name)),
  ]);
  return {
    id: delivery.id,
    pipeline: delivery.pipeline,
    connection: delivery.connection,
    action: delivery.action,
    kind: delivery.kind,
    entity: shownRef(delivery.entity, sensitive),
    event_name: delivery.eventName,
    status: delivery.status,
    request: delivery.frozen === undefined ? null : shownSummary(delivery, sensitive),
    idempotency_key: delivery.idempotencyKey,
    attributes: Object.fromEntries(attributes),
    next_at: ["pending", "retrying", "unknown"].includes(delivery.status) ? time(delivery.nextAt) : null,
    merged_into: one.mergedInto ?? null,
    note: delivery.note ?? null,
    done_at: one.doneAt === undefined ? null : time(one.doneAt),
    attempts: one.attempts.map((attempt) =>
      "startedAt" in attempt
        ? {
            attempt: attempt.attempt,
            outcome: attempt.outcome,
            started_at: time(attempt.startedAt),
            finished_at: time(attempt.finishedAt),
            http_status: attempt.httpStatus ?? null,
            detail: attempt.detail,
          }
        : { attempt: attempt.attempt, outcome: attempt.outcome, started_at: time(attempt.at) },
    ),
  };
}
