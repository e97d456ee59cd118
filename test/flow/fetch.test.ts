import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { planReplay } from "../../engine/flow/replay.ts";
import { createRoutes } from "../../engine/flow/routes.ts";
import { createEvaluator } from "../../engine/mapping/evaluate.ts";
import { type ObjectApi, openObjectApi } from "../support/object-api.ts";
import { type Bench, files, openBench, start } from "../worker/support.ts";

let api: ObjectApi;
let bench: Bench | undefined;
beforeEach(async () => {
  api = await openObjectApi();
});
afterEach(async () => {
  await bench?.close();
  bench = undefined;
  await api.close();
});

const rule = (fetch: string, rest = "") => `  - on: customer.changed
    fetch: { connection: crm, path: "/v1/customers/{id}"${fetch} }
${rest}    write:
      customer:
        key: $fetched.id
        fields:
          tier: $fetched.tier
          seats: $fetched.seats
          note: { from: $fetched.note, on_null: clear }`;

const config = (text: string, connection = "") =>
  files({
    connections: `crm:
  sink: http
  url: ${api.url}
  allow_private: true
  auth: { kind: bearer, token: secret-token }
  breaker: { enabled: false }
${connection}
out: { sink: file, path: ./out.ndjson }`,
    deliver: "- { to: out }",
    rule: text,
  });

async function open(text = rule(""), connection = ""): Promise<Bench> {
  bench = await openBench(config(text, connection));
  await bench.engine.start();
  return bench;
}

const customer = (id = "c1") => (bench as Bench).engine.store.entity("customer", id);
const outcomeOf = async (id: string) => (await (bench as Bench).story(id)).outcomes[0];

describe("what a rule fetches", () => {
  it("is got over the connection and mapped as $fetched", async () => {
    const { send } = await open();
    api.put("/v1/customers/c1", { id: "c1", tier: "pro", seats: 5, note: "a" });
    const id = await send({ id: "1", data: { id: "c1" } });
    expect(await outcomeOf(id)).toMatchObject({ status: "applied" });
    expect(await customer()).toMatchObject({
      attributes: { tier: { value: "pro" }, seats: { value: 5 }, note: { value: "a" } },
    });
    expect(api.seen).toMatchObject([{ method: "GET", headers: { authorization: "Bearer secret-token" } }]);
  });

  it("keeps what is missing in it, and clears only what it says is null", async () => {
    const { send } = await open();
    api.put("/v1/customers/c1", { id: "c1", tier: "pro", seats: 5, note: "a" });
    await send({ id: "1", data: { id: "c1" } });
    api.put("/v1/customers/c1", { id: "c1", tier: null, note: null });
    await send({ id: "2", data: { id: "c1" } });
    expect(await customer()).toMatchObject({
      attributes: { tier: { value: "pro" }, seats: { value: 5 }, note: { value: null } },
    });
  });

  it("is one segment for each part, whatever the payload says", async () => {
    const { send } = await open();
    await send({ id: "1", data: { id: "../../admin?x=1#y" } });
    expect(api.seen.map(({ path }) => path)).toEqual(["/v1/customers/..%2F..%2Fadmin%3Fx%3D1%23y"]);
    const dots = await send({ id: "2", data: { id: ".." } });
    const list = await send({ id: "3", data: { id: ["c1"] } });
    const none = await send({ id: "4", data: { id: "" } });
    expect(api.seen).toHaveLength(1);
    const codes = await Promise.all([dots, list, none].map(async (one) => (await outcomeOf(one))?.reason));
    expect(codes).toEqual(["HK2031", "HK2031", "HK2030"]);
  });

  it("is not asked for where `when` does not select the event, and not used where its own `when` does not", async () => {
    const { send } = await open(rule(", when: $fetched.seats > 3", '    when: id != "none"\n'));
    const none = await send({ id: "1", data: { id: "none" } });
    expect(api.seen).toHaveLength(0);
    api.put("/v1/customers/c1", { id: "c1", seats: 1 });
    const few = await send({ id: "2", data: { id: "c1" } });
    expect(await outcomeOf(none)).toMatchObject({ status: "skipped", reason: "not_selected" });
    expect(await outcomeOf(few)).toMatchObject({ status: "skipped", reason: "not_selected" });
    expect(await customer()).toBeUndefined();
  });

  it("is the payload of the rows with `root`, and the event stays $event", async () => {
    const { send } = await open(`  - on: customer.changed
    fetch: { connection: crm, path: "/v1/customers/{id}", root: true }
    write:
      customer: { key: id, fields: { seats: seats, note: $event.type } }`);
    api.put("/v1/customers/c1", { id: "c1", seats: 4 });
    await send({ id: "1", data: { id: "c1", seats: 99 } });
    expect(await customer()).toMatchObject({
      attributes: { seats: { value: 4 }, note: { value: "customer.changed" } },
    });
  });

  it("carries headers of the payload, and no credential of the payload's", async () => {
    const { send } = await open(rule(', headers: { x-tenant: "{tenant}" }'));
    api.put("/v1/customers/c1", { id: "c1", seats: 4 });
    await send({ id: "1", data: { id: "c1", tenant: "t-1" } });
    expect(api.seen[0]?.headers["x-tenant"]).toBe("t-1");
    const split = await send({ id: "2", data: { id: "c1", tenant: "a\r\nb: c" } });
    expect(await outcomeOf(split)).toMatchObject({ reason: "HK2031" });
  });
});

describe("a burst", () => {
  it("is answered by one GET, and an event that comes while it is on its way by the next", async () => {
    const { post, engine, clock } = await open(rule(", burst: 2s"));
    api.put("/v1/customers/c1", { id: "c1", seats: 1 });
    api.put("/v1/customers/c2", { id: "c2", seats: 1 });
    for (const id of ["1", "2", "3"]) await post({ id, data: { id: "c1" } });
    await post({ id: "4", data: { id: "c2" } });
    await engine.drain();
    expect(api.seen).toHaveLength(0);
    const release = api.hold();
    clock.set(start + 2_000);
    const drained = engine.drain();
    while (api.seen.length < 2) await new Promise((resolve) => setImmediate(resolve));
    await post({ id: "5", data: { id: "c1" } });
    release();
    await drained;
    expect(api.seen.map(({ path }) => path).sort()).toEqual(["/v1/customers/c1", "/v1/customers/c2"]);
    // The fifth came after the GET had begun: that answer may be older than what it tells of.
    expect((await engine.store.counts()).events).toBe(5);
    api.put("/v1/customers/c1", { id: "c1", seats: 2 });
    await (bench as Bench).pass(3_000);
    expect(api.seen).toHaveLength(3);
    expect(await customer()).toMatchObject({ attributes: { seats: { value: 2 } } });
  });
});

describe("order", () => {
  it("is that of the GETs: a late event brings what is newest and wins", async () => {
    const { send, clock } = await open();
    api.put("/v1/customers/c1", { id: "c1", seats: 7 });
    await send({ id: "2", at: start + 60_000, data: { id: "c1" } });
    clock.set(start + 120_000);
    api.put("/v1/customers/c1", { id: "c1", seats: 8 });
    await send({ id: "1", at: start, data: { id: "c1" } });
    expect(await customer()).toMatchObject({ attributes: { seats: { value: 8 } } });
  });

  it("is the object's own version where the rule names it", async () => {
    const { send } = await open(rule("", "    order: { by: $fetched.version }\n"));
    api.put("/v1/customers/c1", { id: "c1", seats: 7, version: 5 });
    await send({ id: "1", data: { id: "c1" } });
    // A replica that lags behind.
    api.put("/v1/customers/c1", { id: "c1", seats: 3, version: 4 });
    const late = await send({ id: "2", data: { id: "c1" } });
    expect(await outcomeOf(late)).toMatchObject({ status: "skipped", reason: "stale" });
    expect(await customer()).toMatchObject({ attributes: { seats: { value: 7 } } });
  });

  it("takes an object that was changed hours after its event, since it was fetched only then", async () => {
    const { send, pass } = await open(rule("", "    order: { by: $fetched.at }\n"));
    api.answer({ status: 503, headers: { "retry-after": "3000" } });
    api.put("/v1/customers/c1", { id: "c1", seats: 7, at: new Date(start + 2_400_000).toISOString() });
    await send({ id: "1", data: { id: "c1" } });
    await pass(3_600_000);
    expect(await customer()).toMatchObject({ attributes: { seats: { value: 7 } } });
  });
});

describe("an API that does not answer", () => {
  it("is asked again by the schedule of the pipeline, not before Retry-After", async () => {
    const { send, pass } = await open();
    api.put("/v1/customers/c1", { id: "c1", seats: 5 });
    api.answer({ status: 500 }, { status: 429, headers: { "retry-after": "30" } });
    await send({ id: "1", data: { id: "c1" } });
    expect(api.seen).toHaveLength(1);
    await pass(5_000);
    expect(api.seen).toHaveLength(2);
    await pass(20_000);
    expect(api.seen).toHaveLength(2);
    await pass(20_000);
    expect(api.seen).toHaveLength(3);
    expect(await customer()).toMatchObject({ attributes: { seats: { value: 5 } } });
  });

  it("is given up at the horizon, and `dead retry` fetches anew", async () => {
    const { send, pass, engine } = await open(rule(""), "  retry: { schedule: [1s, 1s] }");
    api.answer({ status: 500 }, { status: 500 }, { status: 500 });
    api.put("/v1/customers/c1", { id: "c1", seats: 5 });
    const id = await send({ id: "1", data: { id: "c1" } });
    await pass(10_000);
    expect(await outcomeOf(id)).toMatchObject({ status: "dead", reason: "HK5352" });
    const [letter] = await engine.store.deadLetters({ status: "open" });
    expect(letter?.message).toContain("crm: GET /v1/customers/{id}: given up after 3 attempts");
    await engine.retryDead(letter?.id as never, { actor: "ada", reason: "it is back" });
    await engine.drain();
    expect(await customer()).toMatchObject({ attributes: { seats: { value: 5 } } });
  });

  it("pauses the connection on 401, and loses nothing", async () => {
    const { send, engine } = await open();
    api.answer({ status: 401 });
    api.put("/v1/customers/c1", { id: "c1", seats: 5 });
    await send({ id: "1", data: { id: "c1" } });
    await send({ id: "2", data: { id: "c1" } });
    expect(await engine.store.pauses()).toMatchObject([{ kind: "connection", name: "crm", by: "engine" }]);
    expect(api.seen).toHaveLength(1);
    expect(await engine.store.counts()).toMatchObject({ ready: 0, fetching: 2, openDeadLetters: 0 });
    await engine.resume("connection", "crm", { actor: "ada", reason: "new token" });
    await engine.drain();
    expect(await customer()).toMatchObject({ attributes: { seats: { value: 5 } } });
  });

  it("kills the event on 404, or skips it where the rule says so", async () => {
    const { send, swap, engine } = await open();
    const dead = await send({ id: "1", data: { id: "gone" } });
    expect(await outcomeOf(dead)).toMatchObject({ status: "dead", reason: "HK5351" });
    expect((await engine.store.deadLetters({}))[0]?.message).not.toContain("/gone");
    await swap(config(rule(", not_found: skip")));
    const skipped = await send({ id: "2", data: { id: "gone" } });
    expect(await outcomeOf(skipped)).toMatchObject({ status: "skipped", reason: "not_found" });
  });

  it("uses nothing of an answer that is cut short, too large, no JSON or a redirect", async () => {
    const { send } = await open();
    api.answer(
      { text: `{"id": "c1", "note": "${"x".repeat(1_100_000)}"}` },
      { text: "<html>" },
      { status: 302, headers: { location: `${api.url}/v1/customers/c1` } },
    );
    const ids = [];
    for (const id of ["1", "2", "3"]) ids.push(await send({ id, data: { id: "c1" } }));
    const codes = await Promise.all(ids.map(async (id) => (await outcomeOf(id))?.reason));
    expect(codes).toEqual(["HK5353", "HK5354", "HK5350"]);
    expect(await customer()).toBeUndefined();
  });
});

describe("over a crash and a reload", () => {
  it("asks again what was not stored, and does not ask again what was", async () => {
    const { send, reopen, clock } = await open();
    api.answer({ status: 503, headers: { "retry-after": "60" } });
    api.put("/v1/customers/c1", { id: "c1", seats: 5 });
    await send({ id: "1", data: { id: "c1" } });
    await reopen();
    // The wait is kept: a restart does not hammer an API that is down.
    expect(api.seen).toHaveLength(1);
    clock.set(start + 120_000);
    await (bench as Bench).engine.drain();
    expect(api.seen).toHaveLength(2);
    expect(await customer()).toMatchObject({ attributes: { seats: { value: 5 } } });
  });

  it("goes on after a crash between the GET and the apply, with what was stored", async () => {
    let armed = true;
    bench = await openBench(config(rule("")), undefined, (store) => ({
      ...store,
      commitApply: (commit) => (armed ? Promise.reject(new Error("killed")) : store.commitApply(commit)),
    }));
    await bench.engine.start();
    api.put("/v1/customers/c1", { id: "c1", seats: 5 });
    await bench.send({ id: "1", data: { id: "c1" } });
    expect(await customer()).toBeUndefined();
    armed = false;
    await bench.reopen();
    expect(api.seen).toHaveLength(1);
    expect(await customer()).toMatchObject({ attributes: { seats: { value: 5 } } });
  });

  it("asks as the new revision says", async () => {
    const { send, swap, engine } = await open();
    api.answer({ status: 503, headers: { "retry-after": "600" } });
    await send({ id: "1", data: { id: "c1" } });
    api.put("/v2/customers/c1", { id: "c1", seats: 6 });
    await swap(config(rule("").replace("/v1/", "/v2/")), ["crm"]);
    await engine.drain();
    expect(api.seen.map(({ path }) => path)).toEqual(["/v1/customers/c1"]);
    await (bench as Bench).pass(700_000);
    expect(api.seen.map(({ path }) => path)).toEqual(["/v1/customers/c1", "/v2/customers/c1"]);
    expect(await customer()).toMatchObject({ attributes: { seats: { value: 6 } } });
  });
});

describe("a contract", () => {
  it("holds what was fetched to its schema: broken where the rule reads, drift elsewhere", async () => {
    const held = config(rule(", contract: customer"));
    bench = await openBench({
      ...held,
      "pipelines/orders.yaml": `${held["pipelines/orders.yaml"]}`.replace("source:\n", "contract: v1\nsource:\n"),
      "pipelines/contracts/orders/v1.yaml": `contract: v1
provider: orders
schema:
  customer.changed: { type: object }
  customer: { type: object, properties: { seats: { type: integer }, other: { type: integer } } }
`,
    });
    await bench.engine.start();
    api.put("/v1/customers/c1", { id: "c1", seats: "five" });
    const broken = await bench.send({ id: "1", data: { id: "c1" } });
    expect(await outcomeOf(broken)).toMatchObject({ status: "dead", reason: "HK7002" });
    api.put("/v1/customers/c1", { id: "c1", seats: 5, other: "x" });
    const drift = await bench.send({ id: "2", data: { id: "c1" } });
    expect(await outcomeOf(drift)).toMatchObject({ status: "applied", detail: { drift: ["other"] } });
  });
});

describe("retention", () => {
  it("takes what was fetched with the body of its event, and shared answers with the last of theirs", async () => {
    const { send, post, engine, pass } = await open(rule(", burst: 1s"));
    api.put("/v1/customers/c1", { id: "c1", seats: 5 });
    const first = await post({ id: "1", data: { id: "c1" } });
    const second = await post({ id: "2", data: { id: "c1" } });
    await engine.drain();
    await pass(2_000);
    const seqs = await Promise.all([first, second].map(async (id) => (await (bench as Bench).story(id)).event.seq));
    expect(api.seen).toHaveLength(1);
    for (const seq of seqs) expect(await engine.store.fetched(seq, "orders")).toBeDefined();
    await send({ id: "3", data: { id: "c1" } });
    await pass(2_000);
    const request = { now: start + 10_000, bodiesBefore: start + 1, limit: 100 };
    while ((await engine.store.purge(request)).more);
    for (const seq of seqs) expect(await engine.store.fetched(seq, "orders")).toBeUndefined();
    expect(await engine.store.fetched((seqs[1] as number) + 1, "orders")).toBeDefined();
  });
});

describe("replays, dry runs and erasure", () => {
  it("a replay fetches anew; its dry run asks nobody and tells by what was fetched last", async () => {
    const { send, engine, clock } = await open();
    api.put("/v1/customers/c1", { id: "c1", seats: 5 });
    const id = await send({ id: "1", data: { id: "c1" } });
    api.put("/v1/customers/c1", { id: "c1", seats: 6 });
    clock.set(start + 1_000);
    const evaluator = createEvaluator();
    const plan = await planReplay(
      { limit: 10, events: [id] },
      { reader: engine.store, routes: createRoutes(engine.revision), evaluator, clock },
    );
    await evaluator.close();
    expect(plan.turns).toMatchObject([{ verdict: "no_change" }]);
    expect(api.seen).toHaveLength(1);
    const audit = { at: clock.now(), actor: "ada", action: "replay", target: id, reason: "newer" };
    await engine.store.replay({ items: [{ event: id as never, pipelines: ["orders"] }], effects: false, audit });
    await engine.drain();
    expect(api.seen).toHaveLength(2);
    expect(await customer()).toMatchObject({ attributes: { seats: { value: 6 } } });
  });

  it("erases what was fetched about a person, though the event itself does not name them", async () => {
    const { send, engine } = await open();
    api.put("/v1/customers/ping-7", { id: "customer-77", seats: 5 });
    const id = await send({ id: "1", data: { id: "ping-7" } });
    const seq = (await (bench as Bench).story(id)).event.seq;
    expect(await engine.store.fetched(seq, "orders")).toMatchObject({ body: expect.stringContaining("customer-77") });
    const plan = await engine.store.erasePlan("customer", "customer-77");
    await engine.store.erase({ plan, at: start, actor: "ada", reason: "asked" });
    expect(await engine.store.fetched(seq, "orders")).toBeUndefined();
    // And a late ping brings nobody back, and keeps nothing.
    const late = await send({ id: "2", data: { id: "ping-7" } });
    expect(await outcomeOf(late)).toMatchObject({ status: "skipped", reason: "tombstone" });
    expect(await engine.store.fetched((await (bench as Bench).story(late)).event.seq, "orders")).toBeUndefined();
  });
});
