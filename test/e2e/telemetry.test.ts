/** The real process beside a collector: what it is sent, what sinks are told, and what its absence costs. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually, type Installation, listEvents, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation, query } from "../support/fault-installation.ts";
import { answer, type FaultServer, startFaultServer } from "../support/fault-server.ts";
import { PATH, payment, SECRET, signed, yesterday } from "../support/payments.ts";
import { parseMetrics, seriesValue } from "../support/prometheus.ts";

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, string>> }[];
}

const TOKEN = "otlp-canary-7f3a9c";
const SENDER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
const base = yesterday();
let collector: FaultServer;
let crm: FaultServer;
let installation: Installation;
let engine: RunningEngine;

beforeEach(async () => {
  collector = await startFaultServer();
  crm = await startFaultServer();
  const headers = "headers: { authorization: '${OTLP_AUTH}' }";
  installation = createFaultInstallation({
    crm: crm.url,
    extra: `otel: { endpoint: "${collector.url}", ${headers}, service_name: rail-test }`,
    files: { "faults.env": `PAY_SECRET=${SECRET}\nOTLP_AUTH=Bearer ${TOKEN}\n` },
  });
  engine = await installation.start();
});
afterEach(async () => {
  await engine?.end("SIGKILL");
  installation?.remove();
  await Promise.all([collector.close(), crm.close()]);
});

async function post(n: number, more: Readonly<Record<string, string>> = {}): Promise<string> {
  const body = payment(n, base);
  const reply = await fetch(engine.hooks + PATH, { method: "POST", body, headers: { ...signed(body), ...more } });
  expect(reply.status).toBe(202);
  return reply.headers.get("x-hookrail-event") ?? "";
}

const spansSent = (): readonly Span[] =>
  collector.requests
    .filter(({ url }) => url === "/v1/traces")
    .flatMap(({ body }) => JSON.parse(body).resourceSpans[0].scopeSpans[0].spans as Span[]);
const done = () =>
  eventually(
    () => listEvents(engine),
    (events) => events.every((one) => one.outcome === "delivered"),
  );
const attribute = (span: Span, name: string) =>
  Object.values(span.attributes.find(({ key }) => key === name)?.value ?? {})[0];

describe("a collector", () => {
  test("gets each event as one trace, from the request to each attempt; sinks are told theirs; metrics come at the end", async () => {
    const event = await post(1);
    const traced = await post(2, { traceparent: SENDER });
    await done();
    expect(await engine.end("SIGTERM")).toMatchObject({ code: 0 });

    const spans = spansSent();
    const own = spans.filter(({ traceId }) => traceId === event.slice(4));
    const byName = (name: string) => own.filter((span) => span.name === name);
    const [intake] = byName("intake pay");
    const [apply] = byName("apply payments");
    expect(byName("store commit")[0]?.parentSpanId).toBe(intake?.spanId);
    expect(apply?.parentSpanId).toBe(intake?.spanId);
    const attempts = own.filter(({ kind }) => kind === 3);
    expect(attempts.map(({ name }) => name).toSorted()).toEqual(
      ["save keyed", "track keyed", "track plain", "track local", "upsert local"].toSorted(),
    );
    for (const span of attempts) expect(span.parentSpanId).toBe(apply?.spanId);
    for (const span of spans)
      expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano));

    const senders = spans.filter(({ traceId }) => traceId === SENDER.slice(3, 35));
    expect(senders.find(({ name }) => name === "intake pay")?.parentSpanId).toBe(SENDER.slice(36, 52));
    expect(senders.every((span) => [traced, undefined].includes(attribute(span, "hookrail.event.id")))).toBe(true);

    const told = crm.requests.map(({ headers }) => String(headers["traceparent"]));
    expect(told).toHaveLength(6);
    const sent = spans.filter(({ kind }) => kind === 3).map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`);
    for (const one of told) expect(sent).toContain(one);
    for (const { data } of query<{ data: string }>(installation.root, "hookrail.db", "SELECT data FROM requests"))
      expect(data).not.toContain("traceparent");

    for (const { headers } of collector.requests) expect(headers["authorization"]).toBe(`Bearer ${TOKEN}`);
    const last = collector.requests.filter(({ url }) => url === "/v1/metrics").at(-1);
    const [resource] = JSON.parse(last?.body ?? "{}").resourceMetrics;
    expect(resource.resource.attributes).toContainEqual({ key: "service.name", value: { stringValue: "rail-test" } });
    const accepted = resource.scopeMetrics[0].metrics.find(
      (one: { name: string }) => one.name === "hookrail.events.accepted",
    );
    expect(accepted.sum.dataPoints[0].asDouble).toBe(2);
    const output = [...engine.lines, engine.stderr(), JSON.stringify(collector.requests.map(({ body }) => body))].join(
      "\n",
    );
    expect(output).not.toContain(TOKEN);
  });

  test("that is away delays nothing: events go through, spans are dropped, counted and told of", async () => {
    collector.refuseConnections(true);
    for (let n = 1; n <= 5; n++) await post(n);
    await done();
    const line = await eventually(
      async () => engine.lines.find((one) => one.includes("OpenTelemetry collector did not take spans")),
      (found) => found !== undefined,
    );
    expect(line).not.toContain(TOKEN);
    const begun = performance.now();
    expect(await engine.end("SIGTERM")).toMatchObject({ code: 0 });
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  test("that hangs holds up neither hooks nor deliveries, and the stop waits for it no longer than its grace", async () => {
    collector.next(...Array.from({ length: 20 }, () => ({ kind: "hang" }) as const));
    await post(1);
    await done();
    await eventually(
      async () => collector.requests.length,
      (count) => count > 0,
    );
    await post(2);
    await done();
    const begun = performance.now();
    expect(await engine.end("SIGTERM")).toMatchObject({ code: 0 });
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  test("is what the config at work says: a reload turns it off, on, and to another one", {
    timeout: 120_000,
  }, async () => {
    const other = await startFaultServer();
    try {
      const path = join(installation.root, "config.yaml");
      const config = readFileSync(path, "utf8");
      const line = /^otel: .*$/m;
      expect(config).toMatch(line);
      const take = async (otel: string): Promise<void> => {
        writeFileSync(
          path,
          config.replace(line, () => otel),
        );
        expect((await installation.hookrail("reload")).code).toBe(0);
      };
      const tracesOf = (server: FaultServer) =>
        server.requests
          .filter(({ url }) => url === "/v1/traces")
          .map(({ body }) => body)
          .join();
      const arrives = (server: FaultServer, event: string) =>
        eventually(
          async () => tracesOf(server),
          (text) => text.includes(event.slice(4)),
        );

      const first = await post(1);
      await arrives(collector, first);
      await take("");
      const untold = await post(2);
      await done();
      await take(`otel: { endpoint: "${other.url}" }`);
      const moved = await post(3);
      await arrives(other, moved);
      await take(line.exec(config)?.[0] ?? "");
      const back = await post(4);
      await arrives(collector, back);
      expect(await engine.end("SIGTERM")).toMatchObject({ code: 0 });
      for (const server of [collector, other]) expect(tracesOf(server)).not.toContain(untold.slice(4));
      expect(tracesOf(collector)).not.toContain(moved.slice(4));
      expect(tracesOf(other)).not.toContain(back.slice(4));
      expect(other.requests.every(({ headers }) => headers["authorization"] === undefined)).toBe(true);
    } finally {
      await other.close();
    }
  });

  test("that refuses is not asked again with the same, and the count says so", async () => {
    collector.next(answer(400));
    await post(1);
    const families = await eventually(
      async () => parseMetrics(await (await fetch(`${engine.admin}/metrics`)).text()),
      (one) => (seriesValue(one, "hookrail_telemetry_items_total", { signal: "spans", outcome: "dropped" }) ?? 0) > 0,
    );
    expect(
      seriesValue(families, "hookrail_telemetry_items_total", { signal: "spans", outcome: "sent" }),
    ).toBeUndefined();
  });
});
