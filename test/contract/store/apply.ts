/** Apply: one transaction, refused whole when something it stands on has moved. */
import { describe, expect, it } from "vitest";
import type { DeliveryId, EntityRef } from "../../../engine/core/types.ts";
import type { ApplyCommit, WorkItem } from "../../../engine/store/store.ts";
import {
  acceptWork,
  commitOf,
  customer,
  deadLetter,
  entityRecord,
  newDelivery,
  START,
} from "../../support/store-fixtures.ts";
import type { OpenStore } from "../store.contract.ts";
import { withStore } from "./with-store.ts";

export function applyContract(name: string, open: OpenStore): void {
  describe(`commitApply (${name})`, () => {
    it(
      "writes entity, link, history, once mark, delivery and outcome together, and takes the work away",
      withStore(open, async ({ store }) => {
        const mark = { effect: "paid/onboard", entity: customer, values: "" };
        const work = await acceptWork(store, "evt_1");
        const commit = commitOf(work, {
          entities: [{ record: entityRecord({ ids: { stripe_id: "cus_1", clerk_id: "u_1" } }), expected: 0 }],
          history: [
            {
              entity: customer,
              attribute: "tier",
              before: undefined,
              after: "team",
              result: "set",
              mapping: "p.yaml:9",
            },
          ],
          once: [mark],
          deliveries: [newDelivery("1")],
        });
        expect(await store.commitApply(commit)).toEqual({ kind: "ok" });
        expect(await store.entity("customer", "u_1", "clerk_id")).toEqual(
          entityRecord({ ids: { stripe_id: "cus_1", clerk_id: "u_1" } }),
        );
        expect(await store.resolveId("customer", "clerk_id", "u_1")).toBe("cus_1");
        expect(await store.onceMarked([mark, { ...mark, values: "x" }])).toEqual([true, false]);
        expect(await store.dueDeliveries("crm", START + 100, 10, new Set())).toHaveLength(1);
        expect(await store.readyWork(0, 10)).toEqual([]);
        expect((await store.story("evt_1"))?.history).toMatchObject([
          { attribute: "tier", after: "team", before: undefined },
        ]);
      }),
    );

    it(
      "writes nothing when an entity has changed since it was read",
      withStore(open, async ({ store }) => {
        const [first, second] = [await acceptWork(store, "evt_1"), await acceptWork(store, "evt_2")];
        const write = (value: string) => [{ record: entityRecord({ attributes: { tier: { value } } }), expected: 0 }];
        const results = await Promise.all([
          store.commitApply(commitOf(first, { entities: write("team") })),
          store.commitApply(commitOf(second, { entities: write("pro"), deliveries: [newDelivery("late")] })),
        ]);
        expect(results).toEqual([{ kind: "ok" }, { kind: "conflict", entity: customer }]);
        expect((await store.entity("customer", "cus_1"))?.attributes["tier"]?.value).toBe("team");
        expect(await store.readyWork(0, 10)).toHaveLength(1);
        expect((await store.counts()).openDeliveries).toBe(0);
      }),
    );

    it(
      "counts the changes of an entity, so that a read and a write can be compared",
      withStore(open, async ({ store }) => {
        for (const expected of [0, 1, 2]) {
          const work = await acceptWork(store, `evt_${expected}`);
          const write = { record: entityRecord({ changes: expected + 1 }), expected };
          expect(await store.commitApply(commitOf(work, { entities: [write] }))).toEqual({ kind: "ok" });
        }
        expect((await store.entity("customer", "cus_1"))?.changes).toBe(3);
      }),
    );

    it(
      "loses no change when many that read the same entity race",
      withStore(open, async ({ store }) => {
        const works = await Promise.all(Array.from({ length: 24 }, (_, n) => acceptWork(store, `evt_${n}`)));
        const add = async (work: WorkItem): Promise<void> => {
          const stored = await store.entity("customer", "cus_1");
          const expected = stored?.changes ?? 0;
          const count = Number(stored?.attributes["count"]?.value ?? 0) + 1;
          const record = entityRecord({ attributes: { count: { value: count } }, changes: expected + 1 });
          const result = await store.commitApply(commitOf(work, { entities: [{ record, expected }] }));
          if (result.kind === "conflict") await add(work);
        };
        await Promise.all(works.map(add));
        expect(await store.entity("customer", "cus_1")).toMatchObject({
          changes: 24,
          attributes: { count: { value: 24 } },
        });
      }),
    );

    it(
      "refuses an id that belongs to another entity by now",
      withStore(open, async ({ store }) => {
        const taken = entityRecord({ ids: { stripe_id: "cus_1", clerk_id: "u_1" } });
        await store.commitApply(
          commitOf(await acceptWork(store, "evt_1"), { entities: [{ record: taken, expected: 0 }] }),
        );
        const thief = entityRecord({ key: "cus_2", ids: { stripe_id: "cus_2", clerk_id: "u_1" } });
        const result = await store.commitApply(
          commitOf(await acceptWork(store, "evt_2"), { entities: [{ record: thief, expected: 0 }] }),
        );
        expect(result).toEqual({ kind: "conflict", entity: { type: "customer", key: "cus_2" } });
        expect(await store.resolveId("customer", "clerk_id", "u_1")).toBe("cus_1");
      }),
    );

    it(
      "fires a once effect for one of two events only",
      withStore(open, async ({ store }) => {
        const once = [{ effect: "paid/onboard", entity: customer, values: "" }];
        const [first, second] = [await acceptWork(store, "evt_1"), await acceptWork(store, "evt_2")];
        expect(await store.commitApply(commitOf(first, { once }))).toEqual({ kind: "ok" });
        expect(await store.commitApply(commitOf(second, { once }))).toEqual({ kind: "conflict", entity: customer });
      }),
    );

    it(
      "refuses a second result for the same work",
      withStore(open, async ({ store }) => {
        const work = await acceptWork(store, "evt_1");
        await store.commitApply(commitOf(work));
        await expect(store.commitApply(commitOf(work))).rejects.toMatchObject({ code: "HK4015" });
      }),
    );

    it(
      "undoes only the commit that fails among those that share its transaction",
      withStore(open, async ({ store }) => {
        const works = [
          await acceptWork(store, "a"),
          await acceptWork(store, "b"),
          await acceptWork(store, "c"),
        ] as const;
        const results = await Promise.allSettled([
          store.commitApply(commitOf(works[0], { deliveries: [newDelivery("same")] })),
          store.commitApply(commitOf(works[1], { deliveries: [newDelivery("other"), newDelivery("same")] })),
          store.commitApply(commitOf(works[2], { deliveries: [newDelivery("third")] })),
        ]);
        expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
        expect((await store.readyWork(0, 10)).map((item) => item.event.providerId)).toEqual(["b"]);
        expect((await store.counts()).openDeliveries).toBe(2);
      }),
    );

    it(
      "gives entities and their children as one snapshot",
      withStore(open, async ({ store }) => {
        const child = (key: string) => entityRecord({ type: "subscription", key, ids: { id: key }, parent: customer });
        const entities = [entityRecord(), child("sub_2"), child("sub_1")].map((record) => ({ record, expected: 0 }));
        await store.commitApply(commitOf(await acceptWork(store, "evt_1"), { entities }));
        const missing: EntityRef = { type: "customer", key: "none" };
        const snapshot = await store.snapshot([customer, missing], [{ parent: customer, childType: "subscription" }]);
        expect([...snapshot.entities.keys()]).toEqual(["customer/cus_1"]);
        expect(snapshot.children.get("customer/cus_1")?.map((one) => one.key)).toEqual(["sub_1", "sub_2"]);
      }),
    );

    it(
      "lets go of an id that an entity no longer has",
      withStore(open, async ({ store }) => {
        const commit = async (event: string, ids: Record<string, string>, expected: number) =>
          store.commitApply(
            commitOf(await acceptWork(store, event), { entities: [{ record: entityRecord({ ids }), expected }] }),
          );
        await commit("evt_1", { stripe_id: "cus_1", clerk_id: "old" }, 0);
        await commit("evt_2", { stripe_id: "cus_1", clerk_id: "new" }, 1);
        expect(await store.resolveId("customer", "clerk_id", "old")).toBeUndefined();
        expect(await store.resolveId("customer", "clerk_id", "new")).toBe("cus_1");
      }),
    );
  });

  describe(`held work (${name})`, () => {
    const held = (waitsFor: readonly EntityRef[], until = START + 900_000): Pick<ApplyCommit, "outcome"> => ({
      outcome: { status: "held", reason: "no parent yet", until, waitsFor },
    });

    it(
      "is found by the entity it waits for, and by no other",
      withStore(open, async ({ store }) => {
        await store.commitApply(commitOf(await acceptWork(store, "evt_1"), held([customer])));
        expect(await store.readyWork(0, 10)).toEqual([]);
        const found = await store.heldWork({ entity: customer, limit: 10 });
        expect(found).toMatchObject([{ status: "held", holdReason: "no parent yet", heldSince: START + 100 }]);
        expect(await store.heldWork({ entity: { type: "customer", key: "cus_2" }, limit: 10 })).toEqual([]);
      }),
    );

    it(
      "is found by whoever gets the id it waits for",
      withStore(open, async ({ store }) => {
        await store.commitApply(
          commitOf(await acceptWork(store, "evt_1"), held([{ type: "customer", key: "@clerk_id=u_1" }])),
        );
        expect(await store.heldWork({ entity: customer, limit: 10 })).toEqual([]);
        const record = entityRecord({ ids: { stripe_id: "cus_1", clerk_id: "u_1" } });
        await store.commitApply(commitOf(await acceptWork(store, "evt_2"), { entities: [{ record, expected: 0 }] }));
        expect(await store.heldWork({ entity: customer, limit: 10 })).toHaveLength(1);
      }),
    );

    it(
      "is found when its window has ended, and the next end is known",
      withStore(open, async ({ store }) => {
        await store.commitApply(commitOf(await acceptWork(store, "evt_1"), held([customer], START + 2000)));
        await store.commitApply(commitOf(await acceptWork(store, "evt_2"), held([customer], START + 1000)));
        expect(await store.nextHoldEnd()).toBe(START + 1000);
        expect(await store.heldWork({ endedBy: START + 999, limit: 10 })).toEqual([]);
        const ended = await store.heldWork({ endedBy: START + 1000, limit: 10 });
        expect(ended.map((item) => item.event.providerId)).toEqual(["evt_2"]);
      }),
    );

    it(
      "keeps the moment it was first held when it is held again",
      withStore(open, async ({ store }) => {
        const work = await acceptWork(store, "evt_1");
        await store.commitApply(commitOf(work, held([customer])));
        await store.commitApply(commitOf(work, { ...held([{ type: "customer", key: "cus_2" }]), at: START + 50_000 }));
        expect(await store.heldWork({ entity: customer, limit: 10 })).toEqual([]);
        expect(await store.heldWork({ entity: { type: "customer", key: "cus_2" }, limit: 10 })).toMatchObject([
          { heldSince: START + 100 },
        ]);
      }),
    );

    it(
      "is gone once it is applied, with what it waited for",
      withStore(open, async ({ store }) => {
        const work = await acceptWork(store, "evt_1");
        await store.commitApply(commitOf(work, held([customer])));
        expect(await store.commitApply(commitOf(work))).toEqual({ kind: "ok" });
        expect(await store.heldWork({ entity: customer, endedBy: START + 1e9, limit: 10 })).toEqual([]);
        expect(await store.nextHoldEnd()).toBeUndefined();
      }),
    );

    it(
      "ends as a dead letter that says why",
      withStore(open, async ({ store }) => {
        const work = await acceptWork(store, "evt_1");
        await store.commitApply(commitOf(work, held([customer])));
        await store.commitApply(commitOf(work, { outcome: { status: "dead", dead: deadLetter("1") } }));
        expect(await store.deadLetters({ status: "open" })).toMatchObject([
          { kind: "event", code: "HK2001", pipeline: "paid" },
        ]);
        expect((await store.counts()).held).toBe(0);
      }),
    );
  });

  describe(`merging (${name})`, () => {
    it(
      "lets a new upsert take over a pending one, and follows chains to the last",
      withStore(open, async ({ store }) => {
        const merges: readonly [string, string | undefined][] = [
          ["1", undefined],
          ["2", "1"],
          ["3", "2"],
        ];
        for (const [id, from] of merges) {
          const merged =
            from === undefined ? [] : [{ delivery: `dlv_${from}` as DeliveryId, into: `dlv_${id}` as DeliveryId }];
          const work = await acceptWork(store, `evt_${id}`);
          expect(await store.commitApply(commitOf(work, { deliveries: [newDelivery(id)], merged }))).toEqual({
            kind: "ok",
          });
        }
        expect((await store.dueDeliveries("crm", START + 100, 10, new Set())).map((one) => one.id)).toEqual(["dlv_3"]);
        const first = await store.story("evt_1");
        expect(first?.deliveries[0]).toMatchObject({ delivery: { status: "merged" }, mergedInto: "dlv_3" });
        expect(first?.summary.outcome).toBe("pending");
      }),
    );

    it(
      "refuses to merge what has been attempted since it was read",
      withStore(open, async ({ store }) => {
        const work = await acceptWork(store, "evt_1");
        await store.commitApply(commitOf(work, { deliveries: [newDelivery("1")] }));
        expect(await store.openUpserts(customer)).toMatchObject([{ id: "dlv_1", mergeable: true }]);
        await store.markAttempt({
          delivery: "dlv_1" as DeliveryId,
          attempt: 1,
          at: START,
          frozen: { summary: "PUT", data: {} },
        });
        expect(await store.openUpserts(customer)).toMatchObject([{ id: "dlv_1", mergeable: false }]);
        const merged = [{ delivery: "dlv_1" as DeliveryId, into: "dlv_2" as DeliveryId }];
        const result = await store.commitApply(
          commitOf(await acceptWork(store, "evt_2"), { deliveries: [newDelivery("2")], merged }),
        );
        expect(result).toEqual({ kind: "conflict" });
        expect((await store.counts()).openDeliveries).toBe(1);
      }),
    );

    it(
      "keeps an upsert in place when an effect behind it waits for it",
      withStore(open, async ({ store }) => {
        const effect = newDelivery("track", { kind: "effect", action: "track" });
        await store.commitApply(commitOf(await acceptWork(store, "evt_1"), { deliveries: [newDelivery("1"), effect] }));
        expect(await store.openUpserts(customer)).toMatchObject([{ id: "dlv_1", mergeable: false }]);
      }),
    );
  });
}
