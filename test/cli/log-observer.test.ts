import { describe, expect, test } from "vitest";
import { createLogObserver } from "../../engine/cli/log-observer.ts";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { createLog } from "../../engine/core/log.ts";
import type { DeliveryId, EventId } from "../../engine/core/types.ts";

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
