/** Segment's HTTP Tracking API as its page has it, and RudderStack's, which is the same but for its answers. */
import type { Json } from "../../../engine/core/types.ts";
import { basic, type Contract, merge } from "../contract-service.ts";

const common = {
  messageId: { type: "string", minLength: 1, maxLength: 100 },
  userId: { type: "string", minLength: 1 },
  timestamp: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}T[\\d:.]+Z$" },
};
const closed = (properties: object, required: readonly string[]) => ({
  type: "object",
  properties: { ...common, ...properties },
  required: ["type", "userId", "messageId", ...required],
  additionalProperties: false,
});
const call = {
  oneOf: [
    closed({ type: { const: "identify" }, traits: { type: "object" } }, ["traits"]),
    closed({ type: { const: "track" }, event: { type: "string", minLength: 1 }, properties: { type: "object" } }, [
      "event",
    ]),
  ],
};

interface Call {
  readonly type: string;
  readonly userId: string;
  readonly messageId: string;
  readonly event?: string;
  readonly traits?: Record<string, Json>;
}

/** 32 KB a call, 500 KB a batch; a null trait is on record as null: destinations decide what it does. */
export const segmentContract = (answers: { readonly ok: unknown; readonly refused: unknown }): Contract => ({
  authorized: ({ headers }) => headers["authorization"] === basic("write-key"),
  unauthorized: { status: 401, body: "Unauthorized" },
  refused: () => ({ status: 400, body: answers.refused }),
  routes: [
    {
      method: "POST",
      path: /^\/v1\/batch$/,
      body: {
        type: "object",
        properties: { batch: { type: "array", minItems: 1, items: call } },
        required: ["batch"],
        additionalProperties: false,
      },
      also: ({ body }) => (JSON.stringify(body).length > 500_000 ? "longer than 500 KB" : undefined),
      act: ({ body }, records) => {
        for (const one of (body as unknown as { batch: readonly Call[] }).batch) {
          if (one.type === "identify") merge(records, one.userId, one.traits ?? {});
          else if (!records.has(one.messageId)) records.set(one.messageId, { event: one.event ?? "" });
        }
        return { status: 200, body: answers.ok };
      },
    },
  ],
});
