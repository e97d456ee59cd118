/** Two upsert actions of one connection, which may write to two places or to one. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { answer, type FaultServer, startFaultServer } from "../support/fault-server.ts";
import { type Bench, files, openBench } from "../worker/support.ts";

let crm: FaultServer;
let bench: Bench;

beforeEach(async () => {
  crm = await startFaultServer();
  const connections = `crm:
  sink: http
  url: "${crm.url}"
  allow_private: true
  actions:
    person: { kind: upsert, method: PUT, path: "/people/{entity.key}" }
    seat:   { kind: upsert, method: PUT, path: "/seats/{entity.key}" }
  default_action: person`;
  const deliver = "- { to: crm, entity: customer }\n- { to: crm, entity: customer, action: seat, on_change: [seats] }";
  bench = await openBench(files({ connections, deliver }));
});
afterEach(async () => {
  await bench.close();
  await crm.close();
});

const sent = () => crm.requests.map(({ url, body }) => [url.split("/")[1], JSON.parse(body).attributes] as const);

it("both get what changed: what one has taken is no measure of what the other has", async () => {
  await bench.send({ id: "1", data: { id: "c1", tier: "pro", seats: 1 } });
  expect(sent()).toEqual([
    ["people", { tier: "pro", seats: 1 }],
    ["seats", { seats: 1 }],
  ]);
  await bench.send({ id: "2", data: { id: "c1", tier: "team", seats: 1 } });
  expect(sent().slice(2)).toEqual([["people", { tier: "team" }]]);
  await bench.send({ id: "3", data: { id: "c1", seats: 2 } });
  expect(sent().slice(3)).toEqual([
    ["people", { seats: 2 }],
    ["seats", { seats: 2 }],
  ]);
});

it("one that failed is repaired by the next event, and the other is not troubled more than that", async () => {
  crm.next(answer(200), answer(422));
  await bench.send({ id: "1", data: { id: "c1", seats: 1 } });
  await bench.send({ id: "2", data: { id: "c1", seats: 1 } });
  expect(sent().filter(([place]) => place === "seats")).toEqual([
    ["seats", { seats: 1 }],
    ["seats", { seats: 1 }],
  ]);
  const before = crm.requests.length;
  await bench.send({ id: "3", data: { id: "c1", seats: 1 } });
  expect(crm.requests.length).toBe(before);
});
