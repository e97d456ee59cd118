/** HubSpot, Salesforce and Attio, as their documents describe them. */
import { fieldsOf, patchRecord, type Records, type Reply, type Service } from "../mock-service.ts";
import { judgeBy } from "../openapi-contract.ts";
import { secret } from "../sink-context.ts";

/** `properties` is a map of texts: a JSON true, 7 or null is outside the contract. */
const hubspotBatch = judgeBy({
  type: "object",
  additionalProperties: false,
  required: ["inputs"],
  properties: {
    inputs: {
      type: "array",
      minItems: 1,
      maxItems: 100,
      items: {
        type: "object",
        additionalProperties: false,
        required: ["id", "properties"],
        properties: {
          id: { type: "string", minLength: 1 },
          idProperty: { type: "string" },
          objectWriteTraceId: { type: "string" },
          properties: { type: "object", additionalProperties: { type: "string" } },
        },
      },
    },
  },
});

interface HubspotInput {
  readonly id: string;
  readonly objectWriteTraceId?: string;
  readonly properties: Record<string, unknown>;
}

export function hubspot(): Service {
  const records: Records = new Map();
  const fault = (status: number, category: string, message: string): Reply => ({
    status,
    body: { status: "error", category, message },
  });
  return {
    sink: "hubspot",
    settings: (_url, wrong) => ({ token: secret(wrong ? "nobody" : "pat-1") }),
    upsert: "upsert",
    held: String,
    records,
    headers: { authorization: "Bearer pat-1" },
    answer({ headers, path, body }): Reply {
      if (headers["authorization"] !== "Bearer pat-1")
        return fault(401, "INVALID_AUTHENTICATION", "Authentication credentials not found");
      if (!path.endsWith("/batch/upsert")) return { status: 204 };
      if (hubspotBatch(body).length > 0) return fault(400, "VALIDATION_ERROR", "Invalid input JSON");
      const { inputs } = body as { inputs: HubspotInput[] };
      if (new Set(inputs.map(({ id }) => id)).size < inputs.length)
        return fault(400, "VALIDATION_ERROR", "Duplicate ids");
      const errors: object[] = [];
      for (const { id, objectWriteTraceId, properties } of inputs) {
        if ("email" in properties && !String(properties["email"]).includes("@"))
          errors.push({
            status: "error",
            category: "VALIDATION_ERROR",
            message: `Email address ada is invalid`,
            context: { objectWriteTraceId: [objectWriteTraceId] },
          });
        else patchRecord(records, id, properties, (value) => value === "");
      }
      const results = inputs.map(({ id }) => ({ id, properties: {} }));
      return errors.length > 0
        ? { status: 207, body: { status: "COMPLETE", results, numErrors: errors.length, errors } }
        : { status: 200, body: { status: "COMPLETE", results } };
    },
    refuses: [
      {
        method: "POST",
        path: "/crm/v3/objects/contacts/batch/upsert",
        body: { inputs: [{ id: "cus_1", properties: { premium: true } }] },
      },
      {
        method: "POST",
        path: "/crm/v3/objects/contacts/batch/upsert",
        body: { inputs: [{ id: "cus_1", properties: { tier: null } }] },
      },
      {
        method: "POST",
        path: "/crm/v3/objects/contacts/batch/upsert",
        body: {
          inputs: [
            { id: "a", properties: {} },
            { id: "a", properties: {} },
          ],
        },
      },
    ],
    throttled: { reply: { status: 429, body: { policyName: "TEN_SECONDLY_ROLLING" } }, afterMs: 10_000 },
    permanent: {
      reply: fault(400, "VALIDATION_ERROR", "ada@example.com is invalid"),
      shown: "status 400: VALIDATION_ERROR",
    },
  };
}

export function salesforce(): Service {
  const records: Records = new Map();
  const fault = (status: number, errorCode: string, message: string): Reply => ({
    status,
    body: [{ errorCode, message, fields: [] }],
  });
  return {
    sink: "salesforce",
    settings: (url, wrong) => ({
      client_id: secret(wrong ? "nobody" : "id"),
      client_secret: secret("s3cret"),
      login_url: url,
    }),
    upsert: "upsert",
    records,
    headers: { authorization: "Bearer 00D-1" },
    answer({ method, headers, path, body }): Reply {
      // The token request is a form, which this server does not read: only its path and the wish count.
      if (path === "/services/oauth2/token")
        return { status: 200, body: { access_token: "00D-1", instance_url: `http://${headers["host"]}` } };
      if (headers["authorization"] !== "Bearer 00D-1")
        return fault(401, "INVALID_SESSION_ID", "Session expired or invalid");
      const [, key = ""] = /^\/services\/data\/v\d+\.0\/sobjects\/Contact\/Hookrail_Id__c\/([^/]+)$/.exec(path) ?? [];
      if (method !== "PATCH" || key === "") return fault(404, "NOT_FOUND", "The requested resource does not exist");
      const fields = fieldsOf(body);
      if ("Hookrail_Id__c" in fields) return fault(400, "INVALID_FIELD", "The external id must not be in the body");
      if (fields["premium"] === null)
        return fault(400, "INVALID_TYPE_ON_FIELD_IN_RECORD", "premium: value not of required type");
      if (typeof body !== "object" || Array.isArray(body)) return fault(400, "JSON_PARSER_ERROR", "Unexpected content");
      const known = records.has(key);
      patchRecord(records, key, fields);
      return known
        ? { status: 200, body: { id: "003", success: true, created: false } }
        : { status: 201, body: { id: "003", success: true, created: true } };
    },
    refuses: [
      {
        method: "PATCH",
        path: "/services/data/v68.0/sobjects/Contact/Hookrail_Id__c/cus_1",
        body: { Hookrail_Id__c: "cus_1" },
      },
      { method: "PATCH", path: "/services/data/v68.0/sobjects/Contact/Hookrail_Id__c/cus_1", body: { premium: null } },
      { method: "PATCH", path: "/services/data/v68.0/sobjects/Contact/Hookrail_Id__c/cus_1", body: [1] },
    ],
    throttled: { reply: fault(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), afterMs: 900_000 },
    permanent: {
      reply: fault(400, "INVALID_EMAIL_ADDRESS", "ada@example.com is invalid"),
      shown: "status 400: INVALID_EMAIL_ADDRESS",
    },
  };
}

const attioRecord = judgeBy({
  type: "object",
  additionalProperties: false,
  required: ["data"],
  properties: {
    data: {
      type: "object",
      additionalProperties: false,
      required: ["values"],
      properties: { values: { type: "object", minProperties: 1 } },
    },
  },
});

export function attio(): Service {
  const records: Records = new Map();
  const fault = (status: number, type: string, code: string, message: string): Reply => ({
    status,
    body: { status_code: status, type, code, message },
  });
  return {
    sink: "attio",
    settings: (_url, wrong) => ({ token: secret(wrong ? "nobody" : "attio-1") }),
    upsert: "upsert",
    records,
    headers: { authorization: "Bearer attio-1" },
    answer({ method, headers, path, query, body }): Reply {
      if (headers["authorization"] !== "Bearer attio-1")
        return fault(401, "auth_error", "unauthorized", "Invalid access token");
      if (method !== "PUT" || path !== "/v2/objects/people/records")
        return fault(404, "invalid_request_error", "not_found", "No object");
      const values = fieldsOf(fieldsOf(fieldsOf(body)["data"])["values"]);
      const { hookrail_id, ...fields } = values;
      if (attioRecord(body).length > 0)
        return fault(400, "invalid_request_error", "validation_type", "Body payload validation error.");
      // The record is looked for by the value that the body has for this attribute.
      if (query.get("matching_attribute") !== "hookrail_id" || typeof hookrail_id !== "string")
        return fault(400, "invalid_request_error", "missing_value", "Required value for the matching attribute");
      patchRecord(records, hookrail_id, fields);
      return { status: 200, body: { data: { id: { record_id: "r1" }, values: {} } } };
    },
    refuses: [
      {
        method: "PUT",
        path: "/v2/objects/people/records?matching_attribute=hookrail_id",
        body: { data: { values: { tier: "team" } } },
      },
      { method: "PUT", path: "/v2/objects/people/records", body: { data: { values: { hookrail_id: "cus_1" } } } },
      {
        method: "PUT",
        path: "/v2/objects/people/records?matching_attribute=hookrail_id",
        body: { values: { hookrail_id: "cus_1" } },
      },
    ],
    throttled: {
      reply: {
        ...fault(429, "rate_limit_error", "rate_limit_exceeded", "Rate limit exceeded"),
        headers: { "retry-after": "Tue, 24 Nov 2026 06:00:01 GMT" },
      },
      afterMs: 1000,
    },
    permanent: {
      reply: fault(400, "invalid_request_error", "value_not_found", "No option ada@example.com"),
      shown: "status 400: value_not_found",
    },
  };
}
