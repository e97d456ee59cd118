/** A sink that sends nothing: it keeps what it was given and answers as the test says, else with 200. */
import type { DeclaredObjects, SinkAnswer } from "../config/test-model.ts";
import { errorMessage } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/types.ts";
import { classifyAnswer, classifyFailure } from "../delivery/classify.ts";
import type { ConnectionModel } from "../delivery/model.ts";
import type { FrozenRequest, GetAnswer, OpenSink, Outcome, SinkDelivery } from "../plugin/index.ts";
import { declaredAt } from "./fetched.ts";

/** One delivery that a sink took. */
export interface Sent {
  readonly connection: string;
  readonly delivery: SinkDelivery;
}

export interface Recorder {
  /** Deliveries that were answered well, in order. */
  readonly sent: readonly Sent[];
  /** The same connection, its sink replaced by this recorder. */
  replace(connection: ConnectionModel): ConnectionModel;
  /** What rules get from now on when they fetch. */
  declare(objects: DeclaredObjects): void;
  /** Forgets what was sent so far: after a test's `before`. */
  clear(): void;
}

/** `answers`: connection -> its answers, one by one; after the last, 200. */
export function createRecorder(answers: Readonly<Record<string, readonly SinkAnswer[]>>): Recorder {
  let sent: Sent[] = [];
  let objects: DeclaredObjects = {};
  const given = new Map<string, number>();
  const nextAnswer = (connection: string): SinkAnswer => {
    const index = given.get(connection) ?? 0;
    given.set(connection, index + 1);
    return answers[connection]?.[index] ?? { kind: "status", status: 200, headers: {} };
  };
  return {
    get sent() {
      return sent;
    },
    declare(more) {
      for (const [name, paths] of Object.entries(more))
        objects = { ...objects, [name]: { ...objects[name], ...paths } };
    },
    clear() {
      sent = [];
    },
    replace(connection) {
      const prepared = new Map<string, SinkDelivery>();
      const sink: OpenSink = {
        prepare(delivery): FrozenRequest {
          prepared.set(delivery.idempotencyKey, delivery);
          return {
            summary: `${delivery.action} ${delivery.entity.type}/${delivery.entity.key}`,
            data: describe(delivery),
          };
        },
        async send(_request, context): Promise<Outcome> {
          const outcome = toOutcome(nextAnswer(connection.name));
          const delivery = prepared.get(context.idempotencyKey);
          if (outcome.kind === "delivered" && delivery !== undefined)
            sent.push({ connection: connection.name, delivery });
          return outcome;
        },
        get: async ({ path }) => objectOf(nextAnswer(connection.name), { connection: connection.name, path }, objects),
        close: async () => {},
      };
      // Time stands still in a test: a rate limit would only make it wait.
      return { ...connection, rates: [], open: async () => sink };
    },
  };
}

/** An answer that the test gives to whatever is asked next comes first, then what it declares by path. */
function objectOf(
  answer: SinkAnswer,
  at: { readonly connection: string; readonly path: string },
  objects: DeclaredObjects,
): GetAnswer {
  const outcome = toOutcome(answer);
  if (outcome.kind === "unknown") return { kind: "retry", detail: outcome.detail };
  if (outcome.kind !== "delivered") {
    const status = "status" in outcome ? outcome.status : undefined;
    return status === 404 || status === 410 ? { kind: "gone", detail: `status ${status}` } : outcome;
  }
  const object = (answer.kind === "status" ? answer.body : undefined) ?? declaredAt(objects, at);
  if (object === undefined) return { kind: "rejected", detail: errorMessage("HK5356", at) };
  return object === null
    ? { kind: "gone", detail: "declared as null" }
    : { kind: "found", body: JSON.stringify(object) };
}

function toOutcome(answer: SinkAnswer): Outcome {
  if (answer.kind === "timeout")
    return classifyFailure({ ok: false, sent: true, reason: "timeout", detail: "no answer in time" });
  if (answer.kind === "reset")
    return classifyFailure({ ok: false, sent: true, reason: "reset", detail: "connection reset" });
  const body = answer.body === undefined ? "" : JSON.stringify(answer.body);
  const classified = classifyAnswer(
    { ok: true, status: answer.status, headers: answer.headers, body, truncated: false },
    { rules: [], retryAfter: [], now: 0 },
  );
  return classified.kind === "refresh_auth"
    ? { kind: "pause", status: classified.status, detail: classified.detail }
    : classified;
}

/** A delivery as `expect: deliveries:` speaks of it. */
export function describe(delivery: SinkDelivery): JsonObject {
  const attributes: Record<string, Json> = {};
  for (const [name, write] of Object.entries(delivery.attributes)) attributes[name] = "set" in write ? write.set : null;
  return {
    action: delivery.action,
    entity: delivery.entity.type,
    key: delivery.entity.key,
    event: delivery.eventName,
    attributes,
    params: delivery.params,
    idempotency_key: delivery.idempotencyKey,
  };
}
