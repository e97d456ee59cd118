/** Deliveries: marks, settlements, acknowledged values, and what a crash leaves. */
import { describe, expect, it } from "vitest";
import { DELIVERY_EDGES, type DeliveryId, type DeliveryStatus } from "../../../engine/core/types.ts";
import type { AttemptRecord, DeliverySettlement, Store } from "../../../engine/store/store.ts";
import {
  acceptWork,
  audit,
  commitOf,
  customer,
  deadLetter,
  deliverables,
  newDelivery,
  START,
} from "../../support/store-fixtures.ts";
import type { OpenStore } from "../store.contract.ts";
import { withStore } from "./with-store.ts";

const id = "dlv_1" as DeliveryId;
const frozen = { summary: "PUT /customers/cus_1", data: { body: "{}" } };

function attempt(changes: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    attempt: 1,
    startedAt: START + 200,
    finishedAt: START + 300,
    outcome: "delivered",
    detail: "ok",
    ...changes,
  };
}

const targets = ["delivered", "retrying", "unknown", "superseded", "dead", "pending"] as const;

/** How a delivery gets to each status. */
const ways: readonly (readonly [DeliveryStatus, (store: Store, delivery: DeliveryId) => Promise<unknown>])[] = [
  ["pending", async () => {}],
  ["sending", (store, delivery) => store.markAttempt({ delivery, attempt: 1, at: START, frozen })],
  ["retrying", (store, delivery) => store.settleDelivery({ delivery, status: "retrying", nextAt: START })],
  ["unknown", (store, delivery) => store.settleDelivery({ delivery, status: "unknown", nextAt: START })],
  ["delivered", (store, delivery) => store.settleDelivery({ delivery, status: "delivered" })],
  ["superseded", (store, delivery) => store.settleDelivery({ delivery, status: "superseded" })],
  ["dead", (store, delivery) => store.settleDelivery({ delivery, status: "dead", dead: deadLetter(delivery) })],
  [
    "discarded",
    async (store, delivery) => {
      await store.settleDelivery({ delivery, status: "dead", dead: deadLetter(delivery) });
      await store.discardDeadLetter(deadLetter(delivery).id, audit());
    },
  ],
];

/** What a settlement needs besides its status. */
function settlementTo(delivery: DeliveryId, status: DeliverySettlement["status"]): DeliverySettlement {
  return { delivery, status, ...(status === "dead" ? { dead: deadLetter(`again-${delivery}`) } : {}) };
}

async function statusOf(store: Store): Promise<DeliveryStatus | undefined> {
  return (await store.story("evt_1"))?.deliveries[0]?.delivery.status;
}

export function deliveryContract(name: string, open: OpenStore): void {
  describe(`deliveries (${name})`, () => {
    it(
      "gives a due delivery back as it was born, with its event's names",
      withStore(open, async ({ store }) => {
        const born = newDelivery("1", { state: "active", notAfter: START + 1e6, params: { channel: "#sales" } });
        const work = await deliverables(store, "evt_1", [born]);
        const [due] = await store.dueDeliveries("crm", START + 100, 10, new Set());
        expect(due).toMatchObject({ ...born, status: "pending", attempts: 0, nextAt: START + 100 });
        expect(due?.event).toMatchObject({
          seq: work.event.seq,
          id: work.event.id,
          providerId: "evt_1",
          type: "invoice.paid",
        });
      }),
    );

    it(
      "freezes the request with the first attempt and gives it back with the next",
      withStore(open, async ({ store }) => {
        await deliverables(store, "evt_1", [newDelivery("1")]);
        await store.markAttempt({ delivery: id, attempt: 1, at: START + 200, frozen });
        await store.settleDelivery({
          delivery: id,
          status: "retrying",
          nextAt: START + 900,
          attempt: attempt({ outcome: "retry", httpStatus: 503 }),
        });
        expect(await store.dueDeliveries("crm", START + 899, 10, new Set())).toEqual([]);
        expect(await store.nextDue("crm")).toBe(START + 900);
        const [due] = await store.dueDeliveries("crm", START + 900, 10, new Set());
        expect(due).toMatchObject({ status: "retrying", attempts: 1, frozen, horizonFrom: START + 200 });
      }),
    );

    it(
      "never changes a frozen request",
      withStore(open, async ({ store }) => {
        await deliverables(store, "evt_1", [newDelivery("1")]);
        await store.settleDelivery({ delivery: id, status: "retrying", nextAt: START, frozen });
        await store.settleDelivery({
          delivery: id,
          status: "retrying",
          nextAt: START,
          frozen: { summary: "other", data: {} },
        });
        expect((await store.dueDeliveries("crm", START, 10, new Set()))[0]?.frozen).toEqual(frozen);
      }),
    );

    it(
      "does not offer a delivery that is being sent",
      withStore(open, async ({ store }) => {
        await deliverables(store, "evt_1", [newDelivery("1")]);
        await store.markAttempt({ delivery: id, attempt: 1, at: START, frozen });
        expect(await store.dueDeliveries("crm", START + 1e9, 10, new Set())).toEqual([]);
        expect(await store.nextDue("crm")).toBeUndefined();
      }),
    );

    it(
      "counts no attempt when the connection was at fault",
      withStore(open, async ({ store }) => {
        await deliverables(store, "evt_1", [newDelivery("1")]);
        await store.markAttempt({ delivery: id, attempt: 1, at: START, frozen });
        await store.settleDelivery({
          delivery: id,
          status: "pending",
          nextAt: START + 5,
          attempt: attempt({ outcome: "pause", httpStatus: 401 }),
        });
        expect((await store.dueDeliveries("crm", START + 5, 10, new Set()))[0]).toMatchObject({
          attempts: 0,
          status: "pending",
        });
        expect(await store.openUpserts(customer)).toMatchObject([{ mergeable: false }]);
      }),
    );

    it(
      "merges what was acknowledged, and forgets what a dead delivery leaves in doubt",
      withStore(open, async ({ store }) => {
        await deliverables(store, "evt_1", [newDelivery("1"), newDelivery("2"), newDelivery("3")]);
        await store.settleDelivery({ delivery: id, status: "delivered", acknowledged: { tier: "team", seats: 5 } });
        await store.settleDelivery({
          delivery: "dlv_2" as DeliveryId,
          status: "delivered",
          acknowledged: { seats: 6 },
        });
        expect(await store.acknowledged("crm", customer, "identify")).toEqual({ tier: "team", seats: 6 });
        const dead = deadLetter("1");
        await store.settleDelivery({ delivery: "dlv_3" as DeliveryId, status: "dead", dead, forgotten: ["tier"] });
        expect(await store.acknowledged("crm", customer, "identify")).toEqual({ seats: 6 });
        expect(await store.acknowledged("other", customer, "identify")).toEqual({});
      }),
    );

    it(
      "counts what an attempt came to although its upsert was merged meanwhile",
      withStore(open, async ({ store }) => {
        await deliverables(store, "evt_1", [newDelivery("1")]);
        const merged = [{ delivery: id, into: "dlv_2" as DeliveryId }];
        await store.commitApply(commitOf(await acceptWork(store, "evt_2"), { deliveries: [newDelivery("2")], merged }));
        await store.settleDelivery({
          delivery: id,
          status: "delivered",
          acknowledged: { tier: "team" },
          attempt: attempt(),
        });
        expect(await store.acknowledged("crm", customer, "identify")).toEqual({ tier: "team" });
        expect((await store.story("evt_1"))?.deliveries[0]).toMatchObject({
          delivery: { status: "merged" },
          attempts: [{ attempt: 1 }],
        });
        expect((await store.dueDeliveries("crm", START + 100, 10, new Set())).map((one) => one.id)).toEqual(["dlv_2"]);
      }),
    );

    it(
      "refuses to settle as dead without a dead letter, and leaves the delivery as it was",
      withStore(open, async ({ store }) => {
        await deliverables(store, "evt_1", [newDelivery("1")]);
        await expect(store.settleDelivery({ delivery: id, status: "dead" })).rejects.toMatchObject({ code: "HK4016" });
        expect(await statusOf(store)).toBe("pending");
      }),
    );

    it(
      "refuses a delivery it does not know",
      withStore(open, async ({ store }) => {
        await expect(
          store.settleDelivery({ delivery: "dlv_none" as DeliveryId, status: "delivered" }),
        ).rejects.toMatchObject({ code: "HK4014" });
      }),
    );

    it(
      "turns attempts that a crash cut off into unknown ones, due again, and forgets what the connection had",
      withStore(open, async (under) => {
        await deliverables(under.store, "evt_1", [
          newDelivery("0"),
          newDelivery("1"),
          newDelivery("2", { connection: "sql" }),
        ]);
        await under.store.settleDelivery({
          delivery: "dlv_0" as DeliveryId,
          status: "delivered",
          acknowledged: { tier: "free" },
        });
        await under.store.markAttempt({ delivery: id, attempt: 1, at: START + 200, frozen });
        const { store } = (await under.reopen?.()) ?? under;
        // The sink may still be at work on it for another 50 ms.
        const interrupted = await store.recoverInterrupted(START + 650, { crm: 50, other: 900 });
        expect(interrupted).toMatchObject([{ id, status: "unknown", attempts: 1, nextAt: START + 700, frozen }]);
        expect(await store.dueDeliveries("crm", START + 699, 10, new Set())).toEqual([]);
        expect(await store.acknowledged("crm", customer, "identify")).toEqual({});
        expect((await store.dueDeliveries("crm", START + 700, 10, new Set())).map((one) => one.id)).toEqual([id]);
        expect((await store.story("evt_1"))?.deliveries[1]?.attempts).toMatchObject([
          { attempt: 1, outcome: "unknown", finishedAt: START + 650 },
        ]);
        expect(await store.recoverInterrupted(START + 800)).toEqual([]);
      }),
    );
  });

  describe(`moves of a delivery (${name})`, () => {
    for (const [from, reach] of ways) {
      // A dead delivery moves by its dead letter only, never by a settlement.
      const isOpen = from !== "dead" && DELIVERY_EDGES[from].length > 0;
      const allowed = targets.filter((to) => isOpen && (from === to || DELIVERY_EDGES[from].includes(to)));
      it(
        `lead from ${from} to ${allowed.join(", ") || "nowhere"}`,
        withStore(open, async ({ store }) => {
          const born = targets.map((to) => newDelivery(to, { entity: { type: "customer", key: to } }));
          await deliverables(store, "evt_1", born);
          for (const one of born) await reach(store, one.id);
          const moves = born.map((one, n) => store.settleDelivery(settlementTo(one.id, targets[n] ?? "dead")));
          const refused = (await Promise.allSettled(moves)).map((move) =>
            move.status === "rejected" ? move.reason.code : "moved",
          );
          expect(refused).toEqual(targets.map((to) => (allowed.includes(to) ? "moved" : "HK4013")));
          const stories = (await store.story("evt_1"))?.deliveries.map((one) => one.delivery.status);
          expect(stories).toEqual(targets.map((to) => (allowed.includes(to) ? to : from)));
        }),
      );
    }
  });
}
