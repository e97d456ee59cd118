import { hash } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  type AdminGuard,
  type AdminRequest,
  isLoopbackHost,
  judgeAdmin,
  type Right,
} from "../../engine/http/admin-guard.ts";

const open: AdminGuard = { tokens: [], roles: new Map(), allowedHosts: [], now: () => 1_000 };
const request = (change: Partial<AdminRequest> & { headers?: AdminRequest["headers"] } = {}): AdminRequest => ({
  method: "GET",
  path: "/api/v1/status",
  local: false,
  ...change,
  headers: { host: "127.0.0.1:8081", ...change.headers },
});
const token = (name: string, role: string, until?: number) => ({
  name,
  sha256: hash("sha256", `t-${name}`, "hex"),
  role,
  teams: [],
  ...(until !== undefined && { until }),
});
const bearer = (name: string) => ({ headers: { authorization: `Bearer t-${name}` } });

describe("judgeAdmin", () => {
  test.each(["localhost", "localhost:8081", "127.0.0.1", "[::1]:8081", "LOCALHOST:1"])(
    "a loopback name is taken: %s",
    (host) => {
      expect(judgeAdmin(request({ headers: { host } }), open)).toMatchObject({ ok: true });
    },
  );

  test.each(["evil.example", "127.0.0.1.evil.example:8081", "", "[::1].evil"])(
    "a rebound name is refused: %s",
    (host) => {
      expect(judgeAdmin(request({ headers: { host } }), open)).toMatchObject({ ok: false, status: 403 });
    },
  );

  test("a name that is allowed is taken", () => {
    const guard = { ...open, allowedHosts: ["hookrail.internal"] };
    expect(judgeAdmin(request({ headers: { host: "hookrail.internal:443" } }), guard)).toMatchObject({ ok: true });
  });

  test.each([
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: "http://127.0.0.1:9999" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ])("a page from elsewhere is refused: %j", (headers) => {
    expect(judgeAdmin(request({ headers }), open)).toMatchObject({ ok: false, status: 403 });
  });

  test("a page of its own is taken", () => {
    expect(
      judgeAdmin(request({ headers: { origin: "http://127.0.0.1:8081", "sec-fetch-site": "same-origin" } }), open),
    ).toMatchObject({ ok: true });
  });

  test("a change must come as JSON, which no form can send", () => {
    for (const type of [undefined, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
      expect(judgeAdmin(request({ method: "POST", headers: { "content-type": type } }), open)).toMatchObject({
        ok: false,
        status: 415,
      });
    }
    expect(
      judgeAdmin(request({ method: "POST", headers: { "content-type": "application/json; charset=utf-8" } }), open),
    ).toMatchObject({ ok: true });
  });

  test("with tokens set only a valid one opens the API, and its name is the actor", () => {
    const guard = { ...open, tokens: [token("ann", "admin"), token("old", "admin", 1_000)] };
    expect(judgeAdmin(request(), guard)).toMatchObject({ ok: false, status: 401 });
    for (const authorization of ["Bearer", "Bearer wrong", "Basic t-ann", "t-ann", "Bearer t-ann x", "Bearer t-old"]) {
      expect(judgeAdmin(request({ headers: { authorization } }), guard)).toMatchObject({ ok: false, status: 401 });
    }
    expect(judgeAdmin(request(bearer("ann")), guard)).toMatchObject({ ok: true, actor: "ann" });
  });

  test("health needs no token, and says nothing else", () => {
    const guard = { ...open, tokens: [token("ann", "admin")] };
    expect(judgeAdmin(request({ path: "/readyz", open: true }), guard)).toMatchObject({ ok: true });
    expect(judgeAdmin(request({ path: "/api/v1/status" }), guard)).toMatchObject({ ok: false });
  });

  test("a role bounds what its token may do; a role nobody knows may do nothing", () => {
    const guard: AdminGuard = {
      ...open,
      roles: new Map([["night", ["read", "pause"]]]),
      tokens: [token("v", "viewer"), token("o", "operator"), token("n", "night"), token("x", "ghost")],
    };
    const rights = (name: string) => {
      const judged = judgeAdmin(request(bearer(name)), guard);
      return judged.ok
        ? (["read", "pause", "retry", "discard"] satisfies Right[]).filter((right) => judged.may(right))
        : [];
    };
    expect(["v", "o", "n", "x"].map(rights)).toEqual([
      ["read"],
      ["read", "pause", "retry", "discard"],
      ["read", "pause"],
      [],
    ]);
  });

  test("over the socket all is allowed, under the name the command gives", () => {
    const guard = { ...open, tokens: [token("ann", "admin")] };
    expect(
      judgeAdmin(request({ local: true, headers: { host: "x", "x-hookrail-actor": "ann" } }), guard),
    ).toMatchObject({ ok: true, actor: "ann" });
  });

  test("a name for the audit is believed over the socket only", () => {
    expect(judgeAdmin(request({ headers: { "x-hookrail-actor": "boss" } }), open)).toMatchObject({
      ok: true,
      actor: "admin-api",
    });
  });
});

describe("isLoopbackHost", () => {
  test("knows what only this machine can reach", () => {
    expect(["127.0.0.1", "127.1.2.3", "localhost", "::1"].every(isLoopbackHost)).toBe(true);
    expect(["0.0.0.0", "::", "10.0.0.1", "example.com", "1127.0.0.1"].some(isLoopbackHost)).toBe(false);
  });
});
