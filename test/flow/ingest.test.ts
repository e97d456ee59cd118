import { createHmac } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import type { Revision, SourceModel } from "../../engine/config/revision.ts";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { createCountingIds } from "../../engine/core/ids.ts";
import type { RawRequest } from "../../engine/core/types.ts";
import { createAdmission } from "../../engine/flow/admission.ts";
import { type IngestDeps, ingest } from "../../engine/flow/ingest.ts";
import { silentObserver } from "../../engine/flow/observer.ts";
import { createRoutes } from "../../engine/flow/routes.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import type { Store } from "../../engine/store/store.ts";
import { revisionOf } from "../support/revision.ts";

const now = Date.UTC(2026, 11, 1);

async function shop(source: string): Promise<Revision> {
  return revisionOf({
    "config.yaml":
      "teams: { ops: {} }\nentities: { thing: { attributes: { name: { type: string, owner: ops } } } }\nconnections: { out: { sink: file, path: ./out.ndjson } }",
    "pipelines/p.yaml": `pipeline: p\nowner: ops\nsource:\n  path: /in\n  secrets: [s1, s2]\n${source.replace(/^/gm, "  ")}\nrules:\n  - on: "*"\n    write: { thing: { key: id, fields: { name: name } } }\ndeliver:\n  - { to: out, entity: thing }\n`,
  });
}

const signed = "signature: { scheme: hmac, header: x-signature, encoding: hex }";
const withIds = `${signed}\nid: body:id\ntype: body:type`;
let store: Store | undefined;
afterEach(async () => {
  await store?.close();
  store = undefined;
});

async function open(source: string, parts: Partial<IngestDeps> = {}) {
  const revision = await shop(source);
  const clock = createVirtualClock(now);
  store = await openSqliteStore({ path: ":memory:", clock, thread: false });
  const model = revision.pipelines[0]?.source as SourceModel;
  const deps: IngestDeps = {
    routes: createRoutes(revision),
    source: model,
    store,
    clock,
    ids: createCountingIds(),
    observer: silentObserver,
    admission: createAdmission(clock, async () => 0),
    ...parts,
  };
  return (body: string | Uint8Array, request: Partial<RawRequest> & { readonly secret?: string } = {}) => {
    const bytes = Buffer.from(body);
    const headers = {
      "content-type": "application/json",
      "x-signature": createHmac("sha256", request.secret ?? "s1")
        .update(bytes)
        .digest("hex"),
      ...request.headers,
    };
    const raw: RawRequest = {
      method: "POST",
      target: "/in",
      path: "/in",
      query: "",
      rawHeaders: Object.entries(headers).flat(),
      body: bytes,
      remoteAddress: "127.0.0.1",
      receivedAt: now,
      ...request,
      headers,
    };
    return ingest(raw, deps);
  };
}

describe("ingest", () => {
  it("answers 202 for a new event, 200 for one it has, and names the event both times", async () => {
    const send = await open(withIds);
    const first = await send('{"id":"1","type":"a"}');
    const second = await send('{"id":"1","type":"a"}');
    expect([first.status, second.status]).toEqual([202, 200]);
    expect(second.headers["x-hookrail-event"]).toBe(first.headers["x-hookrail-event"]);
  });

  it("answers 200 to the same id with another body, keeps the first and records the conflict", async () => {
    const send = await open(withIds);
    const first = await send('{"id":"1","type":"a","name":"x"}');
    expect(await send('{"id":"1","type":"a","name":"y"}')).toMatchObject({ status: 200, outcome: "conflict" });
    const story = await store?.story(first.headers["x-hookrail-event"] ?? "");
    expect(Buffer.from(story?.event.body ?? "").toString()).toContain('"x"');
    expect(story?.conflicts.length).toBe(1);
  });

  it("has one answer for every cause of a 401", async () => {
    const send = await open(withIds);
    const causes = await Promise.all([
      send("{}", { secret: "wrong" }),
      send("{}", { headers: { "x-signature": "" } }),
      send("{}", { headers: { "x-signature": "zz" } }),
      send("{}", { headers: { "x-signature": "é".repeat(64) } }),
    ]);
    expect(new Set(causes.map((reply) => JSON.stringify(reply))).size).toBe(1);
    expect(causes[0]?.status).toBe(401);
    expect((await store?.counts())?.events).toBe(0);
  });

  it("accepts both secrets while they rotate", async () => {
    const send = await open(withIds);
    expect((await send('{"id":"1","type":"a"}', { secret: "s2" })).status).toBe(202);
    expect((await store?.events({}))?.length).toBe(1);
  });

  it("keeps what is verified but can not be read as a dead letter, and answers 2xx", async () => {
    const send = await open(withIds);
    for (const body of ["not json", '{"id":', "[".repeat(2_000), Buffer.from([0xff, 0xfe, 0x7b])]) {
      expect((await send(body)).status).toBe(202);
    }
    const letters = (await store?.deadLetters({ status: "open" })) ?? [];
    expect(letters.map((letter) => letter.kind)).toEqual(["event", "event", "event", "event"]);
  });

  it("stores no credentials among an event's headers", async () => {
    const send = await open(withIds);
    const reply = await send('{"id":"1","type":"a"}', {
      headers: { authorization: "Bearer x", cookie: "a=b", "x-shop-token": "t", "x-shop-domain": "acme" },
    });
    const story = await store?.story(reply.headers["x-hookrail-event"] ?? "");
    expect(story?.event.headers).toEqual({ "content-type": "application/json", "x-shop-domain": "acme" });
  });

  it("asks the sender to come again when the store can not promise, and says nothing more", async () => {
    const send = await open(withIds, {
      store: { accept: () => Promise.reject(new Error("SQLITE_FULL: /secret/path")) },
    });
    const reply = await send('{"id":"1","type":"a"}');
    expect(reply).toMatchObject({ status: 503, headers: { "retry-after": "5" } });
    expect(reply.body).not.toMatch(/SQLITE|path/);
  });

  it("tells equal bodies of a source without ids apart only after its window", async () => {
    const send = await open(signed);
    expect((await send('{"name":"ada"}')).status).toBe(202);
    expect((await send('{"name":"ada"}')).status).toBe(200);
    expect((await send('{"name":"ada"}', { receivedAt: now + 11 * 60_000 })).status).toBe(202);
  });

  it("refuses other methods before it looks at the body", async () => {
    const send = await open(withIds);
    expect(await send("{}", { method: "PUT" })).toMatchObject({ status: 405, headers: { allow: "POST" } });
  });
});
