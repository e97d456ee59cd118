import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { planStored } from "../../engine/cli/replay-hands.ts";
import { silentLog } from "../../engine/core/log.ts";
import { createReplays, type ReplayFilter } from "../../engine/flow/replay.ts";
import { createRoutes } from "../../engine/flow/routes.ts";
import { type AdminDeps, createAdminListener } from "../../engine/http/admin.ts";
import { sensitivityOf } from "../../engine/http/documents.ts";
import { createRequestIds, type Listener } from "../../engine/http/server.ts";
import { type Bench, files, openBench } from "../worker/support.ts";

let bench: Bench;
let listener: Listener;
let url: string;
beforeEach(async () => {
  bench = await openBench(files({ connections: "out: { sink: file, path: ./out.ndjson }", deliver: "- { to: out }" }));
  const { engine, clock } = bench;
  await engine.start();
  const deps = {
    reader: engine.store,
    operations: engine,
    replays: createReplays({ store: engine.store, clock, routes: createRoutes(engine.revision) }),
    planReplay: (filter: ReplayFilter) =>
      planStored(filter, { reader: engine.store, routes: createRoutes(engine.revision), clock }),
    sensitivity: () => sensitivityOf(engine.revision.entities),
    guard: { tokens: [], roles: new Map(), allowedHosts: [], now: clock.now },
    log: silentLog,
    requestId: createRequestIds("t"),
  };
  // Only what the replay routes reach.
  listener = createAdminListener(deps as unknown as AdminDeps, false);
  url = await listener.listen({ host: "127.0.0.1", port: 0 });
});
afterEach(async () => {
  await listener.close(0);
  await bench.close();
});

const post = async (body: object, path = "/api/v1/replay") => {
  const answer = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

describe("/api/v1/replay", () => {
  test("gives the turns, wakes the engine, and says what is still to come", async () => {
    const id = await bench.send({ id: "1", data: { id: "c1", seats: 1 } });
    const done = await post({ events: [id], reason: "mended" });
    expect(done).toMatchObject({ status: 200, body: { queued: 1, busy: 0, gone: 0 } });
    // Nobody but the route has woken it.
    const pending = async () => ((await (await fetch(`${url}/api/v1/replay`)).json()) as { pending: number }).pending;
    await expect.poll(pending).toBe(0);
    expect((await bench.engine.store.audit(1))[0]).toMatchObject({ action: "replay", target: id, reason: "mended" });
  });

  test("refuses what it can not read, events that are not there, and more than a part", async () => {
    expect(await post({ events: "all" })).toMatchObject({ status: 400 });
    expect(await post({ events: ["x"], effects: "yes" })).toMatchObject({ status: 400 });
    expect((await post({ events: ["evt_nothing"] })).body["error"]).toContain("evt_nothing");
    const many = Array.from({ length: 101 }, (_, n) => `evt_${n}`);
    expect((await post({ events: many })).body["error"]).toContain("at most 100");
    expect(await bench.engine.store.audit(5)).toEqual([]);
  });

  test("says first what it would do, and does nothing", async () => {
    const id = await bench.send({ id: "1", data: { id: "c1", seats: 1 } });
    const plan = (body: object) => post(body, "/api/v1/replay/plan");
    expect(await plan({ events: [id] })).toMatchObject({
      status: 200,
      body: { events: [id], turns: [{ event: id, verdict: "no_change", changes: [] }], left_out: [], more: false },
    });
    expect((await plan({ since: 0, limit: 1 })).body["events"]).toEqual([id]);
    expect((await plan({ type: "nothing.such" })).body["events"]).toEqual([]);
    for (const body of [{}, { limit: 5 }, { events: "all" }, { type: 5 }, { since: -1 }, { since: 0, limit: 1_001 }])
      expect([body, (await plan(body)).status]).toEqual([body, 400]);
    expect(await bench.engine.store.audit(5)).toEqual([]);
    expect(await bench.engine.store.replaysPending()).toBe(0);
  });
});
