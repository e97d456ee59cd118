/** Hostile input against the real process: refused or kept, never lost, never a 5xx, and the next honest post is taken. */
import { createHmac } from "node:crypto";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../engine/core/paths.ts";
import { eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation, query } from "../support/fault-installation.ts";
import { hostileBodies } from "../support/hostile-bodies.ts";
import { type HostileRequest, hostileRequests, message, oddRequests } from "../support/hostile-requests.ts";
import { PATH, SECRET } from "../support/payments.ts";
import { type RawAnswer, rawExchange } from "../support/raw-http.ts";
import { runSeed, seeded } from "../support/seeded.ts";
import { settled } from "../support/verdict.ts";

const seed = runSeed();

/** A sender that compresses what it has signed. */
const ZIPPED = `
provider: zipped
title: Zipped
description: A sender that compresses
accept: { content_encodings: [gzip, br], max_body: 64KiB }
verify:
  - { scheme: hmac, signature: { from: header:x-signature, encoding: hex }, message: "{raw_body}" }
events: { id: body:id, type: body:type }
`;
const ZIPPED_PIPELINE = `
pipeline: zipped
owner: ops
source: zipped
rules:
  - { on: payment.made }
`;

let installation: Installation;
let engine: RunningEngine;

beforeAll(async () => {
  installation = createFaultInstallation({
    limits: "{ header_timeout: 2s, request_timeout: 3s }",
    sources: '  zipped: { provider: zipped, path: /hooks/zipped, secrets: ["${PAY_SECRET}"] }',
    files: { "plugins/providers/zipped.yaml": ZIPPED, "pipelines/zipped.yaml": ZIPPED_PIPELINE },
  });
  engine = await installation.start();
});

afterAll(async () => {
  await engine?.end("SIGKILL");
  installation?.remove();
});

const portOf = () => Number(new URL(engine.hooks).port);

/** Sends it with an honest post beside it, which must be taken. */
async function exchange(send: readonly (string | Buffer)[]): Promise<RawAnswer> {
  const [answer, control] = await Promise.all([
    rawExchange({ port: portOf(), send }),
    rawExchange({ port: portOf(), send: [message()] }),
  ]);
  expect(control.status).toBe(202);
  return answer;
}

/** Nothing of the inside shows; no redirect, no goodbye, no failure. */
function expectDiscreet({ status, text }: RawAnswer): void {
  expect(status < 500 && status !== 410 && (status < 300 || status >= 400)).toBe(true);
  expect(text).not.toMatch(/\n\s+at |node:|node_modules|\.ts\b|[Ee]rror:/);
  for (const secret of [SECRET, packageRoot, installation.root, "c4n4ry-b0dy"]) expect(text).not.toContain(secret);
}

async function expectAnswer({ send, allowed }: HostileRequest): Promise<void> {
  const answer = await exchange(send);
  expect(allowed).toContain(answer.status);
  expectDiscreet(answer);
  // More than one answer would mean that a second request was read out of the first one's bytes.
  expect(answer.text.split("HTTP/1.1 ").filter((part) => part !== "" && !part.startsWith("100 ")).length).toBe(
    answer.status === 0 ? 0 : 1,
  );
}

describe("a request that must be refused", () => {
  test.each(hostileRequests)("$name: is refused as the client's fault, whoever signed it", expectAnswer);
});

describe("a request that is odd but right", () => {
  test.each(oddRequests)("$name: is taken", expectAnswer);
});

interface Kept {
  readonly status: string | null;
  readonly code: string | null;
}

/** What became of an event: its outcome, or the code of its dead letter. */
function fateOf(id: string): Kept | undefined {
  const sql = `SELECT o.status, coalesce(d.code, o.reason) AS code FROM events e
    LEFT JOIN outcomes o ON o.event_seq = e.seq LEFT JOIN dead_letters d ON d.event_seq = e.seq WHERE e.id = '${id}'`;
  return query<Kept>(installation.root, "hookrail.db", sql)[0];
}

describe("a hostile body", () => {
  test.each(hostileBodies)(
    "$name: is 401 unsigned; signed it is kept, and becomes $becomes",
    async ({ body, becomes }) => {
      const unsigned = await exchange([message({ body, sign: false })]);
      expect(unsigned.status).toBe(401);
      const answer = await exchange([message({ body })]);
      expect(answer.status).toBe(202);
      for (const one of [unsigned, answer]) expectDiscreet(one);
      const id = /x-hookrail-event: (evt_\w+)/i.exec(answer.head)?.[1] ?? "";
      const fate = await eventually(
        async () => fateOf(id),
        (found) => found !== undefined && (found.status !== null || found.code !== null),
      );
      expect(fate?.code ?? fate?.status).toBe(becomes);
      expect((await exchange([message({ body })])).status).toBe(200);
    },
  );
});

const SLOW = 200;

/** Sends what it is given and then nothing more; the status it hears in the end. */
function drip(bytes: Buffer): Promise<number> {
  return rawExchange({ port: portOf(), send: [bytes] }).then(({ status }) => status);
}

describe("a client that takes its time", () => {
  test("for its headers or its body gets 408", async () => {
    const slow = (send: readonly (string | Buffer)[]) => rawExchange({ port: portOf(), send });
    const whole = message();
    const [head, body] = await Promise.all([
      slow([whole.subarray(0, 30)]),
      slow([whole.subarray(0, -5)]),
      exchange([whole]),
    ]);
    expect([head.status, body.status]).toEqual([408, 408]);
  });

  test(`does not keep others waiting, though there are ${SLOW} of them at once that drip`, async () => {
    const whole = message();
    const open = Array.from({ length: SLOW }, (_, i) => drip(whole.subarray(0, i % 2 === 0 ? 40 : -10)));
    for (let i = 0; i < 10; i++) expect((await exchange([message()])).status).toBe(202);
    expect(await Promise.all(open)).toEqual(Array(SLOW).fill(408));
  });
});

describe("a connection", () => {
  test("with two requests in one packet gets two answers, and a third that is broken ends it", async () => {
    const broken = "POST /hooks/pay HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n";
    const answer = await exchange([
      Buffer.concat([message({ close: false }), message({ close: false }), Buffer.from(broken)]),
    ]);
    expect([...answer.text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(["202", "202", "400"]);
    expectDiscreet(answer);
  });

  test("that breaks in the middle of a body leaves nothing behind", async () => {
    const before = countEvents();
    const whole = message();
    await reset(whole.subarray(0, -3));
    await exchange([whole]);
    // The same payment whole, and the honest one beside it.
    expect(countEvents()).toBe(before + 2);
  });

  test(`that is reset after any number of bytes leaves nothing behind either, seed ${seed}`, async () => {
    const random = seeded(seed);
    const before = countEvents();
    const resets = Array.from({ length: 60 }, () => {
      const whole = message();
      return reset(whole.subarray(0, random.int(1, whole.length - 1)));
    });
    await Promise.all(resets);
    expect((await exchange([message()])).status).toBe(202);
    expect(countEvents()).toBe(before + 2);
  });
});

/** Sends the bytes and breaks the connection off. */
function reset(bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port: portOf(), host: "127.0.0.1" }, () =>
      socket.write(bytes, () => socket.resetAndDestroy()),
    );
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
}

const countEvents = () =>
  query<{ n: number }>(installation.root, "hookrail.db", "SELECT count(*) AS n FROM events")[0]?.n ?? 0;

describe("a compressed body", () => {
  const send = (body: Buffer, packed: Buffer, path = "/hooks/zipped") => {
    const signature = createHmac("sha256", SECRET).update(body).digest("hex");
    const headers = [`X-Signature: ${signature}`, "Content-Encoding: gzip"];
    return exchange([message({ line: `POST ${path} HTTP/1.1`, headers, body: packed })]);
  };

  test("is taken where the recipe says so, and only up to the limit of what comes out", async () => {
    const body = Buffer.from(JSON.stringify({ id: "z1", type: "payment.made" }));
    expect((await send(body, gzipSync(body))).status).toBe(202);
    expect((await send(body, gzipSync(body), PATH)).status).toBe(415);
    expect((await send(body, gzipSync(body).subarray(0, -3))).status).toBe(400);
    expect((await send(body, body)).status).toBe(400);
    const bomb = Buffer.alloc(50_000_000);
    expect(gzipSync(bomb).length).toBeLessThan(65_536);
    const answer = await send(bomb, gzipSync(bomb));
    expect(answer.status).toBe(413);
    expectDiscreet(answer);
  });
});

describe("after all of it", () => {
  test("the engine is the one that was started, all accepted is accounted for, and no output holds a secret or a body", async () => {
    await settled(engine);
    expect(engine.child.exitCode).toBeNull();
    const lost = query<{ id: string }>(
      installation.root,
      "hookrail.db",
      "SELECT id FROM events e WHERE NOT EXISTS (SELECT 1 FROM outcomes o WHERE o.event_seq = e.seq) AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.event_seq = e.seq)",
    );
    expect(lost).toEqual([]);
    // Of a payload the log has the entity's key, which is not declared sensitive here, and nothing else.
    const lines = engine.lines.map((line) => JSON.stringify({ ...(JSON.parse(line) as object), entity: undefined }));
    const output = [...lines, engine.stderr()].join("\n");
    for (const secret of [SECRET, "c4n4ry-b0dy", "<script>", "DROP TABLE"]) expect(output).not.toContain(secret);
    expect(output).not.toMatch(/\n\s+at |uncaught|unhandled/i);
    expect(engine.lines.map((line) => (JSON.parse(line) as { level: string }).level)).not.toContain("error");
    expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
  });
});
