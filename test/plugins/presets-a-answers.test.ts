/** What the answers of CRMs and lifecycle tools mean, row by row: [action, status, body, what it comes to]. */
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { Json } from "../../engine/core/types.ts";
import { classifyAnswer } from "../../engine/delivery/classify.ts";
import { parsePreset } from "../../engine/delivery/preset.ts";
import { shippedPresetFiles } from "../../engine/delivery/preset-files.ts";
import { NOW } from "../support/sink-context.ts";

type Row = readonly [action: string, status: number, body: Json, outcome: object, headers?: Record<string, string>];

const delivered = { kind: "delivered" };
const repeated = { kind: "delivered", noEffect: "repeated" };
const again = { kind: "retry" };
const held = (afterMs?: number) => ({ kind: "retry", throttled: true, ...(afterMs === undefined ? {} : { afterMs }) });
const lasting = (detail?: string) => ({ kind: "rejected", ...(detail === undefined ? {} : { detail }) });
const paused = { kind: "pause" };
const unknown = { kind: "unknown" };
const renew = { kind: "refresh_auth" };

const jsonApi = (code: string): Json => ({ errors: [{ code, detail: "ada@example.com" }] });
const intercomList = (code: string): Json => ({ type: "error.list", errors: [{ code, message: "ada@example.com" }] });
const salesforceList = (errorCode: string): Json => [{ errorCode, message: "ada@example.com" }];

/** What holds for each of them, whatever the body. */
const common = (action: string): Row[] => [
  [action, 408, {}, again],
  [action, 429, {}, held()],
  [action, 500, {}, again],
  [action, 502, {}, again],
  [action, 504, {}, again],
  [action, 301, {}, { kind: "rejected" }],
];

const tables: Readonly<Record<string, readonly Row[]>> = {
  braze: [
    ...common("identify"),
    ["identify", 201, { message: "success", attributes_processed: 1 }, delivered],
    ["identify", 202, { message: "queued" }, delivered],
    ["identify", 201, { message: "success", errors: [] }, delivered],
    [
      "identify",
      201,
      {
        message: "success",
        errors: [{ type: "'email' ada@example.com is invalid", input_array: "attributes", index: 0 }],
      },
      lasting("status 201: item (text left out)"),
    ],
    ["identify", 201, { message: "'external_id' ada@example.com is invalid", errors: ["x"] }, lasting("status 201")],
    ["identify", 200, "<html>", unknown],
    ["identify", 400, { message: "Valid data must be provided" }, lasting("status 400")],
    ["identify", 401, { message: "Invalid API key" }, paused],
    ["identify", 403, { message: "Access Denied" }, paused],
    ["identify", 404, {}, lasting()],
    ["identify", 413, {}, lasting()],
    ["identify", 429, {}, held(2000), { "x-ratelimit-retry-after": "2", "x-ratelimit-reset": "99" }],
    ["identify", 429, {}, held(9000), { "x-ratelimit-reset": String(NOW / 1000 + 9) }],
    ["identify", 429, {}, held(9000), { "x-ratelimit-reset": "9" }],
    ["track", 201, { message: "success", errors: [{ type: "x", input_array: "events", index: 0 }] }, lasting()],
    ["delete", 201, { message: "success", deleted: 0 }, delivered],
  ],
  iterable: [
    ...common("identify"),
    ["identify", 200, { code: "Success", msg: "" }, delivered],
    ["identify", 200, { code: "GenericError", msg: "ada@example.com" }, lasting("status 200: GenericError")],
    ["identify", 400, { code: "InvalidEmailAddressError" }, lasting("status 400: InvalidEmailAddressError")],
    ["identify", 400, { code: "RateLimitExceeded" }, held()],
    ["identify", 401, { code: "BadApiKey" }, paused],
    ["identify", 403, { code: "ForbiddenParamsError" }, paused],
    ["identify", 413, {}, lasting()],
    ["track", 400, { code: "BadParams" }, lasting()],
    ["forget", 404, { code: "NotFound" }, repeated],
  ],
  klaviyo: [
    ...common("identify"),
    ["identify", 200, {}, delivered],
    ["identify", 201, {}, delivered],
    ["track", 202, "", delivered],
    ["identify", 400, jsonApi("invalid"), lasting("status 400: invalid")],
    ["identify", 401, jsonApi("not_authenticated"), paused],
    ["identify", 403, jsonApi("permission_denied"), paused],
    ["identify", 409, jsonApi("duplicate_profile"), lasting("status 409: duplicate_profile")],
    ["identify", 429, jsonApi("throttled"), held(12_000), { "retry-after": "12" }],
    ["identify", 503, jsonApi("unavailable"), again],
  ],
  intercom: [
    ...common("upsert"),
    ["upsert", 200, { type: "contact", id: "c1" }, delivered],
    ["track", 202, "", delivered],
    ["upsert", 400, intercomList("parameter_invalid"), lasting("status 400: parameter_invalid")],
    ["upsert", 401, intercomList("token_expired"), paused],
    ["upsert", 402, intercomList("action_forbidden"), paused],
    ["upsert", 403, intercomList("token_unauthorized"), paused],
    ["track", 404, intercomList("not_found"), lasting("status 404: not_found")],
    ["upsert", 409, intercomList("conflict"), again],
    ["upsert", 410, intercomList("contact_merged"), lasting("status 410: contact_merged")],
    ["upsert", 422, intercomList("unprocessable_entity"), lasting()],
    ["upsert", 429, intercomList("rate_limit_exceeded"), held(5000), { "x-ratelimit-reset": String(NOW / 1000 + 5) }],
  ],
  attio: [
    ...common("upsert"),
    ["upsert", 200, { data: {} }, delivered],
    ["upsert", 400, { type: "invalid_request_error", code: "validation_type" }, lasting("status 400: validation_type")],
    ["upsert", 401, { type: "auth_error", code: "unauthorized" }, paused],
    ["upsert", 403, { type: "auth_error", code: "unauthorized" }, paused],
    ["upsert", 404, { code: "not_found" }, lasting("status 404: not_found")],
    ["upsert", 429, { code: "rate_limit_exceeded" }, held(2000), { "retry-after": "Tue, 24 Nov 2026 06:00:02 GMT" }],
  ],
  pipedrive: [
    ...common("upsert"),
    ["upsert", 200, { success: true, data: [{ id: 1 }] }, delivered],
    ["upsert", 201, { success: true, data: { id: 1 } }, delivered],
    ["upsert", 200, { success: true, data: [{ item: { id: 1 } }] }, lasting()],
    [
      "upsert",
      400,
      { success: false, errorCode: "ERR_SCHEMA_VALIDATION_FAILED" },
      lasting("status 400: ERR_SCHEMA_VALIDATION_FAILED"),
    ],
    ["upsert", 401, { success: false, error: "unauthorized access" }, paused],
    ["upsert", 402, { success: false }, paused],
    ["upsert", 403, { success: false }, paused],
    ["upsert", 403, "<html>blocked</html>", held(60_000)],
    ["update", 404, { success: false }, lasting()],
    ["update", 410, { success: false }, lasting()],
    ["upsert", 429, { success: false }, held(2000), { "x-ratelimit-reset": "2" }],
  ],
  activecampaign: [
    ...common("sync"),
    ["sync", 200, {}, delivered],
    ["sync", 201, {}, delivered],
    ["sync", 402, { message: "payment" }, paused],
    ["sync", 403, { message: "forbidden" }, paused],
    ["sync", 404, jsonApi("not_found"), lasting("status 404: not_found")],
    ["sync", 422, jsonApi("email_invalid"), lasting("status 422: email_invalid")],
    ["sync", 429, {}, held(30_000), { "retry-after": "30" }],
    ["sync", 503, {}, again],
  ],
  customerio: [
    ...common("identify"),
    ["identify", 200, {}, delivered],
    ["identify", 400, { meta: { error: "id ada@example.com too long" } }, lasting("status 400: (text left out)")],
    ["identify", 401, { meta: { error: "Unauthorized" } }, paused],
    ["delete", 404, {}, repeated],
  ],
  hubspot: [
    ...common("upsert"),
    ["upsert", 200, { status: "COMPLETE", results: [{}] }, delivered],
    ["upsert", 207, { results: [{}], errors: [] }, delivered],
    ["upsert", 207, { results: [], errors: [] }, lasting()],
    ["upsert", 200, { status: "COMPLETE", results: [], errors: [] }, lasting()],
    ["upsert", 207, { errors: [{ category: "VALIDATION_ERROR" }] }, lasting("status 207: item VALIDATION_ERROR")],
    ["upsert", 207, { errors: [{ category: "RATE_LIMITS" }] }, again],
    ["upsert", 400, { category: "VALIDATION_ERROR" }, lasting("status 400: VALIDATION_ERROR")],
    ["upsert", 401, { category: "INVALID_AUTHENTICATION" }, paused],
    ["upsert", 403, { category: "MISSING_SCOPES" }, paused],
    ["upsert", 423, {}, again],
    ["upsert", 429, { policyName: "TEN_SECONDLY_ROLLING" }, held(10_000)],
    ["upsert", 429, { policyName: "DAILY" }, held(900_000)],
    ["upsert", 477, {}, again],
    ["gdpr_delete", 404, {}, repeated],
  ],
  salesforce: [
    ...common("upsert"),
    ["upsert", 200, { success: true }, delivered],
    ["upsert", 201, { success: true }, delivered],
    ["upsert", 204, "", delivered],
    ["upsert", 300, ["/sobjects/Contact/1"], lasting()],
    ["upsert", 400, salesforceList("UNABLE_TO_LOCK_ROW"), again],
    ["upsert", 400, salesforceList("INVALID_FIELD"), lasting("status 400: INVALID_FIELD")],
    ["upsert", 401, salesforceList("INVALID_SESSION_ID"), renew],
    ["upsert", 403, salesforceList("REQUEST_LIMIT_EXCEEDED"), held(900_000)],
    ["upsert", 403, salesforceList("API_DISABLED_FOR_ORG"), paused],
    ["upsert", 404, salesforceList("NOT_FOUND"), lasting("status 404: NOT_FOUND")],
    ["upsert", 503, salesforceList("SERVER_UNAVAILABLE"), held(60_000)],
  ],
  zendesk: [
    ...common("user"),
    ["user", 200, {}, delivered],
    ["ticket", 201, {}, delivered, { "x-idempotency-lookup": "miss" }],
    ["ticket", 201, {}, repeated, { "x-idempotency-lookup": "hit" }],
    ["user", 401, { error: "invalid_token" }, paused],
    ["user", 409, { error: "DatabaseConflict" }, again],
    ["user", 422, { error: "RecordInvalid", description: "ada@example.com" }, lasting("status 422: RecordInvalid")],
    ["user", 429, {}, held(93_000), { "retry-after": "93" }],
  ],
  slack: [
    ...common("post"),
    ["post", 200, { ok: true }, delivered],
    ["post", 200, { ok: false, error: "ratelimited" }, held()],
    ["post", 429, {}, held(30_000), { "retry-after": "30" }],
    ["post", 200, { ok: false, error: "fatal_error" }, again],
    ["post", 200, { ok: false, error: "token_revoked" }, paused],
    ["post", 200, { ok: false, error: "channel_not_found" }, lasting("status 200: channel_not_found")],
    ["post", 200, "<html>", unknown],
  ],
};

const presets = new Map(
  shippedPresetFiles().map(({ path, text }) => {
    const parsed = parsePreset(parse(text));
    if (!parsed.ok) throw new Error(path);
    return [parsed.preset.sink, parsed.preset] as const;
  }),
);

describe.each(Object.entries(tables))("answers of %s", (name, rows) => {
  it.each(rows.map((row) => [row[0], row[1], JSON.stringify(row[2]), row] as const))("%s: %i %s", (_a, _s, _b, row) => {
    const [action, status, body, outcome, headers = {}] = row;
    const preset = presets.get(name);
    const spec = preset?.actions[action];
    if (preset === undefined || spec === undefined) throw new Error(`no ${name}.${action}`);
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const came = classifyAnswer(
      { ok: true, status, headers, body: text, truncated: false },
      {
        rules: [...(spec.responses ?? []), ...(preset.responses ?? [])],
        ...(spec.items === undefined ? {} : { items: spec.items }),
        retryAfter: preset.retry_after ?? [],
        now: NOW,
      },
    );
    expect(came).toMatchObject(outcome);
    expect(JSON.stringify(came)).not.toContain("ada@");
  });
});
