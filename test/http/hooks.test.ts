import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../engine/core/clock.ts";
import { silentLog } from "../../engine/core/log.ts";
import type { RawRequest } from "../../engine/core/types.ts";
import { createHooksListener } from "../../engine/http/app.ts";
import { type BodyBudget, createBodyBudget } from "../../engine/http/body-budget.ts";
import { type Intake, readHeaders } from "../../engine/http/hooks.ts";
import type { Reply } from "../../engine/http/reply.ts";
import { createRequestIds, type Listener, type ServerLimits } from "../../engine/http/server.ts";
import { rawExchange } from "../support/raw-http.ts";

const MAX_BYTES = 4_096;
const accepted: Reply = { status: 202, headers: { "content-type": "application/json" }, body: '{"status":"accepted"}' };
const notFound: Reply = { status: 404, headers: {}, body: '{"error":"not found"}' };
const wrongMethod: Reply = { status: 405, headers: { allow: "POST" }, body: '{"error":"method not allowed"}' };

interface Running {
  readonly port: number;
  readonly seen: RawRequest[];
  readonly listener: Listener;
}

const open: Listener[] = [];
afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close(0);
});

describe.each(["in_front", "koa"] as const)("hooks listener, hooks %s", (hooks) => {
  async function start(
    options: {
      answer?: (request: RawRequest) => Reply | Promise<Reply>;
      limits?: Partial<ServerLimits>;
      budget?: BodyBudget;
      admit?: Intake["admit"];
    } = {},
  ): Promise<Running> {
    const seen: RawRequest[] = [];
    const intake: Intake = {
      limitFor: (path) => {
        if (path === "/hooks/a") return { maxBytes: MAX_BYTES };
        if (path === "/hooks/large") return { maxBytes: 1 << 20 };
        return path === "/hooks/z" ? { maxBytes: MAX_BYTES, codings: new Set(["gzip", "deflate", "br"]) } : undefined;
      },
      admit: (request) => options.admit?.(request),
      ingest: (request) => {
        seen.push(request);
        if (options.answer !== undefined) return options.answer(request);
        if (!request.path.startsWith("/hooks/")) return notFound;
        return request.method === "POST" ? accepted : wrongMethod;
      },
    };
    const listener = createHooksListener({
      intake,
      ...(options.budget && { budget: options.budget }),
      clock: systemClock,
      log: silentLog,
      requestId: createRequestIds("t"),
      hooks,
      limits: { headersTimeoutMs: 300, requestTimeoutMs: 300, ...options.limits },
    });
    open.push(listener);
    const address = await listener.listen({ host: "127.0.0.1", port: 0 });
    return { port: Number(new URL(address).port), seen, listener };
  }

  const post = (port: number, path: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", body, headers, redirect: "manual" });

  test("hands the body's bytes, target and headers over untouched", async () => {
    const { port, seen } = await start();
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const answer = await post(port, "/hooks/a?x=%2e%2e&y", bytes, { "X-Sig": "t=1,v1=ab" });
    expect([answer.status, await answer.text()]).toEqual([202, accepted.body]);
    expect(seen).toHaveLength(1);
    const [request] = seen;
    expect([...(request?.body ?? [])]).toEqual([...bytes]);
    expect(request).toMatchObject({
      method: "POST",
      target: "/hooks/a?x=%2e%2e&y",
      path: "/hooks/a",
      query: "x=%2e%2e&y",
      remoteAddress: "127.0.0.1",
    });
    expect(request?.headers["x-sig"]).toBe("t=1,v1=ab");
    expect(request?.rawHeaders).toContain("t=1,v1=ab");
  });

  test("any body up to the limit arrives as sent, in whatever pieces", async () => {
    const { port, seen } = await start();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 500 }), { maxLength: 8 }), async (pieces) => {
        seen.length = 0;
        const chunks = pieces.flatMap((p) => [`${p.length.toString(16)}\r\n`, p, "\r\n"]);
        const answer = await rawExchange({
          port,
          send: [
            "POST /hooks/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
            ...chunks,
            "0\r\n\r\n",
          ],
        });
        expect(answer.status).toBe(202);
        expect(Buffer.from(seen[0]?.body ?? [])).toEqual(Buffer.concat(pieces));
      }),
      { numRuns: 25 },
    );
  });

  test("a body of exactly the limit is taken, one byte more is 413, declared or not", async () => {
    const { port, seen } = await start();
    expect((await post(port, "/hooks/a", "x".repeat(MAX_BYTES))).status).toBe(202);
    expect((await post(port, "/hooks/a", "x".repeat(MAX_BYTES + 1))).status).toBe(413);
    const chunk = `${(MAX_BYTES + 1).toString(16)}\r\n${"x".repeat(MAX_BYTES + 1)}\r\n0\r\n\r\n`;
    const chunked = await rawExchange({
      port,
      send: ["POST /hooks/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", chunk],
    });
    expect(chunked.status).toBe(413);
    expect(seen).toHaveLength(1);
  });

  test("a declared length over the limit is refused before any body is read", async () => {
    const { port, seen } = await start();
    const answer = await rawExchange({
      port,
      send: ["POST /hooks/a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"],
      until: /request_id/,
    });
    expect(answer.status).toBe(413);
    expect(answer.head).toMatch(/connection: close/i);
    expect(seen).toHaveLength(0);
  });

  test("a refusal reaches a client that is still sending", async () => {
    const { port } = await start();
    const status = await new Promise<number>((resolve, reject) => {
      const req = httpRequest({ port, host: "127.0.0.1", path: "/hooks/a", method: "POST" }, (res) => {
        res.resume();
        resolve(res.statusCode ?? 0);
      });
      req.on("error", reject);
      req.end(Buffer.alloc(600_000));
    });
    expect(status).toBe(413);
  });

  test("paths match byte by byte: nothing is decoded, trimmed or redirected", async () => {
    const { port } = await start();
    for (const path of [
      "/",
      "/hooks",
      "/hooks%2fa",
      "/HOOKS/a",
      "//hooks/a",
      "/x/../hooks/a",
      "/__proto__",
      "/constructor",
      "/healthz",
      "/api/v1/status",
    ]) {
      const answer = await rawExchange({
        port,
        send: [`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`],
      });
      expect([path, answer.status]).toEqual([path, path.startsWith("/hooks/") ? 202 : 404]);
    }
    const absolute = await rawExchange({
      port,
      send: ["POST http://evil/hooks/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"],
    });
    expect(absolute.status).toBe(404);
  });

  test("a method the source does not take is 405 with Allow, and the connection stays in step", async () => {
    const { port } = await start();
    const answer = await fetch(`http://127.0.0.1:${port}/hooks/a`, { method: "DELETE" });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"]);
    expect((await fetch(`http://127.0.0.1:${port}/hooks/a`, { method: "HEAD" })).status).toBe(405);
    expect((await post(port, "/hooks/a", "x")).status).toBe(202);
  });

  test.each([
    ["two Host headers", "POST /hooks/a HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n"],
    ["no Host header", "POST /hooks/a HTTP/1.1\r\nContent-Length: 0\r\n\r\n"],
    ["chunks on HTTP/1.0", "POST /hooks/a HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    [
      "length and chunks",
      "POST /hooks/a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["two lengths", "POST /hooks/a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"],
    [
      "two content types",
      "POST /hooks/a HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 0\r\n\r\n",
    ],
    ["a negative length", "POST /hooks/a HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"],
    ["an unknown transfer coding", "POST /hooks/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"],
    ["a NUL in a header", "POST /hooks/a HTTP/1.1\r\nHost: a\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n"],
    ["a folded header", "POST /hooks/a HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n"],
    ["a broken chunk size", "POST /hooks/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
    ["TLS on the plain port", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000"],
    ["the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ])("faulty framing is 400 and the connection closes: %s", async (_name, bytes) => {
    const { port, seen } = await start();
    const answer = await rawExchange({ port, send: [Buffer.from(bytes, "latin1")] });
    expect(answer.status).toBe(400);
    expect(answer.text).not.toMatch(/\n\s+at /);
    expect(seen).toHaveLength(0);
  });

  test("headers beyond the limit are 431", async () => {
    const { port } = await start();
    const answer = await rawExchange({
      port,
      send: [`POST /hooks/a HTTP/1.1\r\nHost: a\r\nX: ${"y".repeat(40_000)}\r\n\r\n`],
    });
    expect(answer.status).toBe(431);
  });

  test("a header named __proto__ is a header like any other", async () => {
    const { port, seen } = await start();
    const answer = await rawExchange({
      port,
      send: ["POST /hooks/a HTTP/1.1\r\nHost: a\r\n__proto__: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"],
    });
    expect(answer.status).toBe(202);
    expect(Object.keys(seen[0]?.headers ?? {})).toContain("__proto__");
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });

  test("trailers do not become headers", async () => {
    const { port, seen } = await start();
    const bytes =
      "POST /hooks/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sig\r\nConnection: close\r\n\r\n0\r\nX-Sig: forged\r\n\r\n";
    expect((await rawExchange({ port, send: [bytes] })).status).toBe(202);
    expect(seen[0]?.headers["x-sig"]).toBeUndefined();
    expect(seen[0]?.rawHeaders).not.toContain("forged");
  });

  test("100 Continue comes only after the cheap checks", async () => {
    const { port, seen } = await start();
    const head = (path: string, length: number) =>
      `POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`;
    const good = await rawExchange({ port, send: [head("/hooks/a", 5), "hello"], between: (text) => text !== "" });
    expect(good.text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 202/);
    expect(Buffer.from(seen[0]?.body ?? []).toString()).toBe("hello");
    for (const [path, length, status] of [
      ["/hooks/a", 1e9, 413],
      ["/nope", 5, 404],
    ] as const) {
      const refused = await rawExchange({ port, send: [head(path, length)], until: /\r\n\r\n.*}/s });
      expect(refused.status).toBe(status);
      expect(refused.text).not.toContain("100 Continue");
    }
  });

  test("an expectation that is not known is 417", async () => {
    const { port } = await start();
    const answer = await rawExchange({
      port,
      send: ["POST /hooks/a HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 0\r\n\r\n"],
    });
    expect(answer.status).toBe(417);
  });

  test("an unknown expectation behind a request that is under way is answered in its turn", async () => {
    const { port } = await start({
      answer: () => new Promise((resolve) => setTimeout(resolve, 20, accepted)),
    });
    const good = "POST /hooks/a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    const tea = "POST /hooks/a HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 5\r\n\r\nhello";
    const answer = await rawExchange({ port, send: [good + good + tea + good] });
    expect([...answer.text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(["202", "202", "417"]);
    expect(answer.head).toMatch(/connection: close/i);
  });

  test("a coded body is 415 unless the source takes codings; then one layer is undone", async () => {
    const { port, seen } = await start();
    const text = JSON.stringify({ a: "b".repeat(100) });
    for (const [coding, bytes] of [
      ["gzip", gzipSync(text)],
      ["deflate", deflateSync(text)],
      ["br", brotliCompressSync(text)],
    ] as const) {
      expect((await post(port, "/hooks/a", bytes, { "content-encoding": coding })).status).toBe(415);
      expect((await post(port, "/hooks/z", bytes, { "content-encoding": coding })).status).toBe(202);
      expect(Buffer.from(seen.at(-1)?.body ?? []).toString()).toBe(text);
    }
    expect((await post(port, "/hooks/z", gzipSync(gzipSync(text)), { "content-encoding": "gzip, gzip" })).status).toBe(
      415,
    );
    expect((await post(port, "/hooks/z", text, { "content-encoding": "zstd" })).status).toBe(415);
    expect((await post(port, "/hooks/z", text, { "content-encoding": "gzip" })).status).toBe(400);
    expect((await post(port, "/hooks/a", text, { "content-encoding": "identity" })).status).toBe(202);
  });

  test("a compression bomb is 413", async () => {
    const { port, seen } = await start();
    const bomb = gzipSync(Buffer.alloc(3_000_000));
    expect(bomb.length).toBeLessThan(MAX_BYTES);
    expect((await post(port, "/hooks/z", bomb, { "content-encoding": "gzip" })).status).toBe(413);
    expect(seen).toHaveLength(0);
  });

  test("a body that does not come in time is 408, and so are headers that do not", async () => {
    const { port, seen } = await start();
    const body = await rawExchange({
      port,
      send: ["POST /hooks/a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"],
    });
    const head = await rawExchange({ port, send: ["POST /hooks/a HTTP/1.1\r\nHost: a\r\nX-Slow: "] });
    expect([body.status, head.status]).toEqual([408, 408]);
    expect(seen).toHaveLength(0);
  });

  test("a client that leaves in the middle of a body leaves nothing behind", async () => {
    const { port, seen } = await start();
    await new Promise<void>((resolve) => {
      const socket = connect({ port, host: "127.0.0.1" }, () => {
        socket.write("POST /hooks/a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc", () =>
          socket.resetAndDestroy(),
        );
      });
      socket.on("close", () => resolve());
    });
    expect((await post(port, "/hooks/a", "x")).status).toBe(202);
    expect(seen).toHaveLength(1);
  });

  test("an intake that throws is 503 with Retry-After and says nothing of why", async () => {
    const { port } = await start({
      answer: () => {
        throw new Error("secret in a message");
      },
    });
    const answer = await post(port, "/hooks/a", "x");
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "10"]);
    expect(await answer.text()).toMatch(/^\{"error":"try again later","request_id":"req_t\w+"\}$/);
  });

  test("a request that is turned away gets its answer before its body is read, and a small one leaves the connection in step", async () => {
    const away: Reply = { status: 503, headers: { "retry-after": "2" }, body: '{"error":"temporarily unavailable"}' };
    const { port, seen } = await start({ admit: ({ path }) => (path === "/hooks/a" ? away : undefined) });
    const head = (path: string, length: number) =>
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;
    const early = await rawExchange({ port, send: [head("/hooks/a", 4_000)], until: /unavailable/ });
    expect([early.status, /retry-after: 2/i.test(early.head)]).toEqual([503, true]);
    const both = await rawExchange({
      port,
      send: [`${head("/hooks/a", 3)}abc${head("/hooks/z", 3).replace("Host: a", "Host: a\r\nConnection: close")}xyz`],
    });
    expect([...both.text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(["503", "202"]);
    expect(Buffer.from(seen[0]?.body ?? []).toString()).toBe("xyz");
    const large = await rawExchange({ port, send: [head("/hooks/a", 200_000), "x".repeat(200_000)] });
    expect([large.status, /connection: close/i.test(large.head)]).toEqual([503, true]);
    expect(seen).toHaveLength(1);
  });

  test("large bodies wait for their share of memory, and small ones never wait", async () => {
    const { port } = await start({ budget: createBodyBudget(500_000), limits: { requestTimeoutMs: 400 } });
    // One sender announces a large body and sends none of it.
    const head = (length: number) => `POST /hooks/large HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;
    const stalled = rawExchange({ port, send: [head(500_000)] });
    const large = post(port, "/hooks/large", Buffer.alloc(400_000));
    const small = await Promise.all(Array.from({ length: 20 }, () => post(port, "/hooks/large", "x")));
    expect(small.map((answer) => answer.status)).toEqual(Array.from({ length: 20 }, () => 202));
    expect((await stalled).status).toBe(408);
    // It held its place no longer than a request may take.
    expect((await large).status).toBeOneOf([202, 408]);
    expect((await post(port, "/hooks/large", Buffer.alloc(450_000))).status).toBe(202);
  });

  test("closing lets what is in flight finish and refuses what is new", async () => {
    let release: (() => void) | undefined;
    const entered = Promise.withResolvers<void>();
    const { port, listener } = await start({
      limits: { requestTimeoutMs: 10_000 },
      answer: () =>
        new Promise<Reply>((resolve) => {
          release = () => resolve(accepted);
          entered.resolve();
        }),
    });
    const inFlight = post(port, "/hooks/a", "x");
    await entered.promise;
    const closed = listener.close(10_000);
    await expect(post(port, "/hooks/a", "y")).rejects.toThrow();
    release?.();
    const answer = await inFlight;
    expect([answer.status, answer.headers.get("connection")]).toEqual([202, "close"]);
    await closed;
  });

  test("closing cuts off what does not end within the grace", async () => {
    const entered = Promise.withResolvers<void>();
    const { port, listener } = await start({
      answer: () => {
        entered.resolve();
        return new Promise<Reply>(() => {});
      },
    });
    const inFlight = post(port, "/hooks/a", "x");
    const failed = expect(inFlight).rejects.toThrow();
    await entered.promise;
    await listener.close(20);
    await failed;
  });
});

describe("readHeaders", () => {
  test("every header that came can be read under its lower-case name", () => {
    const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_-]{0,12}$/).map((n) => `x${n}`);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.string()), { maxLength: 20 }), (pairs) => {
        const headers = readHeaders(pairs.flat());
        for (const [n, v] of pairs) expect(headers?.[n.toLowerCase()]).toContain(v);
      }),
    );
  });

  test("a second value of a header that frames or identifies the message is refused, equal or not", () => {
    for (const name of ["host", "Content-Type", "CONTENT-LENGTH", "authorization"]) {
      expect(readHeaders([name, "a", name.toLowerCase(), "a"])).toBeUndefined();
    }
  });
});
