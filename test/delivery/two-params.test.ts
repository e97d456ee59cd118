/** Two upsert entries of one connection and one action that differ in their fields: they write to two places. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { answer, type FaultServer, startFaultServer } from "../support/fault-server.ts";
import { type Bench, files, openBench } from "../worker/support.ts";

let crm: FaultServer;
let bench: Bench;
const by = { actor: "ada", reason: "test" };

beforeEach(async () => {
  crm = await startFaultServer();
  const connections = `crm:
  sink: http
  url: "${crm.url}"
  allow_private: true
  retry: { base: 1s, cap: 1s, horizon: 1m }
  actions:
    put: { kind: upsert, method: PUT, path: "/{params.list}/{entity.key}", body: { attributes: fields }, attributes_at: attributes }
  default_action: put`;
  const deliver =
    "- { to: crm, entity: customer, list: buyers, name: buyers }\n- { to: crm, entity: customer, list: leads, name: leads }";
  bench = await openBench(files({ connections, deliver }));
});
afterEach(async () => {
  await bench.close();
  await crm.close();
});

const sent = () => crm.requests.map(({ url, body }) => [url.split("/")[1], JSON.parse(body).attributes] as const);

it("both are sent, though the other has brought the same values", async () => {
  await bench.send({ id: "1", data: { id: "c1", tier: "pro", seats: 1 } });
  expect(sent()).toEqual([
    ["buyers", { tier: "pro", seats: 1 }],
    ["leads", { tier: "pro", seats: 1 }],
  ]);
  await bench.send({ id: "2", data: { id: "c1", tier: "pro", seats: 1 } });
  expect(sent()).toHaveLength(2);
  await bench.send({ id: "3", data: { id: "c1", seats: 2 } });
  expect(sent().slice(2)).toEqual([
    ["buyers", { seats: 2 }],
    ["leads", { seats: 2 }],
  ]);
});

it("what waits merges only with what waits for the same place", async () => {
  await bench.engine.pause("connection", "crm", by);
  const first = await bench.send({ id: "1", data: { id: "c1", tier: "pro", seats: 1 } });
  const second = await bench.send({ id: "2", data: { id: "c1", seats: 2 } });
  const into = new Map<string, string>();
  for (const { delivery, mergedInto } of (await bench.story(first)).deliveries)
    into.set(String(delivery.params["list"]), mergedInto ?? "");
  for (const { delivery } of (await bench.story(second)).deliveries)
    expect([delivery.params["list"], delivery.id]).toEqual([
      delivery.params["list"],
      into.get(String(delivery.params["list"])),
    ]);
  await bench.engine.resume("connection", "crm", by);
  await bench.engine.drain();
  expect(sent()).toEqual([
    ["buyers", { tier: "pro", seats: 2 }],
    ["leads", { tier: "pro", seats: 2 }],
  ]);
});

it("one that failed is repaired by the next event, in its own place", async () => {
  crm.next(answer(200), answer(422));
  await bench.send({ id: "1", data: { id: "c1", seats: 1 } });
  await bench.send({ id: "2", data: { id: "c1", seats: 1 } });
  await bench.send({ id: "3", data: { id: "c1", seats: 1 } });
  expect(sent().filter(([place]) => place === "leads")).toEqual([
    ["leads", { seats: 1 }],
    ["leads", { seats: 1 }],
  ]);
});

it("`on_change` asks for its attributes alone, where a field is taken from the event", async () => {
  await bench.close();
  const connections = `crm:
  sink: http
  url: "${crm.url}"
  allow_private: true
  actions:
    put: { kind: upsert, method: PUT, path: "/people/{entity.key}", body: { attributes: fields, why: params.why }, attributes_at: attributes }
  default_action: put`;
  const deliver = "- { to: crm, entity: customer, on_change: [tier], why: { from: why } }";
  bench = await openBench(files({ connections, deliver }));
  await bench.send({ id: "1", data: { id: "c1", tier: "pro", why: "bought" } });
  await bench.send({ id: "2", data: { id: "c1", tier: "pro", why: "renewed" } });
  await bench.send({ id: "3", data: { id: "c1", tier: "team", why: "upgraded" } });
  expect(crm.requests.map(({ body }) => JSON.parse(body))).toEqual([
    { attributes: { tier: "pro" }, why: "bought" },
    { attributes: { tier: "team" }, why: "upgraded" },
  ]);
});

it("a field that is another in each event keeps no more places than are worth it, and what is there stays right", async () => {
  await bench.close();
  const connections = `crm:
  sink: http
  url: "${crm.url}"
  allow_private: true
  actions:
    put: { kind: upsert, method: PUT, path: "/{params.list}/{entity.key}", body: { attributes: fields }, attributes_at: attributes }
  default_action: put`;
  bench = await openBench(files({ connections, deliver: "- { to: crm, entity: customer, list: { from: list } }" }));
  for (let n = 0; n < 40; n++) await bench.send({ id: `${n}`, data: { id: "c1", seats: 1, list: `l${n}` } });
  // Each list is a place that lacked it.
  expect(sent()).toHaveLength(40);
  await bench.send({ id: "newest", data: { id: "c1", seats: 1, list: "l39" } });
  expect(sent()).toHaveLength(40);
  await bench.send({ id: "oldest", data: { id: "c1", seats: 1, list: "l0" } });
  expect(sent().slice(40)).toEqual([["l0", { seats: 1 }]]);
});
