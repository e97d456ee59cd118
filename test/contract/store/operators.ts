/** What operators do: dead letters, pauses, revisions, seeds, retention. */
import { describe, expect, it } from "vitest";
import type { DeadLetterId, DeliveryId } from "../../../engine/core/types.ts";
import {
  accept,
  acceptWork,
  audit,
  commitOf,
  customer,
  deadLetter,
  deliverables,
  entityRecord,
  newDelivery,
  newEvent,
  START,
} from "../../support/store-fixtures.ts";
import type { OpenStore } from "../store.contract.ts";
import { withStore } from "./with-store.ts";

export function operatorContract(name: string, open: OpenStore): void {
  describe(`dead letters (${name})`, () => {
    const letter = deadLetter("1");
    const dead = { status: "dead", dead: letter } as const;

    it(
      "of an event give its work back, beyond every cursor that has passed it",
      withStore(open, async ({ store }) => {
        const work = await acceptWork(store, "evt_1");
        await store.commitApply(commitOf(work, { outcome: dead }));
        expect(await store.retryDeadLetter(letter.id, audit())).toBe(true);
        const [again] = await store.readyWork(work.seq, 10);
        expect(again).toMatchObject({ pipeline: "paid", status: "ready", event: { providerId: "evt_1" } });
        expect((await store.deadLetter(letter.id))?.status).toBe("retried");
        expect((await store.story("evt_1"))?.summary.outcome).toBe("accepted");
        expect(await store.audit(10)).toEqual([audit()]);
      }),
    );

    it(
      "of a delivery make it due at once, with the request that was frozen",
      withStore(open, async ({ store }) => {
        const frozen = { summary: "PUT", data: { body: "1" } };
        await deliverables(store, "evt_1", [newDelivery("1")]);
        await store.settleDelivery({ delivery: "dlv_1" as DeliveryId, status: "dead", frozen, dead: letter });
        expect((await store.deadLetters({ status: "open" }))[0]).toMatchObject({ kind: "delivery", delivery: "dlv_1" });
        expect(await store.retryDeadLetter(letter.id, audit())).toBe(true);
        const [due] = await store.dueDeliveries("crm", START + 500, 10, new Set());
        expect(due).toMatchObject({ id: "dlv_1", status: "retrying", frozen, nextAt: START + 500 });
      }),
    );

    it(
      "count in the backlog, with their age, until they are resolved; so do deliveries until they are done",
      withStore(open, async ({ store }) => {
        expect(await store.backlog()).toEqual({ held: [], deliveries: [], deadLetters: [], replays: 0 });
        await store.commitApply(commitOf(await acceptWork(store, "evt_1"), { outcome: dead }));
        await deliverables(store, "evt_2", [newDelivery("1")]);
        expect(await store.backlog()).toEqual({
          held: [],
          deliveries: [{ connection: "crm", open: 1, keys: 1, blocked: 0 }],
          deadLetters: [{ pipeline: "paid", open: 1, oldestAt: (await store.deadLetters({}))[0]?.createdAt }],
          replays: 0,
        });
        await store.discardDeadLetter(letter.id, audit());
        await store.settleDelivery({ delivery: "dlv_1" as DeliveryId, status: "delivered" });
        expect(await store.backlog()).toEqual({ held: [], deliveries: [], deadLetters: [], replays: 0 });
      }),
    );

    it(
      "can be resolved once, and only if they exist",
      withStore(open, async ({ store }) => {
        await store.commitApply(commitOf(await acceptWork(store, "evt_1"), { outcome: dead }));
        const both = await Promise.all([
          store.retryDeadLetter(letter.id, audit()),
          store.discardDeadLetter(letter.id, audit()),
        ]);
        expect(both).toEqual([true, false]);
        expect(await store.retryDeadLetter("dead_none" as DeadLetterId, audit())).toBe(false);
        expect(await store.audit(10)).toHaveLength(1);
      }),
    );

    it(
      "that are discarded keep the reason and count no more",
      withStore(open, async ({ store }) => {
        await store.commitApply(commitOf(await acceptWork(store, "evt_1"), { outcome: dead }));
        await store.discardDeadLetter(letter.id, audit({ reason: "test event" }));
        expect(await store.deadLetter(letter.id)).toMatchObject({
          status: "discarded",
          resolution: "test event",
          resolvedAt: START + 500,
        });
        expect((await store.counts()).openDeadLetters).toBe(0);
        expect((await store.events({ outcome: "discarded" })).map((event) => event.providerId)).toEqual(["evt_1"]);
      }),
    );

    it(
      "of what could not be read give work to the pipelines that listened",
      withStore(open, async ({ store }) => {
        await store.accept({
          events: [newEvent("x", { unreadable: { code: "HK3010", message: "not JSON" } })],
          pipelines: [["paid", "audit"]],
        });
        const [open] = await store.deadLetters({});
        expect(await store.retryDeadLetter(open?.id ?? letter.id, audit())).toBe(true);
        expect((await store.readyWork(0, 10)).map((item) => item.pipeline)).toEqual(["paid", "audit"]);
      }),
    );

    it(
      "are listed newest first, by status and pipeline",
      withStore(open, async ({ store }) => {
        for (const [n, pipeline] of ["paid", "forms", "paid"].entries()) {
          const one = deadLetter(`${n}`, { createdAt: START + n, pipeline });
          await store.commitApply(
            commitOf(await acceptWork(store, `evt_${n}`), { outcome: { status: "dead", dead: one } }),
          );
        }
        await store.discardDeadLetter(deadLetter("2").id, audit());
        const list = async (filter: Parameters<typeof store.deadLetters>[0]) =>
          (await store.deadLetters(filter)).map((one) => one.id);
        expect(await list({})).toEqual(["dead_2", "dead_1", "dead_0"]);
        expect(await list({ status: "open" })).toEqual(["dead_1", "dead_0"]);
        expect(await list({ status: "open", pipeline: "paid" })).toEqual(["dead_0"]);
        expect(await list({ limit: 1 })).toEqual(["dead_2"]);
      }),
    );
  });

  describe(`operators (${name})`, () => {
    it(
      "pause and resume, each time with an audit row",
      withStore(open, async ({ store }) => {
        const pause = { kind: "connection", name: "crm", since: START, by: "ann", reason: "expired key" } as const;
        await store.setPause(pause, audit({ action: "pause" }));
        expect(await store.pauses()).toEqual([pause]);
        expect(await store.clearPause("connection", "crm", audit({ action: "resume" }))).toBe(true);
        expect(await store.clearPause("connection", "crm", audit())).toBe(false);
        expect(await store.pauses()).toEqual([]);
        expect((await store.audit(10)).map((row) => row.action)).toEqual(["resume", "pause"]);
      }),
    );

    it(
      "find a revision's files by its hash, saved twice or once",
      withStore(open, async ({ store }) => {
        const revision = { hash: "ab", gitCommit: "c0ffee", files: { "config.yaml": "server: {}" }, at: START };
        await store.saveRevision(revision);
        await store.saveRevision({ ...revision, at: START + 1 });
        expect(await store.revision("ab")).toEqual(revision);
        expect(await store.revision("cd")).toBeUndefined();
      }),
    );

    it(
      "seed what is not there and leave alone what is",
      withStore(open, async ({ store }) => {
        await store.commitApply(
          commitOf(await acceptWork(store, "evt_1"), { entities: [{ record: entityRecord(), expected: 0 }] }),
        );
        const known = entityRecord({ attributes: { tier: { value: "free" } } });
        const fresh = entityRecord({ key: "cus_2", ids: { stripe_id: "cus_2" } });
        const records = [known, fresh, fresh, entityRecord({ key: "cus_3", ids: { stripe_id: "cus_1" } })];
        const request = { entity: "customer", records, at: START, audit: audit({ action: "seed" }) };
        expect(await store.seed(request)).toEqual({ created: 1, existing: 2, taken: 1, erased: 0 });
        expect(await store.seed({ ...request, at: START + 1 })).toMatchObject({ created: 0, existing: 3 });
        expect(await store.seeds()).toEqual([{ entity: "customer", at: START + 1, created: 1 }]);
        expect((await store.entity("customer", "cus_1"))?.attributes["tier"]?.value).toBe("team");
        expect(await store.entity("customer", "cus_2")).toMatchObject({ seeded: true, changes: 1 });
        expect((await store.entities("customer", 10)).map((one) => one.key)).toEqual(["cus_1", "cus_2"]);
      }),
    );
  });

  describe(`purge (${name})`, () => {
    const all = { bodiesBefore: START + 1e9, now: START, limit: 100 };

    it(
      "removes bodies of what is done and keeps those that something still needs",
      withStore(open, async ({ store }) => {
        await store.commitApply(commitOf(await acceptWork(store, "done")));
        await acceptWork(store, "ready");
        const letter = deadLetter("1");
        await store.commitApply(
          commitOf(await acceptWork(store, "dead"), { outcome: { status: "dead", dead: letter } }),
        );
        await deliverables(store, "sending", [newDelivery("1")]);
        expect(await store.purge(all)).toMatchObject({ bodies: 1 });
        const purged = [];
        for (const seq of [1, 2, 3, 4]) purged.push((await store.event(seq))?.bodyPurged ?? false);
        expect(purged).toEqual([true, false, false, false]);
        await store.discardDeadLetter(letter.id, audit());
        expect(await store.purge(all)).toMatchObject({ bodies: 1 });
      }),
    );

    it(
      "keeps a shared body while one item of its batch is open",
      withStore(open, async ({ store }) => {
        const body = Buffer.from("[1,2]");
        await store.accept({
          events: [newEvent("a", { body }), newEvent("b", { body, itemIndex: 1 })],
          pipelines: [["paid"], ["paid"]],
        });
        const [first, second] = await store.readyWork(0, 10);
        if (first !== undefined) await store.commitApply(commitOf(first));
        expect((await store.purge(all)).bodies).toBe(0);
        if (second !== undefined) await store.commitApply(commitOf(second));
        expect((await store.purge(all)).bodies).toBe(1);
      }),
    );

    it(
      "removes only what is older",
      withStore(open, async ({ store }) => {
        for (const [name, receivedAt] of [
          ["old", START],
          ["new", START + 10],
        ] as const) {
          await store.commitApply(commitOf(await acceptWork(store, name, { receivedAt })));
        }
        expect((await store.purge({ ...all, bodiesBefore: START + 10 })).bodies).toBe(1);
        expect((await store.event(2))?.bodyPurged).toBeUndefined();
      }),
    );

    it(
      "forgets dedupe keys when their window has ended, a chunk at a time, and no others",
      withStore(open, async ({ store }) => {
        for (let n = 0; n < 50; n++)
          await accept(store, `evt_${n}`, { dedupeUntil: START + (n % 2 === 0 ? 10 : 1000) });
        let keys = 0;
        for (let calls = 0; calls < 100; calls++) {
          const result = await store.purge({ bodiesBefore: 0, now: START + 10, limit: 3 });
          keys += result.keys;
          if (!result.more) break;
        }
        expect(keys).toBe(25);
        expect((await accept(store, "evt_1")).kind).toBe("duplicate");
        expect((await accept(store, "evt_2")).kind).toBe("new");
        expect(await store.entity("customer", customer.key)).toBeUndefined();
      }),
    );
  });
}
