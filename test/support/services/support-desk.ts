/** Intercom, Zendesk and Slack, as their documents describe them. */
import { fieldsOf, patchRecord, type Records, type Reply, type Service } from "../mock-service.ts";
import { contractOf, judgeBy } from "../openapi-contract.ts";
import { NOW, secret } from "../sink-context.ts";

const intercomContract = contractOf("intercom");

export function intercom(): Service {
  const records: Records = new Map();
  const fault = (status: number, code: string, message: string): Reply => ({
    status,
    body: { type: "error.list", request_id: "r", errors: [{ code, message }] },
  });
  const keys = () => [...records.keys()];
  return {
    sink: "intercom",
    settings: (_url, wrong) => ({ token: secret(wrong ? "nobody" : "dG9r") }),
    upsert: "upsert",
    records,
    headers: { authorization: "Bearer dG9r", "intercom-version": "2.16" },
    answer({ method, headers, path, body }): Reply {
      if (headers["authorization"] !== "Bearer dG9r") return fault(401, "unauthorized", "Access Token Invalid");
      if (headers["intercom-version"] !== "2.16") return fault(400, "intercom_version_invalid", "version");
      const [, wanted] = /^\/contacts\/find_by_external_id\/([^/]+)$/.exec(path) ?? [];
      if (method === "GET" && wanted !== undefined) {
        const at = keys().indexOf(decodeURIComponent(wanted));
        return at === -1
          ? fault(404, "not_found", "User Not Found")
          : { status: 200, body: { type: "contact", id: `c${at}`, external_id: keys()[at] } };
      }
      const [, id] = /^\/contacts\/c(\d+)$/.exec(path) ?? [];
      const operation = id === undefined ? `${method} ${path}` : `${method} /contacts/{contact_id}`;
      if (!["POST /contacts", "PUT /contacts/{contact_id}", "POST /companies", "POST /events"].includes(operation))
        return fault(404, "not_found", "no such resource");
      if (intercomContract(operation)(body).length > 0) return fault(400, "parameter_invalid", "invalid");
      if (path === "/events") return { status: 202 };
      const { external_id, company_id, role: _, custom_attributes, ...own } = fieldsOf(body);
      const key = id === undefined ? String(external_id ?? company_id) : (keys()[Number(id)] ?? "");
      if (path === "/contacts" && records.has(key))
        return fault(409, "conflict", "A contact matching those details already exists");
      patchRecord(records, key, { ...own, ...fieldsOf(custom_attributes) });
      return { status: 200, body: { type: "contact", id: `c${keys().indexOf(key)}` } };
    },
    refuses: [
      { method: "POST", path: "/contacts", body: { external_id: "cus_1", tier: "team" } },
      { method: "PUT", path: "/contacts/c0", body: { custom_attributes: "team" } },
      { method: "POST", path: "/companies", body: { company_id: 7 } },
      { method: "POST", path: "/events", body: { event_name: "x", user_id: "cus_1" } },
    ],
    throttled: {
      reply: {
        ...fault(429, "rate_limit_exceeded", "Exceeded rate limit"),
        headers: { "x-ratelimit-reset": String(NOW / 1000 + 4) },
      },
      afterMs: 4000,
    },
    permanent: {
      reply: fault(400, "parameter_invalid", "ada@example.com is invalid"),
      shown: "status 400: parameter_invalid",
    },
  };
}

const zendeskBodies = {
  "/api/v2/users/create_or_update.json": judgeBy({
    type: "object",
    additionalProperties: false,
    required: ["user"],
    properties: {
      user: {
        type: "object",
        anyOf: [{ required: ["external_id"] }, { required: ["email"] }],
        additionalProperties: false,
        properties: {
          external_id: { type: "string" },
          email: { type: "string" },
          name: { type: "string", minLength: 1 },
          phone: { type: ["string", "null"] },
          notes: { type: ["string", "null"] },
          organization_id: { type: ["integer", "null"] },
          skip_verify_email: { type: "boolean" },
          user_fields: { type: "object", additionalProperties: { type: ["string", "number", "boolean", "null"] } },
        },
      },
    },
  }),
  "/api/v2/tickets.json": judgeBy({
    type: "object",
    required: ["ticket"],
    properties: {
      ticket: {
        type: "object",
        required: ["comment"],
        properties: {
          comment: { type: "object", required: ["body"], properties: { body: { type: "string", minLength: 1 } } },
          priority: { enum: ["urgent", "high", "normal", "low"] },
        },
      },
    },
  }),
};

export function zendesk(): Service {
  const records: Records = new Map();
  const tickets = new Set<unknown>();
  const fault = (status: number, error: string, description: string): Reply => ({
    status,
    body: { error, description, details: {} },
  });
  return {
    sink: "zendesk",
    settings: (_url, wrong) => ({ token: secret(wrong ? "nobody" : "zen"), subdomain: "acme" }),
    upsert: "user",
    records,
    headers: { authorization: "Bearer zen" },
    answer({ headers, path, body }): Reply {
      if (headers["authorization"] !== "Bearer zen") return fault(401, "invalid_token", "The access token is invalid");
      const judge = Object.entries(zendeskBodies).find(([of]) => of === path)?.[1];
      if (judge === undefined) return fault(404, "InvalidEndpoint", "Not found");
      if (judge(body).length > 0) return fault(422, "RecordInvalid", "Record validation errors");
      if (path === "/api/v2/tickets.json") {
        const key = headers["idempotency-key"];
        const hit = key !== undefined && tickets.has(key);
        tickets.add(key);
        return { status: 201, headers: { "x-idempotency-lookup": hit ? "hit" : "miss" }, body: { ticket: { id: 1 } } };
      }
      const { external_id, skip_verify_email: _, user_fields, ...own } = fieldsOf(fieldsOf(body)["user"]);
      const known = records.has(String(external_id));
      patchRecord(records, String(external_id), { ...own, ...fieldsOf(user_fields) });
      return { status: known ? 200 : 201, body: { user: { id: 1 } } };
    },
    refuses: [
      { method: "POST", path: "/api/v2/users/create_or_update.json", body: { user: { name: "Ada" } } },
      {
        method: "POST",
        path: "/api/v2/users/create_or_update.json",
        body: { user: { external_id: "cus_1", tier: "team" } },
      },
      { method: "POST", path: "/api/v2/tickets.json", body: { ticket: { subject: "no comment" } } },
    ],
    throttled: {
      reply: { status: 429, body: { error: "TooManyRequests" }, headers: { "retry-after": "93" } },
      afterMs: 93_000,
    },
    permanent: {
      reply: fault(422, "RecordInvalid", "ada@example.com is already used"),
      shown: "status 422: RecordInvalid",
    },
  };
}
