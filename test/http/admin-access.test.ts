import { hash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { silentLog } from "../../engine/core/log.ts";
import { createLive } from "../../engine/flow/live.ts";
import { createStoreOperations } from "../../engine/flow/operations.ts";
import { createStoreLife } from "../../engine/flow/store-life.ts";
import { ADMIN_ROUTES, type AdminDeps, createAdminListener } from "../../engine/http/admin.ts";
import { createGuesses, createSessions, MAX_GUESSES } from "../../engine/http/admin-access.ts";
import { BUILT_IN_ROLES } from "../../engine/http/admin-guard.ts";
import { sensitivityOf } from "../../engine/http/documents.ts";
import { createRequestIds, type Listener } from "../../engine/http/server.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import type { Store } from "../../engine/store/store.ts";

const NOW = Date.UTC(2026, 10, 24);
const TOKENS = Object.keys(BUILT_IN_ROLES).map((role) => ({
  name: `${role}-ann`,
  role,
  sha256: hash("sha256", `token-of-${role}`, "hex"),
  teams: [],
}));

let clock: ReturnType<typeof createVirtualClock>;
let store: Store;
let listener: Listener;
let url: string;
let tokens: AdminDeps["guard"]["tokens"];

beforeEach(async () => {
  clock = createVirtualClock(NOW);
  store = await openSqliteStore({ path: ":memory:", clock, thread: false });
  tokens = TOKENS;
  let made = 0;
  const deps: AdminDeps = {
    reader: store,
    operations: createStoreOperations(store, clock),
    edits: { plan: () => Promise.reject(new Error("not here")), edit: () => Promise.reject(new Error("not here")) },
    life: createStoreLife({ store, clock, entities: new Map() }),
    replays: { replay: async () => ({ queued: 0, busy: 0, gone: 0 }), pending: async () => 0 },
    planReplay: async () => ({ events: [], turns: [], leftOut: [], more: false }),
    plans: { plan: () => Promise.reject(new Error("not here")) },
    reload: async () => ({
      at: "",
      why: "",
      result: "unchanged",
      revision: "r1",
      file_revision: "r1",
      changes: [],
      error: null,
    }),
    reloadStatus: () => ({ file_revision: "r1", last_reload: null }),
    status: () => ({
      version: "0",
      pid: 1,
      state: "running",
      started_at: "",
      hooks: "",
      admin: "",
      environment: "dev",
      revision: "r1",
      pipelines: [],
      connections: [],
    }),
    notReady: () => undefined,
    failing: () => undefined,
    metrics: async () => ({ type: "text/plain", text: "" }),
    sensitivity: () => sensitivityOf(new Map()),
    guard: {
      get tokens() {
        return tokens;
      },
      roles: new Map([["night", ["read", "pause"]]]),
      allowedHosts: [],
      now: clock.now,
    },
    audit: (row) => store.recordAudit(row),
    live: { facts: createLive({ clock, name: "t" }), clock },
    pipelines: { list: () => [], detail: () => undefined, runbook: () => undefined },
    recent: { stats: () => [], history: () => [], duplicates: () => 0 },
    randomHex: (bytes) => (++made).toString(16).padStart(bytes * 2, "0"),
    log: silentLog,
    requestId: createRequestIds("t"),
  };
  listener = createAdminListener(deps, false);
  url = await listener.listen({ host: "127.0.0.1", port: 0 });
});
afterEach(async () => {
  await listener.close(0);
  await store.close();
});

const asking = (token?: string, headers: Record<string, string> = {}) => ({
  "content-type": "application/json",
  ...(token !== undefined && { authorization: `Bearer ${token}` }),
  ...headers,
});

const signIn = (token: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/api/v1/session`, {
    method: "POST",
    headers: asking(undefined, headers),
    body: JSON.stringify({ token }),
  });

describe("every route, by role", () => {
  const cells = ADMIN_ROUTES.flatMap((route) =>
    [undefined, ...Object.keys(BUILT_IN_ROLES)].map((role) => ({
      route,
      role,
      name: `${route.id} by ${role ?? "nobody"}`,
    })),
  );
  test.each(cells)("$name", async ({ route, role }) => {
    const path = route.path.replace(/\{\w+\}/g, "x").replace(/live$/, "live?follow=0");
    const answer = await fetch(url + path, {
      method: route.method,
      headers: asking(role === undefined ? undefined : `token-of-${role}`),
      ...(route.method === "POST" && { body: "{}" }),
    });
    await answer.text();
    const rights = role === undefined ? [] : (BUILT_IN_ROLES[role] ?? []);
    const isOpen = route.right === "nothing" || (rights as readonly string[]).includes(route.right);
    if (isOpen) expect([401, 403]).not.toContain(answer.status);
    else expect(answer.status).toBe(role === undefined ? 401 : 403);
  });

  test("what changes something is no viewer's, and what shows sensitive values no operator's", () => {
    const changing = ADMIN_ROUTES.filter((one) => one.method === "POST" && one.right === "read").map((one) => one.id);
    expect(changing).toEqual([]);
    expect(BUILT_IN_ROLES["viewer"]).toEqual(["read"]);
    expect(BUILT_IN_ROLES["operator"]).not.toContain("read_sensitive");
  });

  test("closing many asks for the right of what it does", async () => {
    const status = async (role: string, action: string) =>
      (
        await fetch(`${url}/api/v1/dead-letters`, {
          method: "POST",
          headers: asking(`token-of-${role}`),
          body: JSON.stringify({ action }),
        })
      ).status;
    expect(await status("viewer", "retry")).toBe(403);
    expect(await status("viewer", "discard")).toBe(403);
    expect(await status("operator", "discard")).toBe(200);
    expect(await status("operator", "burn")).toBe(400);
  });
});

describe("a browser's session", () => {
  const cookieOf = (answer: Response) => (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  const me = (cookie: string, headers: Record<string, string> = {}) =>
    fetch(`${url}/api/v1/me`, { headers: { cookie, ...headers } });

  test("is opened with a token, kept from scripts and other sites, and does what the token may", async () => {
    const answer = await signIn("token-of-operator");
    expect(await answer.json()).toEqual({ format_version: "1.0", name: "operator-ann", role: "operator" });
    expect(answer.headers.get("set-cookie")).toMatch(
      /^hookrail_session=[0-9a-f]{64}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=43200$/,
    );
    expect(await (await me(cookieOf(answer))).json()).toEqual({
      format_version: "1.0",
      name: "operator-ann",
      role: "operator",
      rights: ["read", "pause", "retry", "discard", "replay", "edit"],
    });
  });

  test("of another site is not taken", async () => {
    const cookie = cookieOf(await signIn("token-of-admin"));
    for (const headers of [
      { origin: "https://evil.example" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ])
      expect((await me(cookie, headers)).status).toBe(403);
    const form = await fetch(`${url}/api/v1/reload`, {
      method: "POST",
      headers: { cookie, "content-type": "application/x-www-form-urlencoded" },
      body: "a=b",
    });
    expect(form.status).toBe(415);
    expect((await signIn("token-of-admin", { origin: "https://evil.example" })).status).toBe(403);
  });

  test("ends when it is signed out, after twelve hours, and with its token", async () => {
    const first = cookieOf(await signIn("token-of-admin"));
    const out = await fetch(`${url}/api/v1/session`, {
      method: "DELETE",
      headers: asking(undefined, { cookie: first }),
    });
    expect(out.headers.get("set-cookie")).toContain("Max-Age=0");
    expect((await me(first)).status).toBe(401);

    const second = cookieOf(await signIn("token-of-admin"));
    await clock.advance(12 * 3_600_000 - 1);
    expect((await me(second)).status).toBe(200);
    await clock.advance(1);
    expect((await me(second)).status).toBe(401);

    const third = cookieOf(await signIn("token-of-admin"));
    tokens = TOKENS.filter((one) => one.role !== "admin");
    expect((await me(third)).status).toBe(401);
  });

  test("takes the place of the one that the browser had", async () => {
    const first = cookieOf(await signIn("token-of-viewer"));
    const second = cookieOf(await signIn("token-of-admin", { cookie: first }));
    expect([(await me(first)).status, (await me(second)).status]).toEqual([401, 200]);
  });

  test("is nobody's with a made-up cookie", async () => {
    for (const cookie of ["hookrail_session=", `hookrail_session=${"0".repeat(64)}`, "hookrail_session"])
      expect((await me(cookie)).status).toBe(401);
  });
});

describe("guessing at tokens", () => {
  test("ends after ten, for right ones too, and is let go on a minute later", async () => {
    const status = async (token?: string) => {
      const answer = await fetch(`${url}/api/v1/me`, { headers: asking(token) });
      return [answer.status, answer.headers.get("retry-after")];
    };
    for (let n = 0; n < MAX_GUESSES; n++) expect(await status(`wrong-${n}`)).toEqual([401, null]);
    expect(await status("token-of-admin")).toEqual([429, "60"]);
    const login = await signIn("token-of-admin");
    expect([login.status, login.headers.get("retry-after")]).toEqual([429, "60"]);
    // No token is no guess, and the probes of an orchestrator go on.
    expect(await status()).toEqual([401, null]);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    await clock.advance(59_000);
    expect(await status("token-of-admin")).toEqual([429, "1"]);
    await clock.advance(1_000);
    expect(await status("token-of-admin")).toEqual([200, null]);
  });

  test("keeps nobody out who has a whole token: one stranger behind the same proxy would lock all others out", async () => {
    const whole = `hkr_${"x".repeat(43)}`;
    tokens = [...TOKENS, { name: "prometheus", role: "viewer", sha256: hash("sha256", whole, "hex"), teams: [] }];
    for (let n = 0; n <= MAX_GUESSES; n++) await fetch(`${url}/api/v1/me`, { headers: asking(`wrong-${n}`) });
    const status = async (token: string) => (await fetch(`${url}/api/v1/me`, { headers: asking(token) })).status;
    expect(await status(whole)).toBe(200);
    expect((await signIn(whole)).status).toBe(200);
    expect(await status(`${whole}x`)).toBe(429);
    expect(await status("token-of-admin")).toBe(429);
  });

  test("by signing in counts as well", async () => {
    for (let n = 0; n < MAX_GUESSES; n++) expect((await signIn(`wrong-${n}`)).status).toBe(401);
    expect((await signIn("wrong")).status).toBe(429);
  });

  test("is counted by network for IPv6, and for so many places at most", () => {
    const guesses = createGuesses();
    for (let n = 0; n < MAX_GUESSES; n++) guesses.wrong(`2001:db8:1:2:${n}::1`, 0);
    expect(guesses.wait("2001:db8:1:2::ffff", 0)).toBe(60);
    expect(guesses.wait("2001:db8:1:3::1", 0)).toBe(0);
    expect(guesses.wait("2001:db8::1:2:3:4", 0)).toBe(0);
    for (let n = 0; n < 10_000; n++) guesses.wrong(`198.51.${n >> 8}.${n & 255}`, 0);
    expect(guesses.wait("2001:db8:1:2::ffff", 0)).toBe(0);
  });
});

describe("a follower of the live facts", () => {
  const follow = (token: string) =>
    fetch(`${url}/api/v1/live`, { headers: { authorization: `Bearer ${token}` } }).then(async (answer) => {
      const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
      if (reader === undefined) throw new Error("no body");
      await reader.read();
      return {
        rest: async () => {
          let text = "";
          for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
          return text;
        },
      };
    });

  test("is let go when its token is taken out, within a second", async () => {
    const stays = await follow("token-of-viewer");
    const goes = await follow("token-of-operator");
    await clock.advance(5_000);
    tokens = TOKENS.filter((one) => one.role !== "operator");
    await clock.advance(1_000);
    expect(await goes.rest()).toContain('event: end\ndata: {"why":"the token no longer allows this"}');
    tokens = tokens.filter((one) => one.role === "admin");
    await clock.advance(1_000);
    expect(await stays.rest()).toContain("event: end");
  });

  test("is let go when its token ends, though nothing is told", async () => {
    tokens = TOKENS.map((one) => ({ ...one, until: NOW + 10_000 }));
    const following = await follow("token-of-viewer");
    await clock.advance(10_000);
    expect(await following.rest()).toContain("event: end");
  });
});

test("sessions are bounded: the oldest go", () => {
  const sessions = createSessions();
  for (let n = 0; n <= 1_000; n++) sessions.open(`s${n}`, { sha256: "x", until: 1 });
  expect([sessions.find("s0", 0), sessions.find("s1", 0)?.sha256]).toEqual([undefined, "x"]);
});

test("an exposed listener without tokens lets nobody in, as after a reload that took them all out", async () => {
  const { judgeAdmin } = await import("../../engine/http/admin-guard.ts");
  const guard = { tokens: [], roles: new Map(), allowedHosts: [], now: () => 0, exposed: true };
  const request = { method: "GET", path: "/api/v1/status", local: false, headers: { host: "127.0.0.1" } };
  expect(judgeAdmin(request, guard)).toMatchObject({ ok: false, status: 401 });
});
