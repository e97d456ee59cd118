/** HubSpot, Salesforce, Attio, Pipedrive and ActiveCampaign, as their documents describe them. */
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

/** Our key's custom field at Pipedrive. */
export const PIPEDRIVE_KEY = "9dc80c50d78a15643bfc4ca79d76156a73a1ca0e";
const hex = (digit: string) => digit.repeat(40);
const many = {
  type: "array",
  items: {
    type: "object",
    additionalProperties: false,
    required: ["value"],
    properties: { value: { type: "string" }, primary: { type: "boolean" }, label: { type: "string" } },
  },
};
const pipedrivePerson = (required: string[]) =>
  judgeBy({
    type: "object",
    additionalProperties: false,
    required,
    properties: {
      name: { type: "string", minLength: 1 },
      owner_id: { type: "integer" },
      org_id: { type: "integer" },
      visible_to: { type: "integer" },
      emails: many,
      phones: many,
      custom_fields: {
        type: "object",
        propertyNames: { pattern: "^[0-9a-f]{40}$" },
        additionalProperties: { not: { type: "array", maxItems: 0 } },
      },
    },
  });
const [newPerson, oldPerson] = [pipedrivePerson(["name"]), pipedrivePerson([])];

export function pipedrive(): Service {
  const records: Records = new Map();
  const fault = (status: number, error: string, errorCode = "ERR"): Reply => ({
    status,
    body: { success: false, error, errorCode },
  });
  const idOf = (key: string) => [...records.keys()].indexOf(key) + 1;
  return {
    sink: "pipedrive",
    settings: (_url, wrong) => ({
      token: secret(wrong ? "nobody" : "tok"),
      company: "acme",
      key_field: { customer: PIPEDRIVE_KEY },
    }),
    upsert: "upsert",
    names: { tier: hex("a"), seats: hex("b"), premium: hex("c"), paid_until: hex("d") },
    records,
    headers: { "x-api-token": "tok" },
    answer({ method, headers, path, query, body }): Reply {
      if (headers["x-api-token"] !== "tok") return fault(401, "unauthorized access");
      if (method === "GET" && path === "/api/v2/itemSearch/field") {
        const asked =
          query.get("field") === PIPEDRIVE_KEY &&
          query.get("match") === "exact" &&
          query.get("entity_type") === "person";
        if (!asked || !query.get("term")) return fault(400, "Validation failed");
        const id = idOf(query.get("term") ?? "");
        return {
          status: 200,
          body: { success: true, data: id > 0 ? [{ id, name: "Ada" }] : [], additional_data: { next_cursor: null } },
        };
      }
      const [, id] = /^\/api\/v2\/persons(?:\/(\d+))?$/.exec(path) ?? [path];
      if ((method === "POST" ? newPerson : oldPerson)(body).length > 0) return fault(400, "Parameters are not valid");
      const { custom_fields, ...own } = fieldsOf(body);
      const { [PIPEDRIVE_KEY]: key, ...fields } = fieldsOf(custom_fields);
      const known = id === undefined ? String(key) : [...records.keys()][Number(id) - 1];
      if (known === undefined) return fault(404, "Person not found");
      patchRecord(records, known, { ...own, ...fields });
      return { status: id === undefined ? 201 : 200, body: { success: true, data: { id: idOf(known) } } };
    },
    refuses: [
      { method: "POST", path: "/api/v2/persons", body: { custom_fields: {} } },
      { method: "POST", path: "/api/v2/persons", body: { name: "Ada", custom_fields: { tier: "team" } } },
      { method: "PATCH", path: "/api/v2/persons/1", body: { custom_fields: { [hex("a")]: [] } } },
    ],
    throttled: { reply: { ...fault(429, "request over limit"), headers: { "x-ratelimit-reset": "2" } }, afterMs: 2000 },
    permanent: {
      reply: fault(400, "ada@example.com is no email", "ERR_SCHEMA_VALIDATION_FAILED"),
      shown: "status 400: ERR_SCHEMA_VALIDATION_FAILED",
    },
  };
}

const contactSync = judgeBy({
  type: "object",
  additionalProperties: false,
  required: ["contact"],
  properties: {
    contact: {
      type: "object",
      additionalProperties: false,
      required: ["email"],
      properties: {
        email: { type: "string", format: "email" },
        firstName: { type: "string" },
        lastName: { type: "string" },
        phone: { type: "string" },
        fieldValues: {
          type: "array",
          items: {
            type: "object",
            additionalProperties: false,
            required: ["field", "value"],
            properties: { field: { type: "string", pattern: "^\\d+$" }, value: { type: "string" } },
          },
        },
      },
    },
  },
});

export function activecampaign(): Service {
  const records: Records = new Map();
  const fault = (status: number, title: string, code: string): Reply => ({
    status,
    body: { errors: [{ title, code, source: { pointer: "/data/attributes/email" } }] },
  });
  return {
    sink: "activecampaign",
    settings: (_url, wrong) => ({ token: secret(wrong ? "nobody" : "key"), account: "acme", email_id: "clerk_id" }),
    upsert: "sync",
    names: { tier: "1", seats: "2", premium: "3", paid_until: "4" },
    held: String,
    records,
    headers: { "api-token": "key" },
    answer({ headers, path, body }): Reply {
      if (headers["api-token"] !== "key") return { status: 403, body: { message: "You are not allowed" } };
      if (path !== "/api/3/contact/sync") return fault(404, "Not Found", "not_found");
      if (contactSync(body).length > 0) return fault(422, "Invalid", "field_invalid");
      const {
        email,
        fieldValues = [],
        ...own
      } = (body as { contact: { email: string; fieldValues?: { field: string; value: string }[] } }).contact;
      const fields = Object.fromEntries(fieldValues.map(({ field, value }) => [field, value]));
      patchRecord(records, email, { ...own, ...fields }, (value) => value === "");
      return { status: 201, body: { contact: { email } } };
    },
    refuses: [
      { method: "POST", path: "/api/3/contact/sync", body: { contact: { firstName: "Ada" } } },
      { method: "POST", path: "/api/3/contact/sync", body: { contact: { email: "cus_1" } } },
      {
        method: "POST",
        path: "/api/3/contact/sync",
        body: { contact: { email: "a@example.com", fieldValues: [{ field: "tier", value: "team" }] } },
      },
    ],
    throttled: {
      reply: { status: 429, body: { message: "Too many" }, headers: { "retry-after": "30" } },
      afterMs: 30_000,
    },
    permanent: {
      reply: fault(422, "Email address ada@example.com is not valid.", "email_invalid"),
      shown: "status 422: email_invalid",
    },
  };
}
