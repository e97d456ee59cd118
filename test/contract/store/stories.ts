/** What `events`, `explain` and `plan` read. */
import { describe, expect, it } from "vitest";
import type { DeliveryId } from "../../../engine/core/types.ts";
import type { EventFilter } from "../../../engine/store/store.ts";
import {
  accept,
  acceptWork,
  commitOf,
  customer,
  deadLetter,
  deliverables,
  newDelivery,
  newEvent,
  START,
} from "../../support/store-fixtures.ts";
import type { OpenStore, StoreUnderTest } from "../store.contract.ts";
import { withStore } from "./with-store.ts";

/** One event of each outcome. */
async function oneOfEach({ store }: StoreUnderTest): Promise<void> {
  await accept(store, "accepted");
  const held = { status: "held", reason: "early", until: START + 1e6, waitsFor: [] } as const;
  await store.commitApply(commitOf(await acceptWork(store, "held"), { outcome: held }));
  await store.commitApply(
    commitOf(await acceptWork(store, "skipped"), { outcome: { status: "skipped", reason: "stale", supersededBy: 1 } }),
  );
  await store.commitApply(
    commitOf(await acceptWork(store, "dead_letter"), { outcome: { status: "dead", dead: deadLetter("1") } }),
  );
  await deliverables(store, "pending", [newDelivery("1")]);
  await deliverables(store, "delivered", [newDelivery("2", { entity: { type: "customer", key: "cus_2" } })]);
  const attempt = {
    attempt: 1,
    startedAt: START + 200,
    finishedAt: START + 350,
    outcome: "delivered",
    detail: "",
  } as const;
  await store.settleDelivery({ delivery: "dlv_2" as DeliveryId, status: "delivered", attempt });
}

export function storyContract(name: string, open: OpenStore): void {
  describe(`events (${name})`, () => {
    it(
      "sum up each event by the worst of its pipelines and deliveries, newest first",
      withStore(open, async (under) => {
        await oneOfEach(under);
        const events = await under.store.events({});
        expect(events.map((event) => event.providerId)).toEqual([
          "delivered",
          "pending",
          "dead_letter",
          "skipped",
          "held",
          "accepted",
        ]);
        for (const event of events) expect(event.outcome).toBe(event.providerId);
      }),
    );

    it(
      "are found by each outcome",
      withStore(open, async (under) => {
        await oneOfEach(under);
        for (const outcome of ["accepted", "held", "skipped", "dead_letter", "pending", "delivered"]) {
          expect((await under.store.events({ outcome })).map((event) => event.providerId)).toEqual([outcome]);
        }
        expect(await under.store.events({ outcome: "no such" })).toEqual([]);
      }),
    );

    it(
      "are found by source, type, pipeline, time and page",
      withStore(open, async ({ store }) => {
        await accept(store, "a", { type: "x" });
        await accept(store, "b", { source: "github", receivedAt: START + 10 });
        await store.accept({ events: [newEvent("c")], pipelines: [["other"]] });
        const found = async (filter: EventFilter) => (await store.events(filter)).map((event) => event.providerId);
        expect(await found({ type: "x" })).toEqual(["a"]);
        expect(await found({ source: "github" })).toEqual(["b"]);
        expect(await found({ pipeline: "other" })).toEqual(["c"]);
        expect(await found({ since: START + 10 })).toEqual(["b"]);
        expect(await found({ limit: 1 })).toEqual(["c"]);
        expect(await found({ before: 3, limit: 1 })).toEqual(["b"]);
      }),
    );

    it(
      "tell the lag from receipt to the last delivery done, and none while something is open",
      withStore(open, async (under) => {
        await oneOfEach(under);
        const [delivered, pending] = await under.store.events({});
        expect(delivered?.lagMs).toBe(350);
        expect(pending?.lagMs).toBeUndefined();
      }),
    );

    it(
      "count what is ready, held, open and dead",
      withStore(open, async (under) => {
        await oneOfEach(under);
        expect(await under.store.counts()).toEqual({
          events: 6,
          ready: 1,
          fetching: 0,
          held: 1,
          openDeliveries: 1,
          openDeadLetters: 1,
          oldestReadyAt: START,
          oldestOpenAt: START,
        });
      }),
    );

    it(
      "are skipped when no pipeline listens",
      withStore(open, async ({ store }) => {
        await store.accept({ events: [newEvent("a")], pipelines: [[]] });
        expect((await store.events({ outcome: "skipped" })).map((event) => event.providerId)).toEqual(["a"]);
      }),
    );
  });

  describe(`story (${name})`, () => {
    it(
      "is found by our id, a start of it, or the provider's id",
      withStore(open, async ({ store }) => {
        const result = await accept(store, "in_123");
        await accept(store, "in_456");
        const id = result.kind === "new" ? result.id : "";
        for (const way of [id, id.slice(0, 14), id.slice(4, 14), "in_123"])
          expect((await store.story(way))?.event.id).toBe(id);
        for (const way of ["evt_", id.slice(0, 7), "in_789", ""]) expect(await store.story(way)).toBeUndefined();
      }),
    );

    it(
      "is not told for a start that two events share",
      withStore(open, async ({ store }) => {
        for (const end of ["1", "2"]) await accept(store, `p${end}`, { id: `evt_abcdefgh${end}` as never });
        expect(await store.story("evt_abcdefgh")).toBeUndefined();
        expect((await store.story("evt_abcdefgh2"))?.event.providerId).toBe("p2");
      }),
    );

    it(
      "has the provider's id also where the dedupe key is another",
      withStore(open, async ({ store }) => {
        await accept(store, "composed", { dedupeKey: "c:a|b" });
        expect((await store.story("composed"))?.event.dedupeKey).toBe("c:a|b");
      }),
    );

    it(
      "tells outcomes, history, deliveries and attempts, the one under way included",
      withStore(open, async ({ store }) => {
        const older = await acceptWork(store, "older");
        const work = await acceptWork(store, "evt_1");
        const history = [
          {
            entity: customer,
            attribute: "tier",
            before: null,
            after: undefined,
            result: "stale",
            supersededBy: older.event.seq,
            note: "late",
          },
        ] as const;
        await store.commitApply(
          commitOf(older, {
            outcome: { status: "skipped", reason: "stale", supersededBy: work.event.seq, detail: { a: 1 } },
          }),
        );
        await store.commitApply(commitOf(work, { history, deliveries: [newDelivery("1")] }));
        await store.markAttempt({
          delivery: "dlv_1" as DeliveryId,
          attempt: 1,
          at: START + 200,
          frozen: { summary: "PUT", data: {} },
        });
        expect((await store.story("older"))?.outcomes).toEqual([
          {
            pipeline: "paid",
            status: "skipped",
            reason: "stale",
            detail: { a: 1 },
            revision: "rev-1",
            at: START + 100,
            supersededBy: work.event.id,
          },
        ]);
        const story = await store.story("evt_1");
        const first = await store.event(1);
        const superseding = { superseding: first?.id, supersedingAt: first?.occurredAt };
        expect(story?.history).toEqual([{ ...history[0], pipeline: "paid", at: START + 100, ...superseding }]);
        expect(story?.deliveries[0]?.delivery.status).toBe("sending");
        expect(story?.deliveries[0]?.attempts).toEqual([
          { delivery: "dlv_1", attempt: 1, at: START + 200, outcome: "sending" },
        ]);
      }),
    );
  });

  describe(`lineage (${name})`, () => {
    it(
      "names event, version and revision of each write of one attribute, newest first",
      withStore(open, async ({ store }) => {
        for (const [n, after] of ["free", "team"].entries()) {
          const rows = [
            { entity: customer, attribute: "tier", before: undefined, after, result: "set" },
            { entity: customer, attribute: "score", before: 1, after: n, result: "computed" },
          ] as const;
          await store.commitApply(commitOf(await acceptWork(store, `evt_${n}`, { rank: n }), { history: rows }));
        }
        await store.saveRevision({ hash: "rev-1", gitCommit: "c0ffee", files: {}, at: START });
        const lineage = await store.lineage(customer, "tier", 10);
        expect(lineage.map((row) => row.after)).toEqual(["team", "free"]);
        expect(lineage[0]).toMatchObject({
          revision: "rev-1",
          gitCommit: "c0ffee",
          eventType: "invoice.paid",
          version: { source: "stripe", time: START - 1000, rank: 1, seq: 2 },
        });
        expect((await store.lineage(customer, "score", 1))[0]?.version).toBeUndefined();
        expect((await store.story("evt_1"))?.outcomes[0]).toMatchObject({ revision: "rev-1", gitCommit: "c0ffee" });
      }),
    );
  });
}
