/** Stripe's clock has whole seconds: what happened in one of them is put in order by the recipe's ranks. */
import { afterEach, expect, it } from "vitest";
import { PATH, SECRET, signed } from "../support/payments.ts";
import { type Bench, openBench, start } from "../worker/support.ts";

const config = {
  "config.yaml": `
teams: { ops: {} }
seed: none
sources:
  pay: { provider: stripe, path: ${PATH}, root: data.object, times: seconds, secrets: [${SECRET}] }
entities:
  customer: { attributes: { tier: { type: string, owner: ops } } }
connections: { out: { sink: file, path: ./out.ndjson } }
`,
  "pipelines/plans.yaml": `
pipeline: plans
owner: ops
source: pay
sla: { lag: 60s, objective: 99% }
rules:
  - on: customer.subscription.created
    write: { customer: { key: customer, fields: { tier: plan } } }
  - on: customer.subscription.updated
    write: { customer: { key: customer, fields: { tier: plan } } }
deliver: [{ to: out, entity: customer }]
`,
};

let bench: Bench;
afterEach(() => bench.close());

async function send(id: string, type: string, plan: string) {
  const object = { customer: "cus_1", plan };
  const body = Buffer.from(JSON.stringify({ id, object: "event", type, created: start / 1_000, data: { object } }));
  const headers = { "content-type": "application/json", ...signed(body, bench.clock.now()) };
  const { status } = await bench.engine.ingest({
    method: "POST",
    target: PATH,
    path: PATH,
    query: "",
    headers,
    rawHeaders: Object.entries(headers).flat(),
    body,
    remoteAddress: "127.0.0.1",
    receivedAt: bench.clock.now(),
  });
  expect(status).toBe(202);
  await bench.engine.drain();
}

// The ids are in the order that would mislead, once each way.
it.each([
  ["created first", "evt_b", "evt_a", false],
  ["updated first", "evt_b", "evt_a", true],
  ["created first, ids the other way", "evt_a", "evt_b", false],
  ["updated first, ids the other way", "evt_a", "evt_b", true],
])("an update of the same second stands over the creation: %s", async (_, created, updated, turned) => {
  bench = await openBench(config);
  await bench.engine.start();
  const both = [
    [created, "customer.subscription.created", "free"],
    [updated, "customer.subscription.updated", "pro"],
  ] as const;
  for (const [id, type, plan] of turned ? both.toReversed() : both) await send(id, type, plan);
  expect(await bench.engine.store.entity("customer", "cus_1")).toMatchObject({
    attributes: { tier: { value: "pro" } },
  });
});
