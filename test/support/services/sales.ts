/** Pipedrive and ActiveCampaign, as their documents describe them. */
import { fieldsOf, patchRecord, type Records, type Reply, type Service } from "../mock-service.ts";
import { judgeBy } from "../openapi-contract.ts";
import { secret } from "../sink-context.ts";

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
