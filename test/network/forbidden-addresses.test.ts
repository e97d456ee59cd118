/** That nothing inside is ever dialled, proved at the socket: every connection this process begins is seen. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSinkHttp, type GuardedHttp, type SinkHttpOptions } from "../../engine/network/client.ts";
import { type DnsStub, startDnsStub } from "../support/dns-stub.ts";
import { type FaultServer, startFaultServer } from "../support/fault-server.ts";

/** Addresses that sockets of this process have begun to connect to. */
let dialled: string[];
const watch = (message: unknown) => {
  const { socket } = message as { readonly socket: Socket };
  socket.on("connectionAttempt", (address: string) => dialled.push(address));
};

let server: FaultServer;
let dns: DnsStub | undefined;
const clients: GuardedHttp[] = [];

beforeEach(async () => {
  dialled = [];
  subscribe("net.client.socket", watch);
  server = await startFaultServer();
});
afterEach(async () => {
  unsubscribe("net.client.socket", watch);
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await dns?.close();
  dns = undefined;
  await server.close();
});

function send(url: string, options: SinkHttpOptions = {}, headers: Readonly<Record<string, string>> = {}) {
  const client = createSinkHttp({ totalTimeoutMs: 3_000, ...options });
  clients.push(client);
  return client.request({ method: "POST", url, headers, body: "{}", signal: new AbortController().signal });
}

const refused = { ok: false, sent: false, reason: "refused_address" };

/** Every spelling of something inside that a URL's host can hold. Port 0 stands for the listening server's. */
const SPELLINGS = [
  // 127.0.0.1, as dotted, short, decimal, octal, hex, mixed
  "127.0.0.1",
  "127.0.0.1.",
  "127.1",
  "127.0.1",
  "127.255.255.254",
  "2130706433",
  "017700000001",
  "0x7f000001",
  "0X7F000001",
  "0x7f.0.0.1",
  "0x7f.1",
  "0177.0.0.1",
  "0177.0.0.01",
  "0x7f.0x0.0x0.0x1",
  "00000177.0.0.1",
  "0x0000007f.1",
  "①②⑦.⓪.⓪.①",
  "127。0。0。1",
  "127.0.0.1",
  "%31%32%37.0.0.1",
  "127.0.0.%31",
  // this network, this host
  "0.0.0.0",
  "0",
  "0x0",
  "00",
  "0.0.0.1",
  // private
  "10.0.0.1",
  "10.1",
  "167772161",
  "0xa.1",
  "012.0.0.1",
  "172.16.0.1",
  "172.31.255.254",
  "192.168.0.1",
  "192.168.257",
  "3232235521",
  "0xc0a80001",
  // carrier-grade NAT, benchmarks, documentation, reserved, multicast, broadcast
  "100.64.0.1",
  "100.127.255.254",
  "198.18.0.1",
  "198.19.255.254",
  "192.0.0.8",
  "192.0.2.1",
  "198.51.100.7",
  "203.0.113.9",
  "224.0.0.1",
  "239.255.255.250",
  "240.0.0.1",
  "255.255.255.255",
  // metadata services
  "169.254.169.254",
  "169.254.170.2",
  "2852039166",
  "0xa9fea9fe",
  "0251.0376.0251.0376",
  "169.254.43518",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
  // IPv6
  "[::]",
  "[::1]",
  "[0:0:0:0:0:0:0:1]",
  "[0000:0000:0000:0000:0000:0000:0000:0001]",
  "[::127.0.0.1]",
  "[::7f00:1]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[0:0:0:0:0:ffff:127.0.0.1]",
  "[::ffff:10.0.0.1]",
  "[::ffff:169.254.169.254]",
  "[::ffff:0:127.0.0.1]",
  "[64:ff9b::127.0.0.1]",
  "[64:ff9b::a9fe:a9fe]",
  "[64:ff9b:1::10.0.0.1]",
  "[2002:7f00:1::]",
  "[2002:a9fe:a9fe::1]",
  "[2002:c0a8:1::1]",
  "[2001:0:53aa:64c:0:0:80ff:fffe]",
  "[fe80::1]",
  "[febf::1]",
  "[fec0::1]",
  "[fc00::1]",
  "[fd12:3456:789a::1]",
  "[fd00:ec2::254]",
  "[fd20:ce::254]",
  "[ff02::1]",
  "[ff0e::1]",
  "[2001:db8::1]",
  "[3fff::1]",
  "[100::1]",
  "[5f00::1]",
  "[2001:10::1]",
  "[2001:20::1]",
] as const;

describe("an address that is not the public internet", () => {
  it(`is not dialled in any of ${SPELLINGS.length} spellings`, async () => {
    expect(SPELLINGS.length).toBeGreaterThanOrEqual(80);
    const through: string[] = [];
    for (const host of SPELLINGS) {
      const answer = await send(`http://${host}:${server.port}/`);
      if (answer.ok || answer.sent || answer.reason !== "refused_address") through.push(host);
    }
    expect(through).toEqual([]);
    expect(dialled).toEqual([]);
    expect(server.requests).toHaveLength(0);
  });

  it("is seen by this proof when it is dialled, so that the proof can fail", async () => {
    const answer = await send(`http://2130706433:${server.port}/`, { allowPrivate: true });
    expect(answer).toMatchObject({ ok: true, status: 200 });
    expect(dialled).toEqual(["127.0.0.1"]);
  });

  it.each(["localhost", "localhost.", "LOCALHOST", "foo.localhost"])(
    "is not dialled under the name %s",
    async (name) => {
      const answer = await send(`http://${name}:${server.port}/`);
      expect(answer).toMatchObject({ ok: false, sent: false });
      expect([dialled, server.requests.length]).toEqual([[], 0]);
    },
  );

  it.each(["ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "data:,x", "//127.0.0.1/", "unix:/run/x"])(
    "is not reached by the scheme of %s",
    async (url) => {
      expect(await send(url, { allowPrivate: true })).toMatchObject(refused);
      expect(dialled).toEqual([]);
    },
  );
});

describe("a name", () => {
  const ask = (port = server.port) => `http://crm.example.test:${port}/`;
  const stub = async (...answers: (readonly string[])[]) => {
    dns = await startDnsStub((n) => answers[Math.min(n, answers.length - 1)] ?? []);
    return dns;
  };

  it.each([
    [["127.0.0.1"]],
    [["93.184.216.34", "127.0.0.1"]],
    [["127.0.0.1", "93.184.216.34"]],
    [["93.184.216.34", "::1"]],
    [["2606:4700:4700::1111", "10.0.0.1"]],
    [["2606:4700:4700::1111", "::ffff:169.254.169.254"]],
    [["::ffff:127.0.0.1"]],
    [["fd00:ec2::254"]],
  ])("that resolves to %j is not dialled at all", async (addresses) => {
    const { resolve, asked } = await stub(addresses);
    expect(await send(ask(), { resolve })).toMatchObject(refused);
    expect(asked).toEqual(["crm.example.test A", "crm.example.test AAAA"]);
    expect([dialled, server.requests.length]).toEqual([[], 0]);
  });

  it("that answers differently at each look-up is looked up once for a connection, and dialled where it was judged", async () => {
    // Allowed first, so that a connection comes about; what a second look-up would give is never dialled.
    const { resolve, asked } = await stub(["127.0.0.1"], ["169.254.169.254"]);
    expect(await send(ask(), { resolve, allowPrivate: true })).toMatchObject({ ok: true, status: 200 });
    expect(asked).toHaveLength(2);
    expect(dialled).toEqual(["127.0.0.1"]);
    expect(server.requests[0]?.headers.host).toBe(`crm.example.test:${server.port}`);
  });

  it("that turns to an inner address later is judged again with the next connection", async () => {
    const { resolve } = await stub(["127.0.0.1"], ["169.254.169.254"]);
    const client = createSinkHttp({ totalTimeoutMs: 3_000, resolve, allowPrivate: true });
    clients.push(client);
    const request = () =>
      client.request({ method: "POST", url: ask(), headers: {}, body: "{}", signal: new AbortController().signal });
    server.next({ kind: "answer_and_close", status: 200 });
    expect(await request()).toMatchObject({ ok: true });
    await expect.poll(request).toMatchObject(refused);
    expect(new Set(dialled)).toEqual(new Set(["127.0.0.1"]));
  });

  it("that nobody knows is a failure to resolve, and nothing was sent", async () => {
    const { resolve } = await stub([]);
    expect(await send(ask(), { resolve })).toMatchObject({ ok: false, sent: false, reason: "dns" });
    expect(dialled).toEqual([]);
  });
});

describe("a redirect to an inner address", () => {
  it.each([301, 302, 303, 307, 308])("with %i is not followed", async (status) => {
    const inner = await startFaultServer();
    try {
      server.next({ kind: "answer", status, headers: { location: `${inner.url}/latest/meta-data/` }, body: "" });
      const answer = await send(`http://127.0.0.1:${server.port}/`, { allowPrivate: true });
      expect(answer).toMatchObject({ ok: true, status });
      expect([dialled.length, inner.requests.length]).toEqual([1, 0]);
    } finally {
      await inner.close();
    }
  });
});
