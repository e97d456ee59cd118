/** Intake: dedupe, conflicts, batches, bodies, and the work that accepting makes. */
import { describe, expect, it } from "vitest";
import { accept, acceptWork, newEvent, START, sha256 } from "../../support/store-fixtures.ts";
import type { OpenStore } from "../store.contract.ts";
import { withStore } from "./with-store.ts";

export function intakeContract(name: string, open: OpenStore): void {
  describe(`accept (${name})`, () => {
    it(
      "stores one row when the same event comes 64 times at once",
      withStore(open, async ({ store }) => {
        const results = await Promise.all(Array.from({ length: 64 }, () => accept(store, "evt_1")));
        expect(results.filter((result) => result.kind === "new")).toHaveLength(1);
        expect(results.filter((result) => result.kind === "duplicate")).toHaveLength(63);
        expect((await store.counts()).events).toBe(1);
        expect(await store.readyWork(0, 100)).toHaveLength(1);
        expect((await store.story("evt_1"))?.duplicates).toBe(63);
      }),
    );

    it(
      "names the first event in the answer to a duplicate",
      withStore(open, async ({ store }) => {
        const first = await accept(store, "evt_1");
        const again = await accept(store, "evt_1");
        expect(again).toEqual({ kind: "duplicate", of: first.kind === "new" ? first.id : "" });
      }),
    );

    it(
      "keeps the first body of an id and records the other as a conflict",
      withStore(open, async ({ store }) => {
        await accept(store, "evt_1", { body: Buffer.from("first") });
        const other = await accept(store, "evt_1", { body: Buffer.from("second"), receivedAt: START + 5 });
        const story = await store.story("evt_1");
        expect(other.kind).toBe("conflict");
        expect(Buffer.from(story?.event.body ?? []).toString()).toBe("first");
        expect(story?.conflicts).toEqual([{ receivedAt: START + 5, bodyHash: sha256("second") }]);
        expect(await store.readyWork(0, 100)).toHaveLength(1);
      }),
    );

    it(
      "takes the same id from another source as another event",
      withStore(open, async ({ store }) => {
        await accept(store, "evt_1");
        expect((await accept(store, "evt_1", { source: "stripe-eu" })).kind).toBe("new");
      }),
    );

    it(
      "takes a key again once its window has ended",
      withStore(open, async ({ store }) => {
        await accept(store, "form", { dedupeUntil: START + 600_000 });
        expect((await accept(store, "form", { receivedAt: START + 599_999 })).kind).toBe("duplicate");
        expect((await accept(store, "form", { receivedAt: START + 600_000 })).kind).toBe("new");
        expect((await store.counts()).events).toBe(2);
      }),
    );

    it(
      "stores a batch whole, with one work row for each listening pipeline",
      withStore(open, async ({ store }) => {
        const body = Buffer.from('[{"a":1},{"a":2}]');
        const events = [0, 1].map((itemIndex) =>
          newEvent(`item-${itemIndex}`, { body, itemIndex, bodyHash: sha256(`${itemIndex}`) }),
        );
        const results = await store.accept({ events, pipelines: [["paid", "audit"], ["paid"]] });
        expect(results.map((result) => result.kind)).toEqual(["new", "new"]);
        const work = await store.readyWork(0, 100);
        expect(work.map((item) => [item.pipeline, item.event.itemIndex])).toEqual([
          ["paid", 0],
          ["audit", 0],
          ["paid", 1],
        ]);
        for (const item of work) expect(Buffer.from(item.event.body).equals(body)).toBe(true);
      }),
    );

    it(
      "stores nothing of a batch when one of its items can not be stored",
      withStore(open, async ({ store }) => {
        const good = newEvent("good");
        const bad = newEvent("bad", { id: good.id });
        const neighbour = accept(store, "neighbour");
        await expect(store.accept({ events: [good, bad], pipelines: [["paid"], ["paid"]] })).rejects.toMatchObject({
          code: "HK4012",
        });
        expect((await neighbour).kind).toBe("new");
        expect((await store.counts()).events).toBe(1);
        expect((await accept(store, "good")).kind).toBe("new");
      }),
    );

    it(
      "accepts a batch that holds one item twice",
      withStore(open, async ({ store }) => {
        const twice = [newEvent("twin"), newEvent("twin")];
        const results = await store.accept({ events: twice, pipelines: [["paid"], ["paid"]] });
        expect(results.map((result) => result.kind)).toEqual(["new", "duplicate"]);
      }),
    );

    it(
      "gives every stored field back as it came, the body byte for byte",
      withStore(open, async ({ store }) => {
        const body = Buffer.from([0, 255, 0xed, 0xa0, 0x80, 10, 0]);
        const event = newEvent("bytes", { body, occurredAt: START - 0.5, rank: 2, headers: { "x-topic": "ü\u0000" } });
        await store.accept({ events: [event], pipelines: [[]] });
        const { dedupeUntil, ...rest } = event;
        const stored = await store.event(1);
        expect({ ...stored, body: Buffer.from(stored?.body ?? []) }).toEqual({ ...rest, body, seq: 1 });
        expect(dedupeUntil).toBeGreaterThan(START);
      }),
    );

    it(
      "takes a view into a larger buffer for the bytes it shows",
      withStore(open, async ({ store }) => {
        const pool = Buffer.alloc(65_536, "x");
        pool.write("seen", 100);
        await accept(store, "view", { body: pool.subarray(100, 104) });
        expect(Buffer.from((await store.event(1))?.body ?? []).toString()).toBe("seen");
      }),
    );

    it(
      "keeps what can not be read as a dead letter without work",
      withStore(open, async ({ store }) => {
        const event = newEvent("broken", { unreadable: { code: "HK3010", message: "not JSON" } });
        await store.accept({ events: [event], pipelines: [["paid"]] });
        const [letter] = await store.deadLetters({ status: "open" });
        expect(letter).toMatchObject({
          kind: "event",
          event: event.id,
          code: "HK3010",
          message: "not JSON",
          status: "open",
        });
        expect(await store.readyWork(0, 100)).toEqual([]);
        expect((await store.events({}))[0]?.outcome).toBe("dead_letter");
      }),
    );

    it(
      "hands out ready work in order of receipt, from a cursor on",
      withStore(open, async ({ store }) => {
        for (const id of ["a", "b", "c"]) await accept(store, id);
        const all = await store.readyWork(0, 2);
        expect(all.map((item) => item.event.providerId)).toEqual(["a", "b"]);
        const rest = await store.readyWork(all.at(-1)?.seq ?? 0, 10);
        expect(rest.map((item) => item.event.providerId)).toEqual(["c"]);
      }),
    );

    it(
      "still knows everything after a restart",
      withStore(open, async ({ store, reopen }) => {
        const work = await acceptWork(store, "evt_1");
        if (reopen === undefined) return;
        const again = await reopen();
        expect(await again.store.readyWork(0, 10)).toEqual([work]);
        expect((await accept(again.store, "evt_1")).kind).toBe("duplicate");
      }),
    );
  });
}
