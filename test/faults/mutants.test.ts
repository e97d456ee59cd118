/**
 * Thousands of seeded requests that went wrong somewhere, on many connections at once: none gets a 5xx, none ends the
 * engine, what was acknowledged is kept, and an honest post beside them is taken all the while.
 */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Installation, RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation, query } from "../support/fault-installation.ts";
import { message } from "../support/hostile-requests.ts";
import { mutant } from "../support/mutants.ts";
import { SECRET } from "../support/payments.ts";
import { rawExchange } from "../support/raw-http.ts";
import { report } from "../support/report.ts";
import { faultFactor, runSeed, seeded } from "../support/seeded.ts";
import { settled } from "../support/verdict.ts";

const seed = runSeed();
const REQUESTS = 2_000 * faultFactor();
const WIDTH = 16;

let installation: Installation;
let engine: RunningEngine;

beforeAll(async () => {
  installation = createFaultInstallation({ limits: "{ header_timeout: 2s, request_timeout: 3s }" });
  engine = await installation.start();
});

afterAll(async () => {
  await engine?.end("SIGKILL");
  installation?.remove();
});

/** A request that was cut off has no answer to come: after this silence the connection is half-closed. */
const SILENCE_MS = 200;

/** Writes all of it, and reads until that many answers have come, or no more do. */
function exchange(port: number, bytes: Buffer, requests: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    let text = "";
    const half = () => socket.end();
    let silence = setTimeout(half, SILENCE_MS);
    socket.on("connect", () => socket.write(bytes));
    socket.on("data", (chunk) => {
      clearTimeout(silence);
      text += chunk.toString("latin1");
      const answers = text.split("HTTP/1.1 ").length - text.split("HTTP/1.1 100 ").length;
      if (answers >= requests) half();
      else silence = setTimeout(half, SILENCE_MS);
    });
    // A reset is an answer too: the engine may close what it will not read.
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(silence);
      resolve(text);
    });
  });
}

interface Tally {
  requests: number;
  connections: number;
  readonly statuses: Map<string, number>;
  readonly acknowledged: string[];
  readonly wrong: { readonly how: readonly string[]; readonly status: string; readonly nth: number }[];
}

const isFine = (status: number) => (status >= 200 && status < 300) || (status >= 400 && status < 500 && status !== 410);

function look(text: string, how: readonly string[], tally: Tally): void {
  const heads = [...text.matchAll(/HTTP\/1\.1 (\d{3})[^\r]*\r\n((?:[^\r]+\r\n)*)\r\n/g)];
  if (heads.length === 0) tally.statuses.set("closed", (tally.statuses.get("closed") ?? 0) + 1);
  for (const [, status = "", headers = ""] of heads) {
    if (status === "100") continue;
    tally.statuses.set(status, (tally.statuses.get(status) ?? 0) + 1);
    const event = /x-hookrail-event: (evt_\w+)/i.exec(headers)?.[1];
    if (event !== undefined) tally.acknowledged.push(event);
    // Declared admission says when to come again.
    const declared = status === "503" && /retry-after: \d+/i.test(headers) && !text.includes("try again later");
    if (!isFine(Number(status)) && !declared) tally.wrong.push({ how, status, nth: tally.connections });
  }
  if (text.includes(SECRET) || /\n\s+at |node:internal/.test(text))
    tally.wrong.push({ how, status: "tells too much", nth: tally.connections });
}

test(
  `${REQUESTS} mutated requests, seed ${seed}: no 5xx, no end, nothing acknowledged lost, and the honest ones are taken`,
  async () => {
    const port = Number(new URL(engine.hooks).port);
    const random = seeded(seed);
    const tally: Tally = { requests: 0, connections: 0, statuses: new Map(), acknowledged: [], wrong: [] };
    const controls: number[] = [];
    let done = false;
    const control = async () => {
      while (!done) {
        const sentAt = performance.now();
        const answer = await rawExchange({ port, send: [message()] });
        controls.push(performance.now() - sentAt);
        expect(answer.status).toBe(202);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const attacker = async () => {
      while (tally.requests < REQUESTS && tally.wrong.length === 0) {
        const { bytes, how, requests } = mutant(random);
        tally.requests += requests;
        tally.connections++;
        look(await exchange(port, bytes, requests), how, tally);
      }
    };
    const controlling = control();
    await Promise.all(Array.from({ length: WIDTH }, attacker));
    done = true;
    await controlling;
    expect(tally.wrong).toEqual([]);
    expect(engine.child.exitCode).toBeNull();
    await settled(engine);
    expectKept(tally.acknowledged);
    const output = [...engine.lines, engine.stderr()].join("\n");
    expect(output).not.toMatch(/\n\s+at |uncaught|unhandled/i);
    expect(output).not.toContain(SECRET);
    expect(engine.lines.filter((line) => (JSON.parse(line) as { level: string }).level === "error")).toEqual([]);
    controls.sort((a, b) => a - b);
    report("mutated requests", {
      requests: tally.requests,
      connections: tally.connections,
      statuses: [...tally.statuses]
        .sort()
        .map(([status, n]) => `${status}: ${n}`)
        .join(", "),
      acknowledged: tally.acknowledged.length,
      "honest posts beside them": controls.length,
      "their p50 ms": Math.round(controls[Math.floor(controls.length * 0.5)] ?? 0),
      "their p99 ms": Math.round(controls[Math.floor(controls.length * 0.99)] ?? 0),
      "peak MiB": peakMemory(),
    });
    expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
  },
  60_000 + REQUESTS * 10,
);

/** Each acknowledged event is stored, and has come to an end that can be seen. */
function expectKept(acknowledged: readonly string[]): void {
  const stored = query<{ id: string; ended: number }>(
    installation.root,
    "hookrail.db",
    // A type that no rule names asks for no work: such an event is stored and shown as skipped.
    `SELECT e.id, NOT EXISTS (SELECT 1 FROM work w WHERE w.event_seq = e.seq)
       AND (e.type <> 'payment.made' OR EXISTS (SELECT 1 FROM outcomes o WHERE o.event_seq = e.seq)
         OR EXISTS (SELECT 1 FROM dead_letters d WHERE d.event_seq = e.seq)) AS ended FROM events e`,
  );
  const ended = new Map(stored.map((event) => [event.id, event.ended]));
  expect(acknowledged.filter((id) => ended.get(id) !== 1)).toEqual([]);
  expect(acknowledged.length).toBeGreaterThan(0);
}

function peakMemory(): number | string {
  try {
    const kib = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${engine.child.pid}/status`, "utf8"))?.[1];
    return Math.round(Number(kib) / 1024);
  } catch {
    return "not known";
  }
}
