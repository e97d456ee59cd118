/**
 * More than the engine can take, offered by a sender that does not wait for answers: what is accepted is answered in
 * time and kept, the rest is told so at once, with a 503 that says when to come again.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Installation, RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation, query } from "../support/fault-installation.ts";
import { message } from "../support/hostile-requests.ts";
import { report } from "../support/report.ts";
import { faultFactor } from "../support/seeded.ts";

const SECONDS = 2 * Math.min(faultFactor(), 10);
const SOCKETS = 800;

let installation: Installation;
let engine: RunningEngine;

beforeAll(async () => {
  installation = createFaultInstallation();
  engine = await installation.start();
});

afterAll(async () => {
  await engine?.end("SIGKILL");
  installation?.remove();
});

interface Answer {
  readonly status: number;
  readonly event: string | undefined;
  readonly ms: number;
  readonly retryAfter: boolean;
}

/** A keep-alive connection that sends when told and notes each answer with its time. */
interface Line {
  send(): void;
  /** Called with each answer. */
  onAnswer: () => void;
  readonly free: boolean;
  readonly socket: Socket;
}

async function openLine(answers: Answer[]): Promise<Line> {
  const socket = connect({ port: Number(new URL(engine.hooks).port), host: "127.0.0.1" });
  socket.setNoDelay(true);
  let sentAt = 0;
  let free = true;
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    const whole = /^HTTP\/1\.1 (\d+)[\s\S]*?\r\n\r\n\{[^}]*\}/.exec(text);
    if (whole === null) return;
    text = text.slice(whole[0].length);
    free = true;
    answers.push({
      status: Number(whole[1]),
      event: /x-hookrail-event: (evt_\w+)/i.exec(whole[0])?.[1],
      ms: performance.now() - sentAt,
      retryAfter: /retry-after: \d+/i.test(whole[0]),
    });
    line.onAnswer();
  });
  socket.on("error", () => {});
  await once(socket, "connect");
  const line: Line = {
    socket,
    onAnswer: () => {},
    get free() {
      return free && !socket.destroyed;
    },
    send() {
      free = false;
      sentAt = performance.now();
      socket.write(message({ close: false }));
    },
  };
  return line;
}

const at = (sorted: readonly number[], share: number) => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0);

/** Offers so many a second for a while, over as many connections as that takes; waits for what is under way. */
async function offer(
  lines: readonly Line[],
  perSecond: number,
  seconds: number,
): Promise<{ sent: number; late: number }> {
  const start = performance.now();
  let [sent, late] = [0, 0];
  while (performance.now() - start < seconds * 1_000) {
    const due = ((performance.now() - start) / 1_000) * perSecond;
    while (sent + late < due) {
      const line = lines.find((one) => one.free);
      // All connections wait for an answer: a real sender would open more.
      if (line === undefined) late++;
      else {
        line.send();
        sent++;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  while (lines.some((one) => !one.free && !one.socket.destroyed))
    await new Promise((resolve) => setTimeout(resolve, 10));
  return { sent, late };
}

test("at three times of what it can take, accepted requests are answered in time, others at once, and none is lost", async () => {
  const answers: Answer[] = [];
  const lines = await Promise.all(Array.from({ length: SOCKETS }, () => openLine(answers)));
  // What it can take, found out by a few senders that each wait for their answer.
  const few = lines.slice(0, 64);
  const start = performance.now();
  for (const line of few) {
    line.onAnswer = () => line.send();
    line.send();
  }
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  for (const line of few) line.onAnswer = () => {};
  const capacity = (answers.length / (performance.now() - start)) * 1_000;
  const before = answers.length;
  const { sent, late } = await offer(lines, capacity * 3, SECONDS);
  const under = answers.slice(before);
  const times = (status: number) =>
    under
      .filter((one) => one.status === status)
      .map(({ ms }) => ms)
      .sort((a, b) => a - b);
  const [accepted, refused] = [times(202), times(503)];
  report("overload", {
    "capacity per s": Math.round(capacity),
    "offered per s": Math.round((sent + late) / SECONDS),
    sent,
    late,
    accepted: accepted.length,
    "accepted p50 ms": at(accepted, 0.5),
    "accepted p99 ms": at(accepted, 0.99),
    refused: refused.length,
    "refused p99 ms": at(refused, 0.99),
  });
  expect(under.filter(({ status }) => status !== 202 && status !== 503)).toEqual([]);
  expect(under.filter(({ status, retryAfter }) => status === 503 && !retryAfter)).toEqual([]);
  expect(accepted.length).toBeGreaterThan(0);
  const stored = new Set(
    query<{ id: string }>(installation.root, "hookrail.db", "SELECT id FROM events").map(({ id }) => id),
  );
  expect(answers.filter(({ status, event }) => status < 300 && !stored.has(event ?? ""))).toEqual([]);
  for (const { socket } of lines) socket.destroy();
}, 120_000);
