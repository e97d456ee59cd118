/**
 * The sender, a process of its own: keep-alive connections over raw sockets, each with one request in flight. Takes
 * a plan as its argument, prints a result as JSON. Everything is signed before the clock starts.
 */
import { connect, type Socket } from "node:net";
import { createTemplate, patchRequest, type RequestTemplate, type SignedIds, signIds } from "./events.ts";
import { cpuMs } from "./proc.ts";

export interface LoadPlan {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  /** Requests before the window opens are sent and not counted, ms. */
  readonly warmupMs: number;
  readonly windowMs: number;
  /** Ends the window early. */
  readonly maxRequests: number;
  /** Whose CPU time is counted over the window. */
  readonly serverPid: number;
}

export interface LoadResult {
  /** Within the window. */
  readonly requests: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly cpuUs: number | undefined;
  /** All that were answered with 2xx, outside the window too. */
  readonly accepted: number;
  readonly failures: readonly string[];
  /** Wall clock at the first byte sent, ms. */
  readonly startedAt: number;
}

interface Run {
  readonly plan: LoadPlan;
  readonly template: RequestTemplate;
  readonly ids: SignedIds;
  readonly latencies: Float64Array;
  sent: number;
  accepted: number;
  /** Answers within the window. */
  counted: number;
  readonly failures: string[];
  openAt: number;
  closeAt: number;
  cpuAtOpen: number | undefined;
  cpuAtClose: number | undefined;
}

const HEAD_END = Buffer.from("\r\n\r\n");

/** Tells where the window stands and reads the server's CPU time at its edges. */
function isOver(run: Run, now: number): boolean {
  if (run.cpuAtOpen === undefined && now >= run.openAt) run.cpuAtOpen = cpuMs(run.plan.serverPid) ?? 0;
  if (run.sent < run.ids.count && now < run.closeAt) return false;
  if (run.cpuAtClose === undefined) {
    run.cpuAtClose = cpuMs(run.plan.serverPid) ?? 0;
    run.closeAt = now;
  }
  return true;
}

/** Sends one request after the other on one connection until the window has closed; resolves when it is closed. */
function drive(run: Run): Promise<void> {
  const { plan, template } = run;
  const request = Buffer.from(template.bytes);
  return new Promise((resolve) => {
    const socket: Socket = connect({ port: plan.port, host: "127.0.0.1", noDelay: true });
    let startedAt = 0;
    let pending: Buffer | undefined;
    const next = (now: number) => {
      if (isOver(run, now)) {
        socket.end();
        return;
      }
      patchRequest(request, template, run.ids, run.sent++);
      startedAt = now;
      socket.write(request);
    };
    socket.on("connect", () => next(performance.now()));
    socket.on("data", (chunk: Buffer) => {
      const answer = pending === undefined ? chunk : Buffer.concat([pending, chunk]);
      const status = statusOfWhole(answer);
      pending = status === undefined ? answer : undefined;
      if (status === undefined) return;
      const now = performance.now();
      count(run, status, { startedAt, now });
      next(now);
    });
    socket.on("error", (error) => fault(run, error.message));
    socket.on("close", () => resolve());
  });
}

function count(run: Run, status: number, { startedAt, now }: { startedAt: number; now: number }): void {
  if (status >= 200 && status < 300) run.accepted++;
  else fault(run, `status ${status}`);
  if (startedAt >= run.openAt && run.cpuAtClose === undefined) run.latencies[run.counted++] = now - startedAt;
}

function fault(run: Run, message: string): void {
  if (run.failures.length < 20) run.failures.push(message);
}

/** The status, once the whole answer is there; undefined before. */
function statusOfWhole(answer: Buffer): number | undefined {
  const headEnd = answer.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = answer.toString("latin1", 0, headEnd);
  const length = Number(/\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  return answer.length < headEnd + 4 + length ? undefined : Number(head.slice(9, 12));
}

async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const seconds = Math.floor(Date.now() / 1000);
  const template = createTemplate(plan.path, seconds);
  const ids = signIds(template, plan.maxRequests, seconds);
  const startedAt = Date.now();
  const now = performance.now();
  const run: Run = {
    plan,
    template,
    ids,
    latencies: new Float64Array(plan.maxRequests),
    sent: 0,
    accepted: 0,
    counted: 0,
    failures: [],
    openAt: now + plan.warmupMs,
    closeAt: now + plan.warmupMs + plan.windowMs,
    cpuAtOpen: undefined,
    cpuAtClose: undefined,
  };
  await Promise.all(Array.from({ length: plan.connections }, () => drive(run)));
  const sorted = run.latencies.subarray(0, run.counted).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  const cpu = (run.cpuAtClose ?? 0) - (run.cpuAtOpen ?? 0);
  return {
    requests: run.counted,
    perSecond: run.counted / ((run.closeAt - run.openAt) / 1000),
    p50: at(0.5),
    p99: at(0.99),
    max: sorted.at(-1) ?? Number.NaN,
    cpuUs: cpu > 0 ? (cpu * 1000) / run.counted : undefined,
    accepted: run.accepted,
    failures: run.failures,
    startedAt,
  };
}

const result = await runLoad(JSON.parse(process.argv[2] ?? "{}") as LoadPlan);
process.stdout.write(JSON.stringify(result));
