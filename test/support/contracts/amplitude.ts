/** Amplitude's HTTP V2 API as its page has it: $identify events carry operations, an insert_id is taken once. */
import type { Json } from "../../../engine/core/types.ts";
import { type Contract, merge, unset } from "../contract-service.ts";

const event = {
  type: "object",
  properties: {
    event_type: { type: "string", minLength: 1 },
    user_id: { type: "string", minLength: 1 },
    insert_id: { type: "string", minLength: 1 },
    time: { type: "integer", minimum: 1_000_000_000_000 },
    event_properties: { type: "object" },
    user_properties: {
      type: "object",
      properties: {
        $set: { type: "object", minProperties: 1, additionalProperties: { not: { type: "null" } } },
        $unset: { type: "object", minProperties: 1, additionalProperties: { const: "-" } },
      },
      additionalProperties: false,
      minProperties: 1,
    },
  },
  required: ["event_type", "user_id", "insert_id"],
  if: { properties: { event_type: { const: "$identify" } } },
  // biome-ignore lint/suspicious/noThenProperty: a key of JSON Schema
  then: { required: ["user_properties"] },
  additionalProperties: false,
};

interface Event {
  readonly event_type: string;
  readonly user_id: string;
  readonly insert_id: string;
  readonly user_properties?: { readonly $set?: Record<string, Json>; readonly $unset?: Record<string, Json> };
}
interface Upload {
  readonly api_key?: string;
  readonly events: readonly Event[];
  readonly options?: { readonly min_id_length?: number };
}
const upload = (body: Json | undefined) => body as unknown as Upload;

export const amplitudeContract: Contract = {
  authorized: ({ body }) => upload(body)?.api_key === "amp-key",
  unauthorized: { status: 400, body: { code: 400, error: "Invalid API key: amp-…" } },
  refused: (why) => ({
    status: 400,
    body: { code: 400, error: `Request missing required field: ${why}`, missing_field: "events" },
  }),
  routes: [
    {
      method: "POST",
      path: /^\/2\/httpapi$/,
      body: {
        type: "object",
        properties: {
          api_key: { type: "string" },
          events: { type: "array", minItems: 1, maxItems: 2000, items: event },
          options: {
            type: "object",
            properties: { min_id_length: { type: "integer", minimum: 1 } },
            additionalProperties: false,
          },
        },
        required: ["api_key", "events"],
        additionalProperties: false,
      },
      also: ({ body }) => {
        const { events = [], options } = upload(body);
        const short = events.find(({ user_id }) => user_id?.length < (options?.min_id_length ?? 5));
        return short === undefined ? undefined : "user_id is too short";
      },
      act: ({ body }, records) => {
        const { events } = upload(body);
        for (const { event_type, user_id, insert_id, user_properties } of events) {
          if (records.has(insert_id)) continue;
          records.set(insert_id, { event_type });
          if (user_properties?.$set !== undefined) merge(records, user_id, user_properties.$set);
          if (user_properties?.$unset !== undefined) unset(records, user_id, Object.keys(user_properties.$unset));
        }
        return { status: 200, body: { code: 200, events_ingested: events.length } };
      },
    },
  ],
};
