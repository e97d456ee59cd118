/** Mailchimp's Marketing API as its page has it: members of one audience, by e-mail address. */
import type { Json } from "../../../engine/core/types.ts";
import { type Contract, merge, unset } from "../contract-service.ts";

const member = (rest = "") => new RegExp(`^/3\\.0/lists/a1b2c3/members/([^/]+)${rest}$`);
const notFound = { status: 404, body: { title: "Resource Not Found", status: 404, detail: "words" } };
const TAG = {
  type: "object",
  properties: { name: { type: "string", minLength: 1 }, status: { enum: ["active", "inactive"] } },
  required: ["name", "status"],
  additionalProperties: false,
};

interface Put {
  readonly email_address: string;
  readonly status_if_new: string;
  readonly merge_fields?: Record<string, Json>;
}

export const mailchimpContract: Contract = {
  authorized: ({ headers }) => headers["authorization"] === "Bearer key-us21",
  unauthorized: { status: 401, body: { title: "API Key Invalid", status: 401, detail: "words" } },
  refused: (why) => ({ status: 400, body: { title: "Invalid Resource", status: 400, detail: why } }),
  routes: [
    {
      method: "PUT",
      path: member(),
      body: {
        type: "object",
        properties: {
          email_address: { type: "string", pattern: "^[^@\\s]+@[^@\\s]+$" },
          status_if_new: { enum: ["subscribed", "unsubscribed", "cleaned", "pending", "transactional"] },
          merge_fields: {
            type: "object",
            propertyNames: { pattern: "^[A-Z][A-Z0-9_]{0,9}$" },
            additionalProperties: { type: ["string", "number"] },
          },
        },
        required: ["email_address", "status_if_new"],
        additionalProperties: false,
      },
      also: ({ groups, body }) =>
        groups[0] === (body as unknown as Put | undefined)?.email_address?.toLowerCase() ? undefined : "another member",
      act: ({ groups, body }, records) => {
        const [email = ""] = groups;
        const { status_if_new, merge_fields = {} } = body as unknown as Put;
        if (!records.has(email)) records.set(email, { status: status_if_new });
        merge(records, email, merge_fields);
        unset(
          records,
          email,
          Object.keys(merge_fields).filter((name) => merge_fields[name] === ""),
        );
        return { status: 200, body: { email_address: email } };
      },
    },
    {
      method: "POST",
      path: member("/tags"),
      body: {
        type: "object",
        properties: { tags: { type: "array", minItems: 1, items: TAG } },
        required: ["tags"],
        additionalProperties: false,
      },
      act: ({ groups, body }, records) => {
        const [email = ""] = groups;
        if (!records.has(email)) return notFound;
        const tags = (body as unknown as { tags: readonly { name: string; status: string }[] }).tags;
        for (const { name, status } of tags)
          status === "active"
            ? merge(records, email, { [`tag:${name}`]: true })
            : unset(records, email, [`tag:${name}`]);
        return { status: 204 };
      },
    },
    {
      method: "POST",
      path: member("/events"),
      body: {
        type: "object",
        properties: {
          name: { type: "string", minLength: 2, maxLength: 30 },
          occurred_at: { type: "string" },
          properties: { type: "object", additionalProperties: { type: "string" } },
        },
        required: ["name"],
        additionalProperties: false,
      },
      act: ({ groups }, records) => (records.has(groups[0] ?? "") ? { status: 204 } : notFound),
    },
    {
      method: "DELETE",
      path: member(),
      act: ({ groups }, records) => (records.delete(groups[0] ?? "") ? { status: 204 } : notFound),
    },
    {
      method: "POST",
      path: member("/actions/delete-permanent"),
      act: ({ groups }, records) => (records.delete(groups[0] ?? "") ? { status: 204 } : notFound),
    },
  ],
};
