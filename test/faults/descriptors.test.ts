/** File descriptors used up: new connections wait or are closed, nothing acknowledged is lost, and it passes by itself. */
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation } from "../support/fault-installation.ts";
import { createLedger } from "../support/ledger.ts";
import { yesterday } from "../support/payments.ts";
import { report } from "../support/report.ts";
import { expectApplied, expectSql, settled, status } from "../support/verdict.ts";

const LIMIT = 64;
const SOCKETS = 500;

let installation: Installation;
let engine: RunningEngine;
const ledger = createLedger(yesterday());

beforeAll(async () => {
  installation = createFaultInstallation({ limits: "{ header_timeout: 5s, request_timeout: 5s }" });
  engine = await installation.start(["sh", "-c", `ulimit -n ${LIMIT}; exec "$@"`, "sh"]);
});

afterAll(async () => {
  await engine?.end("SIGKILL");
  installation?.remove();
});

const descriptors = () => readdirSync(`/proc/${engine.child.pid}/fd`).length;

/** Sockets that connect and say nothing; how many of them the engine holds on to after a moment is its own choice. */
async function idle(count: number): Promise<Socket[]> {
  const port = Number(new URL(engine.hooks).port);
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i++) {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.write("POST /hooks/pay HTTP/1.1\r\n");
    sockets.push(socket);
  }
  await Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.once("connect", resolve).once("close", resolve))),
  );
  return sockets;
}

// /proc is Linux's; the fault is the same everywhere.
test.runIf(process.platform === "linux")(
  `with ${LIMIT} descriptors and ${SOCKETS} sockets it lives on, keeps what it took, and serves again when they go`,
  async () => {
    const before = await sent(20);
    expect(before).toBe(0);
    const sockets = await idle(SOCKETS);
    expect(descriptors()).toBeLessThan(LIMIT - 4);
    const waiting = await sent(10);
    // Operators and deliveries have descriptors of their own.
    expect((await status(engine)).counts.events).toBeGreaterThanOrEqual(20);
    await settled(engine);
    for (const socket of sockets) socket.destroy();
    await eventually(
      async () => descriptors(),
      (open) => open < LIMIT - 10,
    );
    expect(await sent(10)).toBe(0);
    await settled(engine);
    expectApplied(installation.root, ledger);
    expectSql(installation.root, ledger);
    const messages = engine.lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(messages).toContain("fewer connections than configured: the limit of open files (ulimit -n) is too low");
    expect(messages).toContain("too many connections at one time; a new one was closed");
    expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
    report("file descriptors used up", { descriptors: LIMIT, sockets: SOCKETS, "not answered meanwhile": waiting });
  },
);

/** Sends what has no answer yet and so many more; how many have none afterwards. */
async function sent(fresh: number): Promise<number> {
  await ledger.send(engine.hooks, { fresh, width: 2 });
  return ledger.unanswered().length;
}
