import { X509Certificate } from "node:crypto";
import { request as httpRequest } from "node:http";
import { Agent, request } from "node:https";
import { connect } from "node:net";
import { connect as tlsConnect } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { certificateFault } from "../../engine/core/certificate.ts";
import { createVirtualClock, systemClock } from "../../engine/core/clock.ts";
import { fail } from "../../engine/core/errors.ts";
import { createLog } from "../../engine/core/log.ts";
import { startRenewal } from "../../engine/http/renewal.ts";
import { createListener, createRequestIds, type Listener, type TlsTexts } from "../../engine/http/server.ts";
import { makeCertificate, type Pair } from "../support/certificates.ts";

const ca = makeCertificate({ name: "authority" });
const first = makeCertificate({ name: "first", by: ca });
const second = makeCertificate({ name: "second", by: ca });
const client = makeCertificate({ name: "client", by: ca });
const stranger = makeCertificate({ name: "stranger" });

const open: Listener[] = [];
afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close(0);
});

function lines() {
  const written: Record<string, unknown>[] = [];
  const log = createLog({
    stream: { write: (line: string) => void written.push(JSON.parse(line) as Record<string, unknown>) },
    clock: systemClock,
  });
  return { log, written };
}

async function start(tls: TlsTexts): Promise<{ listener: Listener; port: number; written: Record<string, unknown>[] }> {
  const { log, written } = lines();
  const listener = createListener({
    handler: (_req, res) => res.end("hello"),
    requestId: createRequestIds("t"),
    limits: { headersTimeoutMs: 300, requestTimeoutMs: 300 },
    tls,
    log,
  });
  open.push(listener);
  return { listener, port: Number(new URL(await listener.listen({ host: "127.0.0.1", port: 0 })).port), written };
}

/** The name of the certificate that answered, or the code of the refusal. */
function ask(port: number, own?: Pair, agent: Agent | false = false): Promise<string> {
  return new Promise((resolve) => {
    const options = { port, host: "127.0.0.1", ca: [ca.cert, stranger.cert], agent, ...own };
    const req = request(options, (res) => {
      const { subject } = (res.socket as import("node:tls").TLSSocket).getPeerCertificate();
      res.resume().on("end", () => resolve(String(subject?.CN)));
    });
    req.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    req.end();
  });
}

describe("a listener with TLS", () => {
  test("takes up a renewed certificate while it serves, and open connections stay", async () => {
    const { listener, port } = await start(first);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect(await ask(port, undefined, agent)).toBe("first");
    listener.renewTls(second);
    expect(await ask(port)).toBe("second");
    // The connection that was open: no handshake, no reset.
    expect(await ask(port, undefined, agent)).toBe("first");
    agent.destroy();
  });

  test("refuses what does not fit together and goes on with what it has", async () => {
    const { listener, port } = await start(first);
    const wrong: TlsTexts[] = [
      { cert: second.cert, key: first.key },
      { cert: "", key: "" },
      { cert: second.cert, key: "-----BEGIN PRIVATE KEY-----" },
      { ...second, ca: ca.cert },
    ];
    for (const texts of wrong) expect(() => listener.renewTls(texts)).toThrow(/HK3030|can't be taken up/);
    expect(await ask(port)).toBe("first");
  });

  test("asks for client certificates of its CA, and refuses all others in the handshake", async () => {
    const { listener, port, written } = await start({ ...first, ca: ca.cert });
    expect(await ask(port, client)).toBe("first");
    expect(await ask(port)).toMatch(/CERTIFICATE_REQUIRED|ECONNRESET/);
    expect(await ask(port, stranger)).toMatch(/UNKNOWN_CA|ECONNRESET/);
    expect(written.filter((line) => line["msg"] === "a TLS handshake failed; the connection was closed")).toHaveLength(
      2,
    );
    // The authority itself can be renewed too.
    listener.renewTls({ ...second, ca: stranger.cert });
    expect(await ask(port, stranger)).toBe("second");
    expect(await ask(port, client)).not.toBe("second");
  });

  test("closes what speaks plain HTTP, an old TLS, noise, or nothing at all", async () => {
    const { port } = await start(first);
    const plain = await new Promise<string>((resolve) => {
      const req = httpRequest({ port, host: "127.0.0.1" }, () => resolve("answered"));
      req.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
      req.end();
    });
    expect(plain).toMatch(/ECONNRESET|HPE_/);
    const old = await new Promise<string>((resolve) => {
      const socket = tlsConnect({ port, host: "127.0.0.1", maxVersion: "TLSv1.1", minVersion: "TLSv1", ca: ca.cert });
      socket.on("secureConnect", () => resolve("connected"));
      socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "refused"));
    });
    expect(old).not.toBe("connected");
    const closed = (send: string) =>
      new Promise<string>((resolve) => {
        const socket = connect({ port, host: "127.0.0.1" }, () => send !== "" && socket.write(send));
        socket.on("error", () => {});
        socket.on("close", () => resolve("closed"));
        socket.resume();
      });
    expect(await Promise.all([closed("\x16\x03\x01\x00\x05hello"), closed("")])).toEqual(["closed", "closed"]);
    expect(await ask(port)).toBe("first");
  });
});

describe("the renewal of certificates", () => {
  const START = Date.now();

  function renewal(texts: TlsTexts, files: { now: TlsTexts | Error }) {
    const { log, written } = lines();
    const clock = createVirtualClock(START);
    const taken: TlsTexts[] = [];
    const made = startRenewal({
      listener: {
        renewTls(next) {
          const problem = certificateFault(next);
          if (problem !== undefined) fail("HK3030", { problem });
          taken.push(next);
        },
      },
      name: "hooks",
      texts,
      read: async () => {
        if (files.now instanceof Error) throw files.now;
        return files.now;
      },
      clock,
      log,
    });
    const messages = () => written.map(({ level, msg }) => `${String(level)}: ${String(msg)}`);
    return { made, clock, taken, messages };
  }
  const settle = () => new Promise((resolve) => setImmediate(resolve));

  test("takes new files up by itself within ten seconds, once", async () => {
    const files = { now: first as TlsTexts };
    const { clock, taken, messages, made } = renewal(first, files);
    clock.advance(10_000);
    await settle();
    expect(taken).toEqual([]);
    files.now = second;
    for (let i = 0; i < 3; i++) {
      clock.advance(10_000);
      await settle();
    }
    expect(taken).toEqual([second]);
    expect(messages()).toEqual(["info: certificate renewed"]);
    made.stop();
    files.now = first;
    clock.advance(60_000);
    await settle();
    expect(taken).toHaveLength(1);
  });

  test("waits while only one of two files is written, and says what does not come right", async () => {
    const files: { now: TlsTexts | Error } = { now: { ...first, cert: second.cert } };
    const { taken, messages, made } = renewal(first, files);
    await made.check();
    files.now = second;
    await made.check();
    expect([taken, messages()]).toEqual([[second], ["info: certificate renewed"]]);
    files.now = new Error("ENOENT");
    for (let i = 0; i < 5; i++) await made.check();
    expect(messages().slice(1)).toEqual(["error: the certificate's files can't be taken up; the one in force goes on"]);
    files.now = first;
    await made.check();
    expect(taken).toHaveLength(2);
  });

  test("warns daily from 14 days before the end, and louder after it", async () => {
    const soon = makeCertificate({ name: "soon", by: ca, days: 20 });
    const { clock, messages, made } = renewal(soon, { now: soon });
    expect(messages()).toEqual([]);
    const end = Date.parse(new X509Certificate(soon.cert).validTo);
    for (let day = 0; day < 22; day++) {
      // An hour off the full day, so that no millisecond decides.
      clock.set(end + (day - 20) * 86_400_000 + 3_600_000);
      await made.check();
    }
    const counts = Object.groupBy(messages(), (message) => message);
    expect(counts["warn: the certificate ends soon"]).toHaveLength(14);
    expect(counts["error: the certificate has ended: senders refuse to connect"]).toHaveLength(2);
  });
});
