/** Braze, Iterable, Klaviyo and Customer.io, as their documents describe them. */

import { type Call, fieldsOf, patchRecord, type Records, type Reply, type Service } from "../mock-service.ts";
import { contractOf, judgeBy } from "../openapi-contract.ts";
import { NOW, secret } from "../sink-context.ts";

const user = {
  external_id: { type: "string", minLength: 1, maxLength: 997 },
  _update_existing_only: { type: "boolean" },
};

/** /users/track: lists of at most 75 objects in all, each with an identifier; /users/delete: at most 50 ids. */
const brazeBodies = {
  "/users/track": judgeBy({
    type: "object",
    additionalProperties: false,
    minProperties: 1,
    properties: {
      attributes: {
        type: "array",
        minItems: 1,
        maxItems: 75,
        items: { type: "object", required: ["external_id"], properties: user },
      },
      events: {
        type: "array",
        minItems: 1,
        maxItems: 75,
        items: {
          type: "object",
          required: ["external_id", "name", "time"],
          additionalProperties: false,
          properties: {
            ...user,
            name: { type: "string", minLength: 1, maxLength: 255 },
            time: { type: "string", format: "date-time" },
            properties: { type: "object" },
          },
        },
      },
    },
  }),
  "/users/delete": judgeBy({
    type: "object",
    additionalProperties: false,
    required: ["external_ids"],
    properties: { external_ids: { type: "array", minItems: 1, maxItems: 50, items: { type: "string", minLength: 1 } } },
  }),
};

export function braze(): Service {
  const records: Records = new Map();
  return {
    sink: "braze",
    settings: (_url, wrong) => ({ api_key: secret(wrong ? "nobody" : "rest-key"), instance: "iad-01" }),
    upsert: "identify",
    records,
    headers: { authorization: "Bearer rest-key" },
    answer({ headers, path, body }): Reply {
      if (headers["authorization"] !== "Bearer rest-key")
        return { status: 401, body: { message: "Invalid API key: nobody" } };
      const judge = Object.entries(brazeBodies).find(([of]) => of === path)?.[1];
      if (judge === undefined) return { status: 404, body: { message: "Not found" } };
      if (judge(body).length > 0)
        return {
          status: 400,
          body: { message: "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields." },
        };
      const { attributes = [] } = body as { attributes?: Record<string, unknown>[] };
      const errors: object[] = [];
      for (const [index, { external_id, _update_existing_only: _, ...fields }] of attributes.entries()) {
        // A reserved attribute of the wrong kind: the item is refused, the others go on.
        if ("email" in fields && !String(fields["email"]).includes("@"))
          errors.push({ type: "'email' is not a valid address: ada", input_array: "attributes", index });
        else patchRecord(records, String(external_id), fields);
      }
      return {
        status: 201,
        body: {
          message: "success",
          attributes_processed: attributes.length - errors.length,
          ...(errors.length > 0 ? { errors } : {}),
        },
      };
    },
    refuses: [
      { method: "POST", path: "/users/track", body: { attributes: [{ tier: "team" }] } },
      { method: "POST", path: "/users/track", body: { events: [{ external_id: "cus_1", name: "x" }] } },
      {
        method: "POST",
        path: "/users/track",
        body: { attributes: Array.from({ length: 76 }, () => ({ external_id: "cus_1" })) },
      },
      { method: "POST", path: "/users/delete", body: { external_ids: [7] } },
    ],
    throttled: {
      reply: { status: 429, body: { message: "Rate limit" }, headers: { "x-ratelimit-reset": String(NOW / 1000 + 7) } },
      afterMs: 7000,
    },
    permanent: {
      reply: { status: 400, body: { message: "'external_id' of ada@example.com is wrong" } },
      shown: "status 400",
    },
  };
}

const iterableUser = {
  userId: { type: "string", minLength: 1, maxLength: 52 },
  email: { type: "string", format: "email" },
};
const iterableIdentity = { oneOf: [{ required: ["userId"] }, { required: ["email"] }] };
const iterableBodies = {
  "/api/users/update": judgeBy({
    type: "object",
    additionalProperties: false,
    ...iterableIdentity,
    properties: {
      ...iterableUser,
      preferUserId: { type: "boolean" },
      mergeNestedObjects: { type: "boolean" },
      dataFields: { type: "object" },
    },
  }),
  "/api/events/track": judgeBy({
    type: "object",
    additionalProperties: false,
    required: ["eventName"],
    ...iterableIdentity,
    properties: {
      ...iterableUser,
      eventName: { type: "string", minLength: 1 },
      id: { type: "string" },
      createdAt: { type: "integer" },
      dataFields: { type: "object" },
    },
  }),
  "/api/users/forget": judgeBy({
    type: "object",
    additionalProperties: false,
    ...iterableIdentity,
    properties: iterableUser,
  }),
};

export function iterable(): Service {
  const records: Records = new Map();
  return {
    sink: "iterable",
    settings: (_url, wrong) => ({ api_key: secret(wrong ? "nobody" : "server-key") }),
    upsert: "identify",
    records,
    headers: { "api-key": "server-key" },
    answer({ headers, path, body }): Reply {
      if (headers["api-key"] !== "server-key")
        return { status: 401, body: { msg: "Invalid API key", code: "BadApiKey", params: null } };
      const judge = Object.entries(iterableBodies).find(([of]) => of === path)?.[1];
      if (judge === undefined) return { status: 404, body: { code: "NotFound" } };
      if (judge(body).length > 0)
        return { status: 400, body: { msg: "Invalid JSON body", code: "BadJsonBody", params: null } };
      const { userId, email, dataFields } = fieldsOf(body);
      if (path === "/api/users/update") patchRecord(records, String(userId ?? email), fieldsOf(dataFields));
      return { status: 200, body: { msg: "", code: "Success", params: null } };
    },
    refuses: [
      { method: "POST", path: "/api/users/update", body: { dataFields: { tier: "team" } } },
      { method: "POST", path: "/api/users/update", body: { userId: "cus_1", tier: "team" } },
      { method: "POST", path: "/api/events/track", body: { userId: "cus_1" } },
      { method: "POST", path: "/api/users/forget", body: { userId: 7 } },
    ],
    throttled: {
      reply: { status: 429, body: { code: "RateLimitExceeded" }, headers: { "retry-after": "3" } },
      afterMs: 3000,
    },
    permanent: {
      reply: { status: 400, body: { msg: "ada@example.com is no user", code: "InvalidEmailAddressError" } },
      shown: "status 400: InvalidEmailAddressError",
    },
  };
}

const klaviyoContract = contractOf("klaviyo");

export function klaviyo(): Service {
  const records: Records = new Map();
  const fault = (status: number, code: string, detail: string): Reply => ({
    status,
    body: { errors: [{ id: "1", status, code, title: "Invalid input.", detail, source: { pointer: "/data" } }] },
  });
  return {
    sink: "klaviyo",
    settings: (_url, wrong) => ({ api_key: secret(wrong ? "pk_nobody" : "pk_1") }),
    upsert: "identify",
    records,
    headers: {
      authorization: "Klaviyo-API-Key pk_1",
      revision: "2026-07-15",
      "content-type": "application/vnd.api+json",
    },
    answer({ method, headers, path, body }: Call): Reply {
      if (headers["authorization"] !== "Klaviyo-API-Key pk_1")
        return fault(401, "authentication_failed", "Incorrect authentication credentials.");
      if (!/^\d{4}-\d{2}-\d{2}$/.test(String(headers["revision"]))) return fault(400, "invalid", "revision");
      if (headers["content-type"] !== "application/vnd.api+json")
        return fault(415, "unsupported_media_type", "content type");
      const faults = klaviyoContract(`${method} ${path}`)(body);
      if (faults.length > 0) return fault(400, "invalid", faults.join("; "));
      if (path !== "/api/profile-import") return { status: 202 };
      const { external_id, properties, ...own } = fieldsOf(fieldsOf(fieldsOf(body)["data"])["attributes"]);
      const known = records.has(String(external_id));
      patchRecord(records, String(external_id), { ...own, ...fieldsOf(properties) });
      return { status: known ? 200 : 201, body: { data: { type: "profile", id: "01" } } };
    },
    refuses: [
      { method: "POST", path: "/api/profile-import", body: { nope: 1 } },
      {
        method: "POST",
        path: "/api/profile-import",
        body: { data: { type: "profile", attributes: { external_id: "cus_1", tier: "team" } } },
      },
      { method: "POST", path: "/api/events", body: { data: { type: "event", attributes: { properties: {} } } } },
      {
        method: "POST",
        path: "/api/data-privacy-deletion-jobs",
        body: { data: { type: "data-privacy-deletion-job", attributes: {} } },
      },
    ],
    throttled: {
      reply: { status: 429, body: { errors: [{ code: "throttled" }] }, headers: { "retry-after": "12" } },
      afterMs: 12_000,
    },
    permanent: {
      reply: fault(409, "duplicate_profile", "A profile with ada@example.com exists"),
      shown: "status 409: duplicate_profile",
    },
  };
}

const cioEvent = judgeBy({
  type: "object",
  required: ["name"],
  properties: {
    name: { type: "string", minLength: 1 },
    id: { type: "string", pattern: "^[0-9A-HJKMNP-TV-Z]{26}$" },
    timestamp: { type: "integer" },
    data: { type: "object" },
  },
});
const cioPerson = judgeBy({
  type: "object",
  properties: { _timestamp: { type: "integer" }, email: { type: "string" } },
  additionalProperties: { type: ["string", "number", "boolean", "null", "array", "object"], maxLength: 1000 },
});

export function customerio(): Service {
  const records: Records = new Map();
  const basic = `Basic ${Buffer.from("site:key").toString("base64")}`;
  const meta = (status: number, error: string): Reply => ({ status, body: { meta: { error } } });
  return {
    sink: "customerio",
    settings: (_url, wrong) => ({ site_id: secret("site"), api_key: secret(wrong ? "nobody" : "key") }),
    upsert: "identify",
    records,
    headers: { authorization: basic },
    answer({ method, headers, path, body }): Reply {
      if (headers["authorization"] !== basic) return meta(401, "Unauthorized request");
      const [, key = "", verb] = /^\/api\/v1\/customers\/([^/]+)(?:\/(events|suppress))?$/.exec(path) ?? [];
      if (key === "") return meta(404, "not found");
      if (method === "POST")
        return verb === "events" && cioEvent(body).length > 0
          ? meta(400, "event name missing")
          : { status: 200, body: {} };
      if (method === "DELETE") return { status: 200, body: {} };
      if (cioPerson(body).length > 0) return meta(400, "invalid attributes");
      const { _timestamp, ...fields } = fieldsOf(body);
      patchRecord(records, decodeURIComponent(key), fields, (value) => value === null || value === "");
      return { status: 200, body: {} };
    },
    refuses: [
      { method: "PUT", path: "/api/v1/customers/cus_1", body: { _timestamp: "now" } },
      { method: "PUT", path: "/api/v1/customers/cus_1", body: { tier: "x".repeat(1001) } },
      { method: "POST", path: "/api/v1/customers/cus_1/events", body: { name: "" } },
    ],
    throttled: { reply: { ...meta(429, "too many"), headers: { "retry-after": "1" } }, afterMs: 1000 },
    permanent: { reply: meta(400, "ada@example.com is too long"), shown: "status 400: (text left out)" },
  };
}
