import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSinkHttp, type GuardedHttp, type SinkHttpOptions } from "../../engine/network/client.ts";
import { answer, type FaultServer, startFaultServer } from "../support/fault-server.ts";

let server: FaultServer;
const clients: GuardedHttp[] = [];

beforeEach(async () => {
  server = await startFaultServer();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await server.close();
});

function client(options: SinkHttpOptions = {}): GuardedHttp {
  const made = createSinkHttp({ allowPrivate: true, totalTimeoutMs: 5_000, idleTimeoutMs: 2_000, ...options });
  clients.push(made);
  return made;
}

const never = () => new AbortController().signal;
const post = (
  http: GuardedHttp,
  url: string,
  more: { headers?: Record<string, string>; body?: string; signal?: AbortSignal } = {},
) =>
  http.request({
    method: "POST",
    url,
    headers: more.headers ?? {},
    body: more.body ?? "{}",
    signal: more.signal ?? never(),
  });

describe("an answer that is no text", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
  const get = (binary: boolean) =>
    client().request({ method: "GET", url: server.url, headers: {}, binary, maxBytes: 200, signal: never() });

  it("comes byte for byte when it is asked for so, within its bound", async () => {
    server.next({ kind: "answer", status: 200, body: bytes });
    const answered = await get(true);
    expect(answered).toMatchObject({ ok: true, truncated: true });
    expect(answered.ok && [...Buffer.from(answered.body, "latin1")]).toEqual([...bytes.subarray(0, 200)]);
  });

  it("is read as text otherwise", async () => {
    server.next({ kind: "answer", status: 200, body: "Zoë" });
    expect(await get(false)).toMatchObject({ body: "Zoë" });
  });
});

describe("createSinkHttp", () => {
  it("sends method, path, headers and body as given and returns the answer", async () => {
    server.next(answer(201, { id: 7 }, { "x-request-id": "r1" }));
    const got = await post(client(), `${server.url}/v1/people?x=1`, { headers: { "x-key": "k" }, body: '{"a":1}' });
    expect(got).toMatchObject({
      ok: true,
      status: 201,
      body: '{"id":7}',
      truncated: false,
      headers: { "x-request-id": "r1" },
    });
    expect(server.requests).toMatchObject([{ method: "POST", url: "/v1/people?x=1", body: '{"a":1}' }]);
    expect(server.requests[0]?.headers).toMatchObject({ "x-key": "k" });
  });

  it("keeps a socket for the next request", async () => {
    const http = client();
    await post(http, server.url);
    await post(http, server.url);
    expect(server.requests).toHaveLength(2);
  });

  it.each([301, 302, 303, 307, 308])("does not follow a %i redirect", async (status) => {
    server.next(answer(status, "", { location: `${server.url}/elsewhere` }));
    expect(await post(client(), server.url)).toMatchObject({ ok: true, status });
    expect(server.requests).toHaveLength(1);
  });

  it("keeps 64 KiB of an answer without end and reports its status", async () => {
    server.next({ kind: "huge", bytes: 10_000_000 });
    const got = await post(client(), server.url);
    expect(got).toMatchObject({ ok: true, status: 200, truncated: true });
    expect(got.ok && got.body.length).toBe(64 * 1024);
  });

  it("inflates an answer up to the same bound", async () => {
    server.next({ kind: "gzip_bomb", bytes: 200_000_000 }, { kind: "gzip_bomb", bytes: 1_000 });
    const bomb = await post(client(), server.url);
    expect(bomb).toMatchObject({ ok: true, status: 200, truncated: true });
    expect(bomb.ok && bomb.body.length).toBeLessThanOrEqual(64 * 1024);
    expect(await post(client(), server.url)).toMatchObject({ ok: true, body: "x".repeat(1_000), truncated: false });
  });

  it("reports the status of an answer whose compression is broken", async () => {
    server.next({ kind: "answer", status: 202, headers: { "content-encoding": "gzip" }, body: "this is no gzip" });
    expect(await post(client(), server.url)).toMatchObject({ ok: true, status: 202, truncated: true });
  });

  it("does not read an answer that is compressed more than once", async () => {
    server.next({ kind: "gzip_bomb", bytes: 1_000_000, layers: 3 });
    expect(await post(client(), server.url)).toMatchObject({ ok: true, status: 200, body: "", truncated: true });
  });

  it("gives up on a sink that never answers, and says that the request was sent", async () => {
    server.next({ kind: "hang" });
    expect(await post(client({ totalTimeoutMs: 150 }), server.url)).toMatchObject({
      ok: false,
      sent: true,
      reason: "timeout",
    });
  });

  it("bounds an answer that drips for ever", async () => {
    server.next({ kind: "drip" });
    expect(await post(client({ totalTimeoutMs: 300 }), server.url)).toMatchObject({
      ok: true,
      status: 200,
      truncated: true,
    });
  });

  it("ends with the caller's signal", async () => {
    server.next({ kind: "hang" });
    const stop = new AbortController();
    const waiting = post(client(), server.url, { signal: stop.signal });
    while (server.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    expect(await waiting).toMatchObject({ ok: false, sent: true, reason: "timeout" });
  });

  it("sends nothing when the signal has fired already", async () => {
    expect(await post(client(), server.url, { signal: AbortSignal.abort() })).toMatchObject({
      ok: false,
      sent: false,
      reason: "aborted",
    });
    expect(server.requests).toHaveLength(0);
  });

  it("calls a connection that breaks after the request an unknown outcome", async () => {
    server.next({ kind: "reset" });
    expect(await post(client(), server.url)).toMatchObject({ ok: false, sent: true, reason: "reset" });
  });

  it("takes a status that came as the answer, even if the body breaks off", async () => {
    server.next({ kind: "reset_mid_answer", status: 202 });
    expect(await post(client(), server.url)).toMatchObject({ ok: true, status: 202, truncated: true });
  });

  it("never repeats a request by itself when the sink closes the kept socket", async () => {
    const http = client({ connections: 1 });
    for (let i = 0; i < 20; i++) server.next({ kind: "answer_and_close", status: 200 });
    for (let i = 0; i < 20; i++) {
      const before = server.requests.length;
      const got = await post(http, server.url);
      // Either a socket of its own, or one that closed under it: then nobody knows, and it was sent at most once.
      expect(got.ok || got.sent || server.requests.length === before).toBe(true);
      expect(server.requests.length - before).toBeLessThanOrEqual(1);
    }
  });

  it("says that nobody knows when a kept socket closes just as it is used again, and writes nothing twice", async () => {
    let seen = 0;
    const sockets = new Set<Socket>();
    const closing = createTcpServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("data", () => {
        seen++;
        if (seen === 1) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
        else socket.resetAndDestroy();
      });
    });
    await new Promise<void>((resolve) => closing.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(closing.address() as AddressInfo).port}/`;
    const http = client({ connections: 1 });
    try {
      expect(await post(http, url)).toMatchObject({ ok: true, status: 200 });
      expect(await post(http, url)).toMatchObject({ ok: false, sent: true, reason: "reset" });
      expect([seen, sockets.size]).toEqual([2, 1]);
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => closing.close(resolve));
    }
  });

  it("knows that a refused connection sent nothing", async () => {
    const { url } = server;
    await server.close();
    expect(await post(client(), url)).toMatchObject({ ok: false, sent: false, reason: "connect" });
    server = await startFaultServer();
  });

  it("knows that an unknown name sent nothing", async () => {
    const resolve = () => Promise.reject(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }));
    expect(await post(client({ resolve }), "http://crm.example.test/")).toMatchObject({
      ok: false,
      sent: false,
      reason: "dns",
    });
  });

  it("bounds the time to connect", async () => {
    const resolve = () => new Promise<never>(() => {});
    const got = await post(
      client({ resolve, connectTimeoutMs: 100, totalTimeoutMs: 3_000 }),
      "http://crm.example.test/",
    );
    expect(got).toMatchObject({ ok: false, sent: false });
  });

  it.each(["x\r\nx-evil: 1", "a\nb", "snow\u2603", "nul\u0000"])(
    "refuses the header value %j before anything is sent",
    async (value) => {
      expect(await post(client(), server.url, { headers: { "x-name": value } })).toMatchObject({
        ok: false,
        sent: false,
        reason: "aborted",
      });
      expect(server.requests).toHaveLength(0);
    },
  );

  it("refuses header names that are no tokens", async () => {
    expect(await post(client(), server.url, { headers: { "x name": "1" } })).toMatchObject({ ok: false, sent: false });
  });
});

describe("addresses", () => {
  it.each([
    "http://127.0.0.1/",
    "http://localhost/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://0.0.0.0/",
    "http://127.1/",
    "file:///etc/passwd",
    "not a url",
  ])("%s is refused before a connection is made", async (url) => {
    const withPort = url.startsWith("http") && url.endsWith("/") ? url.replace(/\/$/, `:${server.port}/`) : url;
    expect(await post(client({ allowPrivate: false }), withPort)).toMatchObject({
      ok: false,
      sent: false,
      reason: "refused_address",
    });
    expect(server.requests).toHaveLength(0);
  });

  it("refuses a name with one private address among public ones", async () => {
    const resolve = async () => [
      { address: "93.184.216.34", family: 4 },
      { address: "127.0.0.1", family: 4 },
    ];
    const got = await post(client({ allowPrivate: false, resolve }), `http://crm.example.test:${server.port}/`);
    expect(got).toMatchObject({ ok: false, sent: false, reason: "refused_address" });
    expect(server.requests).toHaveLength(0);
  });

  it("dials the address it judged: a name that changes between two look-ups is looked up once", async () => {
    let calls = 0;
    const resolve = async () => {
      calls++;
      return [{ address: calls === 1 ? "127.0.0.1" : "10.255.255.1", family: 4 }];
    };
    const got = await post(client({ resolve }), `http://crm.example.test:${server.port}/x`);
    expect(got).toMatchObject({ ok: true, status: 200 });
    expect(calls).toBe(1);
    expect(server.requests[0]?.headers.host).toBe(`crm.example.test:${server.port}`);
  });

  it("sends no credentials that stand in a URL", async () => {
    expect(await post(client(), `http://user:secret@127.0.0.1:${server.port}/`)).toMatchObject({
      ok: false,
      sent: false,
    });
  });
});

describe("TLS", () => {
  it("refuses a certificate that nobody vouches for, takes it from a trusted authority, and keeps the server name", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hookrail-tls-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const subject = ["-subj", "/CN=crm.example.test", "-addext", "subjectAltName=DNS:crm.example.test"];
    execFileSync(
      "openssl",
      [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-keyout",
        key,
        "-out",
        cert,
        ...subject,
      ],
      { stdio: "ignore" },
    );
    const names: (string | false)[] = [];
    const https = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      if ("servername" in request.socket) names.push(String(request.socket.servername));
      response.end("{}");
    });
    await new Promise<void>((resolve) => https.listen(0, "127.0.0.1", resolve));
    const { port } = https.address() as AddressInfo;
    const resolve = async () => [{ address: "127.0.0.1", family: 4 }];
    try {
      expect(await post(client({ resolve }), `https://crm.example.test:${port}/`)).toMatchObject({
        ok: false,
        sent: false,
        reason: "tls",
      });
      const trusted = client({ resolve, ca: readFileSync(cert, "utf8") });
      expect(await post(trusted, `https://crm.example.test:${port}/`)).toMatchObject({ ok: true, status: 200 });
      expect(await post(trusted, `https://other.example.test:${port}/`)).toMatchObject({
        ok: false,
        sent: false,
        reason: "tls",
      });
      expect(names).toEqual(["crm.example.test"]);
    } finally {
      await new Promise((resolve) => https.close(resolve));
      rmSync(folder, { recursive: true });
    }
  });

  it("says so when the other side speaks no TLS", async () => {
    expect(await post(client(), server.url.replace("http:", "https:"))).toMatchObject({
      ok: false,
      sent: false,
      reason: "tls",
    });
  });
});
