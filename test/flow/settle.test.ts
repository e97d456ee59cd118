import { describe, expect, it } from "vitest";
import type { DeadLetterId, DeliveryId, EventId } from "../../engine/core/types.ts";
import { type SettleContext, settlementOf } from "../../engine/flow/settle.ts";
import type { Outcome } from "../../engine/plugin/index.ts";
import type { DeliveryRecord } from "../../engine/store/store.ts";

const now = 1_000_000;

const record: DeliveryRecord = {
  id: "dlv_1" as DeliveryId,
  seq: 1,
  pipeline: "p",
  deliverId: "crm/identify",
  connection: "crm",
  entity: { type: "customer", key: "cus_1" },
  ids: {},
  action: "identify",
  kind: "upsert",
  eventName: "invoice.paid",
  attributes: { tier: { set: "team" }, note: { clear: true } },
  params: {},
  entityVersion: 3,
  idempotencyKey: "key",
  retry: { baseMs: 2_000, capMs: 300_000, horizonMs: 3_600_000 },
  createdAt: now - 5_000,
  event: {
    seq: 1,
    id: "evt_1" as EventId,
    providerId: "e",
    type: "invoice.paid",
    source: "stripe",
    occurredAt: 0,
    receivedAt: 0,
  },
  status: "sending",
  attempts: 0,
  nextAt: now,
};

function settle(outcome: Outcome, parts: { record?: Partial<DeliveryRecord>; context?: Partial<SettleContext> } = {}) {
  const context: SettleContext = {
    connection: { timeoutMs: 30_000 },
    guarantee: { kind: "at_least_once", repeat: "acts_again" },
    startedAt: now - 100,
    now,
    random: 0.5,
    deadId: () => "dead_1" as DeadLetterId,
    ...parts.context,
  };
  return settlementOf({ ...record, ...parts.record }, outcome, context);
}

describe("settlementOf", () => {
  it("acknowledges what was sent, cleared attributes as null", () => {
    expect(settle({ kind: "delivered", status: 200 })).toMatchObject({
      status: "delivered",
      acknowledged: { tier: "team", note: null },
    });
  });

  it("acknowledges nothing for an effect", () => {
    expect(settle({ kind: "delivered" }, { record: { kind: "effect" } }).acknowledged).toBeUndefined();
  });

  it("retries within full jitter of the plan", () => {
    expect(settle({ kind: "retry", status: 503, detail: "status 503" })).toMatchObject({
      status: "retrying",
      nextAt: now + 1_000,
    });
  });

  it("waits as long as the sink asks", () => {
    expect(settle({ kind: "retry", status: 429, detail: "slow down", afterMs: 60_000 }).nextAt).toBe(now + 60_000);
  });

  it("gives up at the horizon and forgets what was acknowledged, so that the next event repairs it", () => {
    const settled = settle({ kind: "retry", detail: "status 503" }, { record: { horizonFrom: now - 3_600_000 } });
    expect(settled).toMatchObject({ status: "dead", dead: { code: "HK5302" }, forgotten: ["tier", "note", "state"] });
  });

  it("makes a refusal a dead letter at once", () => {
    expect(settle({ kind: "rejected", status: 422, detail: "status 422: bad e-mail" })).toMatchObject({
      status: "dead",
      dead: { code: "HK5301" },
    });
  });

  it("waits out the sink's own timeout after an unknown outcome, and clears the marks", () => {
    const settled = settle({ kind: "unknown", detail: "reset" });
    expect(settled).toMatchObject({ status: "unknown", nextAt: now + 30_000, forgotten: ["tier", "note", "state"] });
  });

  it("parks an unknown outcome where the connection says at_most_once", () => {
    const settled = settle({ kind: "unknown", detail: "reset" }, { context: { guarantee: { kind: "at_most_once" } } });
    expect(settled).toMatchObject({ status: "dead", dead: { code: "HK5303" } });
  });

  it("burns no retry when the connection is at fault", () => {
    expect(settle({ kind: "pause", status: 401, detail: "status 401" })).toMatchObject({
      status: "retrying",
      nextAt: now,
    });
    expect(settle({ kind: "pause", status: 410, detail: "gone", dead: true })).toMatchObject({ status: "dead" });
  });

  it("says superseded when the sink had a later write already", () => {
    expect(settle({ kind: "delivered", noEffect: "superseded", detail: "later" })).toMatchObject({
      status: "superseded",
    });
    expect(settle({ kind: "delivered", noEffect: "superseded" }).acknowledged).toBeUndefined();
  });
});
