/**
 * Question: what do hooks cost behind Koa, in front of it, and on bare node:http? (docs/adr/0003)
 *
 * Each server runs in a process of its own, reads a 2 KB body, verifies its HMAC and answers 202; nothing is stored.
 * The servers are loaded in turn, several rounds, and judged by their own CPU time per request, which neighbours on
 * the machine move less than requests per second. Run: node bench/hooks-path.bench.ts
 */
import { type ChildProcess, fork } from "node:child_process";
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { connect } from "node:net";
import { systemClock } from "../engine/core/clock.ts";
import { silentLog } from "../engine/core/log.ts";
import { createHooksListener } from "../engine/http/app.ts";
import type { Intake } from "../engine/http/hooks.ts";
import { createRequestIds } from "../engine/http/server.ts";

const KINDS = ["bare", "in_front", "koa"] as const;
type Kind = (typeof KINDS)[number];

const SECRET = "bench";
const BODY = JSON.stringify({ id: "evt_1", data: "x".repeat(1_950) });
const SIGNATURE = createHmac("sha256", SECRET).update(BODY).digest("hex");
const REQUEST = `POST /hooks/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Sig: ${SIGNATURE}\r\nUser-Agent: bench\r\nAccept: */*\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;
const ROUNDS = 7;
const REQUESTS = 20_000;
const CONNECTIONS = 64;

const isSigned = (body: Uint8Array, signature: string | undefined) =>
  timingSafeEqual(createHmac("sha256", SECRET).update(body).digest(), Buffer.from(signature ?? "", "hex"));
const accepted = { status: 202, headers: { "content-type": "application/json" }, body: '{"status":"accepted"}' };

/** The least that node:http can do for the same answer. */
function listenBare(): Promise<number> {
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      const body = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
      const signature = req.headers["x-sig"];
      res.writeHead(isSigned(body, typeof signature === "string" ? signature : undefined) ? 202 : 401, {
        ...accepted.headers,
        "content-length": accepted.body.length,
      });
      res.end(accepted.body);
    });
  });
  return new Promise((resolve) => {
    server.listen({ port: 0, host: "127.0.0.1" }, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

async function listen(kind: Kind): Promise<number> {
  if (kind === "bare") return listenBare();
  const intake: Intake = {
    limitFor: (path) => (path === "/hooks/a" ? { maxBytes: 1 << 20 } : undefined),
    admit: () => undefined,
    ingest: (request) => (isSigned(request.body, request.headers["x-sig"]) ? accepted : { ...accepted, status: 401 }),
  };
  const listener = createHooksListener({
    intake,
    clock: systemClock,
    log: silentLog,
    requestId: createRequestIds("b"),
    hooks: kind,
  });
  return Number(new URL(await listener.listen({ host: "127.0.0.1", port: 0 })).port);
}

async function serve(kind: Kind): Promise<void> {
  const port = await listen(kind);
  process.on("message", () => process.send?.({ cpu: process.cpuUsage() }));
  process.send?.({ port });
}

/** One request at a time on each connection. */
function load(port: number, count: number): Promise<void> {
  let started = 0;
  let finished = 0;
  return new Promise((resolve, reject) => {
    for (let n = 0; n < CONNECTIONS; n++) {
      const socket = connect({ port, host: "127.0.0.1" });
      const next = () => {
        if (started === count) {
          socket.end();
          return;
        }
        started++;
        socket.write(REQUEST);
      };
      socket.on("connect", next);
      socket.on("error", reject);
      socket.on("data", (data) => {
        if (!data.includes("HTTP/1.1 202")) reject(new Error(data.toString()));
        if (++finished === count) resolve();
        next();
      });
    }
  });
}

const answerOf = <T>(child: ChildProcess) =>
  new Promise<T>((resolve) => child.once("message", (message) => resolve(message as T)));

async function cpuOf(child: ChildProcess): Promise<number> {
  const answer = answerOf<{ cpu: NodeJS.CpuUsage }>(child);
  child.send("cpu");
  const { cpu } = await answer;
  return cpu.user + cpu.system;
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.trunc(values.length / 2)] ?? 0;

async function compare(): Promise<void> {
  const servers = await Promise.all(
    KINDS.map(async (kind) => {
      const child = fork(new URL(import.meta.url), [kind]);
      const { port } = await answerOf<{ port: number }>(child);
      return { kind, child, port, micros: [] as number[], rates: [] as number[] };
    }),
  );
  for (const { port } of servers) await load(port, REQUESTS);
  for (let round = 0; round < ROUNDS; round++) {
    for (const { child, port, micros, rates } of servers) {
      const [before, from] = [await cpuOf(child), performance.now()];
      await load(port, REQUESTS);
      micros.push(((await cpuOf(child)) - before) / REQUESTS);
      rates.push(REQUESTS / ((performance.now() - from) / 1_000));
    }
  }
  const floor = servers[0]?.micros ?? [];
  for (const { kind, child, micros, rates } of servers) {
    const ratio = median(micros.map((value, round) => value / (floor[round] ?? value)));
    process.stdout.write(
      `${kind.padEnd(9)} ${median(micros).toFixed(1)} us CPU/request, ${ratio.toFixed(2)} x bare, ${Math.round(median(rates))} req/s\n`,
    );
    child.kill();
  }
}

const [, , kind] = process.argv;
if (KINDS.some((known) => known === kind)) await serve(kind as Kind);
else await compare();
