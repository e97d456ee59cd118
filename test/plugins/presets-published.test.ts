/**
 * What presets send, whatever a delivery carries, held against what the services themselves publish: names, types and what is
 * required, from their OpenAPI documents or their own clients (test/fixtures/openapi says which). Each judge has bodies that it
 * must refuse.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { HookrailError } from "../../engine/core/errors.ts";
import type { Json } from "../../engine/core/types.ts";
import { shippedPresetFiles } from "../../engine/delivery/preset-files.ts";
import type { FrozenRequest, Settings } from "../../engine/plugin/index.ts";
import { contractOf, refusedBy } from "../support/openapi-contract.ts";
import { type Carried, carried, openSubject, readBody, type Subject } from "../support/preset-conformance.ts";
import { createTestContext, sending } from "../support/sink-context.ts";

const folder = mkdtempSync(join(tmpdir(), "hookrail-published-"));
const test = createTestContext(folder);
afterAll(async () => {
  await test.close();
  rmSync(folder, { recursive: true });
});

interface Held {
  /** The preset, if it is not what the entry is called. */
  readonly sink?: string;
  /** Action -> operation of the service's document, for what is sent. */
  readonly actions: Readonly<Record<string, string>>;
  /** What the update of an action with steps is: found is what the look-up finds. */
  readonly update?: Readonly<Record<string, string>>;
  readonly settings?: Settings;
}

const SERVICES: Readonly<Record<string, Held>> = {
  attio: { actions: { upsert: "PUT /v2/objects/{object}/records" } },
  customerio: { actions: { identify_many: "POST /api/v2/batch", track_many: "POST /api/v2/batch" } },
  hubspot: {
    actions: {
      upsert: "POST /crm/v3/objects/{objectType}/batch/upsert",
      gdpr_delete: "POST /crm/v3/objects/contacts/gdpr-delete",
    },
  },
  iterable: { actions: { identify: "POST /api/users/update", track: "POST /api/events/track" } },
  launchdarkly: { actions: { membership: "PATCH /api/v2/segments/{projectKey}/{environmentKey}/{segmentKey}" } },
  pagerduty: { actions: { trigger: "POST /enqueue", acknowledge: "POST /enqueue", resolve: "POST /enqueue" } },
  pipedrive: {
    actions: { upsert: "POST /persons" },
    update: { upsert: "PATCH /persons/{id}", update: "PATCH /persons/{id}" },
    settings: { key_field: { customer: "a1b2c3" }, record_id: "id" },
  },
  "pipedrive, organizations": {
    sink: "pipedrive",
    actions: { upsert: "POST /organizations" },
    update: { upsert: "PATCH /organizations/{id}", update: "PATCH /organizations/{id}" },
    settings: { objects: { customer: "organizations" }, key_field: { customer: "a1b2c3" }, record_id: "id" },
  },
  posthog: { actions: { identify: "POST /batch/", capture: "POST /batch/" } },
  slack: { actions: { post: "POST /chat.postMessage" } },
  zendesk: { actions: { ticket: "POST /api/v2/tickets", user: "POST /api/v2/users/create_or_update" } },
  zoho: { actions: { upsert: "POST /crm/v8/{module_api_name}/upsert" } },
};

/** The request, unless it is refused before it is sent. */
async function prepared(subject: Subject, action: string, what: Carried): Promise<FrozenRequest | undefined> {
  try {
    return await subject.prepare(action, what);
  } catch (error) {
    if (error instanceof HookrailError && /^HK5(001|002|332|334)$/.test(error.code)) return undefined;
    throw error;
  }
}

/** Bodies of one action as they leave: after the credentials were put in. */
async function sentBodies(subject: Subject, action: string): Promise<readonly Json[]> {
  const kind = subject.preset.actions[action]?.kind ?? "effect";
  subject.sent.length = 0;
  for (const what of fc.sample(carried(subject.preset, kind), { numRuns: 150, seed: 11 })) {
    const frozen = await prepared(subject, action, what);
    if (frozen !== undefined) await subject.sink.send(frozen, sending());
  }
  return subject.sent.map((text) => readBody(text, "json"));
}

/** Bodies of the update of one action, which is sent when a record was found. */
async function updateBodies(subject: Subject, action: string): Promise<readonly Json[]> {
  const kind = subject.preset.actions[action]?.kind ?? "effect";
  const bodies: Json[] = [];
  for (const what of fc.sample(carried(subject.preset, kind), { numRuns: 30, seed: 13 })) {
    const frozen = await prepared(subject, action, what);
    const update = frozen?.data["update"] ?? frozen?.data;
    if (typeof update === "object" && update !== null && "body" in update && typeof update["body"] === "string")
      bodies.push(JSON.parse(update["body"]));
  }
  return bodies;
}

describe.each(Object.entries(SERVICES))("%s", (name, { sink = name, actions, update = {}, settings }) => {
  const contract = contractOf(sink);
  const text = shippedPresetFiles().find(({ path }) => path.endsWith(`/${sink}.yaml`))?.text ?? "";

  it("sends what the service's own document takes", async () => {
    const subject = await openSubject(text, test.context, settings);
    for (const [action, operation] of Object.entries(actions)) {
      const bodies = await sentBodies(subject, action);
      expect(bodies.length, action).toBeGreaterThan(3);
      expect([...new Set(bodies.flatMap(contract(operation)))], `${action}: ${operation}`).toEqual([]);
    }
    for (const [action, operation] of Object.entries(update)) {
      const bodies = await updateBodies(subject, action);
      expect(bodies.length, action).toBeGreaterThan(3);
      expect([...new Set(bodies.flatMap(contract(operation)))], `${action}: ${operation}`).toEqual([]);
    }
  });

  it("is judged by a document that refuses what it must", () => {
    const operations = new Set([...Object.values(actions), ...Object.values(update)]);
    const refused = refusedBy(sink).filter(([operation]) => operations.has(operation));
    expect(new Set(refused.map(([operation]) => operation))).toEqual(operations);
    for (const [operation, body] of refused) expect(contract(operation)(body), JSON.stringify(body)).not.toEqual([]);
  });
});
