/** The shapes of the admin API's answers, as the OpenAPI document gives them and the tests hold the answers to. */
import { type TSchema, Type } from "typebox";

const maybe = Type.Optional;

/** An object with these members and no others. */
export const shape = (members: Record<string, TSchema>, description?: string) =>
  Type.Object(members, { additionalProperties: false, ...(description !== undefined && { description }) });
export const list = (item: TSchema) => Type.Array(item);
export const orNull = (schema: TSchema) => Type.Union([schema, Type.Null()]);
export const words = (names: readonly string[]) => Type.Unsafe<string>({ type: "string", enum: [...names] });
export const text = (description?: string) => Type.String(description === undefined ? {} : { description });
export const time = (description?: string) =>
  Type.String({ format: "date-time", ...(description !== undefined && { description }) });
export const count = (description?: string) =>
  Type.Integer({ minimum: 0, ...(description !== undefined && { description }) });
const json = Type.Unsafe<unknown>({ description: "Any JSON value, or `[sensitive]`." });
const object = Type.Object({});

export const OUTCOMES = ["accepted", "held", "pending", "delivered", "skipped", "dead_letter", "discarded"] as const;
export const LETTER_STATUSES = ["open", "retried", "discarded"] as const;

const summaryMembers = {
  id: text(),
  provider_id: text(),
  source: text(),
  type: text(),
  received_at: time(),
  occurred_at: time(),
  outcome: words(OUTCOMES),
  pipelines: list(
    shape({
      pipeline: text(),
      status: text(),
      reason: maybe(text()),
      outcome: words(OUTCOMES),
      superseded_by: maybe(text("An event's id.")),
    }),
  ),
  lag_ms: orNull(Type.Number({ description: "Receipt to the last delivery; null while something is open." })),
  seq: count("Grows with each event; `before` takes it."),
};

export const eventShape = shape(summaryMembers, "An event.");

export const deadLetterShape = shape(
  {
    id: text(),
    kind: words(["event", "delivery"]),
    event: text(),
    delivery: orNull(text()),
    source: text(),
    type: text(),
    pipeline: text("Empty for events that could not be read."),
    code: text("An error code: docs/errors.md."),
    message: text(),
    created_at: time(),
    status: words(LETTER_STATUSES),
    resolved_at: orNull(time()),
    resolution: orNull(text()),
  },
  "What needs a person.",
);

export const refShape = shape({ type: text(), key: text() });

const deliveryShape = shape({
  id: text(),
  pipeline: text(),
  connection: text(),
  action: text(),
  kind: text(),
  entity: refShape,
  event_name: orNull(text()),
  status: text(),
  request: orNull(text("The frozen request, in short.")),
  idempotency_key: text(),
  attributes: Type.Record(Type.String(), json),
  next_at: orNull(time()),
  merged_into: orNull(text()),
  note: orNull(text()),
  done_at: orNull(time()),
  attempts: list(
    shape({
      attempt: count(),
      outcome: text(),
      started_at: time(),
      finished_at: maybe(time()),
      http_status: maybe(orNull(Type.Integer())),
      detail: maybe(orNull(text())),
    }),
  ),
});

export const storyShape = shape(
  {
    ...summaryMembers,
    provider: text(),
    id_kind: words(["provider", "composite", "body_hash"]),
    verification: object,
    content_type: orNull(text()),
    body_bytes: count(),
    body_sha256: text(),
    accepted_by_revision: text(),
    git_commit: orNull(text()),
    duplicates: count(),
    conflicts: list(shape({ received_at: time(), body_sha256: text() })),
    outcomes: list(
      Type.Object({ pipeline: text(), status: text(), at: time(), revision: text(), reason: maybe(text()) }),
    ),
    history: list(
      Type.Object({
        entity: refShape,
        attribute: text(),
        result: text(),
        pipeline: text(),
        at: time(),
        before: json,
        after: json,
      }),
    ),
    deliveries: list(deliveryShape),
    dead_letters: list(deadLetterShape),
    edits: list(
      shape(
        {
          at: time(),
          actor: text(),
          reason: text(),
          paths: list(text()),
          before_sha256: text(),
          after_sha256: text(),
        },
        "A correction of its body.",
      ),
    ),
  },
  "An event's whole story, without its body.",
);

const lineageMembers = {
  at: time(),
  event: text(),
  event_type: text(),
  source: text(),
  pipeline: text(),
  result: text(),
  before: json,
  after: json,
  mapping: orNull(text()),
  note: orNull(text()),
  superseded_by: orNull(text("The event that was newer.")),
  superseded_at: orNull(time("When that happened, by its sender's clock.")),
  revision: text(),
  git_commit: orNull(text()),
} as const;
export const lineageShape = shape(lineageMembers);

export const valueShape = {
  entity: refShape,
  attribute: text(),
  value: Type.Unsafe<unknown>({ description: "The value now." }),
  declared: orNull(text("Its owner and how it is written, in words.")),
  lineage: list(
    shape({ ...lineageMembers, lines: list(shape({ at: text(), text: orNull(text()), of: orNull(text()) })) }),
  ),
  seeded: orNull(shape({ at: time(), value: json })),
};

export const entityShape = {
  entity: refShape,
  created_at: time(),
  state: text(),
  ids: Type.Record(Type.String(), json),
  parent: orNull(refShape),
  seeded: Type.Boolean(),
  gone: orNull(words(["deleted", "erased"])),
  attributes: list(shape({ attribute: text(), value: json, last_write: orNull(lineageShape) })),
};

export const pauseShape = shape({
  kind: words(["pipeline", "connection"]),
  name: text(),
  since: time(),
  by: text(),
  reason: text(),
});

export const countsShape = shape({
  events: count(),
  ready: count("Turns that wait to be applied."),
  fetching: count("Turns that wait for a GET."),
  held: count(),
  open_deliveries: count(),
  open_dead_letters: count(),
  oldest_ready_at: orNull(time()),
  oldest_open_at: orNull(time()),
});

export const sizeShape = shape({
  bytes: count(),
  free: count(),
  wal: count(),
  reserve: count(),
  disk_free: orNull(count()),
});

export const reloadShape = shape({
  at: time(),
  why: text("`files`, `SIGHUP` or `command`."),
  result: words(["taken", "unchanged", "refused"]),
  revision: text("At work afterwards."),
  file_revision: orNull(text("What the files make; null while they make none.")),
  changes: list(text()),
  error: orNull(shape({ code: text(), message: text(), frames: list(text()) })),
});

export const statusShape = Type.Object({
  version: text(),
  pid: count(),
  state: words(["running", "draining"]),
  started_at: time(),
  hooks: text(),
  admin: text(),
  environment: text(),
  revision: text(),
  git_commit: maybe(text()),
  pipelines: list(shape({ name: text(), source: text(), path: text(), owner: text() })),
  connections: list(
    shape({ name: text(), sink: text(), guarantee: text(), breaker: words(["closed", "open", "half_open"]) }),
  ),
  file_revision: orNull(text()),
  last_reload: orNull(reloadShape),
  counts: countsShape,
  store: sizeShape,
  paused: list(pauseShape),
  waiting_secrets: list(shape({ source: text(), secret: text("Its fingerprint."), name: text(), learned_at: time() })),
});

export const auditShape = shape({ at: time(), actor: text(), action: text(), target: text(), reason: text() });

/** Why, for the audit. */
export const reasonMember = Type.String({ description: "Why, for the audit." });
export const neededReason = Type.String({ minLength: 1, description: "Why, for the audit; needed." });
