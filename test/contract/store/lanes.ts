/** Lanes: within one connection and entity, one after the other; others beside it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeliveryId } from "../../../engine/core/types.ts";
import type { Store } from "../../../engine/store/store.ts";
import { audit, customer, deadLetter, deliverables, newDelivery, START } from "../../support/store-fixtures.ts";
import type { OpenStore } from "../store.contract.ts";
import { withStore } from "./with-store.ts";

const later = START + 1e6;

async function dueIds(store: Store, busy: ReadonlySet<string> = new Set(), limit = 100): Promise<readonly string[]> {
  return (await store.dueDeliveries("crm", later, limit, busy)).map((one) => one.id);
}

export function laneContract(name: string, open: OpenStore): void {
  describe(`lanes (${name})`, () => {
    const other = { type: "customer", key: "cus_2" };

    it(
      "offer the oldest open delivery of each lane only",
      withStore(open, async ({ store }) => {
        await deliverables(store, "evt_1", [newDelivery("1"), newDelivery("2"), newDelivery("3", { entity: other })]);
        expect(await dueIds(store)).toEqual(["dlv_1", "dlv_3"]);
        await store.settleDelivery({ delivery: "dlv_1" as DeliveryId, status: "delivered" });
        expect(await dueIds(store)).toEqual(["dlv_2", "dlv_3"]);
      }),
    );

    it(
      "wait for an earlier delivery that is to be retried later",
      withStore(open, async ({ store }) => {
        await deliverables(store, "evt_1", [newDelivery("1"), newDelivery("2", { kind: "effect", action: "track" })]);
        await store.settleDelivery({ delivery: "dlv_1" as DeliveryId, status: "retrying", nextAt: later + 1 });
        expect(await dueIds(store)).toEqual([]);
        expect(await store.nextDue("crm")).toBe(later + 1);
      }),
    );

    it(
      "go on after a dead delivery",
      withStore(open, async ({ store }) => {
        await deliverables(store, "evt_1", [newDelivery("1"), newDelivery("2")]);
        await store.settleDelivery({ delivery: "dlv_1" as DeliveryId, status: "dead", dead: deadLetter("1") });
        expect(await dueIds(store)).toEqual(["dlv_2"]);
      }),
    );

    it(
      "give a retried dead letter its old place back",
      withStore(open, async ({ store }) => {
        await deliverables(store, "evt_1", [newDelivery("1"), newDelivery("2")]);
        await store.settleDelivery({ delivery: "dlv_1" as DeliveryId, status: "dead", dead: deadLetter("1") });
        await store.retryDeadLetter(deadLetter("1").id, audit());
        expect(await dueIds(store)).toEqual(["dlv_1"]);
      }),
    );

    it(
      "leave out what is in flight, and fill the limit with others",
      withStore(open, async ({ store }) => {
        await deliverables(store, "evt_1", [newDelivery("1"), newDelivery("2", { entity: other })]);
        expect(await dueIds(store, new Set(["customer/cus_1"]), 1)).toEqual(["dlv_2"]);
        expect(await store.nextDue("crm", new Set(["customer/cus_1", "customer/cus_2"]))).toBeUndefined();
      }),
    );

    it(
      "belong to one connection",
      withStore(open, async ({ store }) => {
        await deliverables(store, "evt_1", [newDelivery("1", { connection: "slow" }), newDelivery("2")]);
        expect(await dueIds(store)).toEqual(["dlv_2"]);
        expect(await store.nextDue("nowhere")).toBeUndefined();
      }),
    );

    it(
      "keep their order whatever happens to their deliveries",
      withStore(open, async ({ store }) => {
        const step = fc.record({
          settle: fc.constantFrom("delivered", "retrying", "dead", "superseded"),
          lane: fc.nat(2),
        });
        let run = 0;
        await fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
            const prefix = `run${run++}`;
            const lanes = [0, 1, 2].map((lane) => ({ type: "customer", key: `${prefix}-${lane}` }));
            const born = lanes.flatMap((entity, lane) =>
              [1, 2, 3, 4].map((n) => newDelivery(`${prefix}-${lane}-${n}`, { entity, connection: prefix })),
            );
            await deliverables(store, prefix, born);
            // The model: each lane is a queue whose front leaves when it is done.
            const model = lanes.map((_, lane) => born.slice(lane * 4, lane * 4 + 4).map((one) => one.id));
            for (const { settle, lane } of steps) {
              const front = model[lane]?.[0];
              if (front === undefined) continue;
              const dead = settle === "dead" ? { dead: deadLetter(front) } : {};
              await store.settleDelivery({ delivery: front, status: settle as "delivered", nextAt: START, ...dead });
              if (settle !== "retrying") model[lane]?.shift();
              const due = await store.dueDeliveries(prefix, later, 100, new Set());
              expect(due.map((one) => one.id).sort()).toEqual(model.flatMap((queue) => queue[0] ?? []).sort());
            }
          }),
          { numRuns: 15 },
        );
      }),
    );

    it(
      "offer a lone delivery behind a lane of hundreds",
      withStore(open, async ({ store }) => {
        const many = Array.from({ length: 500 }, (_, n) => newDelivery(`many-${n}`));
        await deliverables(store, "evt_1", [...many, newDelivery("lone", { entity: other })]);
        expect(await dueIds(store)).toEqual(["dlv_many-0", "dlv_lone"]);
        expect(await store.openUpserts(customer)).toHaveLength(500);
      }),
    );
  });
}
