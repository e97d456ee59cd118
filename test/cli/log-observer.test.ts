import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createLogObserver, privacyOf } from "../../engine/cli/log-observer.ts";
import { createVirtualClock } from "../../engine/core/clock.ts";
import type { EntityModel } from "../../engine/core/entity.ts";
import { createLog } from "../../engine/core/log.ts";
import { Secret } from "../../engine/core/secret.ts";
import type { DeliveryId, EventId } from "../../engine/core/types.ts";
import { sensitivityOf } from "../../engine/http/documents.ts";

function openTestLog() {
  const lines: Record<string, unknown>[] = [];
  const log = createLog({
    stream: { write: (line: string) => void lines.push(JSON.parse(line)) },
    clock: createVirtualClock(0),
  });
  return { lines, log };
}

function observe() {
  const lines: Record<string, unknown>[] = [];
  const clock = createVirtualClock(0);
  const log = createLog({ stream: { write: (line: string) => void lines.push(JSON.parse(line)) }, clock });
  return {
    observer: createLogObserver(log, {
      privacy: {
        text: (text) => text.replaceAll("ada@example.com", "[sensitive]"),
        entity: ({ type, key }) => `${type}/${key}`,
      },
    }),
    lines,
    clock,
  };
}

const event = "evt_1" as EventId;
const attempt = {
  delivery: "dlv_1" as DeliveryId,
  event,
  pipeline: "p",
  connection: "crm",
  action: "upsert",
  attempt: 1,
  detail: "",
  lagMs: 12,
};

describe("sensitive keys", () => {
  const told = (hashKey?: string) => {
    const { lines, log } = openTestLog();
    const sensitivity = sensitivityOf(
      new Map([
        ["lead", { ids: ["email"], attributes: new Map([["email", { sensitive: true }]]) } as unknown as EntityModel],
      ]),
    );
    const privacy = privacyOf(
      () => (hashKey === undefined ? undefined : new Secret(hashKey)),
      () => sensitivity,
    );
    const observer = createLogObserver(log, { privacy });
    const entity = { type: "lead", key: "ada@example.com" };
    observer.attempted({ ...attempt, entity, outcome: "delivered" });
    const held = { event, source: "s", type: "t", pipeline: "p", deliveries: 0, lagMs: 1 };
    observer.applied({ ...held, status: "held", reason: "waits for lead/@email=ada@example.com, not seen yet" });
    return lines;
  };

  test("are left out without a key", () => {
    const lines = told();
    expect(JSON.stringify(lines)).not.toContain("ada@");
    expect(lines[0]).not.toHaveProperty("entity");
    expect(lines[1]).toMatchObject({ reason: "waits for lead/[sensitive], not seen yet" });
  });

  test("are the same keyed hash in every line, another one under another key", () => {
    const hash = createHmac("sha256", "k".repeat(16)).update("ada@example.com").digest("hex").slice(0, 16);
    const lines = told("k".repeat(16));
    expect(lines[0]).toMatchObject({ entity: `lead/h:${hash}` });
    expect(lines[1]).toMatchObject({ reason: `waits for lead/h:${hash}, not seen yet` });
    expect(JSON.stringify(told("l".repeat(16)))).not.toContain(hash);
  });
});

describe("much of the same", () => {
  test("a sink that is down is five lines a minute, then the count of the others", () => {
    const { observer, lines, clock } = observe();
    for (let n = 1; n <= 40; n++)
      observer.attempted({ ...attempt, attempt: n, outcome: "retrying", detail: "status 503" });
    observer.attempted({ ...attempt, connection: "other", outcome: "retrying", detail: "status 503" });
    expect(lines).toHaveLength(6);
    clock.advance(60_000);
    expect(lines.at(-1)).toMatchObject({ cause: "not delivered to crm: retrying", times: 35 });
    expect(JSON.stringify(lines)).not.toContain("dropped");
  });

  test("a share of events has its lines at info, whole events at a time; warnings are always there", () => {
    const { lines, log } = openTestLog();
    const observer = createLogObserver(log, {
      privacy: { text: (text) => text, entity: () => undefined },
      sample: () => 0.5,
    });
    const skipped = { source: "s", type: "t", pipeline: "p", status: "skipped" as const, deliveries: 0, lagMs: 1 };
    for (let n = 0; n < 200; n++) {
      const id = `evt_${n}` as EventId;
      observer.applied({ ...skipped, event: id });
      observer.attempted({ ...attempt, event: id, outcome: "delivered" });
    }
    const shown = Map.groupBy(lines, (line) => line["event"]);
    expect(shown.size).toBeGreaterThan(60);
    expect(shown.size).toBeLessThan(140);
    for (const of of shown.values()) expect(of).toHaveLength(2);
    observer.attempted({ ...attempt, outcome: "dead", detail: "status 422" });
    expect(lines.at(-1)).toMatchObject({ level: "warn", outcome: "dead" });
  });
});

describe("createLogObserver", () => {
  test("a delivered event is one line at info", () => {
    const { observer, lines } = observe();
    observer.ingested({
      source: "stripe",
      provider: "stripe",
      outcome: "accepted",
      status: 202,
      events: [event],
      remoteAddress: "127.0.0.1",
    });
    observer.applied({
      event,
      source: "stripe",
      type: "invoice.paid",
      pipeline: "p",
      status: "applied",
      deliveries: 1,
      lagMs: 5,
    });
    observer.attempted({ ...attempt, outcome: "delivered" });
    expect(lines).toMatchObject([{ level: "info", msg: "delivered", event, connection: "crm", lag_ms: 12 }]);
  });

  test("what is turned away since there is too much is a warning with its bound; a store that can't promise is an error", () => {
    const { observer, lines } = observe();
    const fact = { source: "stripe", provider: "stripe", events: [], remoteAddress: "203.0.113.5" };
    for (const reason of ["busy", "backlog", "accept_rate"])
      observer.ingested({ ...fact, outcome: "unavailable", status: 503, reason });
    observer.ingested({ ...fact, outcome: "rate_limited", status: 429, reason: "rate" });
    observer.ingested({ ...fact, outcome: "unavailable", status: 503 });
    expect(lines.map(({ level, reason }) => [level, reason])).toEqual([
      ["warn", "busy"],
      ["warn", "backlog"],
      ["warn", "accept_rate"],
      ["warn", "rate"],
      ["error", undefined],
    ]);
  });

  test("a hundred thousand forged requests are a few lines and a count", () => {
    const { observer, lines, clock } = observe();
    for (let n = 0; n < 100_000; n++)
      observer.ingested({
        source: "stripe",
        provider: "stripe",
        outcome: "unauthorized",
        status: 401,
        reason: "signature_mismatch",
        events: [],
        remoteAddress: `10.0.${n >> 8}.${n & 255}`,
      });
    clock.advance(60_000);
    expect(lines).toHaveLength(6);
    expect(lines.at(-1)).toMatchObject({ level: "warn", times: 99_995 });
  });

  test("a reason or an answer that names an entity by personal data is masked", () => {
    const { observer, lines } = observe();
    const reason = "waits for lead/@email=ada@example.com, not seen yet";
    observer.applied({ event, source: "s", type: "t", pipeline: "p", status: "held", reason, deliveries: 0, lagMs: 5 });
    observer.attempted({ ...attempt, outcome: "rejected", detail: "no contact ada@example.com" });
    observer.connectionPaused({ connection: "crm", detail: "not for ada@example.com" });
    expect(lines).toHaveLength(3);
    expect(JSON.stringify(lines)).not.toContain("ada@");
  });

  test("what needs a person is a warning or worse", () => {
    const { observer, lines } = observe();
    observer.applied({
      event,
      source: "s",
      type: "t",
      pipeline: "p",
      status: "dead",
      code: "HK2021",
      deliveries: 0,
      lagMs: 5,
    });
    observer.attempted({ ...attempt, outcome: "retry", httpStatus: 503, detail: "busy", nextAt: 60_000 });
    observer.ingested({
      source: "s",
      provider: "s",
      outcome: "conflict",
      status: 200,
      events: [event],
      remoteAddress: "",
    });
    observer.connectionPaused({ connection: "crm", detail: "401" });
    observer.fault({ where: "apply", error: new Error("canary") });
    observer.clockJumped?.({ byMs: -3_600_000 });
    const skew = { medianMs: -90_000.5, limitMs: 60_000, requests: 20 };
    observer.clockSkewed?.({ ...skew, cause: "one_source", sources: ["shop"] });
    observer.clockSkewed?.({ ...skew, cause: "all_sources", sources: ["crm", "shop"] });
    const levels = ["warn", "warn", "warn", "error", "error", "warn", "warn", "warn"];
    expect(lines.map((line) => line["level"])).toEqual(levels);
    expect(lines[6]).toMatchObject({ sources: ["shop"], median_ms: -90_000, limit_ms: 60_000, requests: 20 });
    expect(lines[6]?.["msg"]).toContain("that sender's clock or ours");
    expect(lines[7]?.["msg"]).toContain("it is this clock that is wrong");
    expect(lines[5]).toMatchObject({ by_ms: -3_600_000 });
    expect(lines[1]).toMatchObject({ http_status: 503, next_try: "1970-01-01T00:01:00.000Z" });
    expect(JSON.stringify(lines)).not.toContain("canary");
  });
});
