/** Services that take many records in one request and judge each alone: Salesforce's collections, Customer.io's batches, Zoho CRM. */
import { type Call, fieldsOf, patchRecord, type Records, type Reply, type Service } from "../mock-service.ts";
import { judgeBy } from "../openapi-contract.ts";
import { secret } from "../sink-context.ts";

type Item = Record<string, unknown>;

/** A key that no service here takes. */
const BAD_EMAIL = "no address";

const list = (items: object, most: number, more: Record<string, object> = {}) => ({
  type: "array",
  minItems: 1,
  maxItems: most,
  items: { type: "object", ...items },
  ...more,
});

/** As the REST guide has it: a map `attributes` with the type of the address, the external id in each record, and no record id. */
const collection = judgeBy({
  type: "object",
  additionalProperties: false,
  required: ["records"],
  properties: {
    allOrNone: { type: "boolean" },
    records: list(
      {
        required: ["attributes", "Hookrail_Id__c"],
        not: { anyOf: [{ required: ["id"] }, { required: ["Id"] }] },
        properties: {
          attributes: {
            type: "object",
            required: ["type"],
            additionalProperties: false,
            properties: { type: { const: "Contact" } },
          },
          Hookrail_Id__c: { type: "string", minLength: 1 },
        },
      },
      200,
    ),
  },
});

const COLLECTION = "/services/data/v68.0/composite/sobjects/Contact/Hookrail_Id__c";

export function salesforceMany(): Service {
  const records: Records = new Map();
  const fault = (status: number, errorCode: string, message: string): Reply => ({
    status,
    body: [{ errorCode, message, fields: [] }],
  });
  const refused = (statusCode: string, message: string) => ({
    success: false,
    errors: [{ statusCode, message, fields: [] }],
  });
  const upsert = ({ attributes: _attributes, Hookrail_Id__c: key, ...fields }: Item) => {
    if (fields["email"] === BAD_EMAIL) return refused("INVALID_EMAIL_ADDRESS", `email: ${BAD_EMAIL}`);
    if (fields["premium"] === null) return refused("INVALID_TYPE_ON_FIELD_IN_RECORD", "premium: value not of type");
    if (fields["note"] === "locked") return refused("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access");
    const created = !records.has(String(key));
    patchRecord(records, String(key), fields);
    return { id: "003", success: true, created, errors: [] };
  };
  return {
    sink: "salesforce",
    settings: (url, wrong) => ({
      client_id: secret(wrong ? "nobody" : "id"),
      client_secret: secret("s3cret"),
      login_url: url,
    }),
    upsert: "upsert_many",
    records,
    headers: { authorization: "Bearer 00D-1" },
    answer({ method, headers, path, body }): Reply {
      if (path === "/services/oauth2/token")
        return { status: 200, body: { access_token: "00D-1", instance_url: `http://${headers["host"]}` } };
      if (headers["authorization"] !== "Bearer 00D-1") return fault(401, "INVALID_SESSION_ID", "Session expired");
      if (method !== "PATCH" || path !== COLLECTION) return fault(404, "NOT_FOUND", "not found");
      if (collection(body).length > 0) return fault(400, "JSON_PARSER_ERROR", collection(body).join());
      return { status: 200, body: (body as { records: Item[] }).records.map(upsert) };
    },
    refuses: [
      { method: "PATCH", path: COLLECTION, body: { records: [{ Hookrail_Id__c: "cus_1", tier: "team" }] } },
      { method: "PATCH", path: COLLECTION, body: { records: [{ attributes: { type: "Contact" }, tier: "team" }] } },
      {
        method: "PATCH",
        path: COLLECTION,
        body: { records: [{ attributes: { type: "Contact" }, Hookrail_Id__c: "cus_1", Id: "003" }] },
      },
      {
        method: "PATCH",
        path: COLLECTION,
        body: { records: Array(201).fill({ attributes: { type: "Contact" }, Hookrail_Id__c: "cus_1" }) },
      },
    ],
    throttled: { reply: fault(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), afterMs: 900_000 },
    permanent: {
      reply: fault(400, "INVALID_FIELD", "ada@example.com is no field"),
      shown: "status 400: INVALID_FIELD",
    },
  };
}

/** The two kinds of calls in a batch that are made here, as the Track API v2 describes them. */
const person = {
  type: "object",
  additionalProperties: false,
  minProperties: 1,
  properties: { id: { type: "string", minLength: 1 } },
};
const call = (action: string, more: object, required: string[]) => ({
  additionalProperties: false,
  required: ["type", "action", "identifiers", ...required],
  properties: {
    type: { const: "person" },
    action: { const: action },
    identifiers: person,
    timestamp: { type: "integer" },
    attributes: { type: "object" },
    ...more,
  },
});
const batch = judgeBy({
  type: "object",
  additionalProperties: false,
  required: ["batch"],
  properties: {
    batch: list(
      {
        anyOf: [
          call("identify", {}, []),
          call(
            "event",
            { name: { type: "string", minLength: 1 }, id: { type: "string", pattern: "^[0-9A-HJKMNP-TV-Z]{26}$" } },
            ["name"],
          ),
        ],
      },
      10_000,
    ),
  },
});

export function customerioMany(): Service {
  const records: Records = new Map();
  const basic = `Basic ${Buffer.from("site:key").toString("base64")}`;
  const fault = (reason: string, message: string) => ({ reason, field: "attributes", message });
  return {
    sink: "customerio",
    settings: (_url, wrong) => ({ site_id: secret("site"), api_key: secret(wrong ? "nobody" : "key") }),
    upsert: "identify_many",
    records,
    headers: { authorization: basic },
    answer({ method, headers, path, body }): Reply {
      if (headers["authorization"] !== basic) return { status: 401, body: { meta: { error: "Unauthorized request" } } };
      if (method !== "POST" || path !== "/api/v2/batch") return { status: 404, body: { meta: { error: "not found" } } };
      if (batch(body).length > 0) return { status: 400, body: { errors: [fault("invalid", batch(body).join())] } };
      const errors: object[] = [];
      for (const [index, item] of (body as { batch: Item[] }).batch.entries()) {
        const attributes = fieldsOf(item["attributes"]);
        const { id } = item["identifiers"] as { id: string };
        if (attributes["email"] === BAD_EMAIL) errors.push({ batch_index: index, ...fault("invalid", BAD_EMAIL) });
        else if (item["action"] === "identify")
          patchRecord(records, id, attributes, (value) => value === null || value === "");
      }
      return errors.length === 0 ? { status: 200, body: {} } : { status: 207, body: { errors } };
    },
    refuses: [
      { method: "POST", path: "/api/v2/batch", body: { batch: [] } },
      {
        method: "POST",
        path: "/api/v2/batch",
        body: { batch: [{ type: "person", action: "identify", identifiers: {} }] },
      },
      {
        method: "POST",
        path: "/api/v2/batch",
        body: { batch: [{ type: "person", action: "event", identifiers: { id: "cus_1" }, name: "" }] },
      },
    ],
    throttled: { reply: { status: 429, body: {}, headers: { "retry-after": "1" } }, afterMs: 1000 },
    permanent: {
      reply: { status: 400, body: { errors: [fault("required", "ada@example.com")] } },
      shown: "status 400: required",
    },
  };
}

const zohoUpsert = judgeBy({
  type: "object",
  additionalProperties: false,
  required: ["data"],
  properties: {
    data: list({ minProperties: 1 }, 100),
    duplicate_check_fields: { type: "array", items: { type: "string" } },
    trigger: { type: "array", items: { enum: ["workflow", "approval", "blueprint", "pathfinder", "orchestration"] } },
  },
});

export function zoho(): Service {
  const records: Records = new Map();
  const fault = (status: number, code: string, message: string): Reply => ({
    status,
    body: { code, details: {}, message, status: "error" },
  });
  const write = ({ Hookrail_Id: key, ...fields }: Item) => {
    if (typeof key !== "string")
      return { code: "MANDATORY_NOT_FOUND", details: {}, message: "required", status: "error" };
    if (fields["email"] === BAD_EMAIL)
      return { code: "INVALID_DATA", details: {}, message: BAD_EMAIL, status: "error" };
    if (Object.values(fields).some((value) => /T.*\.\d+(Z|[+-])/.test(String(value))))
      return { code: "INVALID_DATA", details: {}, message: "no milliseconds", status: "error" };
    if (fields["note"] === "locked") return { code: "RECORD_LOCKED", details: {}, message: "locked", status: "error" };
    const action = records.has(key) ? "update" : "insert";
    patchRecord(records, key, fields, (value) => value === null || value === "");
    return { code: "SUCCESS", action, duplicate_field: "Hookrail_Id", details: {}, message: "done", status: "success" };
  };
  const token = ({ path, headers }: Call): Reply | undefined =>
    path === "/oauth/v2/token"
      ? { status: 200, body: { access_token: "z-1", api_domain: `http://${headers["host"]}`, expires_in: 3600 } }
      : undefined;
  return {
    sink: "zoho",
    settings: (url, wrong) => ({
      client_id: secret("id"),
      client_secret: secret("s3cret"),
      refresh_token: secret(wrong ? "nobody" : "refresh"),
      accounts_url: url,
    }),
    upsert: "upsert",
    held: (value) => (typeof value === "string" ? value.replace(/\.000Z$/, "Z") : value),
    records,
    headers: { authorization: "Zoho-oauthtoken z-1" },
    answer(asked): Reply {
      const { method, headers, path, body } = asked;
      const given = token(asked);
      if (given !== undefined) return given;
      if (headers["authorization"] !== "Zoho-oauthtoken z-1") return fault(401, "INVALID_TOKEN", "invalid oauth token");
      if (method !== "POST" || path !== "/crm/v8/Contacts/upsert")
        return fault(404, "INVALID_URL_PATTERN", "no such URL");
      if (zohoUpsert(body).length > 0) return fault(400, "INVALID_DATA", zohoUpsert(body).join());
      const data = (body as { data: Item[] }).data.map(write);
      const failed = data.filter(({ code }) => code !== "SUCCESS").length;
      return { status: failed === 0 ? 200 : failed === data.length ? 400 : 207, body: { data } };
    },
    refuses: [
      { method: "POST", path: "/crm/v8/Contacts/upsert", body: { data: [] } },
      { method: "POST", path: "/crm/v8/Contacts/upsert", body: { data: [{ tier: "team" }] } },
      { method: "POST", path: "/crm/v8/Contacts/upsert", body: { data: Array(101).fill({ Hookrail_Id: "a" }) } },
      {
        method: "POST",
        path: "/crm/v8/Contacts/upsert",
        body: { data: [{ Hookrail_Id: "a", Paid_Until: "2026-12-04T00:00:00.000Z" }] },
      },
      { method: "POST", path: "/crm/v8/Contacts/upsert", body: { data: [{ Hookrail_Id: "a" }], trigger: ["all"] } },
    ],
    throttled: { reply: fault(429, "TOO_MANY_REQUESTS", "too many"), afterMs: 60_000 },
    permanent: { reply: fault(400, "INVALID_DATA", "ada@example.com is invalid"), shown: "status 400: INVALID_DATA" },
  };
}
