/** PostHog's capture API as its page has it: $set events carry $set and $unset. */
import type { Json } from "../../../engine/core/types.ts";
import { type Contract, merge, unset } from "../contract-service.ts";

const event = {
  type: "object",
  properties: {
    event: { type: "string", minLength: 1 },
    distinct_id: { type: "string", minLength: 1, maxLength: 200 },
    uuid: { type: "string", pattern: "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" },
    timestamp: { type: "string", pattern: "^\\d{4}-\\d{2}-\\d{2}T" },
    properties: {
      type: "object",
      properties: {
        $set: { type: "object", minProperties: 1 },
        $unset: { type: "array", minItems: 1, items: { type: "string" } },
        $geoip_disable: { const: true },
      },
    },
  },
  required: ["event", "distinct_id", "properties"],
  additionalProperties: false,
};

interface Event {
  readonly event: string;
  readonly distinct_id: string;
  readonly uuid: string;
  readonly properties: { readonly $set?: Record<string, Json>; readonly $unset?: readonly string[] };
}

export const posthogContract: Contract = {
  authorized: ({ body }) => (body as unknown as { api_key?: string } | undefined)?.api_key === "phc_key",
  unauthorized: { status: 401, body: { type: "authentication_error", code: "invalid_api_key", detail: "words" } },
  refused: (why) => ({ status: 400, body: { type: "validation_error", code: "invalid_payload", detail: why } }),
  routes: [
    {
      method: "POST",
      path: /^\/batch\/$/,
      body: {
        type: "object",
        properties: { api_key: { type: "string" }, batch: { type: "array", minItems: 1, items: event } },
        required: ["api_key", "batch"],
        additionalProperties: false,
      },
      act: ({ body }, records) => {
        for (const { event, distinct_id, uuid, properties } of (body as unknown as { batch: readonly Event[] }).batch) {
          records.set(uuid, { event });
          if (properties.$set !== undefined) merge(records, distinct_id, properties.$set);
          if (properties.$unset !== undefined) unset(records, distinct_id, properties.$unset);
        }
        return { status: 200, body: { status: "Ok" } };
      },
    },
  ],
};
