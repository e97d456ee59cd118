/** The OpenAPI document is what is served: every operation is called on a real engine, and its answer held to the document. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ADMIN_ROUTES } from "../../engine/http/admin.ts";
import { eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation } from "../support/fault-installation.ts";
import { PATH, payment, signed, yesterday } from "../support/payments.ts";

interface Operation {
  readonly operationId: string;
  readonly security?: readonly unknown[];
  readonly requestBody?: { readonly content: { readonly "application/json": { readonly schema: object } } };
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: object }>> }>
  >;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: { readonly Error: object } };
}

let installation: Installation;
let engine: RunningEngine;
let document: Document;
let event: string;
let letters: string[];
const ajv = new Ajv2020({ strict: false, allErrors: true });
(formats as unknown as (ajv: Ajv2020) => void)(ajv);

const api = (path: string, body?: object) =>
  fetch(engine.admin + path, {
    headers: { "content-type": "application/json" },
    ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
  });
const read = async (path: string) => (await (await api(path)).json()) as Readonly<Record<string, unknown>>;

beforeAll(async () => {
  installation = createFaultInstallation();
  engine = await installation.start();
  document = (await read("/api/v1/openapi.json")) as unknown as Document;
  const good = payment(1, yesterday());
  // Signed, and not JSON: dead letters from the start.
  for (const body of [good, "{1", "{2", "{3"])
    await fetch(engine.hooks + PATH, { method: "POST", body, headers: signed(body) });
  const events = await eventually(
    async () => (await read("/api/v1/events?outcome=delivered"))["events"] as { id: string }[],
    (list) => list.length === 1,
  );
  event = events[0]?.id ?? "";
  letters = ((await read("/api/v1/dead-letters"))["dead_letters"] as { id: string }[]).map((one) => one.id);
});
afterAll(async () => {
  await engine?.end("SIGKILL");
  installation?.remove();
});

const configFiles = () =>
  Object.fromEntries(
    ["config.yaml", "pipelines/payments.yaml"].map((path) => [
      path,
      readFileSync(join(installation.root, path), "utf8"),
    ]),
  );

/** How each operation is called; those that are not named take nothing. */
const calls = (): Readonly<
  Record<string, { readonly path?: string; readonly body?: object; readonly status?: number }>
> => ({
  listEvents: { path: "/api/v1/events?limit=5&source=pay&since=1&before=99" },
  getEvent: { path: `/api/v1/events/${event}` },
  revealEvent: { path: `/api/v1/events/${event}/reveal`, body: { reason: "a test" } },
  getLineage: { path: "/api/v1/entities/account/acct_1/attributes/amount" },
  getEntity: { path: "/api/v1/entities/account/acct_1" },
  getPipeline: { path: "/api/v1/pipelines/payments" },
  getRunbook: { path: "/api/v1/runbook?path=/etc/passwd", status: 404 },
  listDeadLetters: { path: "/api/v1/dead-letters?status=open&limit=9" },
  getDeadLetter: { path: `/api/v1/dead-letters/${letters[0]}` },
  closeDeadLetters: { body: { action: "discard", code: "HK3001", dry_run: true } },
  retryDeadLetter: { path: `/api/v1/dead-letters/${letters[1]}/retry`, body: { reason: "a test" }, status: 404 },
  editDeadLetter: { path: "/api/v1/dead-letters/dead_none/edit", body: { body: "{}" }, status: 404 },
  discardDeadLetter: { path: `/api/v1/dead-letters/${letters[2]}/discard`, body: { reason: "a test" } },
  plan: { body: { files: configFiles(), last: 2, reason: "a test" } },
  pause: { body: { kind: "pipeline", name: "payments", reason: "a test" } },
  resume: { body: { kind: "pipeline", name: "payments" } },
  silence: { body: { match: "connection=crm", for: "2h", reason: "a test" } },
  endSilence: { path: "/api/v1/silences/sil_none/end", body: { reason: "a test" }, status: 404 },
  testChannel: { path: "/api/v1/channels/none/test", body: {}, status: 404 },
  followLive: { path: "/api/v1/live?follow=0&last=5" },
  replay: { body: { events: [event], reason: "a test" } },
  planReplay: { body: { source: "pay", since: 1, limit: 5 } },
  reload: { body: {} },
  seed: { body: { entity: "account", rows: [{ key: "acct_new", ids: {}, attributes: { amount: 5 } }] } },
  erase: { body: { entity: "account", id: "acct_1", mode: "look" } },
  judgeSecret: { body: { source: "pay", secret: "none", verb: "show" }, status: 400 },
  signIn: { body: { token: "wrong" }, status: 401 },
});

const routes = ADMIN_ROUTES.map((route) => ({ ...route, name: `${route.method} ${route.path}` }));

test("every route is in the document, with its right", () => {
  expect(document.openapi).toBe("3.1.1");
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, one]) => `${method.toUpperCase()} ${path} ${one.operationId}`),
  );
  expect(operations.toSorted()).toEqual(routes.map((one) => `${one.name} ${one.id}`).toSorted());
  expect(new Set(routes.map((one) => one.id)).size).toBe(routes.length);
});

test.each(routes)("$name answers as the document says", async ({ id, method, path }) => {
  const operation = document.paths[path]?.[method.toLowerCase()];
  const call = calls()[id] ?? {};
  const schema = operation?.requestBody?.content["application/json"].schema;
  if (schema !== undefined) expect([id, ajv.validate(schema, call.body), ajv.errors]).toEqual([id, true, null]);
  const answer = await fetch(engine.admin + (call.path ?? path), {
    method,
    headers: { "content-type": "application/json" },
    ...(method === "POST" && { body: JSON.stringify(call.body ?? {}) }),
  });
  const text = await answer.text();
  expect([answer.status, text.slice(0, 300)]).toEqual([call.status ?? 200, expect.anything()]);
  const type = answer.headers.get("content-type")?.split(";")[0] ?? "";
  const declared = operation?.responses[String(answer.status)]?.content?.[type];
  expect(declared, `${answer.status} ${type}`).toBeDefined();
  if (declared?.schema === undefined) return;
  const wanted = "$ref" in declared.schema ? document.components.schemas.Error : declared.schema;
  expect([id, ajv.validate(wanted, JSON.parse(text)), ajv.errors]).toEqual([id, true, null]);
});

test("what the document does not allow is refused, and the refusal is as it says", async () => {
  for (const [path, body] of [
    ["/api/v1/pause", { kind: "team", name: "ops" }],
    ["/api/v1/dead-letters", { action: "burn" }],
    [`/api/v1/events/${event}/reveal`, { reason: " " }],
    ["/api/v1/seed", { entity: 5 }],
    ["/api/v1/silences", { match: "connection=crm", for: "forever" }],
    ["/api/v1/silences", { match: "pipeline: crm", for: "1h" }],
    ["/api/v1/silences", { match: "crm", for: "31d" }],
  ] as const) {
    const answer = await api(path, body);
    expect([path, answer.status]).toEqual([path, 400]);
    expect(ajv.validate(document.components.schemas.Error, await answer.json())).toBe(true);
  }
});

test("each look at sensitive values is in the audit, with who and why", async () => {
  const rows = (await read("/api/v1/audit"))["audit"] as readonly object[];
  expect(rows).toContainEqual(
    expect.objectContaining({ actor: "admin-api", action: "reveal", target: event, reason: "a test" }),
  );
});
