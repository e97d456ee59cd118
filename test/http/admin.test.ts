import { hash } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { createCountingIds } from "../../engine/core/ids.ts";
import { silentLog } from "../../engine/core/log.ts";
import type { EventId } from "../../engine/core/types.ts";
import { createLive } from "../../engine/flow/live.ts";
import { createStoreOperations } from "../../engine/flow/operations.ts";
import { createStoreLife } from "../../engine/flow/store-life.ts";
import { type AdminDeps, createAdminListener } from "../../engine/http/admin.ts";
import type { ReloadDocument } from "../../engine/http/admin-reload.ts";
import { adminSocketPath, listenOnSocket } from "../../engine/http/admin-socket.ts";
import { type StatusDocument, sensitivityOf } from "../../engine/http/documents.ts";
import { createRequestIds, type Listener } from "../../engine/http/server.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import type { NewEvent, Store } from "../../engine/store/store.ts";

const NOW = Date.UTC(2026, 10, 24);
const clock = createVirtualClock(NOW);
const status: StatusDocument = {
  version: "0.0.0",
  pid: 1,
  state: "running",
  started_at: "2026-11-24T00:00:00.000Z",
  hooks: "http://127.0.0.1:1",
  admin: "http://127.0.0.1:2",
  environment: "dev",
  revision: "r1",
  pipelines: [{ name: "paid", source: "stripe", path: "/hooks/stripe", owner: "ops" }],
  connections: [{ name: "crm", sink: "http", guarantee: "at_least_once", breaker: "closed" }],
};

const reloaded: ReloadDocument = {
  at: "2026-11-24T00:00:00.000Z",
  why: "command",
  result: "refused",
  revision: "r1",
  file_revision: null,
  changes: [],
  error: { code: "HK8040", message: "the new config has errors", frames: ["secret.yaml:1"] },
};

let store: Store;
let listeners: Listener[];
let ids: ReturnType<typeof createCountingIds>;
beforeEach(async () => {
  ids = createCountingIds();
  listeners = [];
  store = await openSqliteStore({ path: ":memory:", clock, thread: false });
});
afterEach(async () => {
  for (const listener of listeners) await listener.close(0);
  await store.close();
});

const deps = (change: Partial<AdminDeps> = {}): AdminDeps => ({
  reader: store,
  operations: createStoreOperations(store, clock),
  edits: { plan: () => Promise.reject(new Error("not here")), edit: () => Promise.reject(new Error("not here")) },
  life: createStoreLife({ store, clock, entities: new Map() }),
  replays: { replay: async () => ({ queued: 0, busy: 0, gone: 0 }), pending: async () => 0 },
  planReplay: async () => ({ events: [], turns: [], leftOut: [], more: false }),
  plans: { plan: () => Promise.reject(new Error("not here")) },
  reload: async () => reloaded,
  reloadStatus: () => ({ file_revision: "r1", last_reload: null }),
  status: () => status,
  notReady: () => undefined,
  failing: () => undefined,
  sensitivity: () => sensitivityOf(new Map()),
  guard: { tokens: [], roles: new Map(), allowedHosts: [], now: clock.now },
  audit: (row) => store.recordAudit(row),
  live: { facts: createLive({ clock, name: "t" }), clock },
  pipelines: { list: () => [], detail: () => undefined, runbook: () => undefined },
  recent: { stats: () => [], history: () => [], duplicates: () => 0 },
  randomHex: (bytes) => "ab".repeat(bytes),
  log: silentLog,
  requestId: createRequestIds("t"),
  ...change,
});

async function start(change: Partial<AdminDeps> = {}): Promise<string> {
  const listener = createAdminListener(deps(change), false);
  listeners.push(listener);
  return listener.listen({ host: "127.0.0.1", port: 0 });
}

/** An event that can not be read is a dead letter from the start. */
async function acceptUnreadable(): Promise<EventId> {
  const id = ids.event();
  const event: NewEvent = {
    id,
    source: "stripe",
    provider: "stripe",
    dedupeKey: `p:${id}`,
    dedupeUntil: NOW + 1_000_000,
    providerId: `evt_${id}`,
    type: "invoice.paid",
    occurredAt: NOW,
    clockResolutionMs: 1000,
    rank: 0,
    receivedAt: NOW,
    headers: {},
    contentType: "application/json",
    body: Buffer.from('{"card":"canary"}'),
    bodyHash: "ab".repeat(32),
    itemIndex: 0,
    verification: { scheme: "hmac", secretIndex: 1, signed: "raw_body" },
    revision: "r1",
    unreadable: { code: "HK3001", message: "too deep" },
  };
  await store.accept({ events: [event], pipelines: [[]] });
  return id;
}

const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

describe("admin API", () => {
  test("answers JSON that no browser may keep, guess at or run", async () => {
    const url = await start();
    for (const path of ["/healthz", "/readyz", "/api/v1/status", "/nope", "/"]) {
      const answer = await fetch(url + path);
      expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
      expect(await answer.json()).toMatchObject({ format_version: "1.0" });
    }
  });

  test("says to those who only ask for the head that it fails, and why to the others", async () => {
    const url = await start({ failing: () => "the store can promise nothing more" });
    const alive = await fetch(`${url}/healthz`);
    expect([alive.status, await alive.json()]).toEqual([
      503,
      { format_version: "1.0", status: "failing", reason: "the store can promise nothing more" },
    ]);
    for (const path of ["/healthz", "/readyz"])
      expect((await fetch(url + path, { method: "HEAD" })).status).toBe(path === "/healthz" ? 503 : 200);
  });

  test("is alive while it is not ready", async () => {
    const url = await start({ notReady: () => "draining" });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { format_version: "1.0", status: "not ready", reason: "draining", revision: "r1", reload: null },
    ]);
  });

  test("reloads for who may, and says to others no more than that a reload was refused", async () => {
    const status = () => ({ file_revision: null, last_reload: reloaded });
    const tokens = (["operator", "admin"] as const).map((role) => ({
      name: role,
      sha256: hash("sha256", `token-of-${role}`, "hex"),
      role,
      teams: [],
    }));
    const guard = { tokens, roles: new Map(), allowedHosts: [], now: clock.now };
    const url = await start({ guard, reloadStatus: status });
    const post = (role: string) =>
      fetch(`${url}/api/v1/reload`, {
        method: "POST",
        body: "{}",
        headers: { "content-type": "application/json", authorization: `Bearer token-of-${role}` },
      });
    expect((await post("operator")).status).toBe(403);
    expect(await (await post("admin")).json()).toEqual({ format_version: "1.0", reload: reloaded });
    // Also of one that was refused the audit says who asked.
    expect(await store.audit(5)).toMatchObject([{ action: "reload", target: "refused: HK8040" }]);
    expect(await (await fetch(`${url}/readyz`)).json()).toEqual({
      format_version: "1.0",
      status: "ready",
      revision: "r1",
      reload: { at: reloaded.at, result: "refused", error: "HK8040" },
    });
  });

  test("tells status with counts and pauses", async () => {
    await acceptUnreadable();
    await store.setPause(
      { kind: "connection", name: "crm", since: NOW, by: "ann", reason: "401" },
      { at: NOW, actor: "ann", action: "pause", target: "x", reason: "" },
    );
    const answer = await fetch(`${await start()}/api/v1/status`);
    expect(await answer.json()).toMatchObject({
      state: "running",
      counts: { events: 1, open_dead_letters: 1 },
      paused: [{ kind: "connection", name: "crm", reason: "401" }],
    });
  });

  test("lists events and tells a story, never the body", async () => {
    const id = await acceptUnreadable();
    const url = await start();
    const list = await (await fetch(`${url}/api/v1/events?source=stripe&limit=5`)).json();
    expect(list).toMatchObject({ events: [{ id, type: "invoice.paid", outcome: "dead_letter" }] });
    expect(await (await fetch(`${url}/api/v1/events?source=other`)).json()).toMatchObject({ events: [] });
    const text = await (await fetch(`${url}/api/v1/events/${id}`)).text();
    expect(JSON.parse(text)).toMatchObject({
      event: { id, verification: { scheme: "hmac" }, dead_letters: [{ code: "HK3001", status: "open" }] },
    });
    expect(text).not.toContain("canary");
    expect((await fetch(`${url}/api/v1/events/evt_unknown`)).status).toBe(404);
  });

  test("closes a dead letter once and audits who asked", async () => {
    const id = await acceptUnreadable();
    const url = await start();
    const [letter] = await store.deadLetters({});
    expect(letter?.event).toBe(id);
    const first = await post(`${url}/api/v1/dead-letters/${letter?.id}/discard`, { reason: "a test" });
    expect([first.status, await first.json()]).toMatchObject([200, { done: "discarded" }]);
    expect((await post(`${url}/api/v1/dead-letters/${letter?.id}/discard`, { reason: "again" })).status).toBe(404);
    expect((await post(`${url}/api/v1/dead-letters/${letter?.id}/retry`, {})).status).toBe(404);
    expect(await store.audit(5)).toMatchObject([{ actor: "admin-api", reason: "a test" }]);
  });

  test("a discard without a reason is refused and changes nothing", async () => {
    await acceptUnreadable();
    const url = await start();
    const [letter] = await store.deadLetters({});
    for (const body of [{}, { reason: "  " }, { reason: 5 }])
      expect((await post(`${url}/api/v1/dead-letters/${letter?.id}/discard`, body)).status).toBe(400);
    expect((await store.deadLetter(letter?.id ?? ""))?.status).toBe("open");
  });

  test("pauses and resumes what the revision knows, and nothing else", async () => {
    const url = await start();
    expect((await post(`${url}/api/v1/pause`, { kind: "pipeline", name: "paid", reason: "incident" })).status).toBe(
      200,
    );
    expect(await store.pauses()).toMatchObject([{ kind: "pipeline", name: "paid", reason: "incident" }]);
    expect(await (await post(`${url}/api/v1/resume`, { kind: "pipeline", name: "paid" })).json()).toMatchObject({
      was_paused: true,
    });
    expect((await post(`${url}/api/v1/pause`, { kind: "pipeline", name: "crm" })).status).toBe(404);
    expect((await post(`${url}/api/v1/pause`, { kind: "team", name: "ops" })).status).toBe(400);
  });

  test.each(["{", "[]", '"x"', "5"])("a body that is no JSON object is 400: %s", async (body) => {
    const url = await start();
    const answer = await fetch(`${url}/api/v1/pause`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    expect(answer.status).toBe(400);
  });

  test("a viewer's token reads and changes nothing", async () => {
    const tokens = [{ name: "v", sha256: hash("sha256", "secret-v", "hex"), role: "viewer", teams: [] }];
    const url = await start({ guard: { tokens, roles: new Map(), allowedHosts: [], now: clock.now } });
    const authorization = "Bearer secret-v";
    expect((await fetch(`${url}/api/v1/events`)).status).toBe(401);
    expect((await fetch(`${url}/api/v1/events`, { headers: { authorization } })).status).toBe(200);
    expect((await post(`${url}/api/v1/pause`, { kind: "pipeline", name: "paid" }, { authorization })).status).toBe(403);
    expect(await store.pauses()).toEqual([]);
  });

  test("a method a path does not take is 405, and odd paths are 404", async () => {
    const url = await start();
    expect(
      (await fetch(`${url}/api/v1/events`, { method: "DELETE", headers: { "content-type": "application/json" } }))
        .status,
    ).toBe(405);
    for (const path of ["/api/v1/events/%zz", "/api/v1/events/a/b", "/api/v1/__proto__"])
      expect((await fetch(url + path)).status).toBeGreaterThanOrEqual(400);
  });

  test("a fault inside says nothing of itself", async () => {
    const broken: AdminDeps["reader"] = { ...store, events: () => Promise.reject(new Error("canary")) };
    const answer = await fetch(`${await start({ reader: broken })}/api/v1/events`);
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("canary");
  });
});

describe("admin socket", () => {
  const place = { platform: process.platform, tmpdir: tmpdir(), uid: process.getuid?.() ?? 0 };

  test("only its owner may open it, and it takes the place of a dead engine's", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hookrail-socket-"));
    try {
      const path = adminSocketPath(join(folder, "hookrail.db"), place);
      for (let round = 0; round < 2; round++) {
        const listener = createAdminListener(deps(), true);
        listeners.push(listener);
        await listenOnSocket(listener, path, place);
        expect(statSync(path).mode & 0o777).toBe(0o600);
      }
      const text = await new Promise<string>((resolve, reject) => {
        httpRequest({ socketPath: path, path: "/api/v1/status", headers: { host: "anything" } }, (res) => {
          let body = "";
          res.on("data", (chunk) => (body += chunk)).on("end", () => resolve(body));
        })
          .on("error", reject)
          .end();
      });
      expect(JSON.parse(text)).toMatchObject({ state: "running" });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("a path too long for a socket has one of bounded length, always the same", () => {
    const long = `/${"deep/".repeat(40)}hookrail.db`;
    const path = adminSocketPath(long, place);
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(100);
    expect(adminSocketPath(long, place)).toBe(path);
    expect(adminSocketPath(`${long}x`, place)).not.toBe(path);
    expect(adminSocketPath("/data/hookrail.db", place)).toBe("/data/hookrail.db.sock");
    expect(adminSocketPath("C:\\data\\hookrail.db", { ...place, platform: "win32" })).toMatch(
      /^\\\\\.\\pipe\\hookrail-/,
    );
  });
});
