import { createHmac } from "node:crypto";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { createInstallation, eventually, listEvents, type RunningEngine } from "../support/engine-process.ts";
import { openObjectApi } from "../support/object-api.ts";

vi.setConfig({ testTimeout: 120_000 });

const api = await openObjectApi();
const installation = createInstallation({
  env: { HOOK_SECRET: "test-secret" },
  files: {
    "config.yaml": `
server: { port: 0 }
admin: { port: 0 }
limits: { disk_reserve: 0B }
teams: { ops: {} }
seed: none
entities: { customer: { attributes: { seats: { type: integer, owner: ops } } } }
connections:
  crm: { sink: http, url: "${api.url}", allow_private: true }
  out: { sink: file, path: ./out.ndjson }
`,
    "pipelines/thin.yaml": `
pipeline: thin
owner: ops
source:
  path: /hooks/thin
  signature: { scheme: hmac, header: x-signature, encoding: hex }
  secrets: ["\${HOOK_SECRET}"]
  id: body:id
  type: body:type
rules:
  - on: customer.changed
    fetch: { connection: crm, path: "/v1/customers/{customer}" }
    write:
      customer: { key: $fetched.id, fields: { seats: $fetched.seats } }
deliver:
  - { to: out }
`,
  },
});
afterAll(async () => {
  installation.remove();
  await api.close();
});

async function ping(engine: RunningEngine, id: string): Promise<number> {
  const body = JSON.stringify({ id, type: "customer.changed", customer: "c1" });
  const signature = createHmac("sha256", "test-secret").update(body).digest("hex");
  const headers = { "content-type": "application/json", "x-signature": signature };
  return (await fetch(`${engine.hooks}/hooks/thin`, { method: "POST", body, headers })).status;
}

const outcomes = async (engine: RunningEngine): Promise<(string | undefined)[]> => {
  const answer = (await (await fetch(`${engine.admin}/api/v1/events?limit=10`)).json()) as {
    events: { pipelines: { outcome: string }[] }[];
  };
  return answer.events.map(({ pipelines }) => pipelines[0]?.outcome);
};

test("an engine killed while a GET is on its way asks again, and loses no event", async () => {
  api.put("/v1/customers/c1", { id: "c1", seats: 5 });
  const release = api.hold();
  const killed = await installation.start();
  expect(await ping(killed, "evt_1")).toBe(202);
  expect(await ping(killed, "evt_2")).toBe(202);
  await eventually(
    async () => api.seen.length,
    (count) => count > 0,
    20_000,
  );
  await killed.end("SIGKILL");
  release();
  const engine = await installation.start();
  await eventually(
    () => outcomes(engine),
    (all) => all.length === 2 && all.every((one) => one === "delivered"),
    30_000,
  );
  expect(api.seen.length).toBeGreaterThan(1);
  const shown = await installation.hookrail("explain", "customer:c1.seats");
  expect(shown.stdout).toContain("5");
  const [event] = await listEvents(engine);
  await engine.end("SIGTERM");

  // What was fetched goes along into the test that `record` prints; the CRM is not asked.
  const asked = api.seen.length;
  const recorded = await installation.hookrail("record", event?.id ?? "");
  expect([recorded.code, recorded.stdout]).toEqual([0, expect.stringMatching(/fetched:\n +crm:\n +\/v1\/customers\//)]);
  const file = join(installation.root, "pipelines/thin.yaml");
  appendFileSync(file, recorded.stdout);
  const tested = await installation.hookrail("test", "thin");
  expect([tested.code, tested.stdout + tested.stderr]).toEqual([0, expect.stringContaining("as it came on")]);
  expect(api.seen.length).toBe(asked);
});
